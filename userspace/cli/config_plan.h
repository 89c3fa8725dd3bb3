/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_CONFIG_PLAN_H
#define QUEZTL_CONFIG_PLAN_H

#include "config.h"

/* A command of this program that is a step from one configuration to another. */
struct step {
	char **argv;		/* ends with NULL */
	int argc;
	const struct object *object;	/* which wants it, or NULL */
};

struct plan {
	struct step *steps;
	size_t count;
};

/*
 * What makes `now` into `wanted`. Of objects that are only in `now`, those are
 * removed that are in `owned`. Ports keep running: one that is in use is neither
 * removed nor created anew. EXIT_OK, or the exit code of an error that was explained.
 */
int make_plan(struct cli *cli, const struct config *now,
	      const struct config *wanted, const struct config *owned,
	      struct plan *plan);
void free_plan(struct plan *plan);

#endif /* QUEZTL_CONFIG_PLAN_H */
