/* SPDX-License-Identifier: GPL-2.0 */
/* The text format of Prometheus, version 0.0.4. */
#ifndef QUEZTL_EXPOSITION_H
#define QUEZTL_EXPOSITION_H

#include <stdint.h>
#include <stdio.h>

#define EXPOSITION_TYPE	"text/plain; version=0.0.4; charset=utf-8"

/* Labels end with a NULL name. Values may be any bytes: tenants name VMs. */
struct label {
	const char *name;
	const char *value;
};

enum metric_type { COUNTER, GAUGE };

/* What precedes the values of a metric; all of them follow at once. */
void begin_metric(FILE *to, const char *name, enum metric_type type,
		  const char *help);

void print_count(FILE *to, const char *name, const struct label *labels,
		 uint64_t count);
void print_seconds(FILE *to, const char *name, const struct label *labels,
		   uint64_t ns);

#endif /* QUEZTL_EXPOSITION_H */
