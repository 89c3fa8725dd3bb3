// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stddef.h>

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

const char *queztl_drop_name(unsigned int drop)
{
	return drop < QUEZTL_DROP_REASONS ? drops[drop].name : NULL;
}

const char *queztl_drop_text(unsigned int drop)
{
	return drop < QUEZTL_DROP_REASONS ? drops[drop].text : NULL;
}

const char *queztl_version(void)
{
	return LIBQUEZTL_VERSION;
}

const char *queztl_feature_name(uint64_t feature)
{
	switch (feature) {
	case QUEZTL_F_FABRIC:
		return "fabric";
	case QUEZTL_F_DIRECT:
		return "direct";
	case QUEZTL_F_CHANNEL:
		return "channel";
	case QUEZTL_F_SCHED:
		return "sched";
	case QUEZTL_F_POLICY:
		return "policy";
	}
	return NULL;
}

const char *queztl_fabric_mode_name(uint32_t mode)
{
	switch (mode) {
	case 0:
		return "open";
	case QUEZTL_FABRIC_DENY:
		return "deny";
	}
	return NULL;
}

const char *queztl_port_state_name(uint32_t state)
{
	switch (state) {
	case QUEZTL_PORT_OPEN:
		return "open";
	case QUEZTL_PORT_UP:
		return "up";
	case QUEZTL_PORT_BROKEN:
		return "broken";
	case QUEZTL_PORT_NO_WORKER:
		return "no_worker";
	case QUEZTL_PORT_DELETED:
		return "deleted";
	}
	return NULL;
}
