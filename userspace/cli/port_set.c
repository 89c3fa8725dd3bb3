// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include <queztl.h>

#include "fail.h"
#include "json.h"
#include "lookup.h"
#include "macs.h"
#include "options.h"
#include "port.h"
#include "rate.h"
#include "vlan.h"

#define MOST_PACKETS	1000000000
#define MOST_FLOOD	1000000

/* What is to change, and only that. */
struct change {
	struct queztl_port_rates rates;
	bool link;
	bool link_down;
	bool has_vlan;
	struct queztl_port_vlan vlan;
	uint16_t native;
	bool has_macs;
	uint32_t macs_mode;
	struct queztl_mac macs[QUEZTL_MACS_MAX];
	uint32_t mac_count;
};

typedef bool parse_fn(const char *value, struct change *change);

static bool parse_bytes(const char *value, struct change *change)
{
	uint64_t number = 0;

	if (strcmp(value, "none") && !parse_rate(value, &number))
		return false;
	change->rates.tx_bytes = number;
	change->rates.set |= QUEZTL_PORT_TX_BYTES;
	return true;
}

static bool parse_packets(const char *value, struct change *change)
{
	uint64_t number = 0;

	if (strcmp(value, "none") &&
	    !parse_number(value, 1, MOST_PACKETS, &number))
		return false;
	change->rates.tx_packets = number;
	change->rates.set |= QUEZTL_PORT_TX_PACKETS;
	return true;
}

static bool parse_flood(const char *value, struct change *change)
{
	uint64_t number;

	if (!parse_number(value, 1, MOST_FLOOD, &number))
		return false;
	change->rates.flood = number;
	change->rates.set |= QUEZTL_PORT_FLOOD;
	return true;
}

static bool parse_link(const char *value, struct change *change)
{
	change->link = true;
	change->link_down = !strcmp(value, "down");
	return change->link_down || !strcmp(value, "up");
}

static bool parse_vlan(const char *value, struct change *change)
{
	change->has_vlan = true;
	if (!strcmp(value, "none"))
		return true;
	change->vlan.mode = QUEZTL_VLAN_ACCESS;
	return parse_vlan_id(value, &change->vlan.native) &&
	       parse_vlan_ids(value, &change->vlan);
}

static bool parse_trunk(const char *value, struct change *change)
{
	change->has_vlan = true;
	change->vlan.mode = QUEZTL_VLAN_TRUNK;
	return parse_vlan_ids(value, &change->vlan);
}

static bool parse_native(const char *value, struct change *change)
{
	return parse_vlan_id(value, &change->native);
}

static bool parse_macs(const char *value, struct change *change)
{
	change->has_macs = true;
	if (!strcmp(value, "none"))
		return true;
	change->macs_mode = QUEZTL_MACS_ANY;
	if (!strcmp(value, "any"))
		return true;
	change->macs_mode = QUEZTL_MACS_LIST;
	return parse_mac_list(value, change->macs, &change->mac_count);
}

static const struct setting {
	const char *name;
	parse_fn *parse;
	const char *takes;
} settings[] = {
	{ "rate", parse_bytes,
	  "bits per second such as 100mbit (bit, kbit, mbit, gbit), bytes per second such as 10mbps (bps, kbps, mbps, gbps), at least 8kbit, or none" },
	{ "pps", parse_packets,
	  "packets per second, 1 to 1000000000, or none" },
	{ "flood", parse_flood,
	  "broadcast and multicast frames per second, 1 to 1000000" },
	{ "link", parse_link, "up or down" },
	{ "vlan", parse_vlan, "a VLAN, 1 to 4094, or none" },
	{ "trunk", parse_trunk, "VLANs such as 10,20-29, of 1 to 4094" },
	{ "native", parse_native, "a VLAN, 1 to 4094" },
	{ "macs", parse_macs,
	  "any, none, or up to 256 MAC addresses with commas in between" },
};

#define SETTINGS	(sizeof(settings) / sizeof(settings[0]))

static const struct setting *find_setting(const char *name)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (!strcmp(settings[i].name, name))
			return &settings[i];
	return NULL;
}

/* *given: a bit for each setting that was given before. */
static int parse_setting(struct cli *cli, const char *name, const char *value,
			 struct change *change, unsigned int *given)
{
	const struct setting *s = find_setting(name);

	if (!s)
		return fail(cli, EXIT_USAGE,
			    "unknown setting '%s': use rate, pps, flood, link, vlan, trunk, native or macs",
			    name);
	if (!value)
		return fail(cli, EXIT_USAGE, "missing value for '%s': use %s", name,
			    s->takes);
	if (!s->parse(value, change))
		return fail(cli, EXIT_USAGE, "invalid %s '%s': use %s", name,
			    value, s->takes);
	if (*given & 1u << (s - settings))
		return fail(cli, EXIT_USAGE,
			    "'%s' is given twice: give it once", name);
	*given |= 1u << (s - settings);
	return EXIT_OK;
}

static bool is_given(unsigned int given, const char *name)
{
	return given & 1u << (find_setting(name) - settings);
}

/* The native VLAN is one of the trunk's, whether or not that names it. */
static int check_vlan(struct cli *cli, unsigned int given,
		      struct change *change)
{
	if (is_given(given, "vlan") && is_given(given, "trunk"))
		return fail(cli, EXIT_USAGE,
			    "a port has one VLAN or is a trunk: give 'vlan' or 'trunk'");
	if (!is_given(given, "native"))
		return EXIT_OK;
	if (!is_given(given, "trunk"))
		return fail(cli, EXIT_USAGE,
			    "'native' is of a trunk: give 'trunk' and its VLANs, too");
	change->vlan.native = change->native;
	change->vlan.ids[change->native / 64] |= 1ULL << change->native % 64;
	return EXIT_OK;
}

static int parse_settings(struct cli *cli, int argc, char **argv,
			  struct change *change)
{
	unsigned int given = 0;
	int code = EXIT_OK;

	for (int i = 0; !code && i < argc; i += 2)
		code = parse_setting(cli, argv[i],
				     i + 1 < argc ? argv[i + 1] : NULL, change,
				     &given);
	return code ? code : check_vlan(cli, given, change);
}

json_t *limits_json(const struct queztl_port_rates *rates)
{
	json_t *object = json_object();

	set_count(object, "tx_bytes", rates->tx_bytes);
	set_count(object, "tx_packets", rates->tx_packets);
	set_count(object, "flood", rates->flood);
	return object;
}

static int print_settings(struct cli *cli, int fd, const struct port *port,
			  uint32_t mode)
{
	struct queztl_port_rates rates;
	struct queztl_port_vlan vlan;
	json_t *object;
	int ret = queztl_rates_get(fd, port->port.id, &rates);
	int known = queztl_port_vlan_get(fd, port->port.id, &vlan);

	if (ret)
		return ret;
	object = json_object();
	set_count(object, "id", port->port.id);
	set_text(object, "name", port->port.name);
	set_text(object, "link", describe_link(mode));
	set_json(object, "vlan", known ? json_null() : vlan_json(&vlan));
	set_json(object, "macs", macs_json(fd, port->port.id));
	set_json(object, "limits", limits_json(&rates));
	print_json(object, cli->out, false);
	return 0;
}

static int change_mode(int fd, uint64_t id, const struct change *change)
{
	int ret = queztl_port_change(fd, id, QUEZTL_PORT_LINK_DOWN,
				     change->link_down ?
				     QUEZTL_PORT_LINK_DOWN : 0);

	return ret == -EINVAL ? -ENOTTY : ret;	/* a module before ABI 10 */
}

static int set_port(struct cli *cli, int fd, const struct snapshot *shot,
		    const struct port *port, void *ctx)
{
	struct change *change = ctx;
	uint32_t mode = port->port.mode;
	uint64_t id = port->port.id;
	int ret = 0;

	(void)shot;
	change->rates.id = id;
	if (change->rates.set)
		ret = queztl_rates_set(fd, &change->rates);
	if (!ret && change->link) {
		ret = change_mode(fd, id, change);
		mode = change->link_down ? QUEZTL_PORT_LINK_DOWN : 0;
	}
	change->vlan.id = id;
	if (!ret && change->has_vlan)
		ret = queztl_port_vlan_set(fd, &change->vlan);
	if (!ret && change->has_macs)
		ret = queztl_port_macs_set(fd, id, change->macs_mode,
					   change->macs, change->mac_count);
	if (!ret && cli->json)
		ret = print_settings(cli, fd, port, mode);
	if (ret == -ENOENT)
		return fail_no_port(cli, port->port.name);
	if (ret == -EEXIST)
		return fail(cli, EXIT_FAILED,
			    "one of the MAC addresses is a port's own: see queztl port list");
	if (ret == -ENOSPC)
		return fail(cli, EXIT_FAILED,
			    "64 other ports of fabric %s use more MAC addresses: set some to 'macs none'",
			    port->fabric);
	if (ret)
		return fail_errno(cli, ret, "cannot change the settings of port %s",
				  port->port.name);
	return EXIT_OK;
}

int run_port_set(struct cli *cli, int argc, char **argv)
{
	int code = expect_between(cli, argc, argv, 2, 1 + 2 * SETTINGS);
	struct change change = { 0 };

	if (!code)
		code = parse_settings(cli, argc - 1, argv + 1, &change);
	return code ? code : with_port(cli, argv[0], set_port, &change);
}
