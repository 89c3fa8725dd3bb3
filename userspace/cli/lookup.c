// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "lookup.h"

int open_ports(struct cli *cli, struct snapshot *shot, int *code)
{
	int fd = open_device(cli, code);
	int ret;

	if (fd < 0)
		return fd;
	ret = read_ports(fd, shot);
	if (!ret)
		return fd;
	*code = fail_errno(cli, ret, "cannot list the ports");
	close_ports(fd, shot);
	return ret;
}

void close_ports(int fd, struct snapshot *shot)
{
	close(fd);
	free_snapshot(shot);
}

int fail_no_port(struct cli *cli, const char *name)
{
	return fail(cli, EXIT_NO_OBJECT, "no port %s: see queztl port list",
		    name);
}

/* A deleted port may have the name of its successor for a moment. */
const struct port *lookup_port(struct cli *cli, const struct snapshot *shot,
			       const char *name, int *code)
{
	const struct port *found = NULL;

	for (size_t i = 0; i < shot->port_count; i++) {
		const struct port *port = &shot->ports[i];

		if (!strcmp(port->port.name, name) &&
		    (!found || found->port.state & QUEZTL_PORT_DELETED))
			found = port;
	}
	if (!found)
		*code = fail_no_port(cli, name);
	return found;
}

int with_port(struct cli *cli, const char *name, port_fn *fn, void *ctx)
{
	const struct port *port = NULL;
	struct snapshot shot = { 0 };
	int code = EXIT_OK;
	int fd = open_ports(cli, &shot, &code);

	if (fd < 0)
		return code;
	if (name)
		port = lookup_port(cli, &shot, name, &code);
	if (!code)
		code = fn(cli, fd, &shot, port, ctx);
	close_ports(fd, &shot);
	return code;
}
