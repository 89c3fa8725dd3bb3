/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_METRICS_H
#define QUEZTL_METRICS_H

#include <stdbool.h>
#include <stdio.h>

#include <queztl.h>

#include "snapshot.h"
#include "usage.h"

/* What the metrics are of, at one moment. */
struct metrics {
	bool up;		/* the module responds; else there are no ports */
	struct queztl_info info;
	struct snapshot shot;
	struct sample sample;
	bool has_usage;		/* this kernel counts what threads use */
	bool continuous;	/* the sample had a predecessor, or will be one */
};

/*
 * Fills empty metrics. before is the sample of the last time, or empty. That the
 * module is not loaded is no error. Returns 0 or -errno.
 */
int read_metrics(struct usage_reader *reader, const struct sample *before,
		 struct metrics *metrics);

/* The sample stays: it is the predecessor of the next one. */
void free_metrics(struct metrics *metrics);

void print_metrics(FILE *to, const struct metrics *metrics);
void print_port_metrics(FILE *to, const struct snapshot *shot);
void print_vm_metrics(FILE *to, const struct metrics *metrics);

#endif /* QUEZTL_METRICS_H */
