// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "config_value.h"
#include "format.h"
#include "macs.h"
#include "memory.h"
#include "options.h"
#include "portdev.h"
#include "rate.h"
#include "vlan.h"

static char *copy(const char *text)
{
	char *copied = strdup(text);

	if (!copied)
		out_of_memory();
	return copied;
}

static char *choose(const char *value, const char *one, const char *other)
{
	return strcmp(value, one) && strcmp(value, other) ? NULL : copy(value);
}

static char *make_number(const char *value, uint64_t least, uint64_t most)
{
	uint64_t number;
	char text[24];

	if (!parse_number(value, least, most, &number))
		return NULL;
	snprintf(text, sizeof(text), "%" PRIu64, number);
	return copy(text);
}

static char *make_rate(const char *value)
{
	char text[RATE_ROOM];
	uint64_t bytes;

	if (!parse_rate(value, &bytes))
		return NULL;
	return copy(format_rate(text, bytes));
}

static char *make_mac(const char *value)
{
	struct queztl_mac macs[QUEZTL_MACS_MAX];
	char text[MAC_ROOM];
	uint32_t count;

	if (strchr(value, ',') || !parse_mac_list(value, macs, &count))
		return NULL;
	return copy(format_mac(text, macs[0].addr));
}

static char *make_address(const char *value)
{
	char text[ADDRESS_ROOM];
	struct address address;

	if (parse_address(value, &address) != ADDRESS_GOOD)
		return NULL;
	return copy(format_address(text, &address));
}

char *user_name(uid_t user)
{
	const struct passwd *entry = getpwuid(user);
	char number[16];

	if (entry)
		return copy(entry->pw_name);
	snprintf(number, sizeof(number), "%" PRIu32, (uint32_t)user);
	return copy(number);
}

static char *make_owner(const char *value)
{
	const struct passwd *entry = getpwnam(value);
	uint64_t number;

	if (entry)
		return user_name(entry->pw_uid);
	if (!parse_number(value, 0, UINT32_MAX - 1, &number))
		return NULL;
	return user_name(number);
}

static char *make_vlan(const char *value)
{
	char words[sizeof("vlan ") + 5];
	uint16_t id;

	if (!strcmp(value, "none"))
		return copy("vlan none");
	if (!parse_vlan_id(value, &id))
		return NULL;
	snprintf(words, sizeof(words), "vlan %u", id);
	return copy(words);
}

char *vlan_words(const struct queztl_port_vlan *vlan)
{
	char *words = grow(NULL, VLAN_IDS_ROOM + sizeof("trunk  native 4094"));
	size_t at;

	if (vlan->mode == QUEZTL_VLAN_NONE) {
		strcpy(words, "vlan none");
	} else if (vlan->mode == QUEZTL_VLAN_ACCESS) {
		sprintf(words, "vlan %u", vlan->native);
	} else {
		at = sprintf(words, "trunk ");
		format_vlan_ids(words + at, VLAN_IDS_ROOM, vlan);
		if (vlan->native)
			sprintf(words + strlen(words), " native %u",
				vlan->native);
	}
	return words;
}

char *make_vlan_ids(const char *ids, const char *native)
{
	struct queztl_port_vlan vlan = { .mode = QUEZTL_VLAN_TRUNK };
	uint16_t id;

	if (!parse_vlan_ids(ids, &vlan))
		return NULL;
	if (native) {
		if (!parse_vlan_id(native, &id))
			return NULL;
		vlan.native = id;
		vlan.ids[id / 64] |= 1ULL << id % 64;
	}
	return vlan_words(&vlan);
}

static char *make_name(const char *value)
{
	return is_port_name(value) ? copy(value) : NULL;
}

static bool is_none(const char *value)
{
	return !strcmp(value, "none");
}

char *make_canonical(enum setting_index setting, const char *value)
{
	switch (setting) {
	case MODE:
		return choose(value, "open", "deny");
	case RESERVED:
		return choose(value, "forward", "drop");
	case LINK:
		return choose(value, "up", "down");
	case MIGRATABLE:
	case UPLINK:
		return choose(value, "yes", "no");
	case FOR:
		return choose(value, "vm", "host");
	case OWNER:
		return make_owner(value);
	case MAC:
		return make_mac(value);
	case MACS:
		return is_none(value) || !strcmp(value, "any") ? copy(value) :
								 make_mac(value);
	case MTU:
		return make_number(value, 68, 65535);
	case PAIRS:
		return make_number(value, 1, 16);
	case RATE:
		return is_none(value) ? copy(value) : make_rate(value);
	case PPS:
		return is_none(value) ? copy(value) :
					make_number(value, 1, 1000000000);
	case FLOOD:
		return make_number(value, 1, 1000000);
	case VLAN:
		return make_vlan(value);
	case ADDRESSES:
		return make_address(value);
	default:	/* names of objects */
		return make_name(value);
	}
}

const char *describe_values(enum setting_index setting)
{
	static const char *const values[SETTING_COUNT] = {
		[MODE] = "open or deny",
		[RESERVED] = "forward or drop",
		[OF_FABRIC] = "the name of a fabric",
		[MAC] = "a unicast MAC address such as 52:54:00:00:00:01",
		[MTU] = "68 to 65535",
		[PAIRS] = "a number of queue pairs, 1 to 16",
		[MIGRATABLE] = "yes or no",
		[FOR] = "vm or host",
		[OWNER] = "the name or number of a user",
		[RATE] = "a rate such as 100mbit or 10mbps, at least 8kbit, or none",
		[PPS] = "packets per second, 1 to 1000000000, or none",
		[FLOOD] = "frames per second, 1 to 1000000",
		[LINK] = "up or down",
		[VLAN] = "a VLAN, 1 to 4094, or none",
		[MACS] = "any, none, or a list of unicast MAC addresses",
		[UPLINK] = "yes or no",
		[MIRROR] = "the name of a port, or none",
		[ADDRESSES] = "a list of addresses such as 10.0.0.1 or fd00::/64",
		[PEERS] = "a list of names of ports",
	};

	return values[setting];
}
