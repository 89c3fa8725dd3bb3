/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_STATS_H
#define QUEZTL_STATS_H

#include <jansson.h>

#include "cli.h"
#include "snapshot.h"

/* Totals if before is NULL, else the changes since then, per second. */
void print_stats_text(struct cli *cli, const struct snapshot *before,
		      const struct snapshot *now);
void print_stats_json(struct cli *cli, const struct snapshot *before,
		      const struct snapshot *now);

/* All counters of a port, including drops by reason. */
json_t *port_counts_json(const struct queztl_port_stats *stats);

#endif /* QUEZTL_STATS_H */
