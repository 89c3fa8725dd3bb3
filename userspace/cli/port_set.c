// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include <queztl.h>

#include "fail.h"
#include "json.h"
#include "lookup.h"
#include "options.h"
#include "port.h"
#include "rate.h"

#define MOST_PACKETS	1000000000
#define MOST_FLOOD	1000000

/* What is to change, and only that. */
struct change {
	struct queztl_port_rates rates;
	bool link;
	bool link_down;
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
			    "unknown setting '%s': use rate, pps, flood or link",
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

static int parse_settings(struct cli *cli, int argc, char **argv,
			  struct change *change)
{
	unsigned int given = 0;
	int code = EXIT_OK;

	for (int i = 0; !code && i < argc; i += 2)
		code = parse_setting(cli, argv[i],
				     i + 1 < argc ? argv[i + 1] : NULL, change,
				     &given);
	return code;
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
	json_t *object;
	int ret = queztl_rates_get(fd, port->port.id, &rates);

	if (ret)
		return ret;
	object = json_object();
	set_count(object, "id", port->port.id);
	set_text(object, "name", port->port.name);
	set_text(object, "link", describe_link(mode));
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
	if (!ret && cli->json)
		ret = print_settings(cli, fd, port, mode);
	if (ret == -ENOENT)
		return fail_no_port(cli, port->port.name);
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
