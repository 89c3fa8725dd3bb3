// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "options.h"
#include "vlan.h"

#define IDS	4096
#define LAST_ID	4094

bool parse_vlan_id(const char *text, uint16_t *id)
{
	uint64_t number;

	if (!parse_number(text, 1, LAST_ID, &number))
		return false;
	*id = number;
	return true;
}

bool has_vlan(const struct queztl_port_vlan *vlan, unsigned int id)
{
	return vlan->ids[id / 64] >> id % 64 & 1;
}

/* "10" or "20-29"; text is changed. */
static bool parse_range(char *text, struct queztl_port_vlan *vlan)
{
	char *dash = strchr(text, '-');
	uint16_t first, last;

	if (dash)
		*dash = '\0';
	if (!parse_vlan_id(text, &first) ||
	    !parse_vlan_id(dash ? dash + 1 : text, &last) || last < first)
		return false;
	for (unsigned int id = first; id <= last; id++)
		vlan->ids[id / 64] |= 1ULL << id % 64;
	return true;
}

bool parse_vlan_ids(const char *text, struct queztl_port_vlan *vlan)
{
	char *copy = strdup(text), *rest = copy, *range;
	bool good = copy;

	while (good && (range = strsep(&rest, ",")))
		good = parse_range(range, vlan);
	free(copy);
	return good;
}

static unsigned int end_of_range(const struct queztl_port_vlan *vlan,
				 unsigned int first)
{
	unsigned int last = first;

	while (last + 1 < IDS && has_vlan(vlan, last + 1))
		last++;
	return last;
}

static int format_range(char *to, size_t size, bool more, unsigned int first,
			unsigned int last)
{
	if (first == last)
		return snprintf(to, size, "%s%u", more ? "," : "", first);
	return snprintf(to, size, "%s%u-%u", more ? "," : "", first, last);
}

void format_vlan_ids(char *buffer, size_t size,
		     const struct queztl_port_vlan *vlan)
{
	size_t at = 0;

	for (unsigned int id = 1; id < IDS; id++) {
		unsigned int last;

		if (!has_vlan(vlan, id))
			continue;
		if (size - at < sizeof(",4094-4094,..."))
			break;
		last = end_of_range(vlan, id);
		at += format_range(buffer + at, size - at, at, id, last);
		id = last;
		if (size - at < sizeof(",4094-4094,...") && id < LAST_ID) {
			snprintf(buffer + at, size - at, ",...");
			break;
		}
	}
}

const char *format_vlan(char buffer[VLAN_ROOM],
			const struct queztl_port_vlan *vlan)
{
	char ids[VLAN_ROOM - sizeof("trunk , native 4094")] = "";

	format_vlan_ids(ids, sizeof(ids), vlan);
	switch (vlan->mode) {
	case QUEZTL_VLAN_NONE:
		return "none";
	case QUEZTL_VLAN_ACCESS:
		snprintf(buffer, VLAN_ROOM, "access %u", vlan->native);
		break;
	default:
		if (vlan->native)
			snprintf(buffer, VLAN_ROOM, "trunk %s, native %u", ids,
				 vlan->native);
		else
			snprintf(buffer, VLAN_ROOM, "trunk %s", ids);
	}
	return buffer;
}

static const char *mode_name(uint16_t mode)
{
	return mode == QUEZTL_VLAN_NONE ? "none" :
	       mode == QUEZTL_VLAN_ACCESS ? "access" : "trunk";
}

json_t *vlan_json(const struct queztl_port_vlan *vlan)
{
	json_t *object = json_object(), *ids = json_array();

	for (unsigned int id = 1; id < IDS; id++)
		if (has_vlan(vlan, id))
			json_array_append_new(ids, json_integer(id));
	set_text(object, "mode", mode_name(vlan->mode));
	if (vlan->native)
		set_count(object, "native", vlan->native);
	else
		set_json(object, "native", json_null());
	set_json(object, "ids", ids);
	return object;
}
