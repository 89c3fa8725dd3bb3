// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "json.h"
#include "macs.h"

/* Six bytes in hexadecimal, not those of a group and not all zero. */
static bool parse_mac(const char *text, struct queztl_mac *mac)
{
	static const struct queztl_mac none;
	unsigned int byte[6];
	int end = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1],
		   &byte[2], &byte[3], &byte[4], &byte[5], &end) != 6 ||
	    text[end] || strspn(text, "0123456789abcdefABCDEF:") != (size_t)end)
		return false;
	for (int i = 0; i < 6; i++)
		mac->addr[i] = byte[i];
	return !(byte[0] & 1) && memcmp(mac, &none, sizeof(none));
}

static bool has_mac(const struct queztl_mac *macs, uint32_t count,
		    const struct queztl_mac *mac)
{
	for (uint32_t i = 0; i < count; i++)
		if (!memcmp(&macs[i], mac, sizeof(*mac)))
			return true;
	return false;
}

bool parse_mac_list(const char *text, struct queztl_mac macs[QUEZTL_MACS_MAX],
		    uint32_t *count)
{
	char *copy = strdup(text), *rest = copy, *word;
	bool good = copy;

	*count = 0;
	while (good && (word = strsep(&rest, ","))) {
		good = *count < QUEZTL_MACS_MAX &&
		       parse_mac(word, &macs[*count]) &&
		       !has_mac(macs, *count, &macs[*count]);
		*count += good;
	}
	free(copy);
	return good;
}

const char *describe_macs(uint32_t mode)
{
	return mode == QUEZTL_MACS_NONE ? "none" :
	       mode == QUEZTL_MACS_LIST ? "list" : "any";
}

json_t *macs_json(int fd, uint64_t port)
{
	struct queztl_mac mac = { 0 };
	struct queztl_port_macs macs;
	json_t *object, *list;
	char text[MAC_ROOM];

	if (queztl_port_macs_get(fd, port, &macs))
		return json_null();
	object = json_object();
	list = json_array();
	while (!queztl_mac_next(fd, port, &mac))
		json_array_append_new(list, json_string(format_mac(text,
								   mac.addr)));
	set_text(object, "mode", describe_macs(macs.mode));
	set_json(object, "addresses", list);
	return object;
}
