// SPDX-License-Identifier: GPL-2.0
/*
 * Two threads on one ring, built with the thread sanitizer: what it calls a race would be one between VMs. The
 * consumer and the producer sleep on pipes, so a wake-up that is lost shows as a test without an end.
 */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "ktap.h"

#include <poll.h>
#include <pthread.h>

#include "qhp/channel/ring.h"

#define BYTES	QHP_REGION_MIN
#define RING	(BYTES - sizeof(struct qhp_region))

struct bell {
	int ends[2];
};

struct side {
	struct qhp_ends ends;
	struct bell *mine, *theirs;
	__u32 ring, messages, largest;
	bool sleeps;
};

static void ring_bell(struct bell *bell)
{
	ASSERT_EQ(write(bell->ends[1], "", 1), 1);
}

static void wait_for(struct bell *bell)
{
	char bytes[64];

	ASSERT(read(bell->ends[0], bytes, sizeof(bytes)) > 0);
}

static __u32 length_of(const struct side *side, __u32 i)
{
	return 4 + i * 2654435761u % (side->largest - 3);
}

static __u8 fill_of(__u32 i)
{
	return i * 31 + (i >> 8);
}

static void send_one(struct side *side, struct qhp_tx *tx, __u32 i)
{
	__u32 len = length_of(side, i);
	void *at;
	int err;

	while ((err = qhp_tx_reserve(tx, len, &at)) == -EAGAIN) {
		if (qhp_tx_publish(tx))
			ring_bell(side->theirs);
		if (side->sleeps && !qhp_tx_arm(tx))
			wait_for(side->mine);
	}
	ASSERT_EQ(err, 0);
	memset(at, fill_of(i), len);
	memcpy(at, &i, sizeof(i));
	qhp_tx_commit(tx);
	/* now and then a batch, or one of which nobody is told before there is no room */
	if (i % 7 < 2)
		qhp_tx_show(tx);
	else if (i % 7 < 4 && qhp_tx_publish(tx))
		ring_bell(side->theirs);
}

static void *produce(void *argument)
{
	struct side *side = argument;
	struct qhp_tx tx;

	ASSERT_EQ(qhp_region_init(&tx, &side->ends, 0), 0);
	tx.bytes = side->ring;
	for (__u32 i = 0; i < side->messages; i++)
		send_one(side, &tx, i);
	if (qhp_tx_publish(&tx))
		ring_bell(side->theirs);
	return NULL;
}

static void check(const struct side *side, const struct qhp_msg *msg, __u32 i)
{
	const __u8 *data = msg->data;
	__u32 number;

	ASSERT_EQ(msg->len, length_of(side, i));
	memcpy(&number, data, sizeof(number));
	ASSERT_EQ(number, i);
	for (__u32 at = sizeof(number); at < msg->len; at++)
		ASSERT(data[at] == fill_of(i));
}

static void *consume(void *argument)
{
	struct side *side = argument;
	__u32 seen = 0, kept = 0;
	struct qhp_tx unused;
	struct qhp_msg msg;
	struct qhp_rx rx;
	__u64 features;
	int got;

	ASSERT_EQ(qhp_region_init(&unused, &side->ends, 0), 0);
	while ((got = qhp_rx_attach(&rx, &side->ends, &features)) == -EAGAIN)
		sched_yield();
	ASSERT_EQ(got, 0);
	rx.bytes = side->ring;
	while (seen < side->messages) {
		got = qhp_rx_peek(&rx, &msg);
		ASSERT(got >= 0);
		if (got) {
			check(side, &msg, seen++);
			kept++;
		}
		/* some are released late, but none is kept while we sleep */
		if (got && kept > seen % 3 && seen % 2)
			qhp_rx_return(&rx, kept);
		else if ((!got || kept > seen % 3) && qhp_rx_release(&rx, kept))
			ring_bell(side->theirs);
		if (!got || kept > seen % 3)
			kept = 0;
		if (!got && side->sleeps && !qhp_rx_arm(&rx))
			wait_for(side->mine);
	}
	return NULL;
}

/* @ring: the rest of it is not used */
static void run(__u32 ring, __u32 messages, __u32 largest, bool sleeps)
{
	struct qhp_region *a = aligned_alloc(4096, BYTES), *b = aligned_alloc(4096, BYTES);
	struct bell bells[2];
	struct side sides[2] = {
		{ { a, b, BYTES }, &bells[0], &bells[1], ring, messages, largest, sleeps },
		{ { b, a, BYTES }, &bells[1], &bells[0], ring, messages, largest, sleeps },
	};
	pthread_t threads[2];

	ASSERT(a && b && !pipe(bells[0].ends) && !pipe(bells[1].ends));
	memset(a, 0, BYTES);
	memset(b, 0, BYTES);
	ASSERT_EQ(pthread_create(&threads[0], NULL, produce, &sides[0]), 0);
	ASSERT_EQ(pthread_create(&threads[1], NULL, consume, &sides[1]), 0);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
}

TEST(polling)
{
	run(8192, 20000, 100, false);
}

TEST(sleeping_on_a_ring_of_three_messages)
{
	run(384, 20000, 100, true);
}

TEST(sleeping_with_large_messages)
{
	run(RING, 20000, 9000, true);
}

TEST(sleeping_with_messages_of_the_largest_size)
{
	run(RING, 3000, RING / 2 - 72, true);
}

int main(int argc, char **argv)
{
	return ktap_run(argc, argv, NULL);
}
