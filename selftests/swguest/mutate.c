// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "mutate.h"

#include "flow.h"

#include <string.h>
#include <sys/ioctl.h>

/* xorshift64*: the same seed makes the same run, on every machine. */
uint32_t mutate_random(struct mutator *mutator, uint32_t below)
{
	mutator->state ^= mutator->state >> 12;
	mutator->state ^= mutator->state << 25;
	mutator->state ^= mutator->state >> 27;
	return (uint32_t)((mutator->state * 2685821657736338717ULL) >> 32) % below;
}

#define random(below) mutate_random(mutator, below)
#define one_in(n) (!random(n))

/*
 * One chain in so many is beyond repair: it breaks the port and makes what is behind it in the ring unread. The others are
 * merely odd, so that a reset is paid for by many chains.
 */
#define BAD	48

/* Addresses: inside, at every edge, outside, wrapping; low ones may be host physical. */
static uint64_t odd_address(struct mutator *mutator)
{
	const struct swg *port = mutator->port;
	uint64_t end = port->base + port->size;

	switch (random(12)) {
	case 0: return end - random(64);
	case 1: return end + random(4096);
	case 2: return port->base - random(64);
	case 3: return ~0ULL - random(4096);
	case 4: return random(1u << 30);
	case 5: return 0xffff888000000000ULL + ((uint64_t)random(1u << 20) << 12);	/* the kernel's direct map */
	case 6: return port->base + random(port->size) + (1ULL << (32 + random(32)));
	case 7: return port->base + random(SWG_BUFFERS);				/* the rings themselves */
	default: return port->base + SWG_BUFFERS + random(port->size - SWG_BUFFERS);
	}
}

static uint32_t odd_length(struct mutator *mutator)
{
	static const uint32_t edges[] = { 0, 1, 11, 12, 13, 25, 26, 27, 1525, 1526, 1527, 4096, 65535, 65536, 0x7fffffff,
					  0x80000000, 0xfffffff0, 0xffffffff };

	return one_in(3) ? edges[random(sizeof(edges) / sizeof(*edges))] : random(2000);
}

void mutate_nested(uint8_t mac[6], int number)
{
	static const uint8_t nested[6] = { 0x52, 0x54, 0, 0xee, 0, 0 };

	memcpy(mac, nested, 6);
	mac[5] = number;
}

/* One or two tags in front of the type, which is all that a short frame has. */
static void write_tags(struct mutator *mutator, uint8_t *at)
{
	static const uint16_t ids[] = { 0, 10, 20, 4094, 4095 };

	for (int tags = 1 + random(2); tags; tags--, at += 4) {
		uint16_t id = ids[random(sizeof(ids) / sizeof(*ids))] | random(8) << 13;

		at[0] = one_in(8) ? 0x88 : 0x81;
		at[1] = at[0] == 0x88 ? 0xa8 : 0;
		at[2] = id >> 8;
		at[3] = id & 0xff;
	}
}

/* A frame with offloads, all of it right or one thing wrong. */
static void write_flow(struct mutator *mutator, uint8_t *at)
{
	const struct flow flow = { .ip6 = one_in(2), .udp = one_in(3), .vlan = one_in(4), .payload = 1 + random(3000),
				   .gso_size = one_in(4) ? 0 : 1 + random(1500) };
	static __thread struct flow_frame frame;

	flow_make(&frame, &flow, mutator->other, mutator->own, random(65536));
	switch (random(8)) {
	case 0: ((uint8_t *)&frame.header)[random(SWG_HEADER)] = random(256); break;
	case 1: frame.bytes[12 + random(frame.head - 12)] ^= 1 << random(8); break;
	case 2: frame.header.gso_type |= VIRTIO_NET_HDR_GSO_ECN; break;
	default: break;
	}
	memcpy(at, &frame.header, SWG_HEADER);
	memcpy(at + SWG_HEADER, frame.bytes, frame.length);
}

/* Most are commands that exist, with too much or too little behind them. */
static void write_command(struct mutator *mutator, uint8_t *at)
{
	at[0] = random(one_in(8) ? 256 : 6);
	at[1] = random(one_in(8) ? 256 : 6);
	for (int i = 2; i < 64; i++)
		at[i] = one_in(2) ? 0 : random(one_in(4) ? 256 : 4);
}

static void write_frame(struct mutator *mutator, uint8_t *at)
{
	struct virtio_net_hdr_v1 header = { 0 };
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	if (one_in(4)) {
		header.flags = random(256);
		header.gso_type = random(256);
		header.hdr_len = random(65536);
		header.gso_size = random(65536);
		header.csum_start = random(65536);
		header.csum_offset = random(65536);
	}
	memcpy(at, &header, SWG_HEADER);
	memcpy(at + SWG_HEADER, one_in(50) ? all : mutator->other, 6);
	memcpy(at + SWG_HEADER + 6, mutator->own, 6);
	if (one_in(4))
		mutate_nested(at + SWG_HEADER + 6 * random(2), random(8));
	if (one_in(3))
		write_tags(mutator, at + SWG_HEADER + 12);
	if (one_in(8))
		at[SWG_HEADER + random(14)] ^= 1 << random(8);
}

/* A well-formed chain of 1 to 4 descriptors around one buffer, then spoiled in one place. */
void mutate_chain(struct mutator *mutator, int index)
{
	struct swg_ring *ring = &mutator->port->ring[index];
	uint16_t mask = ring->num - 1, head = random(ring->num), at = head;
	uint32_t offset = random(mutator->port->size - SWG_BUFFERS - 4096), count = 1 + random(4);
	uint32_t most = index == SWG_CTRL || one_in(8) ? 8 : index == SWG_TX && one_in(2) ? 1500 : 400;
	struct vring_desc *to = ring->desc, *victim;
	uint64_t address = mutator->port->base + SWG_BUFFERS + offset;
	uint16_t direction = index == SWG_RX ? VRING_DESC_F_WRITE : 0;

	if (index == SWG_CTRL)
		write_command(mutator, mutator->port->memory + SWG_BUFFERS + offset);
	else if (index == SWG_TX && one_in(2))
		write_flow(mutator, mutator->port->memory + SWG_BUFFERS + offset);
	else if (index == SWG_TX)
		write_frame(mutator, mutator->port->memory + SWG_BUFFERS + offset);
	if (one_in(4)) {	/* through a table */
		uint32_t first = random(1024);

		ring->desc[head] = (struct vring_desc){ ring->tables_at + first * sizeof(*to), count * sizeof(*to),
							VRING_DESC_F_INDIRECT, 0 };
		if (one_in(BAD))
			ring->desc[head].len += one_in(2) ? random(64) : 16 * random(40000);
		if (one_in(BAD))
			ring->desc[head].addr = odd_address(mutator);
		if (one_in(BAD))
			ring->desc[head].flags |= random(8);
		to = ring->tables + first;
		at = 0;
		mask = 1023;
	}
	victim = &to[(at + random(count)) & mask];
	for (uint32_t i = 0; i < count; i++) {
		struct vring_desc *desc = &to[(at + i) & mask];

		*desc = (struct vring_desc){ address, (index == SWG_CTRL ? 1 : 26) + random(most), direction, (uint16_t)((at + i + 1) & mask) };
		if (i < count - 1)
			desc->flags |= VRING_DESC_F_NEXT;
		else if (index == SWG_CTRL)
			desc->flags |= VRING_DESC_F_WRITE;	/* the answer */
		address += desc->len;
	}
	switch (one_in(BAD) ? random(8) : 8 + random(8)) {
	case 0: victim->addr = odd_address(mutator); break;
	case 1: victim->len = odd_length(mutator); break;
	case 2: victim->next = random(65536); break;
	case 3: victim->next = at; victim->flags |= VRING_DESC_F_NEXT; break;		/* a loop */
	case 4: victim->flags ^= VRING_DESC_F_WRITE; break;
	case 5: victim->flags ^= VRING_DESC_F_NEXT; break;
	case 6: victim->flags |= VRING_DESC_F_INDIRECT; break;				/* nested, or in a chain */
	case 7: victim->flags = random(65536); break;
	/* odd, but legal */
	case 8: victim->len = 0; break;
	case 9: victim->len = 1 + random(100); break;
	case 10: victim->len = random(3000); break;
	case 11: victim->flags |= random(65536) & ~7; break;
	case 12: victim->addr = mutator->port->base + random(SWG_BUFFERS); break;	/* send or overwrite the rings */
	default: break;
	}
	ring->avail->ring[ring->next++ & (ring->num - 1)] = one_in(4 * BAD) ? random(65536) : head;
}

void mutate_ring(struct mutator *mutator, int index)
{
	struct swg_ring *ring = &mutator->port->ring[index];
	uint8_t *area = mutator->port->memory + index * SWG_RING_ROOM;

	switch (random(10)) {
	case 0: ring->avail->idx = random(65536); break;
	case 1: ring->avail->idx = ring->next - 1 - random(ring->num); break;		/* backwards */
	case 2: ring->avail->idx = ring->next + ring->num + random(4); break;		/* more than fit */
	case 3: ring->used->idx = random(65536); break;
	case 4: ring->avail->flags = random(65536); break;
	case 5: ring->avail->ring[ring->num] = random(65536); break;			/* used_event */
	case 6: area[random(SWG_RING_ROOM)] ^= 1 << random(8); break;
	case 7: memset(area + random(SWG_RING_ROOM / 2), random(256), random(4096)); break;
	case 8: for (int i = 0; i < ring->num; i++)					/* the longest loop there is */
			ring->desc[i] = (struct vring_desc){ mutator->port->base + SWG_BUFFERS, 1,
				VRING_DESC_F_NEXT | (index == SWG_RX ? VRING_DESC_F_WRITE : 0),
				(uint16_t)((i + 1) % ring->num) };
		break;
	default: ring->used->ring[random(ring->num)].id = random(65536); break;
	}
}

static uint64_t odd_area(struct mutator *mutator, uint64_t good)
{
	switch (random(24)) {
	case 0: return odd_address(mutator) & ~15ULL;
	case 1: return odd_address(mutator) & ~3ULL;
	case 2: return good + 16 * random(64);		/* overlapping its neighbour */
	case 3: return mutator->port->base + mutator->port->size - 16 * random(1024);
	case 4: return mutator->port->base;		/* on top of the other ring */
	case 5: return ~0ULL & ~4095ULL;
	default: return good;
	}
}

void mutate_setup(struct mutator *mutator)
{
	struct swg *port = mutator->port;
	uint64_t features = F(VIRTIO_F_VERSION_1) | F(VIRTIO_F_ACCESS_PLATFORM);
	int num = 1 << (1 + random(10));

	for (int bit = 0; bit < 64; bit++)
		if (port->offered & 1ULL << bit && one_in(2))
			features |= 1ULL << bit;
	if (one_in(64))
		features ^= 1ULL << random(64);
	swg_set_status(port, 0);
	swg_negotiate(port, features);
	for (int i = 0; i < SWG_RINGS; i++) {
		struct vhost_vring_addr address = { .index = i };
		struct swg_ring *ring = &port->ring[i];

		swg_setup_ring(port, i, num, one_in(4) ? random(65536) : 0);
		address.desc_user_addr = odd_area(mutator, ring->desc_at);
		address.avail_user_addr = odd_area(mutator, ring->avail_at);
		address.used_user_addr = odd_area(mutator, ring->used_at);
		ioctl(port->fd, VHOST_SET_VRING_ADDR, &address);
		if (!one_in(64))
			swg_enable(port, i, 1);
	}
	swg_set_status(port, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK |
		       VIRTIO_CONFIG_S_DRIVER_OK);
}
