/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_CONFIG_VALUE_H
#define QUEZTL_CONFIG_VALUE_H

#include <sys/types.h>

#include "config.h"

/*
 * A value, or one word of a list, in the canonical form: two that mean the same are
 * equal. The result is to be freed; NULL if the value is invalid.
 */
char *make_canonical(enum setting_index setting, const char *value);

/* What a setting takes, for a message. */
const char *describe_values(enum setting_index setting);

/* To be freed; a number if there is no such user. */
char *user_name(uid_t user);

/* Of "10,20-29"; to be freed, NULL if it is invalid. */
char *make_vlan_ids(const char *ids, const char *native);

/* The canonical VLAN setting of a port. To be freed. */
char *vlan_words(const struct queztl_port_vlan *vlan);

#endif /* QUEZTL_CONFIG_VALUE_H */
