// SPDX-License-Identifier: GPL-2.0
/* A port's memory: mapped in any order, not at all, anew, in pieces, for one direction only. */
#define _GNU_SOURCE
#include "world.h"

#include <fcntl.h>

static struct member *m[2];

static void make_two(const struct swg_options *options)
{
	make_lan(m, 2, options);
}

static void make_ready(struct member *member)
{
	ASSERT_EQ(swg_set_status(&member->port, swg_get_status(&member->port) | VIRTIO_CONFIG_S_DRIVER_OK), 0);
}

/* QEMU maps after it enables the rings, DPDK before; in a batch or piece by piece. */
TEST(any_order_of_mapping)
{
	make_two(NULL);
	for (int i = 0; i < 8; i++) {
		struct swg_options options = { .map_first = i & 1, .no_batch = i & 2, .no_ready = i & 4 };

		restart(m[0], &options);
		if (options.no_ready)
			make_ready(m[0]);
		expect_pair_works(m[0], m[1], i);
	}
}

TEST(nothing_moves_without_a_map)
{
	struct swg_options options = { .no_map = true };

	make_fabric("qtlan");
	m[0] = join("qtlan", 1, 0);
	m[1] = join("qtlan", 2, 0);
	start(m[1], &options);
	paint(m[1], 0x5a);
	start(m[0], NULL);
	ASSERT_EQ(send_to(m[0], m[1]->mac, 100, 1, 0), 0);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	expect_drops(m[1], QUEZTL_DROP_DOWN, 1, "no map");
	EXPECT(is_painted(m[1], 0x5a));
	/* a sender without a map */
	restart(m[0], NULL);
	ASSERT_EQ(swg_map_all(&m[1]->port, true), 0);
	expect_pair_works(m[0], m[1], 5);	/* the map was all that was missing */
	ASSERT_EQ(swg_iotlb(&m[0]->port, VHOST_IOTLB_INVALIDATE, 0, NULL, ~0ULL, 0), 0);
	m[0]->port.mapped = false;
	ASSERT_EQ(send_to(m[0], m[1]->mac, 100, 2, 0), 0);
	swg_kick(&m[0]->port, SWG_TX);
	expect_silence(m[1]);
	EXPECT_EQ(swg_reap(&m[0]->port), 0);
}

static uint64_t physical(const void *at)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	if (pread(fd, &entry, sizeof(entry), (uintptr_t)at / 4096 * 8) != sizeof(entry))
		entry = 0;
	close(fd);
	return entry & 1ULL << 63 ? (entry & ((1ULL << 55) - 1)) * 4096 + (uintptr_t)at % 4096 : 0;
}

/* A guest that guesses host physical addresses: in place of ring addresses, then in a descriptor. */
TEST(physical_addresses_are_nothing)
{
	struct swg_options options = { .no_map = true };
	uint64_t rings;
	struct vring_desc piece = { 0 };

	make_two(NULL);
	restart(m[0], NULL);
	swg_close(&m[0]->port);
	ASSERT_EQ(swg_open(&m[0]->port, m[0]->name), 0);
	memset(m[0]->port.memory, 0, m[0]->port.size);
	if (!physical(m[0]->port.memory))
		SKIP("no physical addresses in pagemap");
	/* the rings' physical addresses (in huge pages: contiguous), no map at all */
	rings = physical(m[0]->port.memory);
	m[0]->port.base = rings;
	start(m[0], &options);
	ASSERT_EQ(send_to(m[0], m[1]->mac, 100, 1, 0), 0);
	swg_kick(&m[0]->port, SWG_TX);
	expect_silence(m[1]);
	EXPECT_EQ(m[0]->port.ring[SWG_TX].used->idx, 0);
	EXPECT_EQ(m[0]->port.ring[SWG_RX].used->flags, 0);
	EXPECT_EQ(m[0]->port.ring[SWG_TX].used->flags, 0);
	/* good rings, a buffer by its physical address */
	ASSERT_EQ(swg_reset(&m[0]->port), 0);
	m[0]->port.base = SWG_BASE;
	start(m[0], NULL);
	piece.addr = physical(m[0]->port.ring[SWG_TX].buffers);
	piece.len = 112;
	ASSERT(piece.addr);
	frame_make(m[0]->port.ring[SWG_TX].buffers + SWG_HEADER, 100, m[1]->mac, m[0]->mac, 2);
	ASSERT_EQ(swg_post(&m[0]->port, SWG_TX, &piece, 1, 0, false), 0);
	swg_kick(&m[0]->port, SWG_TX);
	expect_silence(m[1]);
	expect_drops(m[0], QUEZTL_DROP_BAD_RING, 1, "physical address");
}

TEST(map_removed_while_up)
{
	make_two(NULL);
	expect_pair_works(m[0], m[1], 1);
	ASSERT_EQ(swg_iotlb(&m[1]->port, VHOST_IOTLB_INVALIDATE, 0, NULL, ~0ULL, 0), 0);
	m[1]->port.mapped = false;
	paint(m[1], 0x77);
	member_mark(m[1]);
	for (int i = 0; i < 50; i++)
		ASSERT_EQ(send_to(m[0], m[1]->mac, 100, i, 0), 0);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	expect_drops(m[1], QUEZTL_DROP_DOWN, 50, "unmapped");
	EXPECT(is_painted(m[1], 0x77));
	ASSERT_EQ(swg_map_all(&m[1]->port, true), 0);
	expect_pair_works(m[0], m[1], 100);
}

/* The same addresses, other memory: what was is never touched again. */
TEST(map_replaced_while_up)
{
	uint8_t *old;

	make_two(NULL);
	expect_pair_works(m[0], m[1], 1);
	old = m[1]->port.memory;
	m[1]->port.memory = aligned_alloc(4096, m[1]->port.size);
	memcpy(m[1]->port.memory, old, m[1]->port.size);
	ASSERT_EQ(swg_map_all(&m[1]->port, true), 0);
	memset(old, 0x33, m[1]->port.size);
	for (int i = 0; i < SWG_RINGS; i++) {
		struct swg_ring *ring = &m[1]->port.ring[i];
		ptrdiff_t moved = m[1]->port.memory - old;

		ring->desc = (void *)((uint8_t *)ring->desc + moved);
		ring->avail = (void *)((uint8_t *)ring->avail + moved);
		ring->used = (void *)((uint8_t *)ring->used + moved);
		ring->buffers += moved;
	}
	for (int i = 0; i < 300; i++)
		expect_pair_works(m[0], m[1], i * 2);
	for (uint32_t i = 0; i < m[1]->port.size; i++)
		ASSERT_EQ(old[i], 0x33);
}

/* A map of many pieces, cut everywhere, also through rings, headers and frames. */
TEST(map_in_small_pieces)
{
	struct swg *port;

	make_two(NULL);
	port = &m[1]->port;
	ASSERT_EQ(swg_iotlb(port, VHOST_IOTLB_BATCH_BEGIN, 0, NULL, 0, 0), 0);
	ASSERT_EQ(swg_iotlb(port, VHOST_IOTLB_INVALIDATE, 0, NULL, ~0ULL, 0), 0);
	for (uint32_t at = 0; at < port->size; at += 4096)
		ASSERT_EQ(swg_iotlb(port, VHOST_IOTLB_UPDATE, port->base + at, port->memory + at, 4096,
				    VHOST_ACCESS_RW), 0);
	ASSERT_EQ(swg_iotlb(port, VHOST_IOTLB_BATCH_END, 0, NULL, 0, 0), 0);
	for (int i = 0; i < 600; i++) {
		ASSERT_EQ(send_to(m[0], m[1]->mac, 1514, i, 0), 0);
		expect_arrives(m[1], m[1]->mac, m[0], 1514, i);
		ASSERT_EQ(send_to(m[1], m[0]->mac, 1514, i, 0), 0);
		expect_arrives(m[0], m[0]->mac, m[1], 1514, i);
	}
	expect_no_drops(m[0]);
	expect_no_drops(m[1]);
}

/* What the driver allowed only to read is not written, and the other way round. */
TEST(map_permissions_hold)
{
	struct swg *port;
	uint32_t rings = SWG_BUFFERS;

	make_two(NULL);
	for (int perm = VHOST_ACCESS_RO; perm <= VHOST_ACCESS_WO; perm++) {
		port = &m[1]->port;
		ASSERT_EQ(swg_iotlb(port, VHOST_IOTLB_BATCH_BEGIN, 0, NULL, 0, 0), 0);
		ASSERT_EQ(swg_iotlb(port, VHOST_IOTLB_INVALIDATE, 0, NULL, ~0ULL, 0), 0);
		ASSERT_EQ(swg_iotlb(port, VHOST_IOTLB_UPDATE, port->base, port->memory, rings, VHOST_ACCESS_RW), 0);
		ASSERT_EQ(swg_iotlb(port, VHOST_IOTLB_UPDATE, port->base + rings, port->memory + rings,
				    port->size - rings, perm), 0);
		ASSERT_EQ(swg_iotlb(port, VHOST_IOTLB_BATCH_END, 0, NULL, 0, 0), 0);
		member_mark(m[1]);
		if (perm == VHOST_ACCESS_RO) {
			ASSERT_EQ(send_to(m[1], m[0]->mac, 100, 1, 0), 0);
			expect_arrives(m[0], m[0]->mac, m[1], 100, 1);
			memset(port->ring[SWG_RX].buffers, 0x44, 65536);
			ASSERT_EQ(send_to(m[0], m[1]->mac, 100, 2, 0), 0);
			expect_drops(m[1], QUEZTL_DROP_RX_BROKEN, 1, "buffer may not be written");
			for (int i = 0; i < 65536; i++)
				ASSERT_EQ(port->ring[SWG_RX].buffers[i], 0x44);
		} else {
			ASSERT_EQ(send_to(m[0], m[1]->mac, 100, 3, 0), 0);
			expect_arrives(m[1], m[1]->mac, m[0], 100, 3);
			ASSERT_EQ(send_to(m[1], m[0]->mac, 100, 4, 0), 0);
			expect_drops(m[1], QUEZTL_DROP_BAD_RING, 1, "buffer may not be read");
			expect_silence(m[0]);
		}
		EXPECT(swg_get_status(port) & VIRTIO_CONFIG_S_NEEDS_RESET);
		restart(m[1], NULL);
	}
	expect_pair_works(m[0], m[1], 9);
}
