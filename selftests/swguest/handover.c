// SPDX-License-Identifier: GPL-2.0
/* Hand-overs between two processes of one CPU, each with a port: who has sent gives way to who is to answer. */
#define _GNU_SOURCE
#include "world.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS	200
#define TRIES	10
#define ENOUGH	(ROUNDS / 20)
#define PAUSE	2000	/* us */
#define CGROUPS	"/sys/fs/cgroup/"
#define HERE	CGROUPS "qt-asks"
#define THERE	CGROUPS "qt-answers"

static struct member *m[2];

/*
 * Sends each frame back, and sleeps until there is one. As a batch task it does not take the CPU when it is woken: it has to
 * be given it.
 */
static void answer(const char *cgroup)
{
	static const struct sched_param plain = { 0 };
	static const struct swg_options options = { .features = F(VIRTIO_RING_F_EVENT_IDX) };
	uint8_t frame[SWG_FRAME];
	uint32_t count = 0;

	if (cgroup && write_text(cgroup, "0"))
		_exit(1);
	if (sched_setscheduler(0, SCHED_BATCH, &plain) || swg_open(&m[1]->port, m[1]->name) ||
	    swg_start(&m[1]->port, &options))
		_exit(1);
	for (;;)
		if (swg_receive(&m[1]->port, frame, sizeof(frame), 1000) > 0) {
			send_to(m[1], m[0]->mac, 60, count++, 0);
			swg_reap(&m[1]->port);
		}
}

static pid_t start_answering(const char *cgroup)
{
	static const struct swg_options options = { .features = F(VIRTIO_RING_F_EVENT_IDX) };
	pid_t child;

	make_lan(m, 2, &options);
	swg_close(&m[1]->port);
	child = fork();
	if (!child)
		answer(cgroup);
	return child;
}

static void hear(void)
{
	uint8_t frame[SWG_FRAME];
	int length;

	do
		length = swg_receive(&m[0]->port, frame, sizeof(frame), SOON);
	while (length > 0 && length != 60);
	ASSERT_EQ(length, 60);
}

/* How often the answer is there when the kick returns; with a pause before each request. */
static int converse(int pause_us)
{
	int there = 0;

	/* It may not be ready yet. */
	for (int i = 0; i < SOON; i++) {
		ASSERT_EQ(send_to(m[0], m[1]->mac, 60, i, 0), 0);
		swg_wait_sent(&m[0]->port, SOON);
		if (swg_receive(&m[0]->port, (uint8_t[SWG_FRAME]){ 0 }, SWG_FRAME, 10) > 0)
			break;
	}
	for (int i = 0; i < ROUNDS; i++) {
		while (swg_receive(&m[0]->port, (uint8_t[SWG_FRAME]){ 0 }, SWG_FRAME, 0) > 0)
			;
		usleep(pause_us);
		ASSERT_EQ(send_to(m[0], m[1]->mac, 60, i, 0), 0);
		there += swg_used_any(&m[0]->port, SWG_RX);
		hear();
		swg_reap(&m[0]->port);
	}
	return there;
}

static pid_t start_computing(void)
{
	pid_t child = fork();

	if (!child)
		for (;;)
			;
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/*
 * Where an answer took milliseconds, as on a host that is busy, hand-offs pause for a while: so there are some tries, and
 * a few answers in time will do. Without a hand-off there is none.
 */
static int count_answers_in_time(const char *cgroup, int pause_us)
{
	pid_t child;
	int there = 0;

	keep_to_one_cpu();
	child = start_answering(cgroup);
	for (int try = 0; try < TRIES && there < ENOUGH; try++)
		there = converse(pause_us);
	end(child);
	ktap_say("of %d answers %d were there when the kick returned", ROUNDS, there);
	return there;
}

/*
 * Does an emulated host lose its CPU to others of the machine? Then a hand-off takes milliseconds and they pause, as they
 * should. Nothing else of ours runs here meanwhile: the clock goes on by microseconds, and by the length of a tick's work.
 */
static bool machine_is_busy(void)
{
	double begun = swg_now(), last = begun, now;
	int stalls = 0;

	while ((now = swg_now()) < begun + 1) {
		stalls += now - last > 0.002;
		last = now;
	}
	ktap_say("the CPU was away for more than 2 ms %d times in a second", stalls);
	return stalls >= 10;
}

#define EXPECT_IN_TIME(there) do {							\
	if ((there) < ENOUGH && machine_is_busy())					\
		SKIP("the machine is busy with something else");			\
	EXPECT_GE(there, ENOUGH);							\
} while (0)

TEST_WITHIN(a_sender_returns_when_the_answer_is_there, 120)
{
	int there = count_answers_in_time(NULL, 0);

	EXPECT_IN_TIME(there);
}

/*
 * As libvirt has it: where a thread that only gives way does so to its own VM. Beside a program that has the larger part of
 * the CPU each of the two has a claim to it, and the one that runs goes on.
 */
TEST_WITHIN(a_sender_gives_way_to_another_cgroup, 120)
{
	pid_t other;
	int there;

	if (write_text(CGROUPS "cgroup.subtree_control", "+cpu"))
		SKIP("no cgroups with shares of the CPU");
	mkdir(HERE, 0755);
	mkdir(THERE, 0755);
	keep_to_one_cpu();
	other = start_computing();
	ASSERT_EQ(write_text(HERE "/cgroup.procs", "0"), 0);
	there = count_answers_in_time(THERE "/cgroup.procs", PAUSE);
	end(other);
	write_text(CGROUPS "cgroup.procs", "0");
	rmdir(HERE);
	rmdir(THERE);
	EXPECT_IN_TIME(there);
}

/* On a CPU that a third one wants as well nobody is let in for long, and every answer comes. */
TEST(a_conversation_beside_others_goes_on)
{
	pid_t child, other;

	keep_to_one_cpu();
	child = start_answering(NULL);
	other = start_computing();
	converse(0);
	end(other);
	end(child);
}
