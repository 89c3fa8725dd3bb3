// SPDX-License-Identifier: GPL-2.0
/*
 * What it takes to signal a receiver is the receiver's: an eventfd with many waiters takes milliseconds, and is signalled by
 * its own port's worker once that is known.
 */
#define _GNU_SOURCE
#include "attack.h"
#include "tenant.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

/* 10^4 in all. */
#define COPIES	250
#define EPOLLS	40
#define FRAMES	8
#define ROUNDS	3

static struct {
	volatile int ready;
	volatile bool waits;		/* B's thread, so the next call is quick */
} *shared;
static struct member *a, *b;
static int call_of_b;

/* It takes what comes, and wants to be interrupted for the next. */
static void run_b(void)
{
	uint8_t frame[SWG_FRAME];

	ASSERT_EQ(swg_open(&b->port, b->name), 0);
	ASSERT_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	attack_wait(call_of_b, COPIES, EPOLLS, 0);
	set_up(&b->port, 0, 256, NULL);
	set_call(&b->port, SWG_RX, call_of_b);
	swg_fill(&b->port);
	bring_up(&b->port);
	shared->ready = 1;
	for (;; usleep(500))
		while (swg_receive(&b->port, frame, sizeof(frame), 0) > 0)
			;
}

static void send_frames(int count)
{
	uint64_t before = member_stats(b).rx_packets;

	for (int i = 0; i < count; i++) {
		ASSERT_EQ(send_to(a, b->mac, 60, i, 0), 0);
		ASSERT_EQ(swg_wait_sent(&a->port, SOON), 0);
		usleep(2000);
	}
	EXPECT_EQ(member_stats(b).rx_packets, before + count);
}

static uint64_t take_count(int call)
{
	uint64_t count = 0;

	return read(call, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/* A thread of B signals when B has threads that run: its counter tells who did it. */
TEST(a_slow_call_is_signalled_by_its_own_worker)
{
	pid_t tenant;

	call_of_b = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	shared = share(sizeof(*shared));
	make_fabric("qtlan");
	a = join("qtlan", 1, 0);
	b = make_member("qtlan", 2, 0);
	start(a, NULL);
	tenant = fork_tenant(run_b);
	await(&shared->ready);
	for (int round = 0; round < ROUNDS; round++) {
		struct pollfd wait = { .fd = call_of_b, .events = POLLIN };
		uint64_t count;

		send_frames(4 * FRAMES);	/* now it is known */
		stop_tenant(tenant);
		take_count(call_of_b);
		send_frames(FRAMES);
		count = take_count(call_of_b);
		KTAP_CHECK(!count, false, "round %d: B is stopped, and was signalled %llu times", round,
			   (unsigned long long)count);
		resume_tenant(tenant);
		KTAP_CHECK(count || poll(&wait, 1, SOON) == 1, false, "round %d: B goes on and is never signalled", round);
	}
}

static int first_epoll;

static void *wait_now_and_then(void *unused)
{
	struct epoll_event event;

	for (;;) {
		shared->waits = true;
		epoll_wait(first_epoll, &event, 1, -1);
		shared->waits = false;
		usleep(4000);		/* the next call is none for it */
	}
	return unused;
}

/*
 * An exclusive waiter that takes a call keeps it from those behind it: while a thread waits for the first, a call is quick,
 * and else it asks all of them.
 */
static void run_fickle_b(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET | EPOLLEXCLUSIVE };
	pthread_t thread;

	first_epoll = epoll_create1(0);
	ASSERT_EQ(epoll_ctl(first_epoll, EPOLL_CTL_ADD, call_of_b, &event), 0);
	ASSERT_EQ(swg_open(&b->port, b->name), 0);
	ASSERT_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	attack_wait(call_of_b, COPIES, EPOLLS, EPOLLEXCLUSIVE);
	set_up(&b->port, 0, 256, NULL);
	set_call(&b->port, SWG_RX, call_of_b);
	swg_fill(&b->port);
	ASSERT_EQ(pthread_create(&thread, NULL, wait_now_and_then, NULL), 0);
	bring_up(&b->port);
	shared->ready = 1;
	for (;; usleep(500))
		while (swg_receive(&b->port, (uint8_t[SWG_FRAME]){ 0 }, SWG_FRAME, 0) > 0)
			;
}

static void send_frame_to(struct member *to, uint32_t seed)
{
	ASSERT_EQ(send_to(a, to->mac, 60, seed, 0), 0);
	ASSERT_EQ(swg_wait_sent(&a->port, SOON), 0);
}

static void send_frame(uint32_t seed)
{
	send_frame_to(b, seed);
}

static void await_waiter(void)
{
	for (int ms = 0; ms < SOON && !shared->waits; ms++)
		usleep(1000);
	ASSERT(shared->waits);
	usleep(1000);
}

TEST(every_other_quick_call_earns_no_trust)
{
	uint64_t count;
	pid_t tenant;

	call_of_b = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	shared = share(sizeof(*shared));
	make_fabric("qtlan");
	a = join("qtlan", 1, 0);
	b = make_member("qtlan", 2, 0);
	start(a, NULL);
	tenant = fork_tenant(run_fickle_b);
	await(&shared->ready);
	for (int i = 0; i < 2 * FRAMES; i++) {
		await_waiter();
		send_frame(2 * i);		/* quick */
		usleep(1500);
		send_frame(2 * i + 1);		/* slow */
		usleep(1500);
	}
	await_waiter();
	stop_tenant(tenant);
	take_count(call_of_b);
	send_frame(0);
	count = take_count(call_of_b);
	KTAP_CHECK(!count, false, "a sender still makes the calls, some of which are slow");
	resume_tenant(tenant);
}

#define SLOW_PORTS	12

static struct member *slow[SLOW_PORTS], *innocent;
static int call_of_innocent;

/* Ports of one VM, all with a call that asks 4 * 10^4. */
static void run_slow_ports(void)
{
	for (int i = 0; i < SLOW_PORTS; i++)
		ASSERT_EQ(swg_open(&slow[i]->port, slow[i]->name), 0);
	ASSERT_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	for (int i = 0; i < SLOW_PORTS; i++) {
		set_up(&slow[i]->port, 0, 256, NULL);
		set_call(&slow[i]->port, SWG_RX, call_of_b);
		swg_fill(&slow[i]->port);
		bring_up(&slow[i]->port);
	}
	shared->ready = 1;
	pause();
	attack_wait(call_of_b, COPIES, 4 * EPOLLS, 0);	/* by now each has been called once, and was quick */
	shared->ready = 1;
	for (;;)
		pause();
}

static void run_innocent(void)
{
	ASSERT_EQ(swg_open(&innocent->port, innocent->name), 0);
	set_up(&innocent->port, 0, 256, NULL);
	set_call(&innocent->port, SWG_RX, call_of_innocent);
	swg_fill(&innocent->port);
	bring_up(&innocent->port);
	shared->ready = 1;
	for (;;)
		pause();
}

static void ignore(int number)
{
	(void)number;
}

/* Each is slow only once, and that is not too much; all of them together are. */
TEST(slow_receivers_share_what_a_sender_can_lose)
{
	pid_t tenant, other;

	call_of_b = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	call_of_innocent = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	shared = share(sizeof(*shared));
	make_fabric("qtlan");
	a = join("qtlan", 1, 0);
	innocent = make_member("qtlan", 2, 0);
	for (int i = 0; i < SLOW_PORTS; i++)
		slow[i] = make_member("qtlan", 3 + i, 0);
	start(a, NULL);
	signal(SIGUSR1, ignore);
	other = fork_tenant(run_innocent);
	await(&shared->ready);
	shared->ready = 0;
	tenant = fork_tenant(run_slow_ports);
	await(&shared->ready);
	for (int i = 0; i < SLOW_PORTS; i++)
		ASSERT_EQ(send_to(a, slow[i]->mac, 60, i, 0), 0);
	ASSERT_EQ(send_to(a, innocent->mac, 60, 0, 0), 0);
	ASSERT_EQ(swg_wait_sent(&a->port, SOON), 0);
	usleep(200000);
	ASSERT(take_count(call_of_innocent));

	stop_tenant(other);
	send_frame_to(innocent, 1);
	KTAP_CHECK(take_count(call_of_innocent), false, "a sender that has lost nothing does not call by itself");

	shared->ready = 0;
	kill(tenant, SIGUSR1);
	await(&shared->ready);
	for (int i = 0; i < SLOW_PORTS; i++)
		send_frame_to(slow[i], i);
	send_frame_to(innocent, 2);
	KTAP_CHECK(!take_count(call_of_innocent), false, "a sender that has lost too much still calls by itself");
	resume_tenant(other);
	for (int ms = 0; ms < SOON; ms++, usleep(1000))
		if (take_count(call_of_innocent))
			return;
	KTAP_CHECK(false, false, "the innocent receiver is never called");
}

/* Of ordinary calls a receiver learns from its sender. */
TEST(a_call_comes_whoever_signals_it)
{
	struct member *m[2];

	make_lan(m, 2, NULL);
	for (int i = 0; i < 100; i++)
		expect_pair_works(m[0], m[1], 2 * i);
}
