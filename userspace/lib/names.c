// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "queztl.h"

static const struct {
	const char *name;
	const char *text;
} drops[QUEZTL_DROP_REASONS] = {
	[QUEZTL_DROP_RUNT]	 = { "runt",
		"shorter than an Ethernet header" },
	[QUEZTL_DROP_TOO_BIG]	 = { "too_big",
		"longer than the port's MTU allows" },
	[QUEZTL_DROP_BAD_HEADER] = { "bad_header",
		"asks for an offload that was not negotiated" },
	[QUEZTL_DROP_SPOOFED]	 = { "spoofed",
		"the port may not send from this MAC address" },
	[QUEZTL_DROP_NO_PORT]	 = { "no_port",
		"no port has the destination address" },
	[QUEZTL_DROP_RATE]	 = { "rate",
		"a rate of the port was exceeded" },
	[QUEZTL_DROP_BAD_RING]	 = { "bad_ring",
		"the sender's ring is malformed" },
	[QUEZTL_DROP_DOWN]	 = { "down",
		"the receiver's driver is not ready" },
	[QUEZTL_DROP_FULL]	 = { "full",
		"the receiver has no free buffers" },
	[QUEZTL_DROP_NO_SPACE]	 = { "no_space",
		"the receiver's buffer is too small" },
	[QUEZTL_DROP_RX_BROKEN]	 = { "rx_broken",
		"the receiver's ring is malformed" },
	[QUEZTL_DROP_DENIED]	 = { "denied",
		"the destination is not a peer of the port" },
	[QUEZTL_DROP_FOREIGN]	 = { "foreign",
		"the port may not send from this IP address" },
	[QUEZTL_DROP_LINK_DOWN]	 = { "link_down",
		"the link of the port is down" },
	[QUEZTL_DROP_VLAN]	 = { "vlan",
		"the port or the destination is in another VLAN" },
};

struct name {
	uint64_t value;
	const char *name;
};

/* The tables end with an entry without a name. */
static const struct name features[] = {
	{ QUEZTL_F_FABRIC, "fabric" },
	{ QUEZTL_F_DIRECT, "direct" },
	{ QUEZTL_F_CHANNEL, "channel" },
	{ QUEZTL_F_SCHED, "sched" },
	{ QUEZTL_F_POLICY, "policy" },
	{ 0 },
};

static const struct name fabric_modes[] = {
	{ 0, "open" },
	{ QUEZTL_FABRIC_DENY, "deny" },
	{ QUEZTL_FABRIC_RESERVED, "reserved" },
	{ 0 },
};

static const struct name port_states[] = {
	{ QUEZTL_PORT_OPEN, "open" },
	{ QUEZTL_PORT_UP, "up" },
	{ QUEZTL_PORT_BROKEN, "broken" },
	{ QUEZTL_PORT_NO_WORKER, "no_worker" },
	{ QUEZTL_PORT_DELETED, "deleted" },
	{ 0 },
};

static const char *name_of(const struct name *entry, uint64_t value)
{
	while (entry->name && entry->value != value)
		entry++;
	return entry->name;
}

static int value_of(const struct name *entry, const char *name,
		    uint64_t *value)
{
	for (; entry->name; entry++)
		if (!strcmp(entry->name, name)) {
			*value = entry->value;
			return 0;
		}
	return -ENOENT;
}

static int value32_of(const struct name *entry, const char *name,
		      uint32_t *value)
{
	uint64_t found;
	int ret = value_of(entry, name, &found);

	if (!ret)
		*value = found;
	return ret;
}

const char *queztl_version(void)
{
	return LIBQUEZTL_VERSION;
}

const char *queztl_feature_name(uint64_t feature)
{
	return name_of(features, feature);
}

int queztl_feature_value(const char *name, uint64_t *feature)
{
	return value_of(features, name, feature);
}

const char *queztl_fabric_mode_name(uint32_t mode)
{
	return name_of(fabric_modes, mode);
}

int queztl_fabric_mode_value(const char *name, uint32_t *mode)
{
	return value32_of(fabric_modes, name, mode);
}

const char *queztl_port_state_name(uint32_t state)
{
	return name_of(port_states, state);
}

int queztl_port_state_value(const char *name, uint32_t *state)
{
	return value32_of(port_states, name, state);
}

const char *queztl_drop_name(unsigned int drop)
{
	return drop < QUEZTL_DROP_REASONS ? drops[drop].name : NULL;
}

const char *queztl_drop_text(unsigned int drop)
{
	return drop < QUEZTL_DROP_REASONS ? drops[drop].text : NULL;
}

int queztl_drop_value(const char *name, unsigned int *drop)
{
	for (unsigned int i = 0; i < QUEZTL_DROP_REASONS; i++)
		if (!strcmp(drops[i].name, name)) {
			*drop = i;
			return 0;
		}
	return -ENOENT;
}
