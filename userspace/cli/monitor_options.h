/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_MONITOR_OPTIONS_H
#define QUEZTL_MONITOR_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli.h"

struct monitor_options {
	unsigned int kinds;	/* bits of enum item_kind: what to show */
	const char *name;	/* show only what is called so; NULL: all */
	double seconds;		/* from one look to the next, if nothing is announced */
	uint64_t count;		/* events until it ends; 0: no limit */
	bool initial;		/* begin with all that there is */
};

/* EXIT_OK, or the code of an error that was explained. */
int parse_monitor_options(struct cli *cli, int argc, char **argv,
			  struct monitor_options *options);

#endif /* QUEZTL_MONITOR_OPTIONS_H */
