/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two processes of this machine, each on a CPU of its own, that exchange messages over memory which they share: over a
 * channel of QHP, and over what others have for that. main.c says how a turn goes.
 */
#ifndef QUEZTL_NATIVE_H
#define QUEZTL_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define ALWAYS_INLINE	static inline __attribute__((always_inline))
#define CHECK(that)	do { if (!(that)) die(__FILE__, __LINE__, #that); } while (0)

#define TRIPS		32		/* in a sample of round trips */
#define CHUNK		2048		/* messages in a sample of a stream: a multiple of each burst */
#define BURST_MAX	32
#define LEN_MAX		1500		/* 8, 64 or this */
#define SAMPLES_MAX	16384

/* What a turn does. */
struct load {
	uint64_t count;			/* round trips, or messages: a multiple of TRIPS, or CHUNK */
	uint32_t len;			/* of a message, in bytes */
	uint32_t burst;			/* messages at a time; 1: one call for each */
	uint32_t room;			/* entries of the ring; of a channel: bytes of a region */
};

/* Times in ns: of a round trip, or from a message to the next. */
struct samples {
	uint32_t n;
	float ns[SAMPLES_MAX];
};

/*
 * One way to exchange messages. End 0 pings and sends, end 1 pongs and receives. reset() and then join() run at both ends
 * before each turn; each ends at both before the next begins at either.
 */
struct side {
	const char *name;
	void (*init)(int end);		/* once, at end 1 first */
	void (*reset)(int end, const struct load *load);
	void (*join)(int end, const struct load *load);
	void (*ping)(const struct load *load, struct samples *samples);
	void (*pong)(const struct load *load);
	void (*send)(const struct load *load);
	uint64_t (*receive)(const struct load *load, struct samples *samples);	/* Return: the sum of all */
};

extern const struct side side_atomics, side_qhp, side_qhp_wake, side_ring, side_ring_copy, side_ring_place, side_ring_buffers, side_memif;

/* Memory for a side: the same pages at both ends, or one end's region at one and read-only at the other. */
#define REGION_BYTES	0x400000u
void *shared_memory(size_t bytes);	/* before the second process is there */
void map_regions(int end, void **own, const void **peer);

extern uint8_t payload[LEN_MAX];	/* of all messages, behind their numbers */

void die(const char *file, int line, const char *what) __attribute__((noreturn));

ALWAYS_INLINE void relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#endif
}

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* Samples of @each events, of which @done are over. */
ALWAYS_INLINE void sample(struct samples *samples, uint64_t *before, uint64_t done, uint32_t each)
{
	uint64_t now;

	if (done % each)
		return;
	now = now_ns();
	if (*before && samples->n < SAMPLES_MAX)
		samples->ns[samples->n++] = (float)(now - *before) / each;
	*before = now;
}

/*
 * The payload: its first word is the number of the message, the others are constant. All sides write and read it by these,
 * every byte of it, so that what differs is how it gets from one process to the other.
 */
ALWAYS_INLINE void fill(void *at, uint32_t len, uint64_t i)
{
	memcpy(at, &i, sizeof(i));
	memcpy((uint8_t *)at + sizeof(i), payload, len - sizeof(i));
}

ALWAYS_INLINE uint64_t sum(const void *at, uint32_t len)
{
	const uint8_t *byte = at;
	uint64_t all = 0, word;
	uint32_t tail = 0;

	for (uint32_t n = 0; n < len / 8; n++) {
		memcpy(&word, byte + 8 * n, sizeof(word));
		all += word;
	}
	memcpy(&tail, byte + len / 8 * 8, len % 8 < sizeof(tail) ? len % 8 : sizeof(tail));
	return all + tail;
}

/* What the sums of so many messages add up to. */
static inline uint64_t sum_of_all(uint64_t count, uint32_t len)
{
	uint8_t message[LEN_MAX];

	fill(message, len, 0);
	return count * (count - 1) / 2 + count * sum(message, len);
}

/* Loops know lengths and bursts at compile time. */
#define BY_LENGTH(call, len, ...) \
	((len) == 8 ? call(__VA_ARGS__, 8) : (len) == 64 ? call(__VA_ARGS__, 64) : call(__VA_ARGS__, 1500))

#endif
