// SPDX-License-Identifier: GPL-2.0
/*
 * The program schedfail: the module's scheduler started and stopped, and threads begun under it, while allocations fail,
 * those of the caller or anybody's. Needs a kernel with fault injection.
 */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "control.h"
#include "inject.h"
#include "ktap.h"

#include <linux/queztl.h>

static void expect_off(void)
{
	EXPECT_NE(info().state, QUEZTL_SCHED_ON);
	EXPECT(state_is("disabled"));
	tasks_run();
}

static void end_it(void)
{
	EXPECT_EQ(info().state, QUEZTL_SCHED_ON);
	tasks_run();
	ASSERT_EQ(stop(), 0);
	expect_off();
}

static void begin_or_skip(void)
{
	inject_or_skip();
	begin();
	if (stop() == -EOPNOTSUPP)
		SKIP("this kernel lets no module bring a scheduler");
}

TEST_WITHIN(scheduler_started_without_memory, 300)
{
	const struct sweep sweep = { .name = "QUEZTL_SCHED_START", .call = start, .failed = expect_off,
				     .succeeded = end_it };

	begin_or_skip();
	EXPECT_GE(inject_sweep(&sweep), 2);
}

static void start_it(void)
{
	int r = start();

	EXPECT(r == 0 || r == -EBUSY);	/* the stop that failed has changed nothing */
}

static void expect_on(void)
{
	EXPECT_EQ(info().state, QUEZTL_SCHED_ON);
	tasks_run();
}

TEST_WITHIN(scheduler_stopped_without_memory, 300)
{
	const struct sweep sweep = { .name = "QUEZTL_SCHED_STOP", .prepare = start_it, .call = stop,
				     .failed = expect_on, .succeeded = expect_off };

	begin_or_skip();
	EXPECT_GE(inject_sweep(&sweep), 1);
}

/* Of a start whose @nth or earlier allocation within a function fails, whoever makes it. */
static bool start_fails(const char *function, int nth, int error, const char *why)
{
	struct queztl_sched i;
	bool fired;
	int r;

	if (!inject_anyone_within(function, nth))
		SKIP("the kernel does not say where %s is", function);
	r = start();
	fired = inject_anyone_fired();
	i = info();
	ktap_say("%s, %d: %d (%s) %s: %s", function, nth, r, fired ? "failed" : "did not fail", i.reason, i.message);
	if (r) {
		EXPECT(fired);
		EXPECT(r == error || r == -ENOMEM);
		EXPECT(r == -ENOMEM || (i.state == QUEZTL_SCHED_FAILED && strstr(i.message, why)));
		expect_off();
		EXPECT_EQ(start(), 0);
	}
	end_it();
	return fired && r;
}

/* sched_ext sets up what it needs in a thread of its own. */
TEST_WITHIN(scheduler_set_up_without_memory, 300)
{
	int failed = 0;

	begin_or_skip();
	for (int nth = 1; nth <= 12; nth++)
		failed += start_fails("scx_ops_enable_workfn", nth, -EIO, "failed (-12)");
	EXPECT_GE(failed, 1);
}

TEST_WITHIN(scheduler_without_memory_for_queues, 300)
{
	int failed = 0;

	begin_or_skip();
	for (int nth = 1; nth < 2000; nth = 5 * nth + 2)
		failed += start_fails("qz_queues_create", nth, -EIO, "ops.init() failed (-12)");
	EXPECT_GE(failed, 1);	/* the first one is; others may be a debugger's, which does without */
}

/* After some tasks of the host have been taken in, and some have not. */
TEST_WITHIN(scheduler_without_memory_for_tasks, 300)
{
	int failed = 0;

	begin_or_skip();
	for (int nth = 1; nth < 60; nth = 2 * nth + 1)
		failed += start_fails("qz_task_add", nth, -EIO, "ops.init_task() failed (-12)");
	EXPECT_GE(failed, 1);	/* the first one is; others may be a debugger's, which does without */
}

TEST(tasks_begun_without_memory_under_the_scheduler)
{
	begin_or_skip();
	ASSERT_EQ(start(), 0);
	for (int i = 0; i < 20; i++) {
		pid_t child;

		ASSERT(inject_anyone_within("qz_task_add", 1));
		child = fork();
		if (!child)
			_exit(0);
		if (child < 0)
			EXPECT_EQ(errno, ENOMEM);
		EXPECT(inject_anyone_fired());	/* it may have been another's */
		if (child > 0)
			waitpid(child, NULL, 0);
	}
	end_it();
}

static void tidy_up(void)
{
	inject_anyone_fired();
}

int main(int argc, char **argv)
{
	if (access(QUEZTL_DEVICE, F_OK) || access("/proc/self/fail-nth", F_OK)) {
		printf("KTAP version 1\n1..0 # SKIP no " QUEZTL_DEVICE ", or no fault injection\n");
		return KTAP_SKIP;
	}
	return ktap_run(argc, argv, tidy_up);
}
