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

static const struct setting {
	const char *name;
	uint32_t bit;
	const char *takes;
} settings[] = {
	{ "rate", QUEZTL_PORT_TX_BYTES,
	  "bits per second such as 100mbit (bit, kbit, mbit, gbit), bytes per second such as 10mbps (bps, kbps, mbps, gbps), at least 8kbit, or none" },
	{ "pps", QUEZTL_PORT_TX_PACKETS,
	  "packets per second, 1 to 1000000000, or none" },
	{ "flood", QUEZTL_PORT_FLOOD,
	  "broadcast and multicast frames per second, 1 to 1000000" },
};

#define SETTINGS	(sizeof(settings) / sizeof(settings[0]))

static const struct setting *find_setting(const char *name)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (!strcmp(settings[i].name, name))
			return &settings[i];
	return NULL;
}

static bool parse_value(uint32_t bit, const char *value,
			struct queztl_port_rates *rates)
{
	bool none = !strcmp(value, "none");
	uint64_t number = 0;

	switch (bit) {
	case QUEZTL_PORT_TX_BYTES:
		if (!none && !parse_rate(value, &number))
			return false;
		rates->tx_bytes = number;
		return true;
	case QUEZTL_PORT_TX_PACKETS:
		if (!none && !parse_number(value, 1, MOST_PACKETS, &number))
			return false;
		rates->tx_packets = number;
		return true;
	default:
		if (!parse_number(value, 1, MOST_FLOOD, &number))
			return false;
		rates->flood = number;
		return true;
	}
}

static int parse_setting(struct cli *cli, const char *name, const char *value,
			 struct queztl_port_rates *rates)
{
	const struct setting *s = find_setting(name);

	if (!s)
		return fail(cli, EXIT_USAGE,
			    "unknown setting '%s': use rate, pps or flood",
			    name);
	if (!value)
		return fail(cli, EXIT_USAGE, "missing value for '%s': use %s", name,
			    s->takes);
	if (!parse_value(s->bit, value, rates))
		return fail(cli, EXIT_USAGE, "invalid %s '%s': use %s", name,
			    value, s->takes);
	if (rates->set & s->bit)
		return fail(cli, EXIT_USAGE,
			    "'%s' is given twice: give it once", name);
	rates->set |= s->bit;
	return EXIT_OK;
}

static int parse_settings(struct cli *cli, int argc, char **argv,
			  struct queztl_port_rates *rates)
{
	int code = EXIT_OK;

	for (int i = 0; !code && i < argc; i += 2)
		code = parse_setting(cli, argv[i],
				     i + 1 < argc ? argv[i + 1] : NULL, rates);
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

static void print_limits(struct cli *cli, const struct port *port,
			 const struct queztl_port_rates *rates)
{
	json_t *object = json_object();

	set_count(object, "id", port->port.id);
	set_text(object, "name", port->port.name);
	set_json(object, "limits", limits_json(rates));
	print_json(object, cli->out, false);
}

static int set_rates(struct cli *cli, int fd, const struct snapshot *shot,
		     const struct port *port, void *ctx)
{
	struct queztl_port_rates *rates = ctx;
	int ret;

	(void)shot;
	rates->id = port->port.id;
	ret = queztl_rates_set(fd, rates);
	if (!ret && cli->json)
		ret = queztl_rates_get(fd, port->port.id, rates);
	if (ret == -ENOENT)
		return fail_no_port(cli, port->port.name);
	if (ret)
		return fail_errno(cli, ret, "cannot set the limits of port %s",
				  port->port.name);
	if (cli->json)
		print_limits(cli, port, rates);
	return EXIT_OK;
}

int run_port_set(struct cli *cli, int argc, char **argv)
{
	int code = expect_between(cli, argc, argv, 2, 1 + 2 * SETTINGS);
	struct queztl_port_rates rates = { 0 };

	if (!code)
		code = parse_settings(cli, argc - 1, argv + 1, &rates);
	return code ? code : with_port(cli, argv[0], set_rates, &rates);
}
