// SPDX-License-Identifier: GPL-2.0
/* The fabric as two or more guests see it: what is sent arrives, whole, where it should, and nowhere else. */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "world.h"

#include <pthread.h>

#define ALL (F(VIRTIO_RING_F_EVENT_IDX) | F(VIRTIO_RING_F_INDIRECT_DESC) | F(VIRTIO_NET_F_MRG_RXBUF))

TEST(every_size_arrives_intact)
{
	struct member *m[2];
	int last;

	make_lan(m, 2, NULL);
	last = m[0]->mtu + FRAME_HEADER;
	for (int length = FRAME_HEADER; length <= last; length++) {
		ASSERT_EQ(send_to(m[0], m[1]->mac, length, length, 0), 0);
		expect_arrives(m[1], m[1]->mac, m[0], length, length);
	}
	EXPECT_EQ(member_stats(m[0]).tx_packets - m[0]->then.tx_packets, last - FRAME_HEADER + 1);
	expect_no_drops(m[0]);
	expect_no_drops(m[1]);
	expect_silence(m[0]);
}

static void try_layouts(uint64_t features, int num)
{
	static const int layouts[] = { 0, SWG_SPLIT, SWG_BYTES, SWG_CROOKED, SWG_IN_TABLE, SWG_IN_TABLE | SWG_SPLIT,
				       SWG_IN_TABLE | SWG_BYTES, SWG_IN_TABLE | SWG_CROOKED };
	static const int lengths[] = { 14, 15, 17, 60, 61, 75, 100, 1513, 1514 };
	struct swg_options options = { .features = features, .num = num };
	uint32_t seed = 1;
	struct member *m[2];

	make_lan(m, 2, &options);
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		if (layouts[i] & SWG_IN_TABLE && !(features & F(VIRTIO_RING_F_INDIRECT_DESC)))
			continue;
		for (size_t j = 0; j < sizeof(lengths) / sizeof(*lengths); j++) {
			/* the pieces must fit the ring, or the table: swg_post() */
			int r = send_to(m[0], m[1]->mac, lengths[j], ++seed, layouts[i]);

			if (r == -ENOSPC && layouts[i] & (SWG_BYTES | SWG_CROOKED))
				continue;
			ASSERT_EQ(r, 0);
			expect_arrives(m[1], m[1]->mac, m[0], lengths[j], seed);
			ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
		}
	}
	expect_no_drops(m[0]);
	expect_no_drops(m[1]);
	for (int i = 0; i < 2; i++)
		swg_close(&m[i]->port);
	fabric_sweep();
}

TEST(layouts_arrive_intact)
{
	static const uint64_t features[] = { 0, F(VIRTIO_RING_F_EVENT_IDX), F(VIRTIO_RING_F_INDIRECT_DESC),
					     F(VIRTIO_NET_F_MRG_RXBUF), ALL };

	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++)
		try_layouts(features[i], features[i] & F(VIRTIO_RING_F_INDIRECT_DESC) ? 16 : 256);
}

/* A chain as long as the ring itself, the longest there may be (virtio 1.2, 2.7.5.3.1), and as long through a table. */
TEST(longest_chain_is_taken)
{
	struct swg_options options = { .features = ALL, .num = 1024 };
	struct member *m[2];

	make_lan(m, 2, &options);
	ASSERT_EQ(send_to(m[0], m[1]->mac, 1023, 1, SWG_BYTES), 0);
	expect_arrives(m[1], m[1]->mac, m[0], 1023, 1);
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(swg_reset(&m[i]->port), 0);
	options.num = 2;
	options.first = 0;
	for (int i = 0; i < 2; i++)
		start(m[i], &options);
	/* virtio forbids a table longer than the ring; drivers do it (VIRTIO_RING_F_INDIRECT_DESC in Linux) */
	ASSERT_EQ(send_to(m[0], m[1]->mac, 1000, 2, SWG_BYTES | SWG_IN_TABLE), 0);
	expect_arrives(m[1], m[1]->mac, m[0], 1000, 2);
}

TEST(small_buffers_are_merged)
{
	static const int slots[] = { 26, 27, 64, 100, 128, 512 };
	struct swg_options options = { .features = F(VIRTIO_NET_F_MRG_RXBUF) };
	struct member *m[2];
	uint32_t seed = 0;

	make_fabric("qtlan");
	m[0] = join("qtlan", 1, 0);
	m[1] = join("qtlan", 2, 0);
	start(m[0], &options);
	for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++) {
		int most = slots[i] < 64 ? slots[i] * 32 : 1514;

		options.slot = slots[i];
		start(m[1], &options);
		for (int length = 14; length <= most && length <= 1514; length += length < 200 ? 1 : 37) {
			ASSERT_EQ(send_to(m[0], m[1]->mac, length, ++seed, 0), 0);
			expect_arrives(m[1], m[1]->mac, m[0], length, seed);
			ASSERT_EQ(m[1]->port.buffers_used, (length + SWG_HEADER + slots[i] - 1) / slots[i]);
		}
		expect_no_drops(m[1]);
		ASSERT_EQ(swg_reset(&m[1]->port), 0);
	}
}

static void flood_arrives(const __u8 to[6])
{
	struct member *m[4];

	make_lan(m, 4, NULL);
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(send_to(m[i % 4], to, 60 + i, i, 0), 0);
		for (int j = 0; j < 4; j++)
			if (j != i % 4)
				expect_arrives(m[j], to, m[i % 4], 60 + i, i);
	}
	for (int i = 0; i < 4; i++) {
		expect_silence(m[i]);
		expect_no_drops(m[i]);
		/* one frame sent, whoever got it */
		EXPECT_EQ(member_stats(m[i]).tx_packets - m[i]->then.tx_packets, 5);
		EXPECT_EQ(member_stats(m[i]).rx_packets - m[i]->then.rx_packets, 15);
	}
}

TEST(broadcast_reaches_all_but_the_sender)
{
	flood_arrives(frame_broadcast);
}

TEST(multicast_reaches_all_but_the_sender)
{
	flood_arrives((const __u8[]){ 0x33, 0x33, 0, 0, 0, 1 });
}

TEST(unicast_reaches_nobody_else)
{
	struct member *m[3];

	make_lan(m, 3, NULL);
	for (int i = 0; i < 30; i++) {
		ASSERT_EQ(send_to(m[0], m[1]->mac, 200, i, 0), 0);
		expect_arrives(m[1], m[1]->mac, m[0], 200, i);
	}
	expect_silence(m[2]);
	EXPECT_EQ(member_stats(m[2]).rx_packets, 0);
}

TEST(fabrics_are_isolated)
{
	struct member *here[2], *there;

	make_lan(here, 2, NULL);
	make_fabric("qtother");
	there = join("qtother", 7, 0);
	start(there, NULL);
	ASSERT_EQ(send_to(here[0], there->mac, 100, 1, 0), 0);
	expect_drops(here[0], QUEZTL_DROP_NO_PORT, 1, "another fabric's address");
	ASSERT_EQ(send_to(here[0], frame_broadcast, 100, 2, 0), 0);
	expect_arrives(here[1], frame_broadcast, here[0], 100, 2);
	expect_silence(there);
	ASSERT_EQ(send_to(there, here[0]->mac, 100, 3, 0), 0);
	expect_silence(here[0]);
	EXPECT_EQ(member_stats(there).rx_packets, 0);
}

/* The same address may exist once in each fabric, and only once in one. */
TEST(address_is_the_fabrics_own)
{
	struct member *a[2], *b[2];

	make_fabric("qtlan");
	make_fabric("qtother");
	for (int i = 0; i < 2; i++) {
		a[i] = join("qtlan", i + 1, 0);
		start(a[i], NULL);
		b[i] = calloc(1, sizeof(*b[i]));
		snprintf(b[i]->name, sizeof(b[i]->name), "qto%d", i);
		memcpy(b[i]->mac, a[i]->mac, 6);
		ASSERT_EQ(port_add(b[i]->name, "qtother", b[i]->mac, 0), 0);
		ASSERT_EQ(swg_open(&b[i]->port, b[i]->name), 0);
		start(b[i], NULL);
	}
	ASSERT_EQ(send_to(a[0], a[1]->mac, 100, 1, 0), 0);
	expect_arrives(a[1], a[1]->mac, a[0], 100, 1);
	expect_silence(b[1]);
	EXPECT_NE(port_add("qtdup", "qtlan", a[0]->mac, 0), 0);
	EXPECT_EQ(port_find("qtdup", &(struct queztl_port){ 0 }), -ENOENT);
}

TEST_WITHIN(all_ring_sizes, 120)
{
	struct swg_options options = { 0 };
	uint32_t seed = 0;
	struct member *m[2];

	make_fabric("qtlan");
	m[0] = join("qtlan", 1, 0);
	m[1] = join("qtlan", 2, 0);
	for (options.num = 2; options.num <= 1024; options.num *= 2) {
		for (int mode = 0; mode < 2; mode++) {
			options.features = mode ? F(VIRTIO_RING_F_EVENT_IDX) : 0;
			start(m[0], &options);
			start(m[1], &options);
			for (int batch = 0; batch < 5; batch++) {
				for (int i = 0; i < options.num; i++)
					ASSERT_EQ(send_to(m[0], m[1]->mac, 60, ++seed, SWG_QUIET), 0);
				swg_flush(&m[0]->port, SWG_TX);
				for (int i = 0; i < options.num; i++)
					expect_arrives(m[1], m[1]->mac, m[0], 60, seed - options.num + i + 1);
				ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
			}
			expect_no_drops(m[1]);
			ASSERT_EQ(swg_reset(&m[0]->port), 0);
			ASSERT_EQ(swg_reset(&m[1]->port), 0);
		}
	}
}

static void wrap(uint64_t features)
{
	struct swg_options options = { .features = features };
	const int batch = 64, total = 140000;
	struct member *m[2];

	make_lan(m, 2, &options);
	for (int sent = 0; sent < total; sent += batch) {
		for (int i = 0; i < batch; i++)
			ASSERT_EQ(send_to(m[0], m[1]->mac, 20, sent + i, SWG_QUIET), 0);
		swg_flush(&m[0]->port, SWG_TX);
		for (int i = 0; i < batch; i++)
			expect_arrives(m[1], m[1]->mac, m[0], 20, sent + i);
		ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	}
	expect_no_drops(m[1]);
	EXPECT_EQ(member_stats(m[1]).rx_packets, (total + batch - 1) / batch * batch);
	EXPECT_EQ(swg_get_base(&m[0]->port, SWG_TX), m[0]->port.ring[SWG_TX].next);
}

TEST_WITHIN(indices_wrap, 120)
{
	wrap(0);
}

TEST_WITHIN(indices_wrap_with_event_idx, 120)
{
	wrap(ALL);
}

TEST(jumbo_mtu)
{
	struct swg_options options = { .slot = 9216, .num = 64 };
	struct member *m[2];
	uint16_t mtu = 0;

	make_fabric("qtlan");
	for (int i = 0; i < 2; i++) {
		m[i] = join("qtlan", i + 1, 9000);
		start(m[i], &options);
	}
	ASSERT_EQ(swg_get_config(&m[0]->port, offsetof(struct virtio_net_config, mtu), &mtu, 2), 0);
	EXPECT_EQ(mtu, 9000);
	for (int length = 8900; length <= 9014; length++) {
		ASSERT_EQ(send_to(m[0], m[1]->mac, length, length, length % 2 ? SWG_CROOKED : 0), 0);
		expect_arrives(m[1], m[1]->mac, m[0], length, length);
	}
}

TEST(stats_equal_what_was_sent)
{
	uint64_t bytes = 0, drops = 0;
	struct queztl_port_stats a, b;
	struct member *m[2];
	__u8 nobody[6];

	frame_mac(nobody, 999);
	make_lan(m, 2, NULL);
	for (int i = 0; i < 500; i++) {
		int length = 14 + i * 3;

		ASSERT_EQ(send_to(m[0], i % 10 ? m[1]->mac : nobody, length, i, 0), 0);
		if (i % 10) {
			bytes += length;
			expect_arrives(m[1], m[1]->mac, m[0], length, i);
		} else {
			drops++;
		}
	}
	a = member_stats(m[0]);
	b = member_stats(m[1]);
	EXPECT_EQ(a.tx_packets, 500 - drops);
	EXPECT_EQ(a.tx_bytes, bytes);
	EXPECT_EQ(a.drops[QUEZTL_DROP_NO_PORT], drops);
	EXPECT_EQ(a.rx_packets, 0);
	EXPECT_EQ(b.rx_packets, 500 - drops);
	EXPECT_EQ(b.rx_bytes, bytes);
	EXPECT_EQ(b.tx_packets, 0);
	EXPECT_EQ(a.kicks, m[0]->port.ring[SWG_TX].kicks);
	EXPECT_GE(a.direct_runs + a.worker_runs, 1);
	/* they survive a reset of the driver, and a new one */
	ASSERT_EQ(swg_reset(&m[0]->port), 0);
	EXPECT_EQ(member_stats(m[0]).tx_packets, 500 - drops);
	swg_close(&m[0]->port);
	EXPECT_EQ(member_stats(m[0]).tx_bytes, bytes);
}

static void *send_many(void *argument)
{
	struct member **m = argument;

	for (int i = 0; i < 20000;)
		if (!send_to(m[0], m[1]->mac, 100, i, 0))
			i++;
	return NULL;
}

/* Senders at the same time to one receiver: it gets from each what it sent, in order; gaps are counted as FULL. */
TEST_WITHIN(many_senders_one_receiver, 120)
{
	uint32_t next[4] = { 0 }, got = 0;
	struct swg_options options = { .num = 1024 };
	struct member *m[4], *pairs[3][2];
	uint8_t frame[SWG_FRAME];
	pthread_t threads[3];

	make_lan(m, 4, &options);
	for (int i = 0; i < 3; i++) {
		pairs[i][0] = m[i + 1];
		pairs[i][1] = m[0];
		ASSERT_EQ(pthread_create(&threads[i], NULL, send_many, pairs[i]), 0);
	}
	for (;;) {
		int length = swg_receive(&m[0]->port, frame, sizeof(frame), 1000), who;
		uint32_t seed;

		if (length == -ETIMEDOUT)
			break;
		ASSERT_EQ(length, 100);
		who = frame[11] - 1;
		seed = frame_seed(frame);
		ASSERT(who >= 1 && who <= 3 && seed >= next[who]);
		ASSERT(frame_check(frame, 100, m[0]->mac, m[who]->mac, seed));
		next[who] = seed + 1;
		got++;
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(got + member_stats(m[0]).drops[QUEZTL_DROP_FULL], 3 * 20000);
	EXPECT_EQ(member_stats(m[0]).rx_packets, got);
	ktap_say("%u frames arrived, %llu found it full", got, member_stats(m[0]).drops[QUEZTL_DROP_FULL]);
}

int main(int argc, char **argv)
{
	if (access(QUEZTL_DEVICE, F_OK)) {
		printf("KTAP version 1\n1..0 # SKIP no " QUEZTL_DEVICE "\n");
		return KTAP_SKIP;
	}
	fabric_sweep();
	return ktap_run(argc, argv, fabric_sweep);
}
