/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_STATS_H
#define QUEZTL_STATS_H

#include <jansson.h>

#include "cli.h"
#include "snapshot.h"

/* Counts so far when before is NULL, else what happened since, per second. */
void print_stats_text(struct cli *cli, const struct snapshot *before,
		      const struct snapshot *now);
void print_stats_json(struct cli *cli, const struct snapshot *before,
		      const struct snapshot *now);

/* Every count of a port, drops by their names among them. */
json_t *port_counts_json(const struct queztl_port_stats *stats);

#endif /* QUEZTL_STATS_H */
