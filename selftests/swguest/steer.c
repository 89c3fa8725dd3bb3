// SPDX-License-Identifier: GPL-2.0
/* Which of its queues a guest with several gets a frame in: by flow, or as it says itself. */
#define _GNU_SOURCE
#include "bench/mq.h"
#include "world.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PAIRS	4
#define SLOT	2048
#define NUM	256
#define FLOWS	64		/* all in one of two queues: once in 2^63 */
#define IP	14
#define UDP	(IP + 20)
#define DATA	(UDP + 8)

static struct member *sender;
static struct mq guest;
static const __u8 guest_mac[6] = { 0x52, 0x54, 0x00, 0x51, 0x77, 0x01 };
static int queue_of[FLOWS + 1], last_of[FLOWS + 1], got_in[PAIRS];

static void fill(struct mq_ring *ring)
{
	for (int i = 0; i < NUM; i++) {
		mq_describe(&guest, ring, i, SLOT, VRING_DESC_F_WRITE);
		mq_give(ring, i);
	}
	mq_flush(ring);
}

static void make_guest(void)
{
	const char *argv[] = { "vdpa", "dev", "add", "name", "qtmany", "mgmtdev", "queztl/qtlan", "mac", "52:54:00:51:77:01",
			       "max_vqp", "4", NULL };
	uint32_t size;
	uint8_t *memory = mq_memory(PAIRS, NUM, SLOT, &size);

	ASSERT(memory);
	ASSERT_EQ(run_program(0, argv), 0);
	ASSERT_EQ(port_bind("qtmany", "vhost_vdpa"), 0);
	ASSERT_EQ(mq_open(&guest, "qtmany", PAIRS, NUM, SLOT, memory, size), 0);
	ASSERT_EQ(mq_start(&guest), 0);
	for (int i = 0; i < PAIRS; i++)
		fill(mq_rx(&guest, i));
}

static void make_two(int pairs)
{
	make_lan(&sender, 1, &(struct swg_options){ .features = F(VIRTIO_RING_F_EVENT_IDX) });
	make_guest();
	ASSERT_EQ(mq_use_pairs(&guest, pairs), 0);
}

static void put16(uint8_t *at, unsigned int value)
{
	at[0] = value >> 8;
	at[1] = value & 0xff;
}

/* UDP; a flow is known by its source port. */
static void make_frame(uint8_t *frame, int length, int flow, int sequence)
{
	static const uint8_t ip[20] = { 0x45, [8] = 64, 17, [12] = 10, 0, 0, 1, 10, 0, 0, 2 };

	memset(frame, 0, length);
	memcpy(frame, guest_mac, 6);
	memcpy(frame + 6, sender->mac, 6);
	put16(frame + 12, 0x0800);
	memcpy(frame + IP, ip, 20);
	put16(frame + IP + 2, length - IP);
	put16(frame + UDP, 40000 + flow);
	put16(frame + UDP + 2, 5001);
	put16(frame + UDP + 4, length - UDP);
	put16(frame + DATA, flow);
	put16(frame + DATA + 2, sequence);
}

static void send(const uint8_t *frame, int length)
{
	double end = swg_now() + SOON / 1e3;
	int r;

	while ((r = swg_send(&sender->port, NULL, frame, length, 0)) == -ENOSPC && swg_now() < end)
		swg_reap(&sender->port);
	ASSERT_EQ(r, 0);
	swg_reap(&sender->port);
}

static void note(int queue, const uint8_t *frame)
{
	int flow = frame[DATA] << 8 | frame[DATA + 1], sequence = frame[DATA + 2] << 8 | frame[DATA + 3];

	got_in[queue]++;
	ASSERT(flow <= FLOWS);
	KTAP_CHECK(queue_of[flow] < 0 || queue_of[flow] == queue, true, "flow %d is in queues %d and %d", flow,
		   queue_of[flow], queue);
	KTAP_CHECK(sequence > last_of[flow], true, "flow %d: %d came after %d", flow, sequence, last_of[flow]);
	queue_of[flow] = queue;
	last_of[flow] = sequence;
}

/* Until @count came, in any queue. */
static void receive(int count)
{
	double end = swg_now() + SOON / 1e3;
	uint32_t length;
	int entry, got = 0;

	while (got < count && swg_now() < end) {
		for (int i = 0; i < PAIRS; i++) {
			struct mq_ring *ring = mq_rx(&guest, i);

			while (mq_take(ring, &entry, &length)) {
				note(i, mq_buffer(&guest, ring, entry) + SWG_HEADER);
				mq_give(ring, entry);
				got++;
			}
			mq_flush(ring);
		}
	}
	ASSERT_EQ(got, count);
}

static void forget(void)
{
	memset(queue_of, -1, sizeof(queue_of));
	memset(last_of, -1, sizeof(last_of));
	memset(got_in, 0, sizeof(got_in));
}

/* Interleaved, short frames and long ones. */
static void send_flows(int flows, int each)
{
	static uint8_t frame[SLOT];

	for (int i = 0; i < each; i++) {
		for (int flow = 0; flow < flows; flow++) {
			int length = (i + flow) % 3 ? 100 : 1400;

			make_frame(frame, length, flow, i);
			send(frame, length);
		}
		receive(flows);
	}
}

TEST(flows_of_one_queue_use_all_of_a_receivers)
{
	make_two(2);
	forget();
	send_flows(FLOWS, 20);
	EXPECT_GE(got_in[0], 1);
	EXPECT_GE(got_in[1], 1);
	EXPECT_EQ(got_in[2] + got_in[3], 0);
	ASSERT_EQ(mq_use_pairs(&guest, PAIRS), 0);
	forget();
	send_flows(FLOWS, 4);
	for (int i = 0; i < PAIRS; i++)
		EXPECT_GE(got_in[i], 1);
	ASSERT_EQ(mq_use_pairs(&guest, 1), 0);
	forget();
	send_flows(FLOWS, 4);
	EXPECT_EQ(got_in[0], 4 * FLOWS);
	expect_no_drops(sender);
}

/* What a sender's queue sends is spread only if the sender has fewer of them than the receiver. */
TEST(a_sender_with_as_many_queues_has_spread_its_flows)
{
	const char *argv[] = { "vdpa", "dev", "add", "name", "qtmore", "mgmtdev", "queztl/qtlan", "mac", "52:54:00:51:77:02",
			       "max_vqp", "2", NULL };
	static const __u8 mac[6] = { 0x52, 0x54, 0x00, 0x51, 0x77, 0x02 };
	static struct mq other;
	uint32_t size, length;
	uint8_t *memory = mq_memory(2, NUM, SLOT, &size);
	int entry;

	ASSERT(memory);
	make_two(2);
	ASSERT_EQ(run_program(0, argv), 0);
	ASSERT_EQ(port_bind("qtmore", "vhost_vdpa"), 0);
	ASSERT_EQ(mq_open(&other, "qtmore", 2, NUM, SLOT, memory, size), 0);
	ASSERT_EQ(mq_start(&other), 0);
	ASSERT_EQ(mq_use_pairs(&other, 2), 0);
	forget();
	for (int flow = 0; flow < FLOWS; flow++) {
		struct mq_ring *ring = mq_tx(&other, flow % 2);
		uint8_t *buffer = mq_buffer(&other, ring, flow);

		memset(buffer, 0, SWG_HEADER);
		make_frame(buffer + SWG_HEADER, 100, flow, 1);
		memcpy(buffer + SWG_HEADER + 6, mac, 6);
		mq_describe(&other, ring, flow, SWG_HEADER + 100, 0);
		mq_give(ring, flow);
		mq_flush(ring);
		receive(1);
		while (mq_take(ring, &entry, &length))
			;
		EXPECT_EQ(queue_of[flow], queue_of[flow % 2]);
	}
	EXPECT_EQ(got_in[0], FLOWS / 2);
	EXPECT_EQ(got_in[1], FLOWS / 2);
}

/* The first fragment has ports, and the others have none: they must not overtake it. */
TEST(fragments_stay_together)
{
	static uint8_t frame[SLOT];

	make_two(PAIRS);
	forget();
	for (int i = 0; i < 40; i++) {
		make_frame(frame, 1000, FLOWS, i);
		put16(frame + UDP, 1000 + i);
		put16(frame + IP + 6, i % 4 ? i % 4 * 100 : 0x2000);
		send(frame, 1000);
		receive(1);
	}
	expect_no_drops(sender);
}

TEST(frames_without_a_flow_stay_together)
{
	static uint8_t frame[SLOT];

	make_two(PAIRS);
	forget();
	for (int i = 0; i < 40; i++) {
		make_frame(frame, 60 + 30 * i, FLOWS, i);
		put16(frame + 12, 0x88b5);
		frame[IP + 13] = i;
		send(frame, 60 + 30 * i);
		receive(1);
	}
	expect_no_drops(sender);
}

/* A sender whose buffer ends before the frame does is broken, as with any receiver. */
TEST(short_frames_are_steered)
{
	static uint8_t frame[SLOT];

	make_two(PAIRS);
	forget();
	for (int length = DATA + 4; length < 80; length++) {
		make_frame(frame, length, FLOWS, length);
		put16(frame + IP, 0x4f00);		/* its options end behind it */
		send(frame, length);
		receive(1);
	}
	expect_no_drops(sender);
}

/* ---- the driver chooses ---- */

static const uint8_t key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
	0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

struct rss {
	uint32_t types;
	uint16_t mask, unclassified;
	uint16_t table[128];
	uint16_t sending;
	uint8_t key_length;
};

/* With the table 3 2 1 0 3 2 1 0. */
static const struct rss usual = {
	.types = 0x3f, .mask = 7, .table = { 3, 2, 1, 0, 3, 2, 1, 0 }, .sending = PAIRS, .key_length = sizeof(key),
};

static int set_rss(const struct rss *rss)
{
	static uint8_t data[512];
	int n = rss->mask < 128 ? rss->mask + 1 : 8, at = 8 + 2 * n;

	memcpy(data, rss, at);
	memcpy(data + at, &rss->sending, 2);
	data[at + 2] = rss->key_length;
	memcpy(data + at + 3, key, sizeof(key));
	/* Linux adds a byte, the padding of a structure. */
	return mq_command(&guest, VIRTIO_NET_CTRL_MQ_RSS_CONFIG, data, at + 3 + rss->key_length + 1);
}

/* Bit by bit, as the specification has it. */
static uint32_t toeplitz(const uint8_t *input, int length)
{
	uint32_t hash = 0;

	for (int bit = 0; bit < 8 * length; bit++)
		if (input[bit / 8] >> (7 - bit % 8) & 1)
			for (int i = 0; i < 32; i++)
				hash ^= (uint32_t)(key[(bit + i) / 8] >> (7 - (bit + i) % 8) & 1) << (31 - i);
	return hash;
}

/* Of addresses and ports, which lie side by side. */
static uint32_t hash_of(int flow)
{
	static uint8_t frame[SLOT];

	make_frame(frame, 100, flow, 0);
	return toeplitz(frame + IP + 12, 12);
}

TEST(tables_of_the_driver_are_obeyed)
{
	struct rss rss = usual;

	make_two(2);
	ASSERT_EQ(set_rss(&rss), 0);
	forget();
	send_flows(FLOWS, 3);
	for (int flow = 0; flow < FLOWS; flow++)
		EXPECT_EQ(queue_of[flow], rss.table[hash_of(flow) & 7]);
	for (int i = 0; i < PAIRS; i++)
		EXPECT_GE(got_in[i], 1);
	/* one entry */
	rss.mask = 0;
	rss.table[0] = 2;
	ASSERT_EQ(set_rss(&rss), 0);
	forget();
	send_flows(FLOWS, 2);
	EXPECT_EQ(got_in[2], 2 * FLOWS);
	/* nothing is asked for but TCP */
	rss.types = 2;
	rss.unclassified = 3;
	ASSERT_EQ(set_rss(&rss), 0);
	forget();
	send_flows(FLOWS, 2);
	EXPECT_EQ(got_in[3], 2 * FLOWS);
	/* the port chooses again */
	ASSERT_EQ(mq_use_pairs(&guest, 2), 0);
	forget();
	send_flows(FLOWS, 2);
	EXPECT_GE(got_in[0], 1);
	EXPECT_GE(got_in[1], 1);
	EXPECT_EQ(got_in[2] + got_in[3], 0);
	expect_no_drops(sender);
}

TEST(malformed_tables_change_nothing)
{
	struct rss bad[] = { usual, usual, usual, usual, usual, usual, usual };

	make_two(2);
	ASSERT_EQ(set_rss(&usual), 0);
	bad[0].types |= 0x40;
	bad[1].mask = 6;
	bad[2].mask = 255;
	bad[3].table[7] = PAIRS;
	bad[4].unclassified = 0xffff;
	bad[5].sending = PAIRS + 1;
	bad[6].key_length = 41;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		KTAP_CHECK(set_rss(&bad[i]) == -EINVAL, false, "table %zu is taken", i);
	for (int length = 0; length < 40; length++)
		EXPECT_EQ(mq_command(&guest, VIRTIO_NET_CTRL_MQ_RSS_CONFIG, &usual, length), -EINVAL);
	EXPECT_EQ(mq_command(&guest, 2, &usual, 100), -EINVAL);	/* hash reports are not offered */
	forget();
	send_flows(FLOWS, 2);
	for (int flow = 0; flow < FLOWS; flow++)
		EXPECT_EQ(queue_of[flow], usual.table[hash_of(flow) & 7]);
}

/* As commands_outlast_a_pause, for what only a guest with several queues sets. */
TEST(tables_outlast_a_pause)
{
	int base;

	make_two(2);
	ASSERT_EQ(set_rss(&usual), 0);
	base = swg_get_base(&guest.port, 2 * PAIRS);
	ASSERT_EQ(base, 2);
	ASSERT_EQ(swg_reset(&guest.port), 0);
	guest.first[2 * PAIRS] = base;
	ASSERT_EQ(mq_start(&guest), 0);
	for (int i = 0; i < PAIRS; i++)
		fill(mq_rx(&guest, i));
	forget();
	send_flows(FLOWS, 2);
	for (int flow = 0; flow < FLOWS; flow++)
		EXPECT_EQ(queue_of[flow], usual.table[hash_of(flow) & 7]);
}

TEST(rss_is_offered_to_those_with_several_queues)
{
	struct virtio_net_config config;

	make_two(2);
	EXPECT(guest.port.offered & F(VIRTIO_NET_F_RSS));
	EXPECT(!(sender->port.offered & (F(VIRTIO_NET_F_RSS) | F(VIRTIO_NET_F_HASH_REPORT))));
	ASSERT_EQ(swg_get_config(&guest.port, 0, &config, sizeof(config)), 0);
	EXPECT_EQ(config.rss_max_key_size, 40);
	EXPECT_EQ(config.rss_max_indirection_table_length, 128);
	EXPECT_EQ(config.supported_hash_types, 0x3f);
	ASSERT_EQ(swg_get_config(&sender->port, 0, &config, sizeof(config)), 0);
	EXPECT_EQ(config.rss_max_key_size, 0);
	EXPECT_EQ(config.supported_hash_types, 0);
}
