/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_COUNTERS_H
#define QUEZTL_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include <queztl.h>

/* A __u64 in a structure of counts. */
struct counter {
	const char *key;
	size_t offset;
};

extern const struct counter port_counters[];	/* end with a NULL key */
extern const struct counter vm_counters[];

uint64_t read_counter(const void *stats, const struct counter *counter);

#define DROP_ROOM	20

/* "no_port", or "reason_15" if a newer module has a reason that has no name here. */
const char *name_drop(char buffer[DROP_ROOM], unsigned int reason);

uint64_t sum_drops(const struct queztl_port_stats *stats);

/* Per second. A counter that decreased was reset: it counts from zero. */
double rate_of(uint64_t before, uint64_t now, uint64_t interval_ns);

#endif /* QUEZTL_COUNTERS_H */
