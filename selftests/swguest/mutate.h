/* SPDX-License-Identifier: GPL-2.0 */
/* Nonsense for rings: one call spoils one thing, chosen by the seed. */
#ifndef QUEZTL_MUTATE_H
#define QUEZTL_MUTATE_H

#include "swguest.h"

struct mutator {
	uint64_t state;			/* of the generator: seed it with anything but 0 */
	struct swg *port;
	uint8_t own[6], other[6];	/* addresses that frames may well carry */
};

uint32_t mutate_random(struct mutator *mutator, uint32_t below);

/* Put one chain into the ring that is wrong in some way, or nearly. */
void mutate_chain(struct mutator *mutator, int ring);
/* Spoil the ring itself: indices, heads, what the driver never writes. */
void mutate_ring(struct mutator *mutator, int ring);
/* Set up both rings somewhere odd, with features and sizes that are odd. Errors are the device's right. */
void mutate_setup(struct mutator *mutator);

/* An address beside a port's own, the @number-th of few: the same for all. */
void mutate_nested(uint8_t mac[6], int number);

#endif
