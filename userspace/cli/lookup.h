/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_LOOKUP_H
#define QUEZTL_LOOKUP_H

#include "cli.h"
#include "snapshot.h"

/* The device and its ports; when negative, *code is the exit code. */
int open_ports(struct cli *cli, struct snapshot *shot, int *code);
void close_ports(int fd, struct snapshot *shot);

/* The port of that name; when NULL, *code is the exit code. */
const struct port *lookup_port(struct cli *cli, const struct snapshot *shot,
			       const char *name, int *code);

/*
 * Call fn with the device, all ports and the one named, or NULL when name is.
 * Returns the exit code, fn's when it was called.
 */
typedef int port_fn(struct cli *cli, int fd, const struct snapshot *shot,
		    const struct port *port, void *ctx);
int with_port(struct cli *cli, const char *name, port_fn *fn, void *ctx);

int fail_no_port(struct cli *cli, const char *name);

#endif /* QUEZTL_LOOKUP_H */
