// SPDX-License-Identifier: GPL-2.0
/* The module's scheduler: what its tracepoints say. */
#define _GNU_SOURCE
#include "control.h"
#include "ktap.h"
#include "standin.h"

#include <linux/queztl.h>
#include <stdarg.h>

#define TRACING	"/sys/kernel/tracing/"

static void enable(const char *event, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), TRACING "events/queztl/%s/enable", event);
	ASSERT(write_file(path, value));
}

/* How many lines of the trace have this in them. PIDs are of this test only, so there may be others' lines. */
__attribute__((format(printf, 1, 2)))
static int traced(const char *format, ...)
{
	FILE *trace = fopen(TRACING "trace", "re");
	char text[128], line[512], last[512] = "";
	va_list args;
	int n = 0;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ASSERT(trace);
	while (fgets(line, sizeof(line), trace)) {
		if (!strstr(line, text))
			continue;
		n++;
		snprintf(last, sizeof(last), "%s", line);
	}
	fclose(trace);
	last[strcspn(last, "\n")] = 0;
	ktap_say("%d times, last: %s", n, last);
	return n;
}

TEST(traces_parked_vcpus)
{
	struct standin a;

	begin();
	a = start_tiny(0);
	set(a.id, QUEZTL_VM_LIMIT, 200);
	ASSERT_EQ(start(), 0);
	enable("queztl_sched_park", "1");
	enable("queztl_sched_unpark", "1");
	run_for(2);
	enable("queztl_sched_park", "0");
	enable("queztl_sched_unpark", "0");
	EXPECT(traced("queztl_sched_park: pid=%d tid=%d owes=", a.pid, a.pid) > 5);
	EXPECT(traced("queztl_sched_unpark: pid=%d tid=%d waited=", a.pid, a.pid) > 5);
	EXPECT(!traced("queztl_sched_unpark: pid=%d tid=%d waited=0", a.pid, a.pid));
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
}

TEST(traces_preemptions)
{
	struct standin a, b, hog;

	begin();
	ASSERT_EQ(start(), 0);
	hog = start_standin(2 * cpus());
	start_pair(&a, &b, false);
	run_for(1);
	enable("queztl_sched_preempt", "1");
	run_for(1);
	enable("queztl_sched_preempt", "0");
	EXPECT(traced("queztl_sched_preempt: pid=%d ", a.pid) > 5);
	EXPECT(traced(" over=%d lag=", hog.pid) > 5);
	EXPECT(!traced(" over=%d lag=-", hog.pid));
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
	end_standin(&b);
	end_standin(&hog);
}

/* One of many vCPUs goes on. One that only threads for other things wait for does not, nor one in user mode. */
TEST_WITHIN(traces_vcpus_that_go_on_in_their_kernel, 60)
{
	struct standin a, b, c;

	begin();
	a = start_vcpus(2 * cpus());
	b = start_tiny(2 * cpus());
	c = start_user_mode(2 * cpus());
	ASSERT_EQ(start(), 0);
	enable("queztl_sched_go_on", "1");
	for (int i = 0; i < 30 && traced("queztl_sched_go_on: pid=%d ", a.pid) <= 5; i++)
		run_for(1);
	enable("queztl_sched_go_on", "0");
	EXPECT(traced("queztl_sched_go_on: pid=%d ", a.pid) > 5);
	EXPECT(!traced("queztl_sched_go_on: pid=%d ", b.pid));
	EXPECT(!traced("queztl_sched_go_on: pid=%d ", c.pid));
	EXPECT(traced("grace=100000\n") > 0);
	EXPECT(!traced("grace=1100000\n"));
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
	end_standin(&b);
	end_standin(&c);
}

TEST(traces_directed_yields)
{
	struct standin a, hog;

	begin();
	a = start_yielding();
	hog = start_standin(2 * cpus());
	ASSERT_EQ(start(), 0);
	enable("queztl_sched_yield_to", "1");
	run_for(2);
	enable("queztl_sched_yield_to", "0");
	/* KVM does not find the other one by its number before a guest has set up its interrupt controller. */
	EXPECT(traced(" to=%d granted", a.pid) > 5);
	EXPECT(info().directed_yields > 5);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
	end_standin(&hog);
}

TEST(traces_the_end)
{
	int before;

	begin();
	before = traced("queztl_sched_end: kind=67 reason=\"disabled by sysrq-S\"");
	enable("queztl_sched_end", "1");
	ASSERT_EQ(start(), 0);
	ASSERT(write_file("/proc/sysrq-trigger", "S"));
	WAIT_FOR(info().state == QUEZTL_SCHED_FAILED);
	EXPECT_EQ(traced("queztl_sched_end: kind=67 reason=\"disabled by sysrq-S\""), before + 1);
	ASSERT_EQ(stop(), 0);
	enable("queztl_sched_end", "0");
}
