// SPDX-License-Identifier: GPL-2.0
/*
 * No work of a port that no VM is charged with: a port whose process may have no thread more, or whose process is gone while
 * another one holds the descriptor, is down until it is reset.
 */
#define _GNU_SOURCE
#include "tenant.h"

#include <sys/resource.h>

static struct {
	volatile int ready, send, sent, lift, up;
} *shared;
static struct member *a, *b;

static void expect_down(struct member *member)
{
	struct queztl_port found;

	ASSERT_EQ(port_find(member->name, &found), 0);
	KTAP_CHECK(!(found.state & QUEZTL_PORT_UP), false, "%s is up (state %#x)", member->name, found.state);
	KTAP_CHECK(found.state & QUEZTL_PORT_NO_WORKER, false, "%s: state %#x does not say why", member->name,
		   found.state);
}

static void expect_up(struct member *member)
{
	struct queztl_port found;

	ASSERT_EQ(port_find(member->name, &found), 0);
	EXPECT_EQ(found.state & (QUEZTL_PORT_UP | QUEZTL_PORT_BROKEN), QUEZTL_PORT_UP);
	EXPECT_EQ(found.state & QUEZTL_PORT_NO_WORKER, 0);
}

static void allow_threads(bool allow)
{
	struct rlimit limit = { allow ? RLIM_INFINITY : 0, RLIM_INFINITY };

	ASSERT_EQ(setrlimit(RLIMIT_NPROC, &limit), 0);
}

static void expect_needs_reset(struct member *member)
{
	KTAP_CHECK(swg_get_status(&member->port) & VIRTIO_CONFIG_S_NEEDS_RESET, false,
		   "%s has no worker, and its driver is not told: status %#x", member->name,
		   swg_get_status(&member->port));
}

/* An ordinary user (root has no limit) who may have no thread more at DRIVER_OK. */
static void run_without_thread(void)
{
	ASSERT_EQ(swg_open(&b->port, b->name), 0);
	allow_threads(true);
	ASSERT_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	allow_threads(false);
	ASSERT_EQ(swg_start(&b->port, &(struct swg_options){ 0 }), 0);
	expect_needs_reset(b);
	shared->ready = 1;
	await_order(&shared->send);
	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(send_to(b, a->mac, 60, i, 0), 0);
		swg_kick(&b->port, SWG_TX);
	}
	shared->sent = 1;
	await_order(&shared->lift);
	allow_threads(true);
	ASSERT_EQ(swg_reset(&b->port), 0);
	ASSERT_EQ(swg_start(&b->port, &(struct swg_options){ 0 }), 0);
	EXPECT_EQ(swg_get_status(&b->port) & VIRTIO_CONFIG_S_NEEDS_RESET, 0);
	shared->up = 1;
	expect_arrives(b, b->mac, a, 100, 7);
	ASSERT_EQ(send_to(b, a->mac, 100, 8, 0), 0);
	pause();
}

TEST(a_port_without_a_worker_is_down)
{
	shared = share(sizeof(*shared));
	make_fabric("qtlan");
	a = join("qtlan", 1, 0);
	b = make_member("qtlan", 2, 0);
	start(a, NULL);
	member_mark(b);
	fork_tenant(run_without_thread);
	await(&shared->ready);
	expect_down(b);
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(send_to(a, b->mac, 60, i, 0), 0);
	expect_drops(b, QUEZTL_DROP_DOWN, 3, "no worker");
	shared->send = 1;
	await(&shared->sent);
	expect_silence(a);
	while (swg_receive(&a->port, (uint8_t[SWG_FRAME]){ 0 }, SWG_FRAME, 0) > 0)
		;
	EXPECT_EQ(member_stats(b).tx_packets, 0);
	EXPECT_EQ(member_stats(b).worker_runs, 0);
	EXPECT_EQ(member_stats(b).direct_runs, 0);
	shared->lift = 1;
	await(&shared->up);
	expect_up(b);
	ASSERT_EQ(send_to(a, b->mac, 100, 7, 0), 0);
	expect_arrives(a, a->mac, b, 100, 8);
}

static void run_owner_of_worker(void)
{
	ASSERT_EQ(swg_set_status(&b->port, swg_get_status(&b->port) | VIRTIO_CONFIG_S_DRIVER_OK), 0);
	shared->ready = 1;
	for (;;)
		pause();
}

/* Whoever says DRIVER_OK has the worker. Here that is a child, with the descriptor of its parent. */
TEST(a_port_whose_process_was_killed_is_down)
{
	struct swg_options options = { .no_ready = true };
	struct queztl_port_stats before;
	pid_t owner;

	shared = share(sizeof(*shared));
	make_fabric("qtlan");
	a = join("qtlan", 1, 0);
	b = join("qtlan", 2, 0);
	start(a, NULL);
	start(b, &options);
	owner = fork_tenant(run_owner_of_worker);
	await(&shared->ready);
	expect_up(b);
	expect_pair_works(a, b, 1);
	ASSERT_EQ(kill_tenant(owner), 0);
	for (int ms = 0; ms < SOON && !(swg_get_status(&b->port) & VIRTIO_CONFIG_S_NEEDS_RESET); ms++)
		usleep(1000);
	expect_needs_reset(b);
	expect_down(b);
	member_mark(b);
	before = b->then;
	ASSERT_EQ(send_to(a, b->mac, 60, 3, 0), 0);
	expect_drops(b, QUEZTL_DROP_DOWN, 1, "its process was killed");
	for (int i = 0; i < 10; i++)
		ASSERT_EQ(send_to(b, a->mac, 60, i, i % 5 ? SWG_QUIET : 0), 0);
	swg_kick(&b->port, SWG_TX);
	expect_silence(a);
	while (swg_receive(&a->port, (uint8_t[SWG_FRAME]){ 0 }, SWG_FRAME, 0) > 0)
		;
	EXPECT_EQ(member_stats(b).tx_packets, before.tx_packets);
	EXPECT_EQ(member_stats(b).worker_runs, before.worker_runs);
	restart(b, NULL);
	expect_up(b);
	expect_pair_works(a, b, 20);
}
