// SPDX-License-Identifier: GPL-2.0
/* Interrupts and kicks: none too many where they are unwanted, and never one too few. */
#define _GNU_SOURCE
#include "world.h"

#include <poll.h>
#include <pthread.h>

#define EVENT	F(VIRTIO_RING_F_EVENT_IDX)

static struct member *m[2];

static void make_two(uint64_t features)
{
	struct swg_options options = { .features = features };

	make_lan(m, 2, &options);
	while (swg_wait_call(&m[1]->port, SWG_RX, 0))
		;
}

static void send_one(uint32_t seed)
{
	ASSERT_EQ(send_to(m[0], m[1]->mac, 60, seed, 0), 0);
}

static int receive_all(void)
{
	uint8_t frame[SWG_FRAME];
	int count = 0;

	while (swg_used_any(&m[1]->port, SWG_RX) && swg_receive(&m[1]->port, frame, sizeof(frame), 0) > 0)
		count++;
	return count;
}

TEST(receive_interrupt_comes_at_the_event)
{
	make_two(EVENT);
	for (int after = 1; after <= 16; after++) {
		swg_ask(&m[1]->port, SWG_RX, after);
		for (int i = 1; i < after; i++)
			send_one(i);
		EXPECT_EQ(swg_wait_call(&m[1]->port, SWG_RX, SILENCE), 0);
		send_one(0);
		EXPECT_EQ(swg_wait_call(&m[1]->port, SWG_RX, SOON), 1);
		send_one(0);		/* past the event: no more */
		EXPECT_EQ(swg_wait_call(&m[1]->port, SWG_RX, SILENCE), 0);
		EXPECT_EQ(receive_all(), after + 1);
	}
	EXPECT_EQ(member_stats(m[1]).rx_interrupts - m[1]->then.rx_interrupts, 16);
}

TEST(no_interrupt_is_obeyed)
{
	make_two(0);
	swg_ask_none(&m[1]->port, SWG_RX);
	for (int i = 0; i < 20; i++)
		send_one(i);
	EXPECT_EQ(swg_wait_call(&m[1]->port, SWG_RX, SILENCE), 0);
	EXPECT_EQ(member_stats(m[1]).rx_interrupts, m[1]->then.rx_interrupts);
	swg_ask(&m[1]->port, SWG_RX, 1);
	send_one(20);
	EXPECT_EQ(swg_wait_call(&m[1]->port, SWG_RX, SOON), 1);
	swg_ask_none(&m[1]->port, SWG_RX);
	EXPECT_EQ(receive_all(), 21);
}

/* The completion may be held back, but comes within a second when asked for and nothing else happens. */
static void completion_comes(uint64_t features)
{
	double longest = 0;

	make_two(features);
	for (int burst = 1; burst <= 128; burst *= 2) {
		double begun;

		swg_ask(&m[0]->port, SWG_TX, features & EVENT ? burst : 1);
		for (int i = 0; i < burst; i++)
			ASSERT_EQ(send_to(m[0], m[1]->mac, 60, i, i < burst - 1 ? SWG_QUIET : 0), 0);
		begun = swg_now();
		KTAP_CHECK(swg_wait_call(&m[0]->port, SWG_TX, 1000), false,
			   "burst of %d: no interrupt within a second; in the ring %u, used %u, ring flags %u, kicks %llu, "
			   "tx_interrupts %llu, held %llu, direct %llu, worker %llu", burst, m[0]->port.ring[SWG_TX].next,
			   m[0]->port.ring[SWG_TX].used->idx, m[0]->port.ring[SWG_TX].used->flags,
			   member_stats(m[0]).kicks, member_stats(m[0]).tx_interrupts, member_stats(m[0]).tx_held,
			   member_stats(m[0]).direct_runs, member_stats(m[0]).worker_runs);
		if (swg_now() - begun > longest)
			longest = swg_now() - begun;
		EXPECT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
		swg_ask_none(&m[0]->port, SWG_TX);
		while (swg_wait_call(&m[0]->port, SWG_TX, 10))
			;
		receive_all();
	}
	ktap_say("the latest completion came after %.1f ms", longest * 1e3);
	member_mark(m[0]);
	for (int i = 0; i < 50; i++)
		send_one(i);
	EXPECT_EQ(swg_wait_call(&m[0]->port, SWG_TX, SILENCE), 0);
	EXPECT_EQ(member_stats(m[0]).tx_interrupts, m[0]->then.tx_interrupts);
}

TEST(send_interrupt_comes_in_time)
{
	completion_comes(0);
}

TEST(send_interrupt_comes_in_time_with_event_idx)
{
	completion_comes(EVENT);
}

/* A dropped frame is completed as well. */
static uint8_t coalesce(uint8_t command, uint32_t frames, uint32_t usecs)
{
	const uint32_t data[] = { frames, usecs };

	return swg_command(&m[0]->port, VIRTIO_NET_CTRL_NOTF_COAL, command, data, sizeof(data));
}

/* Frames of one kick: is their interrupt held back, or raised at once? */
static void expect_hold(int frames, bool held)
{
	swg_ask(&m[0]->port, SWG_TX, 1);
	member_mark(m[0]);
	for (int i = 0; i < frames; i++)
		ASSERT_EQ(send_to(m[0], m[1]->mac, 60, i, i < frames - 1 ? SWG_QUIET : 0), 0);
	EXPECT_EQ(swg_wait_call(&m[0]->port, SWG_TX, SOON), 1);
	EXPECT_EQ(member_stats(m[0]).tx_held - m[0]->then.tx_held, held);
	EXPECT_EQ(member_stats(m[0]).tx_interrupts - m[0]->then.tx_interrupts, 1);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	receive_all();
}

TEST(interrupts_for_sent_frames_are_coalesced_as_asked)
{
	make_two(EVENT | F(VIRTIO_NET_F_CTRL_VQ) | F(VIRTIO_NET_F_NOTF_COAL));
	expect_hold(3, true);
	ASSERT_EQ(coalesce(VIRTIO_NET_CTRL_NOTF_COAL_TX_SET, 4, 1000), VIRTIO_NET_OK);
	expect_hold(3, true);
	expect_hold(4, false);
	ASSERT_EQ(coalesce(VIRTIO_NET_CTRL_NOTF_COAL_TX_SET, 0, 0), VIRTIO_NET_OK);
	expect_hold(1, false);
	ASSERT_EQ(coalesce(VIRTIO_NET_CTRL_NOTF_COAL_TX_SET, UINT32_MAX, UINT32_MAX), VIRTIO_NET_OK);
	expect_hold(4, true);		/* and it comes all the same */
	EXPECT_EQ(coalesce(VIRTIO_NET_CTRL_NOTF_COAL_RX_SET, 0, 0), VIRTIO_NET_OK);
	EXPECT_EQ(coalesce(VIRTIO_NET_CTRL_NOTF_COAL_RX_SET, 8, 100), VIRTIO_NET_ERR);
}

/* All that the driver has given to the device since @first came back in that order. */
static void expect_order(struct member *member, int index, uint16_t first)
{
	const struct swg_ring *ring = &member->port.ring[index];
	uint16_t end = *(volatile uint16_t *)&ring->used->idx;

	ASSERT(end != first);
	for (uint16_t i = first; i != end; i++)
		KTAP_CHECK(ring->used->ring[i % ring->num].id == ring->avail->ring[i % ring->num], true,
			   "%s, ring %d: buffer %u came back as %u", member->name, index,
			   ring->avail->ring[i % ring->num], ring->used->ring[i % ring->num].id);
}

/* Small and large frames, some of which are dropped, and some that find the receiver full. */
TEST(buffers_come_back_in_order)
{
	static const struct swg_options sends = { .features = F(VIRTIO_F_IN_ORDER), .num = 64 };
	static const struct swg_options receives = { .features = F(VIRTIO_F_IN_ORDER) | F(VIRTIO_NET_F_MRG_RXBUF),
						     .slot = 512, .num = 64 };
	uint16_t first[2];

	make_two(0);
	for (int round = 0; round < 40; round++) {
		restart(m[0], &sends);
		restart(m[1], &receives);
		EXPECT(m[0]->port.features & F(VIRTIO_F_IN_ORDER));
		first[0] = m[0]->port.ring[SWG_TX].used->idx;
		first[1] = m[1]->port.ring[SWG_RX].used->idx;
		for (int i = 0; i < 30; i++) {
			int length = i % 7 ? 60 + 45 * (i % 31) : 8;	/* a runt */

			ASSERT_EQ(send_to(m[0], i % 5 ? m[1]->mac : m[0]->mac, length, i,
					  (i % 3 ? 0 : SWG_QUIET) | (i % 2 ? SWG_CROOKED : 0)), 0);
		}
		swg_kick(&m[0]->port, SWG_TX);
		for (double end = swg_now() + SOON / 1e3; swg_now() < end; usleep(100))
			if (*(volatile uint16_t *)&m[0]->port.ring[SWG_TX].used->idx == m[0]->port.ring[SWG_TX].next)
				break;
		EXPECT_EQ(m[0]->port.ring[SWG_TX].used->idx, m[0]->port.ring[SWG_TX].next);
		expect_order(m[0], SWG_TX, first[0]);
		expect_order(m[1], SWG_RX, first[1]);
	}
}

TEST(dropped_frame_completes)
{
	__u8 nobody[6];

	make_two(EVENT);
	frame_mac(nobody, 99);
	swg_ask(&m[0]->port, SWG_TX, 1);
	ASSERT_EQ(send_to(m[0], nobody, 60, 1, 0), 0);
	EXPECT_EQ(swg_wait_call(&m[0]->port, SWG_TX, 1000), 1);
	EXPECT_EQ(swg_wait_sent(&m[0]->port, 0), 0);
}

/* ---- kicks ---- */

#define ENOUGH	40	/* seconds of a run that goes on until it has done its rounds */

/* QZ_USER_ROUNDS: a thorough run, however long it takes. */
static int rounds_wanted(int normal)
{
	const char *text = getenv("QZ_USER_ROUNDS");

	return text ? atoi(text) : normal;
}

static bool enough(double begun)
{
	return !getenv("QZ_USER_ROUNDS") && swg_now() - begun > ENOUGH;
}

#define LAST	0xffffffffu	/* the frame that ends a ping-pong */

static void *answer(void *argument)
{
	struct member *self = m[1], *other = m[0];
	uint8_t frame[SWG_FRAME];
	int length;

	(void)argument;
	do {
		length = swg_receive(&self->port, frame, sizeof(frame), 10000);
		send_to(self, other->mac, 60, frame_seed(frame), 0);
	} while (length == 60 && frame_seed(frame) != LAST);
	if (length != 60)
		ktap_say("answering: %d", length);
	return NULL;
}

/* Both sides kick only when the device asks and sleep until an interrupt: one lost wake-up stops it for good. */
static void ping_pong(uint64_t features, int rounds)
{
	uint8_t frame[SWG_FRAME];
	pthread_t thread;
	double begun, spent;
	int i;

	make_two(features);
	ASSERT_EQ(pthread_create(&thread, NULL, answer, NULL), 0);
	begun = swg_now();
	for (i = 0; i < rounds && !enough(begun); i++) {
		int got;

		send_one(i);
		got = swg_receive(&m[0]->port, frame, sizeof(frame), 5000);
		KTAP_CHECK(got == 60, true, "round %d of %d: %d, a kick or an interrupt is lost", i, rounds, got);
		ASSERT_EQ(frame_seed(frame), i);
	}
	spent = swg_now() - begun;
	send_one(LAST);
	pthread_join(thread, NULL);
	EXPECT_GE(i, 1000);
	ktap_say("%d rounds, %.0f us each; kicks %llu, interrupts %llu, direct %llu, worker %llu", i, spent / i * 1e6, member_stats(m[0]).kicks, member_stats(m[0]).rx_interrupts,
		 member_stats(m[0]).direct_runs, member_stats(m[0]).worker_runs);
	EXPECT_EQ(member_stats(m[1]).rx_packets, i + 1);
	expect_no_drops(m[0]);
	expect_no_drops(m[1]);
}

TEST_WITHIN(no_wakeup_is_lost, 300)
{
	ping_pong(0, rounds_wanted(20000));
}

TEST_WITHIN(no_wakeup_is_lost_with_event_idx, 300)
{
	ping_pong(EVENT, rounds_wanted(100000));
}

/* The same without a change of threads, so that it is quick: every kick is served in the kicker's own way back. */
static void volley(uint64_t features)
{
	double begun = swg_now();

	make_two(features);
	for (int i = 0; i < 50000 && !enough(begun); i++)
		expect_pair_works(m[0], m[1], i * 2);
	expect_no_drops(m[0]);
	expect_no_drops(m[1]);
}

TEST_WITHIN(no_wakeup_is_lost_in_one_thread, 300)
{
	volley(0);
}

TEST_WITHIN(no_wakeup_is_lost_in_one_thread_with_event_idx, 300)
{
	volley(EVENT);
}

static volatile bool disturbing;

/* A second vCPU that kicks the same ring at the worst times. */
static void *disturb(void *argument)
{
	int fd = *(int *)argument;
	uint64_t one = 1;

	while (disturbing)
		if (write(fd, &one, sizeof(one)) < 0)
			usleep(1);
	return NULL;
}

/* Bursts, each completed without a further kick: whoever runs the ring when it fills must look once more. */
static void bursts(bool disturbed)
{
	unsigned int state = 1;
	double begun = swg_now();
	pthread_t thread;
	int frames = 0;

	make_two(EVENT);
	disturbing = disturbed;
	if (disturbed)
		ASSERT_EQ(pthread_create(&thread, NULL, disturb, &m[0]->port.ring[SWG_TX].kick), 0);
	for (int i = 0; i < rounds_wanted(10000) / 5 && !enough(begun); i++) {
		int count = 1 + rand_r(&state) % 150;

		for (int j = 0; j < count; j++)
			ASSERT_EQ(send_to(m[0], m[1]->mac, 20, frames + j, rand_r(&state) % 3 ? SWG_QUIET : 0), 0);
		swg_flush(&m[0]->port, SWG_TX);
		KTAP_CHECK(!swg_wait_sent(&m[0]->port, 5000), true, "burst %d of %d frames: not all were taken", i,
			   count);
		for (int j = 0; j < count; j++)
			expect_arrives(m[1], m[1]->mac, m[0], 20, frames + j);
		frames += count;
	}
	disturbing = false;
	if (disturbed)
		pthread_join(thread, NULL);
	ktap_say("%d frames, kicks %llu, direct %llu, worker %llu", frames, member_stats(m[0]).kicks,
		 member_stats(m[0]).direct_runs, member_stats(m[0]).worker_runs);
	expect_no_drops(m[1]);
}

TEST_WITHIN(no_kick_is_lost_in_bursts, 120)
{
	bursts(false);
}

TEST_WITHIN(no_kick_is_lost_with_two_kickers, 180)
{
	bursts(true);
}

static volatile unsigned int kick_now;

static void *kick_once_a_round(void *argument)
{
	unsigned int seen = 0;
	uint64_t one = 1;

	(void)argument;
	while (disturbing) {
		if (kick_now == seen)
			continue;
		seen = kick_now;
		if (write(m[0]->port.ring[SWG_TX].kick, &one, sizeof(one)) < 0)
			abort();
	}
	return NULL;
}

/*
 * One vCPU's kick is being served when another adds a frame, for which the device asks no kick: whoever serves must see it,
 * be it the last moment. The delay sweeps over that moment.
 */
TEST_WITHIN(frame_behind_the_runners_back_is_seen, 120)
{
	struct swg_ring *ring;
	double begun = swg_now();
	uint64_t unkicked = 0;
	pthread_t thread;
	uint32_t i;

	make_two(EVENT);
	ring = &m[0]->port.ring[SWG_TX];
	disturbing = true;
	ASSERT_EQ(pthread_create(&thread, NULL, kick_once_a_round, NULL), 0);
	for (i = 0; i < (uint32_t)rounds_wanted(20000) && !enough(begun); i++) {
		uint64_t kicks = ring->kicks;

		ASSERT_EQ(send_to(m[0], m[1]->mac, 20, 2 * i, SWG_QUIET), 0);
		ring->told = ring->next;
		kick_now++;
		for (volatile uint32_t spin = i * 7 % 2000; spin; spin--)
			;
		ASSERT_EQ(send_to(m[0], m[1]->mac, 20, 2 * i + 1, 0), 0);
		unkicked += kicks == ring->kicks;
		KTAP_CHECK(!swg_wait_sent(&m[0]->port, 1000), true, "round %u: used %u of %u, event %u", i, ring->used->idx,
			   ring->next, (uint16_t)ring->used->ring[ring->num].id);
		expect_arrives(m[1], m[1]->mac, m[0], 20, 2 * i);
		expect_arrives(m[1], m[1]->mac, m[0], 20, 2 * i + 1);
	}
	disturbing = false;
	pthread_join(thread, NULL);
	ktap_say("%u rounds, in %llu the second frame needed no kick", i, (unsigned long long)unkicked);
	EXPECT_GE(unkicked, i / 100);
}

/* The moment a held back completion is due, somebody runs the ring: it comes all the same. */
TEST_WITHIN(send_interrupt_comes_with_two_kickers, 120)
{
	pthread_t thread;
	double longest = 0, start = swg_now();

	make_two(EVENT);
	disturbing = true;
	ASSERT_EQ(pthread_create(&thread, NULL, disturb, &m[0]->port.ring[SWG_TX].kick), 0);
	for (int i = 0; i < rounds_wanted(10000) / 2 && !enough(start); i++) {
		double begun = swg_now();

		swg_ask(&m[0]->port, SWG_TX, 1);
		send_one(i);
		KTAP_CHECK(swg_wait_call(&m[0]->port, SWG_TX, 1000), true,
			   "round %d: no interrupt within a second; used %u of %u, event %u, held %llu", i,
			   m[0]->port.ring[SWG_TX].used->idx, m[0]->port.ring[SWG_TX].next,
			   m[0]->port.ring[SWG_TX].avail->ring[m[0]->port.ring[SWG_TX].num], member_stats(m[0]).tx_held);
		if (swg_now() - begun > longest)
			longest = swg_now() - begun;
		ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
		receive_all();
	}
	disturbing = false;
	pthread_join(thread, NULL);
	ktap_say("the latest completion came after %.1f ms", longest * 1e3);
}

/* Whoever kicked dies before it can run what it queued. */
TEST(kicker_that_exits_loses_nothing)
{
	make_two(EVENT);
	for (int i = 0; i < 100; i++) {
		uint64_t one = 1;
		pid_t child;

		ASSERT_EQ(send_to(m[0], m[1]->mac, 60, i, SWG_QUIET), 0);
		child = vfork();
		if (!child) {
			if (write(m[0]->port.ring[SWG_TX].kick, &one, sizeof(one)) < 0)
				_exit(1);
			_exit(0);
		}
		waitpid(child, NULL, 0);
		expect_arrives(m[1], m[1]->mac, m[0], 60, i);
	}
	for (int i = 0; i < 100; i++) {
		pid_t child = fork();

		if (!child) {
			uint64_t one = 1;

			while (write(m[0]->port.ring[SWG_TX].kick, &one, sizeof(one)))
				;
		}
		usleep(1000);
		ASSERT_EQ(send_to(m[0], m[1]->mac, 60, i, 0), 0);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		expect_arrives(m[1], m[1]->mac, m[0], 60, i);
	}
}
