// SPDX-License-Identifier: GPL-2.0
/* A software guest's driver: it passes frames and commands through the rings. */
#define _GNU_SOURCE
#include "swguest.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define load(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store(p, value) __atomic_store_n(p, value, __ATOMIC_RELEASE)

/* ---- notifications ---- */

static uint16_t *used_event(struct swg_ring *ring)
{
	return &ring->avail->ring[ring->num];
}

static uint16_t *avail_event(struct swg_ring *ring)
{
	return (uint16_t *)&ring->used->ring[ring->num];
}

void swg_kick(struct swg *port, int index)
{
	uint64_t one = 1;

	port->ring[index].kicks++;
	if (write(port->ring[index].kick, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}

void swg_hold(struct swg *port, int index)
{
	port->ring[index].holds = true;
}

void swg_flush(struct swg *port, int index)
{
	struct swg_ring *ring = &port->ring[index];
	uint16_t then = ring->told;
	bool wanted;

	if (ring->holds)
		store(&ring->avail->idx, ring->next);
	ring->holds = false;
	fence();
	ring->told = ring->next;
	if (port->features & F(VIRTIO_RING_F_EVENT_IDX))
		wanted = vring_need_event(load(avail_event(ring)), ring->next, then);
	else
		wanted = !(load(&ring->used->flags) & VRING_USED_F_NO_NOTIFY);
	if (wanted)
		swg_kick(port, index);
}

void swg_ask(struct swg *port, int index, int after)
{
	struct swg_ring *ring = &port->ring[index];

	store(&ring->avail->flags, 0);
	store(used_event(ring), (uint16_t)(ring->seen + after - 1));
	fence();
}

void swg_ask_none(struct swg *port, int index)
{
	struct swg_ring *ring = &port->ring[index];

	if (port->features & F(VIRTIO_RING_F_EVENT_IDX))
		store(used_event(ring), (uint16_t)(ring->seen - 1 - ring->num));
	else
		store(&ring->avail->flags, VRING_AVAIL_F_NO_INTERRUPT);
	fence();
}

int swg_wait_call(struct swg *port, int index, int ms)
{
	struct pollfd wait = { .fd = port->ring[index].call, .events = POLLIN };
	uint64_t count = 0;

	if (poll(&wait, 1, ms) > 0 && read(wait.fd, &count, sizeof(count)) != sizeof(count))
		count = 0;
	return (int)count;
}

bool swg_used_any(struct swg *port, int index)
{
	struct swg_ring *ring = &port->ring[index];

	return load(&ring->used->idx) != ring->seen;
}

/* ---- buffers ---- */

int swg_post(struct swg *port, int index, const struct vring_desc *pieces, int count, int slot, bool table)
{
	struct swg_ring *ring = &port->ring[index];
	uint16_t head = ring->free_head, at = head;
	int needs = table ? 1 : count;
	/* A table's place goes with its head: SWG_RING_ROOM - SWG_INDIRECT holds 2048 descriptors in all. */
	int each = (int)((SWG_RING_ROOM - SWG_INDIRECT) / sizeof(*pieces)) / ring->num;

	if (ring->free < needs || (table && count > each))
		return -ENOSPC;
	if (table) {
		struct vring_desc *to = ring->tables + head * each;

		for (int i = 0; i < count; i++) {
			to[i] = pieces[i];
			to[i].flags |= i < count - 1 ? VRING_DESC_F_NEXT : 0;
			to[i].next = i + 1;
		}
		ring->desc[head] = (struct vring_desc){ .addr = ring->tables_at + head * each * sizeof(*to),
			.len = count * sizeof(*to), .flags = VRING_DESC_F_INDIRECT };
		ring->free_head = ring->chain[head];
	} else {
		for (int i = 0; i < count; i++) {
			ring->desc[at] = pieces[i];
			if (i < count - 1) {
				ring->desc[at].flags |= VRING_DESC_F_NEXT;
				ring->desc[at].next = ring->chain[at];
			}
			at = ring->chain[at];
		}
		ring->free_head = at;
	}
	ring->free -= needs;
	ring->length[head] = needs;
	ring->slot_of[head] = slot;
	ring->avail->ring[ring->next++ & (ring->num - 1)] = head;
	if (!ring->holds)
		store(&ring->avail->idx, ring->next);
	return 0;
}

/* The next used element's head, its descriptors free again; -EAGAIN, -EPROTO. */
static int take_used(struct swg *port, int index, uint32_t *length)
{
	struct swg_ring *ring = &port->ring[index];
	struct vring_used_elem *element = &ring->used->ring[ring->seen & (ring->num - 1)];
	uint32_t head = element->id, at;

	if (load(&ring->used->idx) == ring->seen)
		return -EAGAIN;
	head = load(&element->id);
	if (head >= (uint32_t)ring->num || !ring->length[head])
		return -EPROTO;
	*length = element->len;
	at = head;
	for (int i = 1; i < ring->length[head]; i++)
		at = ring->chain[at];
	ring->chain[at] = ring->free_head;
	ring->free_head = head;
	ring->free += ring->length[head];
	ring->length[head] = 0;
	ring->seen++;
	return (int)head;
}

static void post_receive_slot(struct swg *port, int slot)
{
	struct swg_ring *ring = &port->ring[SWG_RX];
	struct vring_desc piece = { .addr = ring->buffers_at + (uint64_t)slot * port->slot, .len = port->slot,
				    .flags = VRING_DESC_F_WRITE };

	swg_post(port, SWG_RX, &piece, 1, slot, false);
}

void swg_fill(struct swg *port)
{
	struct swg_ring *ring = &port->ring[SWG_RX];

	while (ring->free_slot_count && ring->free)
		post_receive_slot(port, ring->free_slots[--ring->free_slot_count]);
}

int swg_reap(struct swg *port)
{
	struct swg_ring *ring = &port->ring[SWG_TX];
	uint32_t length;
	int head, count = 0;

	while ((head = take_used(port, SWG_TX, &length)) >= 0) {
		if (length)
			return -EPROTO;		/* the device wrote nothing into what it may only read */
		ring->free_slots[ring->free_slot_count++] = ring->slot_of[head];
		count++;
	}
	return head == -EPROTO ? head : count;
}

int swg_wait_sent(struct swg *port, int ms)
{
	double end = swg_now() + ms / 1e3;
	int r;

	while ((r = swg_reap(port)) >= 0 && port->ring[SWG_TX].free < port->ring[SWG_TX].num) {
		if (swg_now() > end)
			return -ETIMEDOUT;
		usleep(100);
	}
	return r < 0 ? r : 0;
}

static int cut(const struct vring_desc whole, int first, int layout, struct vring_desc *pieces)
{
	uint32_t at = 0, step, count = 0;

	while (at < whole.len) {
		step = whole.len - at;
		if (at < (uint32_t)first)
			step = first - at;
		else if (layout & SWG_BYTES)
			step = 1;
		else if (layout & SWG_CROOKED)
			step = count * 7 + 1 < step ? count * 7 + 1 : step;
		pieces[count++] = (struct vring_desc){ .addr = whole.addr + at, .len = step };
		at += step;
	}
	return (int)count;
}

int swg_send(struct swg *port, const struct virtio_net_hdr_v1 *header, const void *frame, int length, int layout)
{
	struct swg_ring *ring = &port->ring[SWG_TX];
	static __thread struct vring_desc pieces[SWG_FRAME];
	struct vring_desc whole = { .len = SWG_HEADER + length };
	int r = swg_reap(port), slot, count, first = 0;
	uint8_t *buffer;

	if (r < 0)
		return r;
	if (!ring->free_slot_count)
		return -ENOSPC;
	if (whole.len > port->slot)
		return -EMSGSIZE;
	slot = ring->free_slots[ring->free_slot_count - 1];
	buffer = ring->buffers + (size_t)slot * port->slot;
	memset(buffer, 0, SWG_HEADER);
	if (header)
		memcpy(buffer, header, SWG_HEADER);
	memcpy(buffer + SWG_HEADER, frame, length);
	whole.addr = swg_address(port, buffer);
	if (layout & (SWG_SPLIT | SWG_BYTES))
		first = SWG_HEADER;
	if (layout & SWG_CROOKED)
		first = SWG_HEADER / 2;
	count = cut(whole, first, layout, pieces);
	r = swg_post(port, SWG_TX, pieces, count, slot, layout & SWG_IN_TABLE);
	if (r)
		return r;
	ring->free_slot_count--;
	if (!(layout & SWG_QUIET))
		swg_flush(port, SWG_TX);
	return 0;
}

/* ---- control ---- */

int swg_command(struct swg *port, uint8_t class, uint8_t command, const void *data, int size)
{
	struct swg_ring *ring = &port->ring[SWG_CTRL];
	struct vring_desc pieces[2] = { { .addr = ring->buffers_at + 1, .len = 2 + size },
					{ .addr = ring->buffers_at, .len = 1, .flags = VRING_DESC_F_WRITE } };
	double end = swg_now() + 10;
	uint32_t length;
	int head, r;

	ring->buffers[0] = 0x77;	/* neither answer */
	ring->buffers[1] = class;
	ring->buffers[2] = command;
	if (size)
		memcpy(ring->buffers + 3, data, size);
	r = swg_post(port, SWG_CTRL, pieces, 2, 0, false);
	if (r)
		return r;
	swg_flush(port, SWG_CTRL);
	while ((head = take_used(port, SWG_CTRL, &length)) == -EAGAIN) {
		if (swg_now() > end)
			return -ETIMEDOUT;
		if (!port->spins)
			usleep(100);
	}
	return head < 0 ? head : length == 1 ? ring->buffers[0] : -EPROTO;
}

/* ---- receiving ---- */

/* -ENOMSG: something is used, but the interrupt for it did not come. */
static int await_used(struct swg *port, int ms)
{
	double end = swg_now() + ms / 1e3;

	while (!swg_used_any(port, SWG_RX)) {
		double left = end - swg_now();

		swg_ask(port, SWG_RX, 1);
		if (swg_used_any(port, SWG_RX))
			break;
		if (left > 0 && swg_wait_call(port, SWG_RX, (int)(left * 1e3) + 1))
			continue;
		if (!swg_used_any(port, SWG_RX))
			return -ETIMEDOUT;
		/* It came at the last moment: so may its interrupt. */
		return swg_wait_call(port, SWG_RX, 1000) ? 0 : -ENOMSG;
	}
	return 0;
}

/* One buffer's bytes to frame[at]: returns how many, and gives the buffer back. */
static int take_buffer(struct swg *port, uint8_t *frame, int at, int room, int skip)
{
	struct swg_ring *ring = &port->ring[SWG_RX];
	uint32_t length = 0;
	int head = take_used(port, SWG_RX, &length), bytes;
	const uint8_t *buffer;

	if (head < 0)
		return -EPROTO;
	buffer = ring->buffers + (size_t)ring->slot_of[head] * port->slot;
	if (length > port->slot || (int)length < skip)
		return -EPROTO;
	if (skip)
		memcpy(&port->header, buffer, SWG_HEADER);
	bytes = (int)length - skip;
	if (at + bytes > room)
		return -EMSGSIZE;
	memcpy(frame + at, buffer + skip, bytes);
	post_receive_slot(port, ring->slot_of[head]);
	return bytes;
}

int swg_receive(struct swg *port, void *frame, int room, int ms)
{
	int length = 0, bytes = await_used(port, ms);

	if (bytes)
		return bytes;
	port->buffers_used = 1;
	for (int i = 0; i < port->buffers_used; i++) {
		bytes = take_buffer(port, frame, length, room, i ? 0 : SWG_HEADER);
		if (bytes < 0)
			return bytes;
		length += bytes;
		if (i)
			continue;
		if (!port->header.num_buffers ||
		    (port->header.num_buffers > 1 && !(port->features & F(VIRTIO_NET_F_MRG_RXBUF))))
			return -EPROTO;
		port->buffers_used = port->header.num_buffers;
	}
	swg_flush(port, SWG_RX);
	return length;
}
