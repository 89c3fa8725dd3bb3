// SPDX-License-Identifier: GPL-2.0
/* Garbage of one sender is its own affair: those who talk to the same receiver get their answers. */
#define _GNU_SOURCE
#include "attack.h"
#include "tenant.h"

#define BATCH	64	/* buffers of one run */
#define LENGTH	1024	/* descriptors of a runt */
#define TRIPS	200	/* of the innocent pair, and */
#define RUNS	20	/* of the attacker, at least */

static struct {
	volatile int ready, runs;
} *shared;
static struct member *innocent, *victim, *attacker;

/* One good frame to the victim, then runts of so many descriptors, again and again, in one run each. */
static void run_attacker(void)
{
	struct swg *port = &attacker->port;
	struct swg_ring *ring = &port->ring[SWG_TX];

	ASSERT_EQ(swg_open(port, attacker->name), 0);
	set_up(port, 0, BATCH, NULL);
	memset(ring->buffers, 0, SWG_HEADER);
	frame_make(ring->buffers + SWG_HEADER, 99, victim->mac, attacker->mac, 1);
	attack_fill(port, SWG_TX, attack_table(port, SWG_TX, LENGTH, SWG_HEADER + 4));
	ring->desc[0] = (struct vring_desc){ .addr = ring->buffers_at, .len = SWG_HEADER + 99 };
	bring_up(port);
	shared->ready = 1;
	for (;; shared->runs++) {
		attack_offer(port, SWG_TX, BATCH);
		swg_kick(port, SWG_TX);
		while (!attack_is_used(port, SWG_TX))
			usleep(50);
	}
}

/* The attacker's frames come as well; they are no answers. */
static void expect_from(struct member *at, struct member *from, uint32_t seed)
{
	static uint8_t frame[SWG_FRAME];
	int got;

	do
		got = swg_receive(&at->port, frame, sizeof(frame), SOON);
	while (got > 0 && !memcmp(frame + 6, attacker->mac, 6));
	KTAP_CHECK(got == 100 && frame_check(frame, 100, at->mac, from->mac, seed), true,
		   "%s: no frame %u from %s, but %d", at->name, seed, from->name, got);
}

TEST(garbage_holds_up_no_other_sender)
{
	int trips = 0;

	make_fabric("qtlan");
	innocent = join("qtlan", 1, 0);
	victim = join("qtlan", 2, 0);
	attacker = make_member("qtlan", 3, 0);
	start(innocent, NULL);
	start(victim, NULL);
	shared = share(sizeof(*shared));
	fork_tenant(run_attacker);
	await(&shared->ready);
	for (; trips < TRIPS || shared->runs < RUNS; trips++) {
		ASSERT_EQ(send_to(innocent, victim->mac, 100, trips, 0), 0);
		expect_from(victim, innocent, trips);
		ASSERT_EQ(send_to(victim, innocent->mac, 100, trips, 0), 0);
		expect_from(innocent, victim, trips);
	}
	ktap_say("%d round trips beside %d runs of garbage", trips, shared->runs);
	EXPECT_GE(member_stats(attacker).drops[QUEZTL_DROP_RUNT], RUNS * (BATCH - 1));
	expect_no_drops(innocent);
	expect_no_drops(victim);
}
