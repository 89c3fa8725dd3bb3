// SPDX-License-Identifier: GPL-2.0
/* Frames that must not be delivered: each is counted once, under its own reason, at the right port. */
#define _GNU_SOURCE
#include "world.h"

static struct member *m[2];

static void make_two(const struct swg_options *options)
{
	make_lan(m, 2, options);
}

static void expect_not_sent(enum queztl_drop reason, const char *why)
{
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	expect_drops(m[0], reason, 1, why);
	expect_silence(m[1]);
	expect_no_drops(m[1]);
	EXPECT_EQ(member_stats(m[0]).tx_packets, 0);
}

TEST(runts_are_dropped)
{
	uint8_t frame[SWG_FRAME] = { 0 };

	make_two(NULL);
	memcpy(frame, m[1]->mac, 6);
	memcpy(frame + 6, m[0]->mac, 6);
	for (int length = 0; length < FRAME_HEADER; length++) {
		ASSERT_EQ(swg_send(&m[0]->port, NULL, frame, length, 0), 0);
		expect_not_sent(QUEZTL_DROP_RUNT, "runt");
	}
	expect_pair_works(m[0], m[1], 1);
}

/* Even less: not a whole virtio_net_hdr. */
TEST(headless_buffers_are_dropped)
{
	make_two(NULL);
	for (uint32_t length = 1; length < (uint32_t)SWG_HEADER; length++) {
		struct vring_desc piece = { .addr = m[0]->port.ring[SWG_TX].buffers_at, .len = length };

		ASSERT_EQ(swg_post(&m[0]->port, SWG_TX, &piece, 1, 0, false), 0);
		m[0]->port.ring[SWG_TX].free_slot_count--;	/* reaping gives it back */
		swg_flush(&m[0]->port, SWG_TX);
		expect_not_sent(QUEZTL_DROP_RUNT, "headless");
	}
	expect_pair_works(m[0], m[1], 1);
}

/* mtu + 14 passes (every_size_arrives_intact), + 22 with two VLAN tags; beyond nothing. */
TEST(too_big_is_dropped)
{
	struct swg_options options = { .slot = 16384 * 4, .num = 8 };
	static const int lengths[] = { 1523, 1524, 2000, 2048, 4096, 9014, 65000 };

	make_two(&options);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		ASSERT_EQ(send_to(m[0], m[1]->mac, lengths[i], i, 0), 0);
		expect_not_sent(QUEZTL_DROP_TOO_BIG, "too big");
	}
	for (int length = 1515; length <= 1522; length++) {
		ASSERT_EQ(send_to(m[0], m[1]->mac, length, length, 0), 0);
		expect_arrives(m[1], m[1]->mac, m[0], length, length);
	}
	expect_pair_works(m[0], m[1], 1);
}

TEST(offloads_not_negotiated_are_dropped)
{
	static const struct virtio_net_hdr_v1 headers[] = {
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 65535, .csum_offset = 65535 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1000, .hdr_len = 54 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .gso_size = 1000, .hdr_len = 74 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 1000 },
		{ .gso_type = 5 /* UDP_L4 */, .gso_size = 1 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_ECN },
		{ .gso_type = 0x7f },
		{ .gso_type = 0xff, .gso_size = 0 },
	};

	make_two(NULL);
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		uint8_t frame[100];

		frame_make(frame, sizeof(frame), m[1]->mac, m[0]->mac, i);
		ASSERT_EQ(swg_send(&m[0]->port, &headers[i], frame, sizeof(frame), 0), 0);
		expect_not_sent(QUEZTL_DROP_BAD_HEADER, "offload");
	}
	expect_pair_works(m[0], m[1], 1);
}

TEST(spoofed_source_is_dropped)
{
	uint8_t frame[100];
	__u8 from[6];

	make_two(NULL);
	for (int bit = 0; bit < 48; bit++) {
		memcpy(from, m[0]->mac, 6);
		from[bit / 8] ^= 1 << bit % 8;
		frame_make(frame, sizeof(frame), bit % 2 ? m[1]->mac : frame_broadcast, from, bit);
		ASSERT_EQ(swg_send(&m[0]->port, NULL, frame, sizeof(frame), 0), 0);
		ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	}
	expect_drops(m[0], QUEZTL_DROP_SPOOFED, 48, "spoofed");
	/* the receiver's own address, and none */
	frame_make(frame, sizeof(frame), m[1]->mac, m[1]->mac, 1);
	ASSERT_EQ(swg_send(&m[0]->port, NULL, frame, sizeof(frame), 0), 0);
	expect_not_sent(QUEZTL_DROP_SPOOFED, "the receiver's address");
	memset(from, 0, 6);
	frame_make(frame, sizeof(frame), m[1]->mac, from, 1);
	ASSERT_EQ(swg_send(&m[0]->port, NULL, frame, sizeof(frame), 0), 0);
	expect_not_sent(QUEZTL_DROP_SPOOFED, "no address");
	expect_pair_works(m[0], m[1], 1);
}

TEST(unknown_address_is_dropped)
{
	__u8 nobody[6];

	make_two(NULL);
	frame_mac(nobody, 77);
	ASSERT_EQ(send_to(m[0], nobody, 100, 1, 0), 0);
	expect_not_sent(QUEZTL_DROP_NO_PORT, "unknown");
	memset(nobody, 0, 6);
	ASSERT_EQ(send_to(m[0], nobody, 100, 1, 0), 0);
	expect_not_sent(QUEZTL_DROP_NO_PORT, "zero");
	ASSERT_EQ(send_to(m[0], m[0]->mac, 100, 1, 0), 0);
	expect_not_sent(QUEZTL_DROP_NO_PORT, "to itself");
	expect_silence(m[0]);
	expect_pair_works(m[0], m[1], 1);
}

/* What two neighbours on a wire tell each other (IEEE 802.1D, 7.12.6) ends at the fabric. */
TEST(reserved_groups_are_dropped)
{
	__u8 group[6] = { 0x01, 0x80, 0xc2 };

	make_two(NULL);
	ASSERT_EQ(port_set(m[1]->name, QUEZTL_PORT_UPLINK), 0);
	for (int i = 0; i < 16; i++) {
		group[5] = i;
		ASSERT_EQ(send_to(m[0], group, 100, i, 0), 0);
		expect_not_sent(QUEZTL_DROP_NO_PORT, "reserved");
	}
	/* the addresses around them are groups like any other */
	group[5] = 0x10;
	ASSERT_EQ(send_to(m[0], group, 100, 1, 0), 0);
	expect_arrives(m[1], group, m[0], 100, 1);
	group[4] = 1;
	group[5] = 0;
	ASSERT_EQ(send_to(m[0], group, 100, 2, 0), 0);
	expect_arrives(m[1], group, m[0], 100, 2);
	/* nor do they come in */
	group[4] = 0;
	member_mark(m[0]);
	ASSERT_EQ(send_to(m[1], group, 100, 3, 0), 0);
	expect_drops(m[1], QUEZTL_DROP_NO_PORT, 1, "reserved, from outside");
	expect_silence(m[0]);
}

/* Two guests that are to see one cable between them: spanning tree, LACP, LLDP. */
TEST(reserved_groups_pass_if_asked_for)
{
	__u8 group[6] = { 0x01, 0x80, 0xc2 };

	make_two(NULL);
	ASSERT_EQ(fabric_set("qtlan", QUEZTL_FABRIC_RESERVED), 0);
	for (int i = 0; i < 16; i++) {
		group[5] = i;
		ASSERT_EQ(send_to(m[0], group, 100, i, 0), 0);
		if (i == 1)	/* a pause is for nobody else */
			expect_drops(m[0], QUEZTL_DROP_NO_PORT, 1, "pause");
		else
			expect_arrives(m[1], group, m[0], 100, i);
	}
	ASSERT_EQ(fabric_set("qtlan", 0), 0);
	ASSERT_EQ(send_to(m[0], group, 100, 1, 0), 0);
	expect_drops(m[0], QUEZTL_DROP_NO_PORT, 1, "no longer asked for");
}

/* A port that is gone is forgotten at once, one that comes is found. */
TEST(addresses_come_and_go)
{
	make_two(NULL);
	for (int i = 0; i < 5; i++) {
		swg_close(&m[1]->port);
		ASSERT_EQ(port_del(m[1]->name), 0);
		ASSERT_EQ(send_to(m[0], m[1]->mac, 100, 1, 0), 0);
		expect_drops(m[0], QUEZTL_DROP_NO_PORT, 1, "deleted");
		m[1] = join("qtlan", 2, 0);
		start(m[1], NULL);
		expect_pair_works(m[0], m[1], i);
	}
}

TEST(flood_is_limited_and_recovers)
{
	const int burst = 20000;
	struct queztl_port_stats sent;
	uint64_t drops, before;

	make_two(NULL);
	for (int i = 0; i < burst; i++)
		while (send_to(m[0], frame_broadcast, 60, i, 0) == -ENOSPC)
			usleep(10);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	sent = member_stats(m[0]);
	drops = sent.drops[QUEZTL_DROP_RATE];
	ktap_say("of %d broadcasts %llu passed, %llu were limited", burst, sent.tx_packets, (unsigned long long)drops);
	EXPECT_GE(drops, 1);
	EXPECT_GE(sent.tx_packets, 100);	/* address resolution of a busy guest must pass */
	EXPECT_EQ(sent.tx_packets + drops, burst);
	/* unicast is not limited meanwhile, and others may flood */
	before = member_stats(m[1]).drops[QUEZTL_DROP_FULL];
	while (swg_receive(&m[1]->port, (uint8_t[SWG_FRAME]){ 0 }, SWG_FRAME, SILENCE) > 0)
		;
	EXPECT_EQ(member_stats(m[1]).rx_packets + before, sent.tx_packets);
	expect_pair_works(m[0], m[1], 1);
	ASSERT_EQ(send_to(m[1], frame_broadcast, 60, 1, 0), 0);
	expect_arrives(m[0], frame_broadcast, m[1], 60, 1);
	sleep(2);
	member_mark(m[0]);
	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(send_to(m[0], frame_broadcast, 60, i, 0), 0);
		expect_arrives(m[1], frame_broadcast, m[0], 60, i);
	}
	expect_no_drops(m[0]);
}

TEST(full_receiver_drops)
{
	struct swg_options options = { .num = 16 };

	make_two(&options);
	for (int i = 0; i < 16 + 5; i++)
		while (send_to(m[0], m[1]->mac, 100, i, 0))
			usleep(10);
	expect_drops(m[1], QUEZTL_DROP_FULL, 5, "full");
	expect_no_drops(m[0]);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);	/* it does not hold the sender up for long */
	for (int i = 0; i < 16; i++)
		expect_arrives(m[1], m[1]->mac, m[0], 100, i);
	expect_silence(m[1]);
	expect_pair_works(m[0], m[1], 1);
}

/* A frame that needs more merged buffers than there are takes none of them. */
TEST(partly_full_receiver_keeps_its_buffers)
{
	struct swg_options options = { .num = 8, .slot = 256, .features = F(VIRTIO_NET_F_MRG_RXBUF) };

	make_fabric("qtlan");
	m[0] = join("qtlan", 1, 0);
	m[1] = join("qtlan", 2, 0);
	start(m[0], NULL);
	start(m[1], &options);
	for (int i = 0; i < 6; i++)
		ASSERT_EQ(send_to(m[0], m[1]->mac, 200, i, 0), 0);
	ASSERT_EQ(send_to(m[0], m[1]->mac, 1000, 9, 0), 0);
	expect_drops(m[1], QUEZTL_DROP_FULL, 1, "two buffers for four");
	ASSERT_EQ(send_to(m[0], m[1]->mac, 400, 6, 0), 0);
	for (int i = 0; i < 6; i++)
		expect_arrives(m[1], m[1]->mac, m[0], 200, i);
	expect_arrives(m[1], m[1]->mac, m[0], 400, 6);
}

TEST(receiver_that_is_down_drops)
{
	struct swg_options options = { .no_ready = true };

	make_fabric("qtlan");
	m[0] = join("qtlan", 1, 0);
	m[1] = join("qtlan", 2, 0);
	start(m[0], NULL);
	member_mark(m[1]);
	ASSERT_EQ(send_to(m[0], m[1]->mac, 100, 1, 0), 0);
	expect_drops(m[1], QUEZTL_DROP_DOWN, 1, "no driver");
	start(m[1], &options);
	ASSERT_EQ(send_to(m[0], m[1]->mac, 100, 2, 0), 0);
	expect_drops(m[1], QUEZTL_DROP_DOWN, 1, "not DRIVER_OK");
	ASSERT_EQ(swg_set_status(&m[1]->port, swg_get_status(&m[1]->port) | VIRTIO_CONFIG_S_DRIVER_OK), 0);
	expect_pair_works(m[0], m[1], 3);
	expect_silence(m[1]);		/* what was dropped does not come late */
	ASSERT_EQ(swg_reset(&m[1]->port), 0);
	ASSERT_EQ(send_to(m[0], m[1]->mac, 100, 4, 0), 0);
	expect_drops(m[1], QUEZTL_DROP_DOWN, 1, "reset");
	expect_no_drops(m[0]);
}

TEST(too_small_buffer_drops)
{
	struct swg_options options = { .slot = 128 };

	make_fabric("qtlan");
	m[0] = join("qtlan", 1, 0);
	m[1] = join("qtlan", 2, 0);
	start(m[0], NULL);
	start(m[1], &options);
	ASSERT_EQ(send_to(m[0], m[1]->mac, 128 - SWG_HEADER + 1, 1, 0), 0);
	expect_drops(m[1], QUEZTL_DROP_NO_SPACE, 1, "one byte short");
	ASSERT_EQ(send_to(m[0], m[1]->mac, 1514, 1, 0), 0);
	expect_drops(m[1], QUEZTL_DROP_NO_SPACE, 1, "far too small");
	ASSERT_EQ(send_to(m[0], m[1]->mac, 128 - SWG_HEADER, 2, 0), 0);
	expect_arrives(m[1], m[1]->mac, m[0], 128 - SWG_HEADER, 2);
	expect_silence(m[1]);
}

/* Post one descriptor with @addr, @len and @flags as it is. */
static void post_raw(struct member *member, int ring, uint64_t addr, uint32_t len, uint16_t flags)
{
	struct vring_desc piece = { .addr = addr, .len = len, .flags = flags };

	swg_reap(&member->port);
	ASSERT_EQ(swg_post(&member->port, ring, &piece, 1, 0, false), 0);
	swg_kick(&member->port, ring);
}

static bool is_broken(struct member *member)
{
	struct queztl_port port;

	for (int i = 0; i < SOON; i++, usleep(1000)) {
		ASSERT_EQ(port_find(member->name, &port), 0);
		if (port.state & QUEZTL_PORT_BROKEN)
			return swg_get_status(&member->port) & VIRTIO_CONFIG_S_NEEDS_RESET;
	}
	return false;
}

static void expect_reset_cures(struct member *member, struct member *other)
{
	struct queztl_port port;

	ASSERT_EQ(swg_reset(&member->port), 0);
	start(member, NULL);
	ASSERT_EQ(port_find(member->name, &port), 0);
	EXPECT_EQ(port.state, QUEZTL_PORT_OPEN | QUEZTL_PORT_UP);
	EXPECT_EQ(port.pid, getpid());
	expect_pair_works(member, other, 5);
}

TEST(malformed_send_ring_breaks_the_port)
{
	static const struct { uint64_t addr; uint32_t len; uint16_t flags; } bad[] = {
		{ SWG_BASE + SWG_MEMORY, 100, 0 },			/* beyond the map */
		{ SWG_BASE + SWG_MEMORY - 50, 100, 0 },			/* straddling its end */
		{ SWG_BASE - 50, 100, 0 },				/* straddling its start */
		{ 0, 100, 0 },
		{ ~0ULL - 10, 100, 0 },					/* wraps */
		{ SWG_BASE, 100, VRING_DESC_F_WRITE },			/* nothing to read */
		{ SWG_BASE, 100, VRING_DESC_F_INDIRECT },		/* no whole number of descriptors */
		{ SWG_BASE, 0, VRING_DESC_F_INDIRECT },
		{ SWG_BASE, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT },
		{ SWG_BASE, 100, VRING_DESC_F_NEXT },			/* and next is 0: a loop, or another's chain */
	};

	make_two(NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		/* a good frame as far as there is memory */
		frame_make(m[0]->port.memory + SWG_MEMORY - 50 + SWG_HEADER, 50 - SWG_HEADER, m[1]->mac, m[0]->mac, i);
		post_raw(m[0], SWG_TX, bad[i].addr, bad[i].len, bad[i].flags);
		KTAP_CHECK(is_broken(m[0]), false, "bad descriptor %zu did not break the port", i);
		expect_silence(m[1]);
		member_mark(m[1]);
		expect_reset_cures(m[0], m[1]);
		expect_no_drops(m[1]);
	}
	EXPECT_GE(member_stats(m[0]).drops[QUEZTL_DROP_BAD_RING], 1);
}

TEST(malformed_receive_ring_is_the_receivers_fault)
{
	static const struct { uint64_t addr; uint32_t len; uint16_t flags; } bad[] = {
		{ SWG_BASE + SWG_MEMORY, 2048, VRING_DESC_F_WRITE },
		{ SWG_BASE + SWG_MEMORY - 50, 2048, VRING_DESC_F_WRITE },
		{ 0x1000, 2048, VRING_DESC_F_WRITE },
		{ ~0ULL - 2047, 2048, VRING_DESC_F_WRITE },
		{ SWG_BASE + SWG_BUFFERS, 2048, 0 },			/* the device may only read it */
	};
	struct swg_options options = { .no_fill = true };

	make_two(NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ASSERT_EQ(swg_reset(&m[1]->port), 0);
		start(m[1], &options);
		post_raw(m[1], SWG_RX, bad[i].addr, bad[i].len, bad[i].flags);
		member_mark(m[0]);
		ASSERT_EQ(send_to(m[0], m[1]->mac, 100, i, 0), 0);
		ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
		KTAP_CHECK(is_broken(m[1]), false, "bad receive descriptor %zu did not break the port", i);
		expect_drops(m[1], QUEZTL_DROP_RX_BROKEN, 1, "bad receive ring");
		expect_no_drops(m[0]);
		EXPECT(!(swg_get_status(&m[0]->port) & VIRTIO_CONFIG_S_NEEDS_RESET));
		expect_reset_cures(m[1], m[0]);
	}
}
