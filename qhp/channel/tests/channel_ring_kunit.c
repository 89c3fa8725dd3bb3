// SPDX-License-Identifier: GPL-2.0
/* Rings of channels: both ends on two regions, and a peer that lies. */

#include <kunit/test.h>

#include "qhp/channel/ring.h"

#define BYTES		QHP_REGION_MIN
#define RING		(BYTES - sizeof(struct qhp_region))
/* What a message of one byte takes, and how many of them fill the ring but for the 0 behind. */
#define SHORT		16
#define SHORTS		((RING - sizeof(struct qhp_entry)) / SHORT)

/* One direction, and the same two regions from the other end. */
struct pair {
	struct qhp_region *a, *b;
	struct qhp_tx tx;	/* of a */
	struct qhp_tx back;	/* of b */
	struct qhp_rx rx;	/* of b */
};

static struct pair *make_pair(struct kunit *test)
{
	struct pair *pair = kunit_kzalloc(test, sizeof(*pair), GFP_KERNEL);
	struct qhp_ends a, b;
	__u64 features = 0;

	KUNIT_ASSERT_NOT_NULL(test, pair);
	pair->a = kunit_kzalloc(test, BYTES, GFP_KERNEL);
	pair->b = kunit_kzalloc(test, BYTES, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, pair->a && pair->b);
	a = (struct qhp_ends){ pair->a, pair->b, BYTES };
	b = (struct qhp_ends){ pair->b, pair->a, BYTES };
	KUNIT_ASSERT_EQ(test, qhp_rx_attach(&pair->rx, &b, &features), -EAGAIN);
	KUNIT_ASSERT_EQ(test, qhp_region_init(&pair->tx, &a, 5), 0);
	KUNIT_ASSERT_EQ(test, qhp_region_init(&pair->back, &b, 0), 0);
	KUNIT_ASSERT_EQ(test, qhp_rx_attach(&pair->rx, &b, &features), 0);
	KUNIT_ASSERT_EQ(test, features, 5ULL);
	return pair;
}

static int send(struct pair *pair, __u32 len, int fill)
{
	void *at;
	int err = qhp_tx_reserve(&pair->tx, len, &at);

	if (err)
		return err;
	memset(at, fill, len);
	qhp_tx_commit(&pair->tx);
	qhp_tx_publish(&pair->tx);
	return 0;
}

/* The next message has this length and content, and stays. */
static void expect(struct kunit *test, struct pair *pair, __u32 len, int fill)
{
	struct qhp_msg msg = { NULL, 0 };
	const __u8 *data;

	KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
	KUNIT_ASSERT_EQ(test, msg.len, len);
	data = msg.data;
	if (!len)
		return;
	KUNIT_EXPECT_EQ(test, data[0], (__u8)fill);
	KUNIT_EXPECT_EQ(test, data[len - 1], (__u8)fill);
}

static void messages_arrive_in_order(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct qhp_msg msg;
	__u32 i;

	for (i = 0; i < 300; i++) {
		KUNIT_ASSERT_EQ(test, send(pair, i, i), 0);
		KUNIT_ASSERT_EQ(test, send(pair, i * 100, i + 1), 0);
		expect(test, pair, i, i);
		expect(test, pair, i * 100, i + 1);
		KUNIT_EXPECT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 0);
		qhp_rx_release(&pair->rx, 2);
	}
}

static void nothing_is_seen_before_it_is_published(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct qhp_msg msg;
	void *at;

	KUNIT_ASSERT_EQ(test, qhp_tx_reserve(&pair->tx, 8, &at), 0);
	memset(at, 7, 8);
	KUNIT_EXPECT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 0);
	qhp_tx_commit(&pair->tx);
	KUNIT_EXPECT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 0);
	qhp_tx_publish(&pair->tx);
	expect(test, pair, 8, 7);
}

static void commit_without_a_reservation_sends_nothing(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct qhp_msg msg;

	qhp_tx_commit(&pair->tx);
	KUNIT_EXPECT_FALSE(test, qhp_tx_publish(&pair->tx));
	KUNIT_EXPECT_EQ(test, send(pair, 1, 1), 0);
	qhp_tx_commit(&pair->tx);
	qhp_tx_publish(&pair->tx);
	expect(test, pair, 1, 1);
	KUNIT_EXPECT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 0);
}

/* Nor does what is reserved then change what is published. */
static void a_reservation_outlives_a_publication(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct qhp_msg msg;
	void *at;
	__u32 i;

	for (i = 0; i < 3 * SHORTS; i++) {
		KUNIT_ASSERT_EQ(test, qhp_tx_reserve(&pair->tx, 2, &at), 0);
		memset(at, i, 2);
		qhp_tx_commit(&pair->tx);
		KUNIT_ASSERT_EQ(test, qhp_tx_reserve(&pair->tx, 1, &at), 0);
		memset(at, i + 1, 1);
		qhp_tx_publish(&pair->tx);
		expect(test, pair, 2, i);
		KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 0);
		qhp_tx_commit(&pair->tx);
		qhp_tx_publish(&pair->tx);
		expect(test, pair, 1, i + 1);
		KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 0);
		qhp_rx_release(&pair->rx, 2);
	}
}

/* All of it, also where it goes on at the start of the ring. */
static void a_burst_is_seen_at_once(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct qhp_msg msgs[8];
	void *at;
	__u32 i, n;

	for (i = 0; i < 1000; i++) {
		for (n = 0; n < ARRAY_SIZE(msgs); n++) {
			KUNIT_ASSERT_EQ(test, qhp_tx_reserve(&pair->tx, i % 7 * 40, &at), 0);
			qhp_tx_commit(&pair->tx);
			KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, msgs), 0);
		}
		qhp_tx_show(&pair->tx);
		KUNIT_ASSERT_EQ(test, qhp_rx_peek_burst(&pair->rx, msgs, 8), 8);
		KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, msgs), 0);
		qhp_rx_return(&pair->rx, 8);
	}
}

/* A message that was sent and released may look like entries. */
static void old_messages_are_no_entries(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct qhp_msg msg;
	__u64 *at;
	__u32 i, n;

	for (i = 0; i < 2000; i++) {
		__u32 words = i % 90;

		KUNIT_ASSERT_EQ(test, qhp_tx_reserve(&pair->tx, 8 * words, (void **)&at), 0);
		for (n = 0; n < words; n++)
			at[n] = 1ULL << 32 | 8;
		qhp_tx_commit(&pair->tx);
		qhp_tx_publish(&pair->tx);
		KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
		KUNIT_ASSERT_EQ(test, msg.len, 8 * words);
		KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 0);
		qhp_rx_release(&pair->rx, 1);
	}
}

static void full_ring_waits_for_a_release(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct qhp_msg msg;
	__u32 i;

	for (i = 0; i < SHORTS; i++)
		KUNIT_ASSERT_EQ(test, send(pair, 1, i), 0);
	KUNIT_EXPECT_EQ(test, send(pair, 1, 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, send(pair, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, send(pair, 0, 0), -EAGAIN);
	for (i = 0; i < SHORTS; i++)
		expect(test, pair, 1, i);
	expect(test, pair, 0, 0);
	KUNIT_EXPECT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 0);
	/* looking is not releasing */
	KUNIT_EXPECT_EQ(test, send(pair, 1, 0), -EAGAIN);
	qhp_rx_release(&pair->rx, 2);	/* the next one goes to the start */
	KUNIT_EXPECT_EQ(test, send(pair, 1, 8), 0);
	KUNIT_EXPECT_EQ(test, send(pair, 1, 9), -EAGAIN);
	expect(test, pair, 1, 8);
}

/* What is sent is there until it is released, whatever is sent meanwhile. */
static void messages_of_all_sizes_share_the_ring(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	__u32 lens[64], sent = 0, seen = 0, step, len;
	__u32 max = qhp_tx_max(&pair->tx);
	int err;

	KUNIT_EXPECT_EQ(test, send(pair, max + 1, 0), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, send(pair, (__u32)-1, 0), -EMSGSIZE);
	for (step = 0; step < 20000; step++) {
		len = step * 7919 % (step % 3 ? 4000 : max) + 1;
		err = sent - seen < ARRAY_SIZE(lens) ? send(pair, len, sent) :
			-EAGAIN;
		if (!err) {
			lens[sent++ % ARRAY_SIZE(lens)] = len;
			if (step % 5)
				continue;
		} else {
			KUNIT_ASSERT_EQ(test, err, -EAGAIN);
		}
		if (seen == sent)
			continue;
		expect(test, pair, lens[seen % ARRAY_SIZE(lens)], seen);
		seen++;
		qhp_rx_release(&pair->rx, 1);
	}
	KUNIT_EXPECT_GT(test, seen, 5000u);
	for (; seen != sent; seen++) {
		expect(test, pair, lens[seen % ARRAY_SIZE(lens)], seen);
		qhp_rx_release(&pair->rx, 1);
	}
}

/* Wherever the last message ended. */
static void empty_ring_takes_the_longest_message(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	__u32 max = qhp_tx_max(&pair->tx), len;

	for (len = 0; len < max; len += 1000) {
		KUNIT_ASSERT_EQ(test, send(pair, len, 1), 0);
		expect(test, pair, len, 1);
		qhp_rx_release(&pair->rx, 1);
		KUNIT_ASSERT_EQ(test, send(pair, max, 2), 0);
		expect(test, pair, max, 2);
		qhp_rx_release(&pair->rx, 1);
	}
}

static void large_messages_start_at_a_cache_line(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct qhp_msg msg = { NULL, 0 };
	__u32 i;

	for (i = 0; i < 100; i++) {
		KUNIT_ASSERT_EQ(test, send(pair, i, 1), 0);
		KUNIT_ASSERT_EQ(test, send(pair, QHP_LARGE + i, 1), 0);
		KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
		KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
		KUNIT_EXPECT_EQ(test, ((const __u8 *)msg.data - (__u8 *)pair->a) %
				QHP_LARGE_ALIGN, 0);
		qhp_rx_release(&pair->rx, 2);
	}
}

/* Messages end exactly where the ring ends, which takes no wrap. */
static void ring_is_used_to_its_end(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	__u32 i;

	for (i = 0; i < 3 * RING / SHORT; i++) {
		KUNIT_ASSERT_EQ(test, send(pair, 1, i), 0);
		expect(test, pair, 1, i);
		qhp_rx_release(&pair->rx, 1);
	}
	KUNIT_EXPECT_EQ(test, pair->tx.published, 3 * RING);
	/* and with 8 bytes left, which a wrap takes */
	KUNIT_ASSERT_EQ(test, send(pair, 0, 0), 0);
	expect(test, pair, 0, 0);
	for (i = 0; i < RING / SHORT; i++) {
		KUNIT_ASSERT_EQ(test, send(pair, 1, i), 0);
		expect(test, pair, 1, i);
		qhp_rx_release(&pair->rx, 2);
	}
	KUNIT_EXPECT_EQ(test, pair->tx.published, 4 * RING + SHORT);
}

/* Also some of those that were looked at. */
static void messages_are_released_one_by_one(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct qhp_msg msg;
	__u32 i, n, tail = 0;

	for (i = 0; i < 1000; i++) {
		for (n = 0; n < 3; n++) {
			send(pair, 100 * (n + 1), n);
			KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
		}
		for (n = 0; n < 3; n++) {
			qhp_rx_release(&pair->rx, 1);
			KUNIT_EXPECT_GT(test, pair->b->tail - tail,
					100 * (n + 1));
			KUNIT_EXPECT_LE(test, pair->b->tail, pair->tx.published);
			tail = pair->b->tail;
		}
		KUNIT_ASSERT_EQ(test, tail, pair->tx.published);
	}
	KUNIT_EXPECT_FALSE(test, pair->rx.broken);
}

static void numbers_wrap(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	__u32 i, base = (__u32)-2000;

	pair->tx.head = base;
	pair->tx.published = base;
	pair->tx.asked = base;
	pair->tx.tail = base;
	pair->rx.next = base;
	pair->rx.tail = base;
	pair->rx.asked = base;
	pair->b->tail = base;
	for (i = 0; i < 40; i++) {
		KUNIT_ASSERT_EQ(test, send(pair, i * 50, i), 0);
		expect(test, pair, i * 50, i);
		qhp_rx_arm(&pair->rx);
		qhp_rx_release(&pair->rx, 1);
	}
}

/* Who polls is not woken. Who sleeps is, once. */
static void only_a_sleeper_is_woken(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct qhp_msg msg;
	void *at;
	int i;

	for (i = 0; i < 3 * SHORTS; i++) {
		KUNIT_ASSERT_EQ(test, qhp_tx_reserve(&pair->tx, 1, &at), 0);
		qhp_tx_commit(&pair->tx);
		KUNIT_EXPECT_FALSE(test, qhp_tx_publish(&pair->tx));
		KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
		KUNIT_EXPECT_FALSE(test, qhp_rx_release(&pair->rx, 1));
	}
	KUNIT_EXPECT_FALSE(test, qhp_rx_arm(&pair->rx));
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, qhp_tx_reserve(&pair->tx, 1, &at), 0);
		qhp_tx_commit(&pair->tx);
		KUNIT_EXPECT_EQ(test, qhp_tx_publish(&pair->tx), i == 0);
	}
	/* what was sent before is found by looking again */
	KUNIT_EXPECT_TRUE(test, qhp_rx_arm(&pair->rx));
	KUNIT_EXPECT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
}

static void producer_that_waits_for_room_is_woken(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct qhp_msg msg;
	__u32 i;

	for (i = 0; i < SHORTS; i++)
		KUNIT_ASSERT_EQ(test, send(pair, 1, i), 0);
	KUNIT_EXPECT_FALSE(test, qhp_tx_arm(&pair->tx));
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
	KUNIT_EXPECT_TRUE(test, qhp_rx_release(&pair->rx, 1));
	KUNIT_EXPECT_FALSE(test, qhp_rx_release(&pair->rx, 1));
	KUNIT_EXPECT_TRUE(test, qhp_tx_arm(&pair->tx));
	/* no more is released than was looked at */
	qhp_rx_release(&pair->rx, 100);
	KUNIT_EXPECT_EQ(test, pair->b->tail, 3u * SHORT);
}

/* Who shows and returns without asking may ask later, for all of it. */
static void sleepers_are_found_later(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct qhp_msg msg;
	__u32 i;

	KUNIT_EXPECT_FALSE(test, qhp_rx_arm(&pair->rx));
	for (i = 0; i < SHORTS; i++) {
		void *at;

		KUNIT_ASSERT_EQ(test, qhp_tx_reserve(&pair->tx, 1, &at), 0);
		qhp_tx_commit(&pair->tx);
		qhp_tx_show(&pair->tx);
	}
	KUNIT_EXPECT_TRUE(test, qhp_tx_publish(&pair->tx));
	KUNIT_EXPECT_FALSE(test, qhp_tx_publish(&pair->tx));
	KUNIT_EXPECT_FALSE(test, qhp_wake(&pair->tx, &pair->rx));

	KUNIT_EXPECT_FALSE(test, qhp_tx_arm(&pair->tx));
	for (i = 0; i < 4; i++) {
		KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
		qhp_rx_return(&pair->rx, 1);
	}
	KUNIT_EXPECT_TRUE(test, qhp_rx_release(&pair->rx, 0));
	KUNIT_EXPECT_FALSE(test, qhp_rx_release(&pair->rx, 0));

	KUNIT_EXPECT_TRUE(test, qhp_tx_arm(&pair->tx));
	KUNIT_EXPECT_EQ(test, send(pair, 1, 1), 0);
	KUNIT_EXPECT_FALSE(test, qhp_tx_arm(&pair->tx));
	KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
	qhp_rx_return(&pair->rx, 1);
	KUNIT_EXPECT_TRUE(test, qhp_wake(&pair->back, &pair->rx));
	KUNIT_EXPECT_FALSE(test, qhp_wake(&pair->back, &pair->rx));
}

/* Return: how many bytes of the ring the message took. */
static __u32 show_one(struct kunit *test, struct pair *pair, __u32 len)
{
	__u32 head = pair->tx.head;
	struct qhp_msg msg;
	void *at;

	KUNIT_ASSERT_EQ(test, qhp_tx_reserve(&pair->tx, len, &at), 0);
	qhp_tx_commit(&pair->tx);
	qhp_tx_show(&pair->tx);
	KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
	qhp_rx_return(&pair->rx, 1);
	return pair->tx.head - head;
}

/* When nobody has asked for so long that the counters come round. */
static void sleepers_are_found_after_4_gigabytes(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	__u32 max = qhp_tx_max(&pair->tx);
	__u64 left = 1ULL << 32;
	struct qhp_msg msg;
	void *at;

	while (left > 4 * max)
		left -= show_one(test, pair, max);
	while (left > 512)
		left -= show_one(test, pair, 56);
	while (left > SHORT)
		left -= show_one(test, pair, 0);
	KUNIT_EXPECT_FALSE(test, qhp_rx_arm(&pair->rx));
	KUNIT_ASSERT_EQ(test, qhp_tx_reserve(&pair->tx, 1, &at), 0);
	qhp_tx_commit(&pair->tx);
	KUNIT_EXPECT_EQ(test, pair->tx.head, 0u);
	KUNIT_EXPECT_TRUE(test, qhp_tx_publish(&pair->tx));
	/* nor has the consumer: the producer waits for room */
	while (!send(pair, 1, 1))
		;
	KUNIT_EXPECT_FALSE(test, qhp_tx_arm(&pair->tx));
	KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
	KUNIT_EXPECT_TRUE(test, qhp_rx_release(&pair->rx, 1));
}

static void regions_of_another_form_are_refused(struct kunit *test)
{
	static const struct {
		size_t offset;
		__u32 value;
	} bad[] = {
		{ __builtin_offsetof(struct qhp_region, magic), 1 },
		{ __builtin_offsetof(struct qhp_region, version), 0 },
		{ __builtin_offsetof(struct qhp_region, version), 0x00020002 },
		{ __builtin_offsetof(struct qhp_region, ring), 0 },
		{ __builtin_offsetof(struct qhp_region, ring), BYTES },
		{ __builtin_offsetof(struct qhp_region, bytes), 0 },
		{ __builtin_offsetof(struct qhp_region, bytes), RING - 8 },
		{ __builtin_offsetof(struct qhp_region, bytes), RING + 64 },
		{ __builtin_offsetof(struct qhp_region, bytes), BYTES },
	};
	struct pair *pair = make_pair(test);
	struct qhp_ends ends = pair->rx.ends;
	struct qhp_region good = *pair->a;
	struct qhp_tx tx;
	struct qhp_rx rx;
	__u64 features;
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		*pair->a = good;
		memcpy((char *)pair->a + bad[i].offset, &bad[i].value,
		       sizeof(bad[i].value));
		KUNIT_EXPECT_EQ(test, qhp_rx_attach(&rx, &ends, &features),
				-EPROTO);
	}
	*pair->a = good;
	KUNIT_EXPECT_EQ(test, qhp_rx_attach(&rx, &ends, &features), 0);

	ends.bytes = 0;
	KUNIT_EXPECT_EQ(test, qhp_region_init(&tx, &ends, 0), -EINVAL);
	ends.bytes = sizeof(struct qhp_region);
	KUNIT_EXPECT_EQ(test, qhp_region_init(&tx, &ends, 0), -EINVAL);
	ends.bytes = BYTES + 8;
	KUNIT_EXPECT_EQ(test, qhp_region_init(&tx, &ends, 0), -EINVAL);
	ends.bytes = QHP_REGION_MAX + QHP_UNIT;
	KUNIT_EXPECT_EQ(test, qhp_region_init(&tx, &ends, 0), -EINVAL);
}

static void write_entry(struct pair *pair, __u32 at, __u32 kind, __u32 len)
{
	((struct qhp_entry *)((__u8 *)(pair->a + 1) + at))->what =
		(__u64)kind << 32 | len;
}

/* Valid entries all around, with no 0 behind them. */
static void more_than_the_ring_has_breaks_the_consumer(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct qhp_msg msg;
	__u32 i, n;

	for (n = 0; n < RING; n += 8)
		write_entry(pair, n, QHP_KIND_MESSAGE, 0);
	for (i = 0; i < 3; i++) {
		for (n = 0; n < RING / 8 - 1 - i % 2; n++)
			KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
		qhp_rx_release(&pair->rx, n);
	}
	for (n = 0; n < RING / 8 - 1; n++)
		KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
	KUNIT_EXPECT_EQ(test, qhp_rx_peek(&pair->rx, &msg), -EPROTO);
	/* Once it has lied, nothing that it says later counts. */
	memset(pair->a + 1, 0, RING);
	KUNIT_EXPECT_EQ(test, qhp_rx_peek(&pair->rx, &msg), -EPROTO);
	KUNIT_EXPECT_TRUE(test, qhp_rx_arm(&pair->rx));
}

static void impossible_tails_break_the_producer(struct kunit *test)
{
	static const __u32 tails[] = { RING + 8, 0x80000000u, (__u32)-8, 9, 12 };
	__u32 i, sent;

	for (i = 0; i < ARRAY_SIZE(tails); i++) {
		struct pair *pair = make_pair(test);

		for (sent = 0; sent < SHORTS; sent++)
			send(pair, 1, 1);
		pair->b->tail = tails[i];
		KUNIT_EXPECT_EQ(test, send(pair, 1, 1), -EPROTO);
		pair->b->tail = SHORT;
		KUNIT_EXPECT_EQ(test, send(pair, 1, 1), -EPROTO);
	}
}

/* A message of 8 bytes is published, and its entry says something else. */
static void impossible_entries_break_the_consumer(struct kunit *test)
{
	static const struct {
		__u32 kind, len;
	} bad[] = {
		{ 0, 1 }, { 0, 8 }, { QHP_KIND_WRAP, 0 }, { QHP_KIND_WRAP + 1, 8 },
		{ QHP_KIND_MESSAGE, RING }, { QHP_KIND_MESSAGE, RING - 8 },
		{ QHP_KIND_MESSAGE, RING - 64 }, { QHP_KIND_MESSAGE, (__u32)-1 },
		{ QHP_KIND_MESSAGE, (__u32)-64 }, { QHP_KIND_MESSAGE, 0x80000000u },
	};
	struct qhp_msg msg;
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct pair *pair = make_pair(test);

		send(pair, 8, 1);
		write_entry(pair, 0, bad[i].kind, bad[i].len);
		KUNIT_EXPECT_EQ(test, qhp_rx_peek(&pair->rx, &msg), -EPROTO);
		KUNIT_EXPECT_EQ(test, qhp_rx_peek(&pair->rx, &msg), -EPROTO);
	}
}

/* A message that goes around the end, wraps that are not followed by a message. */
static void impossible_wraps_break_the_consumer(struct kunit *test)
{
	static const struct {
		__u32 kind, len, first;
	} bad[] = {
		{ QHP_KIND_MESSAGE, 57, QHP_KIND_MESSAGE },
		{ QHP_KIND_MESSAGE, 300, QHP_KIND_MESSAGE },
		{ QHP_KIND_WRAP, 0, QHP_KIND_WRAP },
		{ QHP_KIND_WRAP, 0, 0 },
	};
	struct qhp_msg msg;
	__u32 i;

	for (i = 0; i <= ARRAY_SIZE(bad); i++) {
		struct pair *pair = make_pair(test);

		while (pair->tx.at < RING - 64) {
			send(pair, 8, 1);
			KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
		}
		qhp_rx_release(&pair->rx, 100000);
		KUNIT_ASSERT_EQ(test, pair->b->tail, RING - 64);
		if (i == ARRAY_SIZE(bad)) {	/* a good one */
			write_entry(pair, RING - 64, QHP_KIND_WRAP, 0);
			write_entry(pair, 0, QHP_KIND_MESSAGE, 0);
			expect(test, pair, 0, 0);
			break;
		}
		write_entry(pair, RING - 64, bad[i].kind, bad[i].len);
		write_entry(pair, 0, bad[i].first, 0);
		KUNIT_EXPECT_EQ(test, qhp_rx_peek(&pair->rx, &msg), -EPROTO);
	}
}

/* While it is looked at. What is released then is the peer's, at most all of that. */
static void entries_that_change_harm_nobody(struct kunit *test)
{
	static const __u32 lens[] = { 0, 8, 24, 25, RING, (__u32)-1 };
	struct qhp_msg msg;
	__u32 i, n;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		struct pair *pair = make_pair(test);

		for (n = 0; n < 2; n++) {
			send(pair, 8, 1);
			KUNIT_ASSERT_EQ(test, qhp_rx_peek(&pair->rx, &msg), 1);
		}
		write_entry(pair, 0, QHP_KIND_MESSAGE, lens[i]);
		qhp_rx_release(&pair->rx, 1);
		KUNIT_EXPECT_LE(test, pair->b->tail, 32u);
		KUNIT_EXPECT_EQ(test, pair->rx.broken, lens[i] > 24);
		KUNIT_EXPECT_EQ(test, !pair->b->tail, lens[i] > 24);
	}
}

/* What a closed or revoked channel looks like. */
static void zeroed_peer_is_no_message(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct qhp_msg msg;

	send(pair, 1, 1);
	send(pair, 1, 1);
	expect(test, pair, 1, 1);
	memset(pair->a, 0, BYTES);
	KUNIT_EXPECT_TRUE(test, qhp_rx_arm(&pair->rx));
	KUNIT_EXPECT_EQ(test, qhp_rx_peek(&pair->rx, &msg), -EPROTO);
	KUNIT_EXPECT_EQ(test, qhp_rx_peek(&pair->rx, &msg), -EPROTO);
}

static struct kunit_case channel_ring_cases[] = {
	KUNIT_CASE(messages_arrive_in_order),
	KUNIT_CASE(nothing_is_seen_before_it_is_published),
	KUNIT_CASE(commit_without_a_reservation_sends_nothing),
	KUNIT_CASE(a_reservation_outlives_a_publication),
	KUNIT_CASE(a_burst_is_seen_at_once),
	KUNIT_CASE(old_messages_are_no_entries),
	KUNIT_CASE(full_ring_waits_for_a_release),
	KUNIT_CASE(messages_of_all_sizes_share_the_ring),
	KUNIT_CASE(empty_ring_takes_the_longest_message),
	KUNIT_CASE(large_messages_start_at_a_cache_line),
	KUNIT_CASE(ring_is_used_to_its_end),
	KUNIT_CASE(messages_are_released_one_by_one),
	KUNIT_CASE(numbers_wrap),
	KUNIT_CASE(only_a_sleeper_is_woken),
	KUNIT_CASE(producer_that_waits_for_room_is_woken),
	KUNIT_CASE(sleepers_are_found_later),
	KUNIT_CASE(sleepers_are_found_after_4_gigabytes),
	KUNIT_CASE(regions_of_another_form_are_refused),
	KUNIT_CASE(more_than_the_ring_has_breaks_the_consumer),
	KUNIT_CASE(impossible_tails_break_the_producer),
	KUNIT_CASE(impossible_entries_break_the_consumer),
	KUNIT_CASE(impossible_wraps_break_the_consumer),
	KUNIT_CASE(entries_that_change_harm_nobody),
	KUNIT_CASE(zeroed_peer_is_no_message),
	{}
};

static struct kunit_suite channel_ring_suite = {
	.name = "queztl_channel_ring",
	.test_cases = channel_ring_cases,
};

kunit_test_suite(channel_ring_suite);
