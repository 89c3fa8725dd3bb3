// SPDX-License-Identifier: GPL-2.0
/*
 * DPDK's rte_ring with one producer and one consumer, in memory that both processes share, in four forms:
 *	ring		8 bytes, the size of a pointer, that are the message
 *	ring_copy	elements of the message's size, copied in and out
 *	ring_place	the same, written and read in place (rte_ring_peek_zc.h)
 *	ring_buffers	pointers to buffers, written and read in place, that come back over a second ring
 * A burst of 1 takes the calls for one element, a larger one those for bursts.
 */
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <rte_ring_peek_zc.h>

#include "native.h"

#define RING_BYTES	0x400000u
#define BUFFER_BYTES	2048u

static struct rte_ring *ring, *back;
static uint8_t *buffers;

static void __attribute__((constructor)) get_memory(void)
{
	ring = shared_memory(RING_BYTES);
	back = shared_memory(RING_BYTES);
	buffers = shared_memory(RING_BYTES);
}

static void init(int end)
{
	(void)end;
}

static void join(int end, const struct load *load)
{
	(void)end;
	(void)load;
}

static void reset_elem(int end, uint32_t len, uint32_t entries)
{
	CHECK(rte_ring_get_memsize_elem(len, entries) <= RING_BYTES);
	if (!end)
		CHECK(!rte_ring_init(ring, "ring", entries, RING_F_SP_ENQ | RING_F_SC_DEQ));
}

static void reset(int end, const struct load *load)
{
	reset_elem(end, 8, load->room);
}

static void reset_sized(int end, const struct load *load)
{
	reset_elem(end, load->len, load->room);
}

/* A buffer takes a page's half, or a line if the message is one. */
static uint32_t buffer_bytes(uint32_t len)
{
	return len <= 64 ? 64 : BUFFER_BYTES;
}

static void reset_buffers(int end, const struct load *load)
{
	uint32_t bytes = buffer_bytes(load->len);

	reset_elem(end, 8, load->room);
	CHECK(load->room * bytes <= RING_BYTES);
	if (end)
		return;
	CHECK(!rte_ring_init(back, "back", load->room, RING_F_SP_ENQ | RING_F_SC_DEQ));
	for (uint32_t i = 0; i < load->room - 1; i++)
		CHECK(!rte_ring_sp_enqueue(back, buffers + i * bytes));
}

/* -- the calls, for one and for several ----------------------------------------------------------------------------- */
ALWAYS_INLINE uint32_t put(struct rte_ring *to, void *objects, uint32_t len, uint32_t n)
{
	if (n == 1)
		return !rte_ring_sp_enqueue_elem(to, objects, len);
	return rte_ring_sp_enqueue_burst_elem(to, objects, len, n, NULL);
}

ALWAYS_INLINE uint32_t get(struct rte_ring *from, void *objects, uint32_t len, uint32_t n)
{
	if (n == 1)
		return !rte_ring_sc_dequeue_elem(from, objects, len);
	return rte_ring_sc_dequeue_burst_elem(from, objects, len, n, NULL);
}

/* Never more than are to be sent. */
ALWAYS_INLINE uint32_t at_most(uint32_t burst, uint64_t left)
{
	return burst == 1 || burst < left ? burst : left;
}

ALWAYS_INLINE void put_all(struct rte_ring *to, uint8_t *objects, uint32_t len, uint32_t n)
{
	for (uint32_t done = 0; done < n;)
		done += put(to, objects + done * len, len, n - done);
}

/* -- copied --------------------------------------------------------------------------------------------------------- */
ALWAYS_INLINE void send_copies(const struct load *load, uint32_t burst, uint32_t len)
{
	static uint8_t objects[BURST_MAX * 1500] __attribute__((aligned(64)));

	for (uint64_t i = 0; i < load->count; i += burst) {
		for (uint32_t n = 0; n < burst; n++)
			fill(objects + n * len, len, i + n);
		put_all(ring, objects, len, burst);
	}
}

ALWAYS_INLINE uint64_t receive_copies(const struct load *load, struct samples *samples, uint32_t burst, uint32_t len)
{
	static uint8_t objects[BURST_MAX * 1500] __attribute__((aligned(64)));
	uint64_t before = 0, all = 0, i = 0, next = CHUNK;

	while (i < load->count) {
		uint32_t got = get(ring, objects, len, burst);

		if (!got) {
			relax();
			continue;
		}
		for (uint32_t n = 0; n < got; n++)
			all += sum(objects + n * len, len);
		i += got;
		if (i < next)
			continue;
		sample(samples, &before, 0, CHUNK);
		next += CHUNK;
	}
	return all;
}

#define BY_BURST(call, load, ...) \
	((load)->burst == 1 ? BY_LENGTH(call, (load)->len, __VA_ARGS__, 1) : BY_LENGTH(call, (load)->len, __VA_ARGS__, 32))

static void send_copy(const struct load *load)
{
	BY_BURST(send_copies, load, load);
}

static uint64_t receive_copy(const struct load *load, struct samples *samples)
{
	return BY_BURST(receive_copies, load, load, samples);
}

/* -- in place ------------------------------------------------------------------------------------------------------- */
ALWAYS_INLINE void *place(const struct rte_ring_zc_data *room, uint32_t len, uint32_t n)
{
	return n < room->n1 ? (uint8_t *)room->ptr1 + n * len : (uint8_t *)room->ptr2 + (n - room->n1) * len;
}

ALWAYS_INLINE void send_placed(const struct load *load, uint32_t burst, uint32_t len)
{
	struct rte_ring_zc_data room;
	uint32_t got;

	for (uint64_t i = 0; i < load->count; i += got) {
		while (!(got = rte_ring_enqueue_zc_burst_elem_start(ring, len, at_most(burst, load->count - i), &room, NULL)))
			;
		for (uint32_t n = 0; n < got; n++)
			fill(place(&room, len, n), len, i + n);
		rte_ring_enqueue_zc_elem_finish(ring, got);
	}
}

ALWAYS_INLINE uint64_t receive_placed(const struct load *load, struct samples *samples, uint32_t burst, uint32_t len)
{
	uint64_t before = 0, all = 0, i = 0, next = CHUNK;
	struct rte_ring_zc_data room;

	while (i < load->count) {
		uint32_t got = rte_ring_dequeue_zc_burst_elem_start(ring, len, burst, &room, NULL);

		if (!got) {
			relax();
			continue;
		}
		for (uint32_t n = 0; n < got; n++)
			all += sum(place(&room, len, n), len);
		rte_ring_dequeue_zc_elem_finish(ring, got);
		i += got;
		if (i < next)
			continue;
		sample(samples, &before, 0, CHUNK);
		next += CHUNK;
	}
	return all;
}

static void send_place(const struct load *load)
{
	BY_BURST(send_placed, load, load);
}

static uint64_t receive_place(const struct load *load, struct samples *samples)
{
	return BY_BURST(receive_placed, load, load, samples);
}

/* -- buffers -------------------------------------------------------------------------------------------------------- */
ALWAYS_INLINE void send_pointers(const struct load *load, uint32_t burst, uint32_t len)
{
	void *objects[BURST_MAX];
	uint32_t got;

	for (uint64_t i = 0; i < load->count; i += got) {
		while (!(got = get(back, objects, 8, at_most(burst, load->count - i))))
			;
		for (uint32_t n = 0; n < got; n++)
			fill(objects[n], len, i + n);
		put_all(ring, (uint8_t *)objects, 8, got);
	}
}

ALWAYS_INLINE uint64_t receive_pointers(const struct load *load, struct samples *samples, uint32_t burst, uint32_t len)
{
	uint64_t before = 0, all = 0, i = 0, next = CHUNK;
	void *objects[BURST_MAX];

	while (i < load->count) {
		uint32_t got = get(ring, objects, 8, burst);

		if (!got) {
			relax();
			continue;
		}
		for (uint32_t n = 0; n < got; n++)
			all += sum(objects[n], len);
		put_all(back, (uint8_t *)objects, 8, got);
		i += got;
		if (i < next)
			continue;
		sample(samples, &before, 0, CHUNK);
		next += CHUNK;
	}
	return all;
}

static void send_buffers(const struct load *load)
{
	BY_BURST(send_pointers, load, load);
}

static uint64_t receive_buffers(const struct load *load, struct samples *samples)
{
	return BY_BURST(receive_pointers, load, load, samples);
}

const struct side side_ring = { "ring", init, reset, join, NULL, NULL, send_copy, receive_copy };
const struct side side_ring_copy = { "ring_copy", init, reset_sized, join, NULL, NULL, send_copy, receive_copy };
const struct side side_ring_place = { "ring_place", init, reset_sized, join, NULL, NULL, send_place, receive_place };
const struct side side_ring_buffers = {
	"ring_buffers", init, reset_buffers, join, NULL, NULL, send_buffers, receive_buffers
};
