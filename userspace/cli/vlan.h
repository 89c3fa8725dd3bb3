/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_VLAN_H
#define QUEZTL_VLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <queztl.h>

#define VLAN_ROOM	128

bool parse_vlan_id(const char *text, uint16_t *id);

/* "10,20-29": sets vlan->ids. */
bool parse_vlan_ids(const char *text, struct queztl_port_vlan *vlan);

bool has_vlan(const struct queztl_port_vlan *vlan, unsigned int id);

/* "10,20-29"; ends in "..." if there is less than VLAN_IDS_ROOM for it. */
#define VLAN_IDS_ROOM	(3 * 4096)
void format_vlan_ids(char *buffer, size_t size,
		     const struct queztl_port_vlan *vlan);

/* "access 10", "trunk 10,20-29, native 10", "none"; long lists end in "...". */
const char *format_vlan(char buffer[VLAN_ROOM],
			const struct queztl_port_vlan *vlan);

json_t *vlan_json(const struct queztl_port_vlan *vlan);

#endif /* QUEZTL_VLAN_H */
