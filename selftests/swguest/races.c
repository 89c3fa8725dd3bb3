// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once, for a while: guests that change everything under their own feet (racer.c), killed now and then, their
 * ports deleted and made again; others that list, bind, delete, and say who may send to whom (bystanders.c). Beside them a
 * pair that must lose nothing (innocent.c) and one that plays ping-pong (pingpong.c). judge.c checks what came of it.
 *
 *	races [--seed N] [--seconds N]
 *
 * Twice: as it is, and with qz_delays.ko holding the race windows open. Prints KTAP and what was raced how often.
 */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "ktap.h"
#include "bystanders.h"
#include "delays.h"
#include "judge.h"
#include "mutate.h"
#include "races.h"
#include "world.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sys/ioctl.h>

#define RACER_NUMBERS { RACER + 1, RACER + 2, RACER + 3, GOOD_A + 1, PING_A + 1 }

const char *const names[PORTS] = { "qtg0", "qtg1", "qtp0", "qtp1", "qtr0", "qtr1", "qtr2", "qtn0" };
struct race_counts did;

static struct {
	uint64_t seed;
	int seconds;
} wanted = { .seed = 1, .seconds = 60 };

static struct shared {
	struct innocent_report innocent;
	struct ping_report ping;
	struct racer_report racer[RACERS];
} *shared;

static struct mutator dice;
static __u64 fabric;

#define roll(below) mutate_random(&dice, below)

/* ---- processes ---- */

static pid_t children[PORTS];

static void wait_until(const bool *flag, const char *what)
{
	double end = swg_now() + 4 * SOON / 1e3;

	while (!*(volatile const bool *)flag && swg_now() < end)
		usleep(1000);
	KTAP_CHECK(*(volatile const bool *)flag, true, "%s did not start", what);
}

static void start_racer(int index)
{
	static const int peers[] = RACER_NUMBERS;
	struct racer_report *report = &shared->racer[index];
	uint64_t seed = wanted.seed * 1000 + roll(1 << 30);

	report->ready = false;
	children[RACER + index] = fork();
	if (!children[RACER + index]) {
		racer_run(report, names[RACER + index], RACER + index + 1, peers, sizeof(peers) / sizeof(*peers), seed);
		_exit(0);
	}
	wait_until(&report->ready, names[RACER + index]);
}

static void end_child(int port, int how)
{
	if (how)
		kill(children[port], how);
	waitpid(children[port], NULL, 0);
	children[port] = 0;
}

static void start_good(void)
{
	children[GOOD_A] = fork();
	if (!children[GOOD_A]) {
		innocent_run(&shared->innocent, &names[GOOD_A], (const int[]){ GOOD_A + 1, GOOD_B + 1 });
		_exit(0);
	}
	children[PING_A] = fork();
	if (!children[PING_A]) {
		pingpong_run(&shared->ping, &names[PING_A], (const int[]){ PING_A + 1, PING_B + 1 });
		_exit(0);
	}
	wait_until(&shared->innocent.ready, "the innocent pair");
	wait_until(&shared->ping.ready, "ping-pong");
}

/* ---- what happens to racers ---- */

static void add_port(int port)
{
	__u8 mac[6];

	frame_mac(mac, port + 1);
	ASSERT_EQ(port_add(names[port], "qtlan", mac, 0), 0);
}

static void *delete_port(void *name)
{
	return (void *)(intptr_t)port_del(name);
}

/* vDPA waits for the port to be let go of: the one who holds it is killed meanwhile, or just before. */
static void delete_under_racer(int index)
{
	bool early = roll(4);
	pthread_t thread;
	void *result;

	if (early)
		ASSERT_EQ(pthread_create(&thread, NULL, delete_port, (void *)names[RACER + index]), 0);
	usleep(roll(50000));
	end_child(RACER + index, SIGKILL);
	if (!early)
		ASSERT_EQ(pthread_create(&thread, NULL, delete_port, (void *)names[RACER + index]), 0);
	pthread_join(thread, &result);
	EXPECT_EQ((intptr_t)result, 0);
	did.early_deletions += early;
	did.deletions++;
	usleep(roll(5000));
	add_port(RACER + index);
	start_racer(index);
}

static void kill_racer(int index)
{
	end_child(RACER + index, SIGKILL);
	did.kills++;
	start_racer(index);
}

/* Its threads hold what they hold: a run that was put off, a lock of vhost's. */
static void stop_racer(int index)
{
	kill(children[RACER + index], SIGSTOP);
	usleep(roll(100000));
	kill(children[RACER + index], SIGCONT);
	did.stops++;
}

static void happen(void)
{
	int index = roll(RACERS);

	switch (roll(4)) {
	case 0: delete_under_racer(index); break;
	case 1: stop_racer(index); break;
	default: kill_racer(index); break;
	}
}

/* ---- the race ---- */

static void make_ports(void)
{
	ASSERT_EQ(fabric_add("qtlan", &fabric), 0);
	for (int i = 0; i < PORTS; i++)
		add_port(i);
	ASSERT_EQ(peer_add(names[GOOD_A], names[GOOD_B]), 0);
	ASSERT_EQ(peer_add(names[PING_A], names[PING_B]), 0);
}

static void tell(void)
{
	uint64_t kicks = 0, sent = 0, received = 0;

	for (int i = 0; i < RACERS; i++) {
		kicks += shared->racer[i].kicks;
		sent += shared->racer[i].sent;
		received += shared->racer[i].received;
	}
	ktap_say("%llu kills, %llu deletions (%llu while held), %llu stops; racers: %llu kicks, %llu sent, %llu received; "
		 "innocent %llu, ping-pong %llu (longest %.0f ms)", (unsigned long long)did.kills,
		 (unsigned long long)did.deletions, (unsigned long long)did.early_deletions,
		 (unsigned long long)did.stops, (unsigned long long)kicks, (unsigned long long)sent,
		 (unsigned long long)received, (unsigned long long)shared->innocent.received,
		 (unsigned long long)shared->ping.rounds, shared->ping.longest * 1e3);
}

/* So long at least; longer, within reason, where a slow host has not come to the rarest event. */
static bool is_over(double seconds)
{
	return seconds > 10 * wanted.seconds || (seconds > wanted.seconds && did.kills);
}

static void run_race(void)
{
	double begun = swg_now(), told = begun;

	for (int i = 0; i < RACERS; i++)
		start_racer(i);
	bystanders_start(fabric, wanted.seed);
	while (!is_over(swg_now() - begun) && !shared->ping.why[0] && !shared->innocent.why[0]) {
		usleep(100000 + roll(500000));
		happen();
		if (swg_now() - told > 10) {
			told = swg_now();
			tell();
		}
	}
	bystanders_end();
	for (int i = 0; i < RACERS; i++) {
		shared->racer[i].stop = true;
		end_child(RACER + i, 0);
		shared->racer[i].stop = false;
	}
}

/*
 * KVM switches hooks in the scheduler on with the first VM and off with the last, by patching code: an emulated host of
 * several CPUs survives that a few times, not a few hundred. So one stays, until this process ends.
 */
static void keep_a_vm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm >= 0)
		EXPECT_GE(ioctl(kvm, KVM_CREATE_VM, 0), 0);
}

static void race(void)
{
	keep_a_vm();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	dice.state = wanted.seed + 99;
	make_ports();
	start_good();
	run_race();
	shared->innocent.stop = shared->ping.stop = true;
	end_child(GOOD_A, 0);
	end_child(PING_A, 0);
	judge_innocent(&shared->innocent);
	judge_ping(&shared->ping);
	tell();
	judge_racers(shared->racer);
	judge_ports();
}

TEST_WITHIN(nobody_is_stuck, 1 << 20)
{
	race();
}

TEST_WITHIN(nobody_is_stuck_when_windows_are_wide, 1 << 20)
{
	if (!delays_load("one_in=40 max_us=400"))
		SKIP("no qz_delays.ko in QZ_USER_TEST_MODULES: make test-modules");
	race();
	EXPECT_GE(delays_tell(), 1000);
	EXPECT_EQ(delays_unload(), 0);
}

static void parse(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			wanted.seed = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--seconds"))
			wanted.seconds = atoi(argv[i + 1]);
	}
}

/* A test that ended early leaves the delays, and ports that somebody may still hold for a moment. */
static void tidy_up(void)
{
	delays_unload();
	fabric_sweep();
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	if (access(QUEZTL_DEVICE, F_OK)) {
		printf("KTAP version 1\n1..0 # SKIP no " QUEZTL_DEVICE "\n");
		return KTAP_SKIP;
	}
	tidy_up();
	return ktap_run(1, argv, tidy_up);
}
