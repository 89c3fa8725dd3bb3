// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include <queztl.h>

#include "fail.h"
#include "json.h"
#include "lookup.h"
#include "options.h"
#include "port.h"

static int fail_set(struct cli *cli, int ret, const struct port *port)
{
	switch (ret) {
	case -ENOENT:
		return fail_no_port(cli, port->port.name);
	case -EBUSY:
		return fail(cli, EXIT_FAILED,
			    "fabric %s already has another uplink: see queztl port list",
			    port->fabric);
	default:
		return fail_errno(cli, ret, "cannot change the uplink mode of port %s",
				  port->port.name);
	}
}

static int set_uplink(struct cli *cli, int fd, const struct snapshot *shot,
		      const struct port *port, void *ctx)
{
	uint32_t mode = *(bool *)ctx ? QUEZTL_PORT_UPLINK : 0;
	struct port now = *port;
	int ret;

	(void)shot;
	ret = queztl_port_set(fd, port->port.id, mode);
	if (ret)
		return fail_set(cli, ret, port);
	now.port.mode = (now.port.mode & ~QUEZTL_PORT_UPLINK) | mode;
	if (cli->json)
		print_json(port_json(&now), cli->out, false);
	return EXIT_OK;
}

int run_port_uplink(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 2);
	bool on;

	if (code)
		return code;
	on = !strcmp(argv[1], "on");
	if (!on && strcmp(argv[1], "off"))
		return fail(cli, EXIT_USAGE, "invalid value '%s': use on or off",
			    argv[1]);
	return with_port(cli, argv[0], set_uplink, &on);
}
