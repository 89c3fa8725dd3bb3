// SPDX-License-Identifier: GPL-2.0
/* A receiver without room: what is for it waits in its sender's ring, but not for ever, and not all the time. */
#define _GNU_SOURCE
#include "world.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define RING	16
#define MORE	5
#define LENGTH	100
#define TRIES	50
#define LOOKS	5000		/* QZ_ROOM_LOOKS and _BURST of module/limits.h */
#define BURST	50

static struct member *m[3];

static void make_three(void)
{
	struct swg_options options = { .num = RING };

	make_lan(m, 3, &options);
}

/* From m[0], whose ring is as long as the receiver's. */
static void send_many(const __u8 to[6], int count, uint32_t seed)
{
	for (int i = 0; i < count; i++)
		while (send_to(m[0], to, LENGTH, seed + i, 0))
			usleep(10);
}

static uint64_t waited(void)
{
	return member_stats(m[0]).tx_waited;
}

/* All that m[1] has, whatever it is. */
static void empty(void)
{
	static uint8_t frame[SWG_FRAME];

	while (swg_receive(&m[1]->port, frame, sizeof(frame), SILENCE) > 0)
		;
}

/* The receiver has some milliseconds: on a machine that is busy, that may take more than one try. */
TEST_WITHIN(what_is_too_much_waits_for_room, 120)
{
	uint64_t lost = MORE;

	make_three();
	for (int try = 0; try < TRIES && lost; try++) {
		int i;

		member_mark(m[1]);
		send_many(m[1]->mac, RING + MORE, 0);
		for (i = 0; i < RING; i++)
			expect_arrives(m[1], m[1]->mac, m[0], LENGTH, i);
		ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
		lost = member_stats(m[1]).drops[QUEZTL_DROP_FULL] - m[1]->then.drops[QUEZTL_DROP_FULL];
		for (; i < RING + MORE && !lost; i++)
			expect_arrives(m[1], m[1]->mac, m[0], LENGTH, i);
		if (lost)
			empty();
	}
	EXPECT_EQ(lost, 0);
	EXPECT_GE(waited(), 1);
	expect_no_drops(m[0]);
	expect_pair_works(m[0], m[1], 1);
}

/* It is waited for once, and again only when it has taken something. */
TEST(who_hangs_holds_nobody_up_for_long)
{
	uint64_t before;

	make_three();
	send_many(m[1]->mac, RING + MORE, 0);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	expect_drops(m[1], QUEZTL_DROP_FULL, MORE, "given up");
	before = waited();
	for (int i = 0; i < 20; i++) {
		send_many(m[1]->mac, 1, i);
		send_many(m[2]->mac, 1, i);
		expect_arrives(m[2], m[2]->mac, m[0], LENGTH, i);
	}
	EXPECT_EQ(waited(), before);
	empty();
	expect_pair_works(m[0], m[1], 1);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* Who takes a frame now and then does not hang, and yet is not waited for all the time; kicks are looks as well. */
TEST(a_sender_does_not_wait_all_the_time)
{
	static uint8_t frame[SWG_FRAME];
	uint64_t began, looks, bound;

	make_three();
	send_many(m[1]->mac, RING, 0);
	began = now_ns();
	for (int i = 0; i < 20; i++) {
		for (uint64_t until = now_ns() + 10 * 1000 * 1000; now_ns() < until; swg_kick(&m[0]->port, SWG_TX))
			send_to(m[0], m[1]->mac, LENGTH, i, SWG_QUIET);
		ASSERT_EQ(swg_receive(&m[1]->port, frame, sizeof(frame), SOON), LENGTH);
	}
	looks = waited();	/* it goes on */
	bound = (now_ns() - began) * LOOKS / 1000000000 + BURST;
	ktap_say("waited %llu times, %llu are the most", (unsigned long long)looks, (unsigned long long)bound);
	EXPECT_GE(looks, 1);
	EXPECT_LE(looks, bound);
}

TEST(what_goes_to_everybody_does_not_wait)
{
	make_three();
	send_many(m[1]->mac, RING, 0);
	send_many(frame_broadcast, 1, 99);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	expect_drops(m[1], QUEZTL_DROP_FULL, 1, "broadcast");
	expect_arrives(m[2], frame_broadcast, m[0], LENGTH, 99);
	EXPECT_EQ(waited(), 0);
}

/* A ring of 8 buffers of 256 bytes will never have room for it. */
TEST(what_will_never_fit_does_not_wait)
{
	struct swg_options options = { .num = 8, .slot = 256, .features = F(VIRTIO_NET_F_MRG_RXBUF) };
	struct swg_options large = { .slot = 4096 };

	make_fabric("qtlan");
	m[0] = join("qtlan", 1, 9000);
	m[1] = join("qtlan", 2, 9000);
	start(m[0], &large);
	start(m[1], &options);
	ASSERT_EQ(send_to(m[0], m[1]->mac, 2500, 1, 0), 0);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	expect_drops(m[1], QUEZTL_DROP_FULL, 1, "longer than the ring");
	EXPECT_EQ(waited(), 0);
}

/* Its frames are many hosts'. */
TEST(an_uplink_does_not_wait)
{
	make_three();
	ASSERT_EQ(port_set(m[0]->name, QUEZTL_PORT_UPLINK), 0);
	send_many(m[1]->mac, RING + MORE, 0);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	expect_drops(m[1], QUEZTL_DROP_FULL, MORE, "from the uplink");
	EXPECT_EQ(waited(), 0);
}
