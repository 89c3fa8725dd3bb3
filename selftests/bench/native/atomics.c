// SPDX-License-Identifier: GPL-2.0
/*
 * The limit for a round trip between two CPUs: each end writes a counter of its own and waits for the other's. No message,
 * one cache line each way.
 */
#include "native.h"

struct counters {
	uint64_t ping __attribute__((aligned(128)));
	uint64_t pong __attribute__((aligned(128)));
};

static struct counters *counters;

static void init(int end)
{
	(void)end;
}

static void reset(int end, const struct load *load)
{
	(void)load;
	if (!counters)
		die(__FILE__, __LINE__, "no memory");
	if (!end)
		memset(counters, 0, sizeof(*counters));
}

static void join(int end, const struct load *load)
{
	(void)end;
	(void)load;
}

ALWAYS_INLINE void wait_for(const uint64_t *counter, uint64_t value)
{
	while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) != value)
		;
}

static void ping(const struct load *load, struct samples *samples)
{
	uint64_t before = 0;

	for (uint64_t i = 1; i <= load->count; i++) {
		__atomic_store_n(&counters->ping, i, __ATOMIC_RELEASE);
		wait_for(&counters->pong, i);
		sample(samples, &before, i, TRIPS);
	}
}

static void pong(const struct load *load)
{
	for (uint64_t i = 1; i <= load->count; i++) {
		wait_for(&counters->ping, i);
		__atomic_store_n(&counters->pong, i, __ATOMIC_RELEASE);
	}
}

static void __attribute__((constructor)) get_memory(void)
{
	counters = shared_memory(sizeof(*counters));
}

const struct side side_atomics = { "atomics", init, reset, join, ping, pong, NULL, NULL };
