// SPDX-License-Identifier: GPL-2.0
/*
 * Each call of an administrator, beside a VM that does not go on:
 *
 *	quiet		there is none
 *	deleted		a process has a port open that was deleted
 *	stopped		a VMM was stopped, with its threads, while its port was busy
 *	throttled	a VMM has a thousandth of a CPU, and sends long chains all the time; the kernel is fully preemptible
 *
 * The calls are on the fabric, and where they can be on the port, that the VM has. In the end that port is deleted.
 */
#define _GNU_SOURCE
#include "attack.h"
#include "calls.h"
#include "cgroup.h"
#include "report.h"
#include "tenant.h"
#include "vdpanl.h"

#include <sys/ioctl.h>

#define LENGTH	1024	/* descriptors of a runt */
#define ROUNDS	50

static struct {
	volatile int ready;
} *shared;
static struct member *stuck;
static uint64_t times[QUEZTL_CALLS][ROUNDS], added[ROUNDS], deleted[ROUNDS];

static void run_open(void)
{
	ASSERT_EQ(swg_open(&stuck->port, stuck->name), 0);
	ASSERT_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	shared->ready = 1;
	for (;;)
		pause();
}

static void run_busy(void)
{
	ASSERT_EQ(swg_open(&stuck->port, stuck->name), 0);
	set_up(&stuck->port, 0, 1024, NULL);
	attack_fill(&stuck->port, SWG_TX, attack_table(&stuck->port, SWG_TX, LENGTH, SWG_HEADER + 4));
	bring_up(&stuck->port);
	shared->ready = 1;
	for (;;) {
		attack_offer(&stuck->port, SWG_TX, 1000);
		swg_kick(&stuck->port, SWG_TX);
	}
}

static pid_t start_stuck(int number, void (*run)(void))
{
	pid_t tenant;

	stuck = make_member("qtblue", number, 0);
	shared->ready = 0;
	tenant = fork_tenant(run);
	await(&shared->ready);
	return tenant;
}

static __u64 id_of(struct member *member)
{
	struct queztl_port found;

	ASSERT_EQ(port_find(member->name, &found), 0);
	return found.id;
}

static void time_call(const struct call *call, uint64_t *took)
{
	char argument[ROOM];
	uint64_t begun;
	int r;

	prepare(call, argument, call->grown ? call->grown : call->size);
	begun = now_ns();
	r = ioctl(fd_of(call), call->number, argument);
	*took = now_ns() - begun;
	KTAP_CHECK(!r, true, "%s: %s", call->name, strerror(errno));
	if (call->undo)
		call->undo(argument);
}

static uint64_t time_netlink(void)
{
	uint64_t begun = now_ns();

	ASSERT_EQ(vdpanl_send(), 0);
	ASSERT_EQ(vdpanl_answer(), 0);
	return now_ns() - begun;
}

static uint64_t time_deletion(const char *name)
{
	vdpanl_prepare_del(name);
	return time_netlink();
}

/* One that was deleted keeps its name until it has left the bus. */
static void time_port(int round)
{
	char name[16];
	__u8 mac[6];

	snprintf(name, sizeof(name), FABRIC_PREFIX "temp%d", round);
	frame_mac(mac, 100 + round);
	vdpanl_prepare_add(name, "qtblue", mac);
	added[round] = time_netlink();
	deleted[round] = time_deletion(name);
}

static void make_calls(const char *phase)
{
	for (int round = 0; round < ROUNDS; round++) {
		for_each_call(call)
			time_call(call, &times[call - calls][round]);
		time_port(round);
	}
	report_begin("admin", phase);
	for_each_call(call)
		report_times(call->name, times[call - calls], ROUNDS);
	report_times("vdpa dev add", added, ROUNDS);
	report_times("vdpa dev del", deleted, ROUNDS);
}

/* Its port goes first. */
static void end_stuck(pid_t tenant, void (*release)(void))
{
	uint64_t took = time_deletion(stuck->name);

	if (release)
		release();
	report_times("vdpa dev del, the stuck VM's", &took, 1);
	report_end();
	EXPECT_EQ(kill_tenant(tenant), 0);
}

static void beside_deleted(void)
{
	pid_t tenant = start_stuck(11, run_open);
	uint64_t took = time_deletion(stuck->name);

	make_calls("deleted");
	report_times("vdpa dev del, the stuck VM's", &took, 1);
	report_end();
	EXPECT_EQ(kill_tenant(tenant), 0);
}

static void beside_stopped(void)
{
	pid_t tenant = start_stuck(12, run_busy);
	__u64 port = world.port;

	usleep(100000);
	stop_tenant(tenant);
	world.port = id_of(stuck);
	make_calls("stopped");
	world.port = port;
	end_stuck(tenant, NULL);
}

static void beside_throttled(void)
{
	const char *cannot = prepare_throttle();
	__u64 port = world.port;
	pid_t tenant;

	if (cannot) {
		ktap_say("not beside a throttled VMM: %s", cannot);
		return;
	}
	tenant = start_stuck(13, run_busy);
	usleep(100000);
	throttle(tenant);
	usleep(500000);
	world.port = id_of(stuck);
	make_calls("throttled");
	world.port = port;
	end_stuck(tenant, unthrottle);
}

TEST_WITHIN(admin, 900)
{
	shared = share(sizeof(*shared));
	open_world();
	ASSERT_EQ(vdpanl_open(), 0);
	make_calls("quiet");
	report_end();
	beside_deleted();
	beside_stopped();
	beside_throttled();
}
