// SPDX-License-Identifier: GPL-2.0
/*
 * What runs in a sender's thread is not its receiver's choice. An innocent A sends to B, and then talks to C, while B is
 *
 *	plain		an ordinary guest, woken up by its call
 *	shared		its call eventfd is its kick eventfd as well, and its sending ring always has frames in it
 *	waiters		10^5 things wait on its call eventfd, since its first frames were quick
 *
 * A and C have CPU 0; B and all that it waits with have CPU 1.
 */
#define _GNU_SOURCE
#include "attack.h"
#include "report.h"
#include "tenant.h"

#include <poll.h>
#include <sys/eventfd.h>

#define WARMUP	50
#define QUEUED	3	/* frames in B's sending ring */
#define COPIES	250
#define EPOLLS	400
#define PAUSE	500	/* us, between round trips */
#define MINUTE	60000
#define MAX	10000	/* round trips of a turn */
#define KILLS	10	/* of A, in a turn */

enum how { PLAIN, SHARED, WAITERS };

static const char *const names[] = { "plain", "shared", "waiters" };
static struct {
	volatile int b_ready, wait, waiting, c_ready, a_ready, measure, done;
	volatile uint64_t deliver[MAX], trip[MAX];
} *shared;
static struct member *a, *b, *c, *d;
static enum how how;
static int trips;

/* After another process had the port. */
static void take(struct member *member)
{
	int r = -EBUSY;

	for (double end = swg_now() + 60; r && swg_now() < end; usleep(r ? 1000 : 0))
		r = swg_open(&member->port, member->name);
	ASSERT_EQ(r, 0);
}

static void take_and_start(struct member *member)
{
	take(member);
	ASSERT_EQ(swg_start(&member->port, &(struct swg_options){ 0 }), 0);
}

static void drain(struct member *member)
{
	static uint8_t frame[SWG_FRAME];

	while (swg_receive(&member->port, frame, sizeof(frame), 0) > 0)
		;
}

/* They are sent when somebody signals the kick. */
static void queue_frames(uint32_t *seed)
{
	swg_reap(&b->port);
	while (b->port.ring[SWG_TX].num - b->port.ring[SWG_TX].free < QUEUED)
		ASSERT_EQ(send_to(b, d->mac, 60, (*seed)++, SWG_QUIET), 0);
}

static void run_b(void)
{
	int call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	uint32_t seed = 0;
	uint64_t count;

	pin(1);
	take_and_start(d);
	take(b);
	ASSERT_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	set_up(&b->port, 0, 256, NULL);
	set_call(&b->port, SWG_RX, call);
	if (how == SHARED)
		set_kick(&b->port, SWG_TX, call);
	swg_fill(&b->port);
	bring_up(&b->port);
	shared->b_ready = 1;
	for (;; poll(&(struct pollfd){ .fd = call, .events = POLLIN }, 1, 1)) {
		if (read(call, &count, sizeof(count)) < 0)
			ASSERT_EQ(errno, EAGAIN);
		drain(b);
		drain(d);
		if (how == SHARED)
			queue_frames(&seed);
		if (shared->wait && !shared->waiting) {
			attack_wait(call, COPIES, EPOLLS, 0);
			shared->waiting = 1;
		}
	}
}

static void run_c(void)
{
	static uint8_t frame[SWG_FRAME];
	uint32_t seed = 0;

	pin(0);
	take_and_start(c);
	shared->c_ready = 1;
	for (;;)
		if (swg_receive(&c->port, frame, sizeof(frame), SOON) > 0)
			ASSERT_EQ(send_to(c, a->mac, 60, seed++, 0), 0);
}

static void send_and_wait(struct member *to, uint32_t seed)
{
	double end = swg_now() + SOON / 1e3;

	ASSERT_EQ(send_to(a, to->mac, 60, seed, 0), 0);
	while (swg_reap(&a->port) >= 0 && a->port.ring[SWG_TX].free < a->port.ring[SWG_TX].num) {
		ASSERT(swg_now() < end);
		sched_yield();
	}
}

/* A frame to B until it is delivered; then to C and back. */
static void do_round(uint32_t seed, volatile uint64_t *deliver, volatile uint64_t *trip)
{
	static uint8_t frame[SWG_FRAME];
	uint64_t begun = now_ns(), delivered;

	send_and_wait(b, seed);
	delivered = now_ns();
	send_and_wait(c, seed);
	ASSERT_EQ(swg_receive(&a->port, frame, sizeof(frame), SOON), 60);
	*deliver = delivered - begun;
	*trip = now_ns() - delivered;
	usleep(PAUSE);
}

static void run_a(void)
{
	uint64_t unused[2];
	uint32_t seed = 0;

	pin(0);
	take_and_start(a);
	while (seed < WARMUP)
		do_round(seed++, &unused[0], &unused[1]);
	shared->a_ready = 1;
	for (;;) {
		if (shared->measure) {
			for (int i = 0; i < trips; i++)
				do_round(seed++, &shared->deliver[i], &shared->trip[i]);
			shared->measure = 0;
			shared->done = 1;
		}
		do_round(seed++, &unused[0], &unused[1]);
	}
}

static pid_t start_a(void)
{
	pid_t tenant;

	shared->a_ready = 0;
	tenant = fork_tenant(run_a);
	await(&shared->a_ready);
	return tenant;
}

/* From SIGKILL until it is no more. */
static uint64_t time_of_death(pid_t tenant)
{
	uint64_t begun = now_ns();

	KTAP_CHECK(!kill_tenant(tenant), false, "%s: A is there %d ms after SIGKILL (state %c)", names[how], SOON,
		   state_of(tenant));
	return now_ns() - begun;
}

static void take_turn(enum how next)
{
	struct queztl_port_stats before;
	uint64_t deaths[KILLS];
	pid_t of_a, of_b, of_c;

	memset((void *)shared, 0, sizeof(*shared));
	how = next;
	of_b = fork_tenant(run_b);
	await(&shared->b_ready);
	of_c = fork_tenant(run_c);
	await(&shared->c_ready);
	of_a = start_a();
	if (how == WAITERS) {
		shared->wait = 1;
		await(&shared->waiting);
	}
	before = member_stats(b);
	shared->measure = 1;
	for (double end = swg_now() + 300; !shared->done && swg_now() < end; usleep(10000))
		;
	ASSERT(shared->done);
	report_begin("foreign", names[how]);
	report_times("deliver", shared->deliver, trips);
	report_times("trip", shared->trip, trips);
	report_number("received", member_stats(b).rx_packets - before.rx_packets);
	report_number("sent", member_stats(b).tx_packets - before.tx_packets);
	report_number("direct_runs", member_stats(b).direct_runs - before.direct_runs);
	for (int i = 0; i < KILLS; i++) {
		usleep(1000 * (7 * i % 20));	/* anywhere in a round */
		deaths[i] = time_of_death(of_a);
		if (i < KILLS - 1)
			of_a = start_a();
	}
	report_times("exit", deaths, KILLS);
	report_end();
	EXPECT_EQ(kill_tenant(of_c), 0);
	kill(of_b, SIGKILL);
	EXPECT_EQ(wait_gone(of_b, MINUTE), 0);
}

TEST_WITHIN(foreign, 1200)
{
	static const enum how turns[] = { PLAIN, SHARED, PLAIN, WAITERS, PLAIN };

	trips = option("QZ_USER_TRIPS", 2000);
	ASSERT(trips <= MAX);
	shared = share(sizeof(*shared));
	make_fabric("qtlan");
	a = make_member("qtlan", 1, 0);
	b = make_member("qtlan", 2, 0);
	c = make_member("qtlan", 3, 0);
	d = make_member("qtlan", 4, 0);
	for (size_t i = 0; i < sizeof(turns) / sizeof(*turns); i++)
		take_turn(turns[i]);
}
