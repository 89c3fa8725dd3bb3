/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_LOOKUP_H
#define QUEZTL_LOOKUP_H

#include "cli.h"
#include "snapshot.h"

/* Opens the device and reads its ports; if negative, *code is the exit code. */
int open_ports(struct cli *cli, struct snapshot *shot, int *code);
void close_ports(int fd, struct snapshot *shot);

/* The port with that name; if NULL, *code is the exit code. */
const struct port *lookup_port(struct cli *cli, const struct snapshot *shot,
			       const char *name, int *code);

/*
 * Calls fn with the device, all ports and the named port, or NULL if name is
 * NULL. Returns the exit code: that of fn, if it was called.
 */
typedef int port_fn(struct cli *cli, int fd, const struct snapshot *shot,
		    const struct port *port, void *ctx);
int with_port(struct cli *cli, const char *name, port_fn *fn, void *ctx);

int fail_no_port(struct cli *cli, const char *name);

#endif /* QUEZTL_LOOKUP_H */
