/* SPDX-License-Identifier: GPL-2.0 */
/* What the words of `queztl port add` ask for. */
#ifndef QUEZTL_NEWPORT_H
#define QUEZTL_NEWPORT_H

#include <sys/types.h>

#include "vdpa.h"

struct cli;

struct request {
	struct new_port port;
	bool migratable;
	const char *driver;	/* NULL: the one that was loaded first */
	bool has_owner;
	uid_t owner;
};

/* PORT [fabric] FABRIC and properties; returns an exit code. */
int parse_request(struct cli *cli, int argc, char **argv,
		  struct request *request);

#endif /* QUEZTL_NEWPORT_H */
