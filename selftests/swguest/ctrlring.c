// SPDX-License-Identifier: GPL-2.0
/*
 * The control ring has one owner: work that was asked for before a reset does not meet the ring after it. Two at once end in
 * NEEDS_RESET though each command is good, or use more buffers than there were.
 */
#define _GNU_SOURCE
#include "attack.h"
#include "delays.h"
#include "tenant.h"

#include <sys/resource.h>

#define EARLY	4	/* commands before the reset */
#define LATE	20	/* and after it */
#define LENGTH	1024	/* descriptors of a command: it takes a while */
#define SPINNING 3	/* processes that keep the CPUs busy, so that what was queued comes late */

static struct {
	volatile int done, rounds, resets, odd, lost;
} *shared;
static struct member *member;
static bool without_worker;
static double seconds;

static void start_with_commands(struct swg *port, int count)
{
	set_up(port, F(VIRTIO_NET_F_CTRL_VQ) | F(VIRTIO_NET_F_CTRL_RX), LENGTH, NULL);
	attack_commands(port, LENGTH);
	port->ring[SWG_CTRL].avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	port->ring[SWG_CTRL].avail->idx = count;
	bring_up(port);
}

static void allow_threads(bool allow)
{
	struct rlimit limit = { allow ? RLIM_INFINITY : 0, RLIM_INFINITY };

	ASSERT_EQ(setrlimit(RLIMIT_NPROC, &limit), 0);
}

/* Until all commands are used, or the port is broken. */
static void watch_ring(struct swg *port)
{
	struct vring_used *used = port->ring[SWG_CTRL].used;
	double end = swg_now() + SOON / 1e3;
	uint16_t count = 0;
	bool broken = false;

	while (count < LATE && !broken && swg_now() < end) {
		usleep(2000);
		broken = swg_get_status(port) & VIRTIO_CONFIG_S_NEEDS_RESET;
		count = *(volatile uint16_t *)&used->idx;
	}
	shared->resets += broken;
	shared->lost += count != LATE;
	for (int i = 0; i < LATE && i < count; i++)
		shared->odd += used->ring[i].id != (uint32_t)i;
}

static void run_resets(void)
{
	struct swg *port = &member->port;
	double end = swg_now() + seconds;

	ASSERT_EQ(swg_open(port, member->name), 0);
	allow_threads(true);
	ASSERT_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	for (; swg_now() < end; shared->rounds++) {
		allow_threads(!without_worker);
		start_with_commands(port, EARLY);
		swg_kick(port, SWG_CTRL);
		ASSERT_EQ(swg_reset(port), 0);
		allow_threads(true);
		start_with_commands(port, LATE);
		watch_ring(port);
		ASSERT_EQ(swg_reset(port), 0);
	}
	shared->done = 1;
}

static void spin(void)
{
	for (;;)
		;
}

static void expect_one_owner(bool without, double how_long)
{
	pid_t spinning[SPINNING], tenant;

	shared = share(sizeof(*shared));
	without_worker = without;
	seconds = how_long;
	make_fabric("qtlan");
	member = make_member("qtlan", 1, 0);
	for (int i = 0; i < SPINNING; i++)
		spinning[i] = fork_tenant(spin);
	tenant = fork_tenant(run_resets);
	wait_gone(tenant, (int)(how_long * 1e3) + 2 * SOON);
	for (int i = 0; i < SPINNING; i++)
		kill_tenant(spinning[i]);
	ktap_say("%d rounds", shared->rounds);
	EXPECT_EQ(shared->done, 1);
	EXPECT_GE(shared->rounds, 5);
	KTAP_CHECK(!shared->resets, false, "the port broke in %d rounds, and every command is good", shared->resets);
	KTAP_CHECK(!shared->lost, false, "%d rounds did not use %d commands", shared->lost, LATE);
	KTAP_CHECK(!shared->odd, false, "%d commands were used out of order", shared->odd);
}

TEST(commands_of_a_port_without_worker_are_gone_after_a_reset)
{
	expect_one_owner(true, 25);
}

TEST(commands_before_a_reset_are_gone_after_it)
{
	expect_one_owner(false, 10);
}

TEST(commands_are_gone_after_a_reset_when_windows_are_wide)
{
	if (!delays_load("one_in=40 max_us=400"))
		SKIP("no qz_delays.ko in QZ_USER_TEST_MODULES: make test-modules");
	expect_one_owner(true, 15);
	EXPECT_EQ(delays_unload(), 0);
}
