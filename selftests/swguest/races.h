/* SPDX-License-Identifier: GPL-2.0 */
/* Who takes part in a race, each on a port of the fabric qtlan, and what happened how often. */
#ifndef QUEZTL_RACES_H
#define QUEZTL_RACES_H

#include <stdint.h>

enum { GOOD_A, GOOD_B, PING_A, PING_B, RACER, RACERS = 3, NETDEV = RACER + RACERS, PORTS };
extern const char *const names[PORTS];

extern struct race_counts {
	uint64_t kills, deletions, early_deletions, stops, listings, refused, flights, bindings, rulings;
} did;

#endif
