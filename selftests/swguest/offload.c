// SPDX-License-Identifier: GPL-2.0
/* Checksums and segments: every kind of frame arrives right at every kind of receiver. */
#define _GNU_SOURCE
#include "flow.h"
#include "world.h"

#define SEND	(F(VIRTIO_NET_F_CSUM) | F(VIRTIO_NET_F_HOST_TSO4) | F(VIRTIO_NET_F_HOST_TSO6) | \
		 F(VIRTIO_NET_F_HOST_ECN) | F(VIRTIO_NET_F_HOST_USO))
#define CSUM	F(VIRTIO_NET_F_GUEST_CSUM)
#define TSO	(F(VIRTIO_NET_F_GUEST_TSO4) | F(VIRTIO_NET_F_GUEST_TSO6))
#define USO	(F(VIRTIO_NET_F_GUEST_USO4) | F(VIRTIO_NET_F_GUEST_USO6))
#define MERGE	F(VIRTIO_NET_F_MRG_RXBUF)
#define BIG	(65536 + 64)		/* a slot for the largest frame */

static const struct flow flows[] = {
	{ .name = "TCP/IPv4 checksum", .payload = 1 },
	{ .name = "TCP/IPv4 checksum, odd", .payload = 1001 },
	{ .name = "TCP/IPv6 checksum", .ip6 = true, .payload = 1000 },
	{ .name = "UDP/IPv4 checksum", .udp = true, .payload = 18 },
	{ .name = "UDP/IPv6 checksum, VLAN", .udp = true, .ip6 = true, .vlan = true, .payload = 333 },
	{ .name = "TCP/IPv4", .gso_size = 1448, .payload = 20000 },
	{ .name = "TCP/IPv4, whole segments", .gso_size = 1448, .payload = 14480 },
	{ .name = "TCP/IPv4, one segment", .gso_size = 1448, .payload = 99 },
	{ .name = "TCP/IPv4, odd segments", .gso_size = 333, .payload = 7777 },
	{ .name = "TCP/IPv6, VLAN", .ip6 = true, .vlan = true, .gso_size = 1428, .payload = 9999 },
	{ .name = "UDP/IPv4", .udp = true, .gso_size = 1472, .payload = 15000 },
	{ .name = "UDP/IPv6", .udp = true, .ip6 = true, .gso_size = 7, .payload = 100 },
};

#define FLOWS	(sizeof(flows) / sizeof(*flows))

static struct flow_frame frame;

/* All of the frame arrives at @at: as it is, when it negotiated all that it needs, else in as many as it takes. */
static void expect_flow(struct member *at, const struct flow *flow, uint64_t features)
{
	static uint8_t bytes[SWG_FRAME];
	bool whole = !(flow_needs(flow) & ~(features | (flow->gso_size ? 0 : CSUM)));
	const struct virtio_net_hdr_v1 *header = &at->port.header;
	int offset, payload, got;
	const char *wrong;

	for (offset = 0; offset < flow->payload; offset += payload) {
		payload = flow->payload - offset;
		if (!whole && payload > flow->gso_size)
			payload = flow->gso_size;
		got = swg_receive(&at->port, bytes, sizeof(bytes), SOON);
		KTAP_CHECK(got > 0, true, "%s, features %llx: nothing at offset %d: %s", flow->name,
			   (unsigned long long)features, offset, strerror(-got));
		wrong = flow_check(&frame, flow, header, bytes, got, offset, payload);
		KTAP_CHECK(!wrong, true, "%s, features %llx: wrong %s at offset %d of %d bytes", flow->name,
			   (unsigned long long)features, wrong, offset, got);
		EXPECT_EQ(header->flags, features & CSUM ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0);
		EXPECT_EQ(header->gso_type, whole ? frame.header.gso_type : VIRTIO_NET_HDR_GSO_NONE);
		EXPECT_EQ(header->gso_size, whole ? frame.header.gso_size : 0);
		EXPECT_EQ(header->hdr_len, whole ? frame.header.hdr_len : 0);
	}
}

static void send_flow(struct member *from, const struct flow *flow, const __u8 to[6], uint32_t seed, int layout)
{
	flow_make(&frame, flow, to, from->mac, seed);
	ASSERT_EQ(swg_send(&from->port, &frame.header, frame.bytes, frame.length, layout), 0);
}

static void try_receiver(struct member *from, struct member *at, const struct swg_options *options)
{
	static const int layouts[] = { 0, SWG_SPLIT, SWG_CROOKED };

	start(at, options);
	for (size_t i = 0; i < FLOWS * 3; i++) {
		send_flow(from, &flows[i / 3], at->mac, i, layouts[i % 3]);
		expect_flow(at, &flows[i / 3], options->features);
	}
	expect_no_drops(at);
	ASSERT_EQ(swg_reset(&at->port), 0);
}

TEST_WITHIN(every_offload_arrives_at_every_receiver, 120)
{
	static const uint64_t receivers[] = { 0, CSUM, CSUM | TSO, CSUM | USO, CSUM | F(VIRTIO_NET_F_GUEST_TSO4),
					      CSUM | F(VIRTIO_NET_F_GUEST_USO6), CSUM | TSO | USO };
	struct swg_options options = { .features = SEND | F(VIRTIO_RING_F_EVENT_IDX), .slot = BIG, .num = 256 };
	struct member *m[2];

	make_fabric("qtlan");
	m[0] = join("qtlan", 1, 0);
	m[1] = join("qtlan", 2, 0);
	start(m[0], &options);
	for (size_t i = 0; i < sizeof(receivers) / sizeof(*receivers); i++) {
		options.features = receivers[i];
		options.slot = BIG;
		try_receiver(m[0], m[1], &options);
		options.features = receivers[i] | MERGE | F(VIRTIO_RING_F_EVENT_IDX);
		options.slot = i % 2 ? 1536 : 333;	/* odd: sums go over uneven pieces */
		try_receiver(m[0], m[1], &options);
	}
	expect_no_drops(m[0]);
}

static void send_from_port(struct member *from, const struct flow *flow, const __u8 to[6], int port)
{
	flow_make(&frame, flow, to, from->mac, port);
	frame.bytes[frame.header.csum_start] = port >> 8;
	frame.bytes[frame.header.csum_start + 1] = port & 0xff;
	ASSERT_EQ(swg_send(&from->port, &frame.header, frame.bytes, frame.length, SWG_CROOKED), 0);
}

/*
 * Clients read answers of DHCP with sockets that do not tell them that a checksum is only begun: it
 * is finished, also for those that could finish it. Of no others.
 */
TEST(answers_of_dhcp_arrive_finished)
{
	static const struct flow answers[] = {
		{ .name = "DHCP", .udp = true, .payload = 300 },
		{ .name = "DHCP, short", .udp = true, .payload = 18 },
		{ .name = "DHCP, long", .udp = true, .payload = 1472 },
		{ .name = "DHCP, VLAN", .udp = true, .vlan = true, .payload = 548 },
		{ .name = "UDP/IPv6", .udp = true, .ip6 = true, .payload = 300 },
		{ .name = "TCP/IPv4", .payload = 300 },
	};
	struct swg_options options = { .features = SEND | CSUM };
	static uint8_t bytes[SWG_FRAME];
	struct member *m[2];

	make_lan(m, 2, &options);
	for (size_t i = 0; i < 2 * sizeof(answers) / sizeof(*answers); i++) {
		const struct flow *flow = &answers[i / 2];
		bool finished = !(i % 2) && flow->udp && !flow->ip6;
		uint8_t flags = finished ? 0 : VIRTIO_NET_HDR_F_NEEDS_CSUM;
		int got, from = i % 2 ? 68 : 67;
		const char *wrong;

		send_from_port(m[0], flow, flow->ip6 ? m[1]->mac : frame_broadcast, from);
		got = swg_receive(&m[1]->port, bytes, sizeof(bytes), SOON);
		ASSERT_EQ(got, frame.length);
		wrong = flow_check(&frame, flow, &m[1]->port.header, bytes, got, 0, flow->payload);
		KTAP_CHECK(!wrong, false, "%s: %s", flow->name, wrong);
		KTAP_CHECK(m[1]->port.header.flags == flags, false, "%s from port %d: flags %d",
			   flow->name, from, m[1]->port.header.flags);
	}
	expect_no_drops(m[0]);
	expect_no_drops(m[1]);
}

/* A frame to everybody arrives at each as that one can take it. */
TEST(flooded_offloads_arrive_at_each)
{
	static const struct flow flow = { .name = "multicast", .udp = true, .gso_size = 500, .payload = 2400 };
	static const uint64_t receivers[] = { 0, CSUM, CSUM | USO };
	static const __u8 group[6] = { 0x01, 0x00, 0x5e, 0x01, 0x02, 0x03 };
	struct swg_options options = { .features = SEND, .slot = 4096 };
	struct member *m[4];

	make_fabric("qtlan");
	for (int i = 0; i < 4; i++) {
		m[i] = join("qtlan", i + 1, 0);
		options.features = i ? receivers[i - 1] : SEND;
		start(m[i], &options);
	}
	send_flow(m[0], &flow, group, 1, 0);
	for (int i = 1; i < 4; i++)
		expect_flow(m[i], &flow, receivers[i - 1]);
	for (int i = 0; i < 4; i++)
		expect_no_drops(m[i]);
}

/* What is wrong with a frame is its sender's fault alone. */
TEST(wrong_offloads_are_dropped)
{
	static const struct flow flow = { .name = "wrong", .gso_size = 1448, .payload = 3000 };
	struct swg_options options = { .features = SEND | CSUM | TSO | USO, .slot = 8192 };
	struct member *m[2];

	make_lan(m, 2, &options);
	for (int what = 0; what < 9; what++) {
		flow_make(&frame, &flow, m[1]->mac, m[0]->mac, what);
		switch (what) {
		case 0: frame.header.gso_size = 0; break;
		case 1: frame.header.flags = 0; break;
		case 2: frame.header.csum_start += 2; break;
		case 3: frame.header.csum_offset = 6; break;
		case 4: frame.header.gso_type = VIRTIO_NET_HDR_GSO_TCPV6; break;
		case 5: frame.header.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4; break;
		case 6: frame.header.gso_size = 1; break;	/* 3000 segments */
		case 7: frame.header.csum_start = 65535; break;
		case 8: frame.bytes[14] = 0x55; break;
		}
		ASSERT_EQ(swg_send(&m[0]->port, &frame.header, frame.bytes, frame.length, 0), 0);
		expect_drops(m[0], QUEZTL_DROP_BAD_HEADER, 1, "wrong offload");
	}
	flow_make(&frame, &flow, m[1]->mac, m[0]->mac, 1);
	frame.header.gso_size = 1522 - frame.head + 1;	/* too long by one */
	ASSERT_EQ(swg_send(&m[0]->port, &frame.header, frame.bytes, frame.length, 0), 0);
	expect_drops(m[0], QUEZTL_DROP_TOO_BIG, 1, "large segments");
	expect_silence(m[1]);
	expect_no_drops(m[1]);
	expect_pair_works(m[0], m[1], 1);
}

/* A receiver that runs out of buffers in the middle gets the segments before, and one drop is counted. */
TEST(segments_stop_where_buffers_end)
{
	static const struct flow flow = { .name = "long", .gso_size = 1000, .payload = 20000 };
	struct swg_options options = { .features = SEND, .slot = 32768, .num = 8 };
	static uint8_t bytes[SWG_FRAME];
	struct member *m[2];

	make_lan(m, 2, &options);
	send_flow(m[0], &flow, m[1]->mac, 1, 0);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	for (int i = 0; i < 8; i++) {
		int got = swg_receive(&m[1]->port, bytes, sizeof(bytes), SOON);

		ASSERT_EQ(got, frame.head + 1000);
		EXPECT(!flow_check(&frame, &flow, &m[1]->port.header, bytes, got, i * 1000, 1000));
	}
	expect_drops(m[1], QUEZTL_DROP_FULL, 1, "full");
	expect_silence(m[1]);
	expect_no_drops(m[0]);
}
