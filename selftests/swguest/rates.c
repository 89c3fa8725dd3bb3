// SPDX-License-Identifier: GPL-2.0
/*
 * What a port may send per second. Only that a rate is never exceeded is looked at, however slow the host: of so many
 * frames or bytes, the burst is sent at once, and each of the others has taken its time.
 */
#define _GNU_SOURCE
#include "world.h"

#include <sys/ioctl.h>

#define BURST	0.010		/* seconds: what is sent at once of a port's rates */

static struct member *m[12];

static void set_rates(struct member *member, __u32 set, __u64 rate)
{
	struct queztl_port port;
	struct queztl_port_rates rates = { .size = sizeof(rates), .set = set, .tx_bytes = rate, .tx_packets = rate,
					   .flood = rate };

	ASSERT_EQ(port_find(member->name, &port), 0);
	rates.id = port.id;
	ASSERT_EQ(ioctl(queztl_fd(), QUEZTL_RATES_SET, &rates), 0);
}

static void send_many(int count, int length)
{
	for (int i = 0; i < count; i++)
		ASSERT_EQ(send_to(m[0], m[1]->mac, length, i, 0), 0);
}

/* All of them come, in their order, and none before its time: the first so many are the burst. */
static void expect_all_in_time(int count, int length, double each, int first)
{
	double begin = swg_now();

	send_many(count, length);
	for (int i = 0; i < count; i++) {
		expect_arrives(m[1], m[1]->mac, m[0], length, i);
		KTAP_CHECK(swg_now() - begin >= (i - first) * each, true, "frame %d came after %.1f ms", i,
			   (swg_now() - begin) * 1e3);
	}
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	expect_no_drops(m[0]);
	expect_no_drops(m[1]);
	EXPECT_GE(member_stats(m[0]).tx_paced, 1);
	EXPECT_EQ(member_stats(m[1]).tx_paced, 0);
}

TEST(packets_wait_for_their_rate)
{
	make_lan(m, 2, NULL);
	set_rates(m[0], QUEZTL_PORT_TX_PACKETS, 200);
	expect_all_in_time(60, 100, 1. / 200, 200 * BURST + 1);
}

TEST(bytes_wait_for_their_rate)
{
	make_lan(m, 2, NULL);
	set_rates(m[0], QUEZTL_PORT_TX_BYTES, 100000);
	expect_all_in_time(30, 1000, 1000. / 100000, 100000 * BURST / 1000 + 1);
}

/* The guest is told as usual when what waited was sent; without asking for kicks meanwhile none is lost. */
TEST(a_rate_outlasts_a_reset)
{
	make_lan(m, 2, NULL);
	set_rates(m[0], QUEZTL_PORT_TX_PACKETS, 10);
	send_many(20, 100);
	restart(m[0], NULL);			/* while frames wait */
	restart(m[1], NULL);
	expect_all_in_time(5, 100, 1. / 10, 1 + 10 * BURST + 1);
}

/* 20 frames of 1500 bytes would take half a minute. */
TEST(a_new_rate_ends_the_wait_for_the_old)
{
	make_lan(m, 2, NULL);
	set_rates(m[0], QUEZTL_PORT_TX_BYTES, 1000);
	send_many(20, 1500);
	expect_arrives(m[1], m[1]->mac, m[0], 1500, 0);
	expect_silence(m[1]);
	set_rates(m[0], QUEZTL_PORT_TX_BYTES, 0);
	for (int i = 1; i < 20; i++)
		expect_arrives(m[1], m[1]->mac, m[0], 1500, i);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
}

TEST(others_do_not_wait)
{
	make_lan(m, 3, NULL);
	set_rates(m[0], QUEZTL_PORT_TX_BYTES, 1000);
	send_many(20, 1500);
	expect_arrives(m[1], m[1]->mac, m[0], 1500, 0);
	for (int i = 0; i < 50; i++)
		expect_pair_works(m[1], m[2], i);
	/* what is sent to it does not count */
	ASSERT_EQ(send_to(m[1], m[0]->mac, 1500, 7, 0), 0);
	expect_arrives(m[0], m[0]->mac, m[1], 1500, 7);
}

/*
 * A driver that gets no buffers back for 5 s takes its device for dead, and Linux has itself interrupted only when
 * three quarters are back. Here the ring's frames would wait for minutes.
 */
TEST_WITHIN(no_frame_waits_for_seconds, 120)
{
	static const uint64_t features[] = { 0, F(VIRTIO_RING_F_EVENT_IDX), F(VIRTIO_RING_F_EVENT_IDX) };
	static const __u8 nobody[6] = { 0x52, 0x54, 0, 0x51, 0xff, 0xff };
	const int count = 200;
	double begin, seconds;
	__u64 late;

	make_lan(m, 2, NULL);
	set_rates(m[0], QUEZTL_PORT_TX_BYTES, 1000);
	for (int i = 0; i < 3; i++) {
		restart(m[0], &(struct swg_options){ .features = features[i] });
		restart(m[1], NULL);
		member_mark(m[0]);
		begin = swg_now();
		swg_ask(&m[0]->port, SWG_TX, i ? count * 3 / 4 : 1);
		for (int j = 0; j < count; j++)
			ASSERT_EQ(send_to(m[0], i == 2 ? nobody : m[1]->mac, 1500, j, 0), 0);
		EXPECT_GE(swg_wait_call(&m[0]->port, SWG_TX, SOON), 1);
		ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
		seconds = swg_now() - begin;
		late = member_stats(m[0]).drops[QUEZTL_DROP_RATE] - m[0]->then.drops[QUEZTL_DROP_RATE];
		ktap_say("%.2f s, %llu of %d frames were late", seconds, late, count);
		KTAP_CHECK(seconds <= 2 + .2 * ktap_factor(), true, "frames waited for %.2f s", seconds);
		EXPECT_GE(late, count - 2 - seconds / 1.5);
		if (i < 2)
			expect_arrives(m[1], m[1]->mac, m[0], 1500, 0);
	}
}

/* A frame that comes while others wait has its own time: none is dropped in less than a second. */
TEST(frames_are_not_late_too_early)
{
	double begin = swg_now();

	make_lan(m, 2, NULL);
	set_rates(m[0], QUEZTL_PORT_TX_BYTES, 10000);
	for (int i = 0; swg_now() - begin < 4; i++) {	/* four frames wait for half a second */
		int count = i ? 1 : 4;

		for (int j = 0; j < count; j++)
			ASSERT_EQ(send_to(m[0], m[1]->mac, 1300, i, 0), 0);
		expect_arrives(m[1], m[1]->mac, m[0], 1300, i > 3 ? i - 3 : 0);
	}
	EXPECT_EQ(member_stats(m[0]).drops[QUEZTL_DROP_RATE], 0);
}

/* Frames that were sent while the port had no rates do not count as late. */
TEST(a_new_rate_begins_to_wait_anew)
{
	make_lan(m, 2, NULL);
	set_rates(m[0], QUEZTL_PORT_TX_BYTES, 1000);
	send_many(3, 1500);
	expect_arrives(m[1], m[1]->mac, m[0], 1500, 0);
	set_rates(m[0], QUEZTL_PORT_TX_BYTES, 0);
	for (int i = 1; i < 3; i++)
		expect_arrives(m[1], m[1]->mac, m[0], 1500, i);
	usleep(1200000);
	for (int i = 0; i < 70; i++)
		expect_pair_works(m[0], m[1], i);
	member_mark(m[0]);
	set_rates(m[0], QUEZTL_PORT_TX_BYTES, 100000);
	expect_all_in_time(30, 1000, 1000. / 100000, 100000 * BURST / 1000 + 1);
}

TEST(a_port_is_deleted_while_frames_wait)
{
	make_lan(m, 2, NULL);
	set_rates(m[0], QUEZTL_PORT_TX_BYTES, 1000);
	send_many(20, 1500);
	swg_close(&m[0]->port);
	ASSERT_EQ(port_del(m[0]->name), 0);
	ASSERT_EQ(port_add(m[0]->name, "qtlan", m[0]->mac, 0), 0);
	ASSERT_EQ(swg_open(&m[0]->port, m[0]->name), 0);
	start(m[0], NULL);
	restart(m[1], NULL);
	for (int i = 0; i < 20; i++)		/* the new port has no rate */
		expect_pair_works(m[0], m[1], i);
}

/* One token a second, one at a time: of what follows, most is dropped, and counted. */
TEST(floods_have_a_rate_of_their_own)
{
	static const __u8 all[6] = { 255, 255, 255, 255, 255, 255 };
	const int count = 50;
	double begin = swg_now();
	__u64 sent, dropped;

	make_lan(m, 2, NULL);
	set_rates(m[0], QUEZTL_PORT_FLOOD, 1);
	for (int i = 0; i < count; i++)
		ASSERT_EQ(send_to(m[0], all, 100, i, 0), 0);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	sent = member_stats(m[0]).tx_packets;
	dropped = member_stats(m[0]).drops[QUEZTL_DROP_RATE];
	EXPECT_EQ(sent + dropped, count);
	EXPECT_GE(sent, 1);
	EXPECT_LE(sent, 2 + (swg_now() - begin));
	EXPECT_EQ(member_stats(m[1]).rx_packets, sent);
	restart(m[1], NULL);
	expect_pair_works(m[0], m[1], 1);	/* other frames are free */
}

#define TABLES	(F(VIRTIO_NET_F_CTRL_VQ) | F(VIRTIO_NET_F_CTRL_RX) | F(VIRTIO_NET_F_CTRL_MAC_ADDR))

static const __u8 group[6] = { 0x01, 0x00, 0x5e, 0x01, 0x02, 0x03 };

/* A guest that gets the frames to the group, or to none. */
static void join_group(struct member *member, bool joins)
{
	uint8_t tables[14] = { [4] = joins, [8] = 0x01, 0x00, 0x5e, 0x01, 0x02, 0x03 }, off = 0;

	ASSERT_EQ(swg_command(&member->port, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, &off, 1),
		  VIRTIO_NET_OK);
	ASSERT_EQ(swg_command(&member->port, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, tables,
			      joins ? 14 : 8), VIRTIO_NET_OK);
}

static void make_group(int count)
{
	struct swg_options options = { .features = TABLES };

	make_lan(m, count, &options);
	set_rates(m[0], QUEZTL_PORT_FLOOD, 1);
}

/* Each member gets all of them. */
static void send_to_group(int count, int first, int last)
{
	for (int i = 0; i < count; i++) {
		ASSERT_EQ(send_to(m[0], group, 100, i, 0), 0);
		for (int j = first; j <= last; j++)
			expect_arrives(m[j], group, m[0], 100, i);
	}
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
}

/* A stream to those who asked for it is no flood. */
TEST(members_of_a_group_get_all_of_it)
{
	make_group(4);
	join_group(m[1], true);
	join_group(m[2], true);
	join_group(m[3], false);
	send_to_group(100, 1, 2);
	expect_no_drops(m[0]);
	EXPECT_EQ(member_stats(m[0]).tx_packets, 100);
	expect_silence(m[3]);
}

/* Who gets all multicast, asked for or not, gets what is within the rate; and that is what is counted. */
TEST(a_group_is_a_flood_for_others)
{
	double begin = swg_now();
	__u64 others;

	make_group(4);
	join_group(m[1], true);
	join_group(m[3], true);
	send_to_group(50, 1, 1);
	others = member_stats(m[2]).rx_packets;
	EXPECT_GE(others, 1);
	EXPECT_LE(others, 2 + (swg_now() - begin));
	EXPECT_EQ(member_stats(m[3]).rx_packets, 50);		/* after it, by id */
	EXPECT_EQ(member_stats(m[0]).drops[QUEZTL_DROP_RATE], 50 - others);
	EXPECT_EQ(member_stats(m[0]).tx_packets, others);
}

/* And so it is for a group of many. */
TEST(a_large_group_is_a_flood)
{
	double begin = swg_now();
	__u64 last;

	make_group(12);
	for (int i = 1; i < 12; i++)
		join_group(m[i], true);
	send_to_group(30, 1, 8);
	for (int i = 9; i < 12; i++) {
		last = member_stats(m[i]).rx_packets;
		EXPECT_GE(last, 1);
		EXPECT_LE(last, 2 + (swg_now() - begin));
	}
	EXPECT_EQ(member_stats(m[0]).drops[QUEZTL_DROP_RATE], 30 - last);
}

/* Ports of other VLANs do not make it one. */
TEST(a_group_of_a_vlan_is_no_flood_for_others)
{
	struct queztl_port_vlan vlan = { .size = sizeof(vlan), .mode = QUEZTL_VLAN_ACCESS, .native = 10,
					 .ids = { 1 << 10 } };
	struct queztl_port port;

	make_group(4);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(port_find(m[i]->name, &port), 0);
		vlan.id = port.id;
		ASSERT_EQ(ioctl(queztl_fd(), QUEZTL_PORT_VLAN_SET, &vlan), 0);
	}
	join_group(m[1], true);
	send_to_group(50, 1, 1);
	expect_no_drops(m[0]);
	expect_silence(m[2]);
	expect_silence(m[3]);
}
