/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_STATS_H
#define QUEZTL_STATS_H

#include "cli.h"
#include "snapshot.h"

/* Counts so far when before is NULL, else what happened since, per second. */
void print_stats_text(struct cli *cli, const struct snapshot *before,
		      const struct snapshot *now);
void print_stats_json(struct cli *cli, const struct snapshot *before,
		      const struct snapshot *now);

#endif /* QUEZTL_STATS_H */
