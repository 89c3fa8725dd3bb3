// SPDX-License-Identifier: GPL-2.0
/*
 * A VM that has used up its CPU time waits in the middle of a run, where the kernel can be preempted: that holds up no other
 * tenant's reset, suspend, map or start. And it waits in the middle of a call, with locks held: that holds up nobody who
 * deletes its port.
 */
#define _GNU_SOURCE
#include "attack.h"
#include "cgroup.h"
#include "tenant.h"

#include <pthread.h>
#include <sys/ioctl.h>

#ifndef VHOST_VDPA_RESUME
#define VHOST_VDPA_RESUME	_IO(VHOST_VIRTIO, 0x7E)
#endif

#define LENGTH	1024	/* descriptors of a runt */
#define LIMIT	5	/* seconds of a call */
#define TURNS	40
#define SECONDS	25
#define SPINNERS	20
#define DELETIONS	3

static struct {
	volatile int ready, turns, done;
	const char *volatile what;	/* the victim is in it, */
	volatile double since;		/* since then */
	volatile double slowest;
	const char *volatile slowest_what;
} *shared;
static struct member *attacker, *victim;

static void run_attacker(void)
{
	struct swg *port = &attacker->port;

	ASSERT_EQ(swg_open(port, attacker->name), 0);
	set_up(port, 0, 1024, NULL);
	attack_fill(port, SWG_TX, attack_table(port, SWG_TX, LENGTH, SWG_HEADER + 4));
	bring_up(port);
	shared->ready = 1;
	for (;;) {
		attack_offer(port, SWG_TX, 1000);
		swg_kick(port, SWG_TX);
	}
}

/* ---- a deletion ---- */

static void *spin(void *unused)
{
	for (;;)
		;
	return unused;
}

/* The thread that is mostly inside a call gets its CPU, and a share of its cgroup's time, when all others have had them. */
static void run_slow_caller(void)
{
	struct swg *port = &attacker->port;
	pthread_t thread;

	keep_to_one_cpu();
	ASSERT_EQ(swg_open(port, attacker->name), 0);
	ASSERT_EQ(swg_start(port, &(struct swg_options){ .num = 1024 }), 0);
	for (int i = 0; i < SPINNERS; i++)
		ASSERT_EQ(pthread_create(&thread, NULL, spin, NULL), 0);
	shared->ready = 1;
	for (;;) {
		ioctl(port->fd, VHOST_VDPA_SUSPEND);
		ioctl(port->fd, VHOST_VDPA_RESUME);
	}
}

static int delete_attacker(void)
{
	return port_del(attacker->name);
}

static void expect_deletion_returns(void)
{
	double begun = swg_now();
	int r = call_within(LIMIT * 1000 * ktap_factor(), delete_attacker);

	KTAP_CHECK(!r, false, "`vdpa dev del`: %s after %.1f s", r == -ETIMEDOUT ? "no answer" : strerror(-r),
		   swg_now() - begun);
	ktap_say("`vdpa dev del` took %.0f ms", (swg_now() - begun) * 1e3);
}

TEST_WITHIN(a_throttled_vm_holds_up_no_deletion, 120)
{
	const char *cannot = prepare_throttle();
	pid_t attacking;

	if (cannot)
		SKIP("%s", cannot);
	shared = share(sizeof(*shared));
	make_fabric("qtlan");
	for (int i = 0; i < DELETIONS; i++) {
		attacker = make_member("qtlan", i + 1, 0);
		shared->ready = 0;
		attacking = fork_tenant(run_slow_caller);
		await(&shared->ready);
		throttle(attacking);
		usleep(1200000);
		expect_deletion_returns();
		unthrottle();
		EXPECT_EQ(kill_tenant(attacking), 0);
		EXPECT_EQ(wait_left_behind(SOON), 0);
		ASSERT(!prepare_throttle());
	}
}

/* ---- other tenants ---- */

static void note(const char *next)
{
	double now = swg_now(), took = now - shared->since;

	if (shared->what && took > shared->slowest) {
		shared->slowest = took;
		shared->slowest_what = shared->what;
	}
	shared->since = now;
	shared->what = next;
}

static void run_victim(void)
{
	struct swg *port = &victim->port;
	double end = swg_now() + SECONDS;

	ASSERT_EQ(swg_open(port, victim->name), 0);
	for (; shared->turns < TURNS && swg_now() < end; shared->turns++) {
		note("features, rings, map, DRIVER_OK");
		ASSERT_EQ(swg_start(port, &(struct swg_options){ 0 }), 0);
		note("suspend");
		ASSERT_EQ(ioctl(port->fd, VHOST_VDPA_SUSPEND), 0);
		note("resume");
		ASSERT_EQ(ioctl(port->fd, VHOST_VDPA_RESUME), 0);
		note("map");
		ASSERT_EQ(swg_map_all(port, true), 0);
		note("reset");
		ASSERT_EQ(swg_reset(port), 0);
		note("");
		usleep(20000);
	}
	note("");
	shared->done = 1;
}

static void expect_victim_goes_on(pid_t tenant)
{
	double longest = LIMIT * ktap_factor();

	while (!shared->done) {
		double since = swg_now() - shared->since;

		KTAP_CHECK(since < longest, false, "%s of another tenant: not over after %.1f s, turn %d (state %c)",
			   shared->what, since, shared->turns, state_of(tenant));
		if (since >= longest)
			return;
		usleep(10000);
	}
	ktap_say("%d turns; the slowest call: %s, %.1f ms", shared->turns, shared->slowest_what, shared->slowest * 1e3);
	EXPECT_GE(shared->turns, 3);
}

TEST_WITHIN(a_throttled_vm_holds_up_no_other, 90)
{
	const char *cannot = prepare_throttle();
	pid_t attacking, tenant;

	if (cannot)
		SKIP("%s", cannot);
	shared = share(sizeof(*shared));
	shared->since = swg_now();
	make_fabric("qtlan");
	make_fabric("qtother");
	attacker = make_member("qtlan", 1, 0);
	victim = make_member("qtother", 2, 0);
	attacking = fork_tenant(run_attacker);
	await(&shared->ready);
	usleep(100000);
	throttle(attacking);
	usleep(500000);
	shared->since = swg_now();
	tenant = fork_tenant(run_victim);
	expect_victim_goes_on(tenant);
	unthrottle();
	kill_tenant(tenant);
}
