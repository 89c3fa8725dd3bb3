// SPDX-License-Identifier: GPL-2.0
/* A port's worker: a thread of the process that took the port, to which streams are left, and requests are not. */
#define _GNU_SOURCE
#include "world.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY	20	/* more frames than a request has */

static struct member *m[2];

/* Threads of this process that are a port's; @last: one of them, if not NULL. */
static int find_workers(pid_t *last)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	int count = 0;

	while ((task = readdir(tasks))) {
		char path[300], name[32] = "";
		FILE *comm;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
		comm = fopen(path, "r");
		if (!comm)
			continue;
		if (fgets(name, sizeof(name), comm) && !strncmp(name, "queztl-", 7)) {
			count++;
			if (last)
				*last = atoi(task->d_name);
		}
		fclose(comm);
	}
	closedir(tasks);
	return count;
}

/*
 * Whoever ends a worker waits until it does nothing more; it is in the list of threads a moment longer, and one that leaves
 * the list while it is read may hide another.
 */
static void expect_workers(int count)
{
	int found;

	for (int ms = 0; (found = find_workers(NULL)) != count && ms < SOON; ms++)
		usleep(1000);
	EXPECT_EQ(found, count);
}

static void make_two(void)
{
	struct swg_options options = { .features = F(VIRTIO_RING_F_EVENT_IDX) };

	make_lan(m, 2, &options);
	expect_pair_works(m[0], m[1], 1);	/* and whoever looked at the new rings has done so */
	member_mark(m[0]);
	member_mark(m[1]);
}

/*
 * All at once: a worker that still looks at the ring on another CPU would find the first few of them, and take them for a
 * request.
 */
static void burst(int count, uint32_t seed)
{
	swg_hold(&m[0]->port, SWG_TX);
	for (int i = 0; i < count; i++)
		ASSERT_EQ(send_to(m[0], m[1]->mac, 60, seed + i, SWG_QUIET), 0);
	swg_flush(&m[0]->port, SWG_TX);
	for (int i = 0; i < count; i++)
		expect_arrives(m[1], m[1]->mac, m[0], 60, seed + i);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
}

TEST(each_port_has_a_thread_of_its_process_until_it_is_reset)
{
	make_two();
	expect_workers(2);
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(swg_reset(&m[0]->port), 0);
		expect_workers(1);
		start(m[0], NULL);
		expect_workers(2);
	}
	expect_pair_works(m[0], m[1], 2);
	swg_close(&m[0]->port);
	swg_close(&m[1]->port);
	expect_workers(0);
}

/* It is a batch task from its first run on, as nice as its process; what an administrator then says holds. */
TEST(a_worker_is_a_batch_task)
{
	const struct sched_param plain = { 0 };
	pid_t worker = 0;

	ASSERT_EQ(setpriority(PRIO_PROCESS, 0, 5), 0);
	make_lan(m, 1, NULL);
	ASSERT_EQ(find_workers(&worker), 1);
	for (int i = 0; i < SOON && sched_getscheduler(worker) != SCHED_BATCH; i++)
		usleep(1000);
	EXPECT_EQ(sched_getscheduler(worker), SCHED_BATCH);
	EXPECT_EQ(getpriority(PRIO_PROCESS, worker), 5);
	ASSERT_EQ(sched_setscheduler(worker, SCHED_OTHER, &plain), 0);
	for (int i = 0; i < 3 * MANY; i++)	/* nobody there to receive them */
		ASSERT_EQ(send_to(m[0], m[0]->mac, 60, i, (i + 1) % MANY ? SWG_QUIET : 0), 0);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	EXPECT_EQ(sched_getscheduler(worker), SCHED_OTHER);
}

/* CPU time of a thread of this process, and so of its cgroup; ns. */
static unsigned long long spent_by(pid_t thread)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", thread);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%llu", &ns) != 1)
		ns = 0;
	if (file)
		fclose(file);
	return ns;
}

/*
 * The first burst shows what it is; those that follow are the worker's, and charged to the sender's process. One run of the
 * worker may serve several bursts: it looks once more before it ends.
 */
TEST(a_stream_is_left_to_the_worker)
{
	struct queztl_port_stats first, last;
	unsigned long long spent;
	pid_t worker = 0;

	make_lan(m, 1, NULL);
	ASSERT_EQ(find_workers(&worker), 1);
	m[1] = join("qtlan", 2, 0);
	start(m[1], NULL);
	expect_pair_works(m[0], m[1], 1);
	burst(MANY, 0);
	first = member_stats(m[0]);
	spent = spent_by(worker);
	for (int i = 1; i <= 10; i++)
		burst(MANY, i * MANY);
	last = member_stats(m[0]);
	EXPECT_GE(last.worker_runs, first.worker_runs + 1);
	EXPECT_EQ(last.direct_runs, first.direct_runs);
	EXPECT_GE(spent_by(worker), spent + 1);
	expect_no_drops(m[0]);
	expect_no_drops(m[1]);
}

/* Frames each with the question whether the device wants a kick. */
static void trickle(int count)
{
	for (int i = 0; i < count; i++)
		ASSERT_EQ(send_to(m[0], m[1]->mac, 60, i, 0), 0);
}

/*
 * The sender of a stream is asked for a kick when three quarters of its ring are full. On a CPU that it shares with the
 * worker, which has not run by then, it finds the ring empty when it has kicked: but for a tick that comes in between, and
 * lets the worker begin. On a host that takes more than a slice to fill so much there is nothing to see.
 */
TEST(the_worker_gets_the_cpu_when_most_of_the_ring_is_full)
{
	struct swg_options options = { .features = F(VIRTIO_RING_F_EVENT_IDX), .num = 32 };
	const int most = options.num / 4 * 3, rounds = 50;
	int waited = 0, unasked = 0, served = 0;

	keep_to_one_cpu();
	make_lan(m, 2, &options);
	expect_pair_works(m[0], m[1], 1);
	burst(MANY, 0);
	for (int round = 0; round < rounds; round++) {
		struct swg_ring *ring = &m[0]->port.ring[SWG_TX];
		uint64_t kicks = ring->kicks;

		trickle(most - 1);
		if (!swg_used_any(&m[0]->port, SWG_TX)) {
			waited++;
			unasked += ring->kicks == kicks + 1;
			trickle(1);
			served += ring->kicks == kicks + 2 && swg_used_any(&m[0]->port, SWG_TX);
		}
		ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
		while (swg_receive(&m[1]->port, (uint8_t[SWG_FRAME]){ 0 }, SWG_FRAME, 0) > 0)
			;
	}
	ktap_say("of %d times that the worker waited it was given the CPU %d times", waited, served);
	if (!waited)
		SKIP("the worker never waited");
	EXPECT_GE(2 * unasked, waited);
	EXPECT_GE(2 * served, waited);
	expect_no_drops(m[0]);
}

/* Large frames are a stream when they are few. */
TEST(bytes_make_a_stream)
{
	struct swg_options options = { .features = F(VIRTIO_RING_F_EVENT_IDX), .slot = 16384 };
	struct queztl_port_stats first;

	make_fabric("qtlan");
	for (int i = 0; i < 2; i++) {
		m[i] = join("qtlan", i + 1, 9000);
		start(m[i], &options);
	}
	expect_pair_works(m[0], m[1], 1);
	for (int i = 0; i < 2; i++) {
		swg_hold(&m[0]->port, SWG_TX);
		for (int j = 0; j < 2; j++)
			ASSERT_EQ(send_to(m[0], m[1]->mac, 9000, j, SWG_QUIET), 0);
		first = member_stats(m[0]);
		swg_flush(&m[0]->port, SWG_TX);
		for (int j = 0; j < 2; j++)
			expect_arrives(m[1], m[1]->mac, m[0], 9000, j);
	}
	EXPECT_GE(member_stats(m[0]).worker_runs, first.worker_runs + 1);
	EXPECT_EQ(member_stats(m[0]).direct_runs, first.direct_runs);
}

/* What ends a stream is the worker's as well; the next is there when the kick returns. */
static bool is_served_at_once(uint32_t seed)
{
	uint64_t before = member_stats(m[0]).direct_runs;
	bool direct;

	ASSERT_EQ(send_to(m[0], m[1]->mac, 60, seed, 0), 0);
	direct = member_stats(m[0]).direct_runs == before + 1;
	if (direct)
		EXPECT_EQ(swg_used_any(&m[1]->port, SWG_RX), true);
	expect_arrives(m[1], m[1]->mac, m[0], 60, seed);
	return direct;
}

/* On another CPU the worker may not have ended the stream's run when the first requests come: they are part of it. */
TEST(a_request_after_a_stream_is_served_at_once)
{
	make_two();
	for (int i = 0; i < 10; i++) {
		int more = 0;

		burst(MANY, 0);
		burst(1, 0);
		while (!is_served_at_once(i) && ++more < 10)
			;
		EXPECT_LE(more, 9);
	}
}

/* In the middle of a stream, with the worker at work; nothing of what it left undone is done later. */
TEST(a_killed_process_takes_its_worker_along)
{
	static const struct swg_options options = { .features = F(VIRTIO_RING_F_EVENT_IDX) };

	make_two();
	swg_close(&m[1]->port);
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();

		if (!child) {
			if (swg_open(&m[1]->port, m[1]->name) || swg_start(&m[1]->port, &options))
				_exit(1);
			for (unsigned int n = 0;; n++) {
				if (send_to(m[1], m[0]->mac, 60, n, SWG_QUIET) || n % MANY == 0)
					swg_flush(&m[1]->port, SWG_TX);
				swg_reap(&m[1]->port);
			}
		}
		usleep(20000 + i * 1000);
		kill(child, SIGKILL);
		ASSERT_EQ(waitpid(child, NULL, 0), child);
		while (swg_receive(&m[0]->port, (uint8_t[SWG_FRAME]){ 0 }, SWG_FRAME, 1) > 0)
			;
	}
	reopen(m[1]);
	start(m[1], NULL);
	expect_pair_works(m[0], m[1], 1);
}
