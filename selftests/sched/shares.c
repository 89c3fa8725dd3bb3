// SPDX-License-Identifier: GPL-2.0
/*
 * The module's scheduler: who gets how much of the CPUs, by weight and limit, and that nobody gets nothing. Time decides
 * nothing here but who got more of it.
 */
#define _GNU_SOURCE
#include "control.h"
#include "ktap.h"
#include "standin.h"

#include <linux/queztl.h>
#include <sched.h>

/* What two VMs get in a while. */
static double ratio(struct standin *a, struct standin *b, double seconds)
{
	__u64 used_a, used_b;

	run_for(1);	/* until both are queued as VMs */
	used_a = get(a->id).used_ns;
	used_b = get(b->id).used_ns;
	run_for(seconds);
	used_a = get(a->id).used_ns - used_a;
	used_b = get(b->id).used_ns - used_b;
	ktap_say("%.3f s and %.3f s of %ld CPUs in %.0f s", used_a / 1e9, used_b / 1e9, cpus(), seconds);
	EXPECT(used_a && used_b);
	return (double)used_a / used_b;
}

TEST(shares_by_weight)
{
	struct standin a, b;
	double r;

	begin();
	a = start_standin(cpus());
	b = start_standin(cpus());
	set(a.id, QUEZTL_VM_WEIGHT, 400);
	ASSERT_EQ(start(), 0);
	r = ratio(&a, &b, 4);
	EXPECT(r > 2 && r < 8);
	set(a.id, QUEZTL_VM_WEIGHT, 25);	/* while it runs */
	r = ratio(&b, &a, 4);
	EXPECT(r > 2 && r < 8);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
	end_standin(&b);
}

TEST(shares_by_vm_and_not_by_thread)
{
	struct standin a, b;
	double r;

	begin();
	a = start_standin(cpus());
	b = start_standin(4 * cpus());
	ASSERT_EQ(start(), 0);
	r = ratio(&a, &b, 4);
	EXPECT(r > 0.6 && r < 1.7);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
	end_standin(&b);
}

static struct standin start_on(int first, int last, struct standin (*start_it)(int threads), int threads)
{
	struct standin s;
	cpu_set_t all, some;

	CPU_ZERO(&some);
	for (int i = first; i <= last; i++)
		CPU_SET(i, &some);
	ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	ASSERT_EQ(sched_setaffinity(0, sizeof(some), &some), 0);
	s = start_it(threads);
	ASSERT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
	return s;
}

TEST(shares_by_vcpu_if_asked)
{
	struct standin a, b;
	double r;

	begin();
	a = start_on(0, 0, start_vcpus, 1);
	b = start_on(0, 0, start_vcpus, 3);
	ASSERT_EQ(start(), 0);
	r = ratio(&b, &a, 4);
	EXPECT(r > 0.6 && r < 1.7);
	ASSERT_EQ(stop(), 0);
	EXPECT_EQ(get(b.id).vcpus, 0);
	ASSERT_EQ(start_per_vcpu(), 0);
	EXPECT_EQ(info().mode, QUEZTL_SCHED_PER_VCPU);
	r = ratio(&b, &a, 4);
	EXPECT(r > 1.8 && r < 5);
	EXPECT_EQ(get(a.id).vcpus, 1);
	EXPECT_EQ(get(b.id).vcpus, 3);
	set(a.id, QUEZTL_VM_WEIGHT, 300);	/* while it runs */
	r = ratio(&b, &a, 4);
	EXPECT(r > 0.6 && r < 1.7);
	EXPECT_EQ(get(a.id).weight, 300);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
	end_standin(&b);
}

/* What those of low weight are given nevertheless comes from all others alike. */
TEST(low_weights_change_no_shares)
{
	struct standin a, b, light[8];
	double r;

	begin();
	a = start_on(0, 0, start_standin, 1);
	b = start_on(0, 0, start_standin, 1);
	set(b.id, QUEZTL_VM_WEIGHT, 400);
	for (int i = 0; i < 8; i++) {
		light[i] = start_on(0, 0, start_standin, 1);
		set(light[i].id, QUEZTL_VM_WEIGHT, 1);
	}
	ASSERT_EQ(start(), 0);
	/* 4, less on a host without time of its own, and 1.4 if the light ones moved the clock */
	r = ratio(&b, &a, 8);
	EXPECT(r > 1.8 && r < 5.5);
	ASSERT_EQ(stop(), 0);
	for (int i = 0; i < 8; i++)
		end_standin(&light[i]);
	end_standin(&a);
	end_standin(&b);
}

/* VMs that may use some of the CPUs, while another has the rest of them for itself. */
TEST(confined_vms_get_their_shares)
{
	struct standin a, b, alone;
	int last;
	double r;

	begin();
	if (cpus() < 2)
		SKIP("one CPU");
	last = cpus() < 4 ? 0 : 1;
	a = start_on(0, last, start_standin, last + 1);
	b = start_on(0, last, start_standin, last + 1);
	alone = start_on(last + 1, cpus() - 1, start_standin, cpus() - last - 1);
	set(b.id, QUEZTL_VM_WEIGHT, 400);
	ASSERT_EQ(start(), 0);
	r = ratio(&b, &a, 8);
	EXPECT(r > 2.5 && r < 6);
	set(a.id, QUEZTL_VM_WEIGHT, 400);	/* while it runs */
	set(b.id, QUEZTL_VM_WEIGHT, 100);
	r = ratio(&a, &b, 8);
	EXPECT(r > 2.5 && r < 6);
	ASSERT_EQ(stop(), 0);
	end_standin(&alone);
	end_standin(&a);
	end_standin(&b);
}

/* Each of its threads runs within 30 s, or sched_ext would end the scheduler. */
TEST(many_threads_of_a_low_weight_run)
{
	struct standin a, b;

	if (!getenv("QZ_USER_SCHED_ALL"))
		SKIP("takes a minute: QZ_USER_SCHED_ALL");
	begin();
	a = start_on(0, 0, start_standin, 1);
	b = start_on(0, 0, start_standin, 200);
	set(a.id, QUEZTL_VM_WEIGHT, 10000);
	set(b.id, QUEZTL_VM_WEIGHT, 1);
	ASSERT_EQ(start(), 0);
	run_for(45);
	EXPECT_EQ(info().state, QUEZTL_SCHED_ON);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
	end_standin(&b);
}

TEST(starves_nobody)
{
	struct standin a, b;

	begin();
	a = start_standin(2 * cpus());
	b = start_standin(1);
	set(a.id, QUEZTL_VM_WEIGHT, 10000);
	set(b.id, QUEZTL_VM_WEIGHT, 1);
	ASSERT_EQ(start(), 0);
	ratio(&a, &b, 6);
	tasks_run();
	EXPECT_EQ(info().state, QUEZTL_SCHED_ON);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
	end_standin(&b);
}

/* Who can run on one CPU only waits in a queue of that CPU. */
TEST(starves_nobody_on_one_cpu)
{
	struct standin a, b;

	begin();
	a = start_on(0, 0, start_standin, 3);	/* so that one of them is always the first in the queue */
	b = start_on(0, 0, start_standin, 1);
	set(a.id, QUEZTL_VM_WEIGHT, 10000);
	set(b.id, QUEZTL_VM_WEIGHT, 1);
	ASSERT_EQ(start(), 0);
	ratio(&a, &b, 6);
	EXPECT_EQ(info().state, QUEZTL_SCHED_ON);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
	end_standin(&b);
}

/* VMs that wait for other CPUs only, as those of another node, don't keep one from whom they don't concern. */
TEST(uses_every_cpu)
{
	struct standin others[6], a;
	__u64 used;

	begin();
	if (cpus() < 4)
		SKIP("fewer than 4 CPUs");
	for (int i = 0; i < 6; i++)
		others[i] = start_on(0, 1, start_standin, 3);
	a = start_on(2, 3, start_standin, 2);
	ASSERT_EQ(start(), 0);
	run_for(1);
	used = get(a.id).used_ns;
	run_for(4);
	used = get(a.id).used_ns - used;
	ktap_say("%.3f s of 2 CPUs in 4 s", used / 1e9);
	EXPECT(used > 6000000000ULL);
	ASSERT_EQ(stop(), 0);
	for (int i = 0; i < 6; i++)
		end_standin(&others[i]);
	end_standin(&a);
}

TEST(holds_back_vcpus_only)
{
	struct queztl_vm_sched before, after;
	struct standin a;
	__u64 beats;

	begin();
	a = start_tiny(0);
	set(a.id, QUEZTL_VM_LIMIT, 200);
	ASSERT_EQ(start(), 0);
	run_for(1);
	before = get(a.id);
	beats = standin_beats(&a);
	run_for(5);
	after = get(a.id);
	beats = standin_beats(&a) - beats;
	ktap_say("%.3f s used of 5 s, throttled for %.3f s, %llu beats", (after.used_ns - before.used_ns) / 1e9,
		 (after.throttled_ns - before.throttled_ns) / 1e9, beats);
	EXPECT(after.used_ns - before.used_ns < 2500000000ULL);
	EXPECT(after.used_ns - before.used_ns > 250000000ULL);
	EXPECT(after.throttled_ns - before.throttled_ns > 1000000000ULL);
	EXPECT(beats > 50);	/* every 10 ms */
	set(a.id, QUEZTL_VM_LIMIT, 0);
	before = get(a.id);
	run_for(3);
	after = get(a.id);
	EXPECT(after.used_ns - before.used_ns > 1000000000ULL);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
}

/* What the main thread of a stand-in has had: CPU time, and how often it began to run. */
static void read_schedstat(const struct standin *s, __u64 *ns, __u64 *times)
{
	char path[64], text[128];
	unsigned long long waited;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", s->pid, s->pid);
	read_file(path, text, sizeof(text));
	ASSERT_EQ(sscanf(text, "%llu %llu %llu", ns, &waited, times), 3);
}

/* Its other threads use more than its limit. */
TEST(vcpu_of_a_limited_vm_that_is_busy_runs)
{
	__u64 ns_before, ns, before, times;
	struct standin a;

	begin();
	a = start_tiny(2 * cpus());
	set(a.id, QUEZTL_VM_LIMIT, 500);
	ASSERT_EQ(start(), 0);
	run_for(1);
	read_schedstat(&a, &ns, &before);
	run_for(4);
	read_schedstat(&a, &ns, &times);
	ktap_say("began to run %llu times in 4 s", times - before);
	EXPECT(times - before >= 8);	/* every 100 ms */
	standin_relax(&a);
	run_for(0.5);
	read_schedstat(&a, &ns_before, &before);
	run_for(2);
	read_schedstat(&a, &ns, &times);
	ktap_say("then for %.3f s of 2 s", (ns - ns_before) / 1e9);
	EXPECT(ns - ns_before > 200000000ULL);	/* half of the time: no debt of seconds is left */
	EXPECT_EQ(info().state, QUEZTL_SCHED_ON);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
}

/* What the busy threads of a stand-in get in a while. */
static double busy_share(const struct standin *s, double seconds)
{
	__u64 before = standin_busy_ns(s);
	double share;

	run_for(seconds);
	share = (standin_busy_ns(s) - before) / 1e9 / seconds;
	ktap_say("busy for %.3f of the time", share);
	return share;
}

/* Of 4 chains and one thread per CPU, each should have 0.2. */
static void try_chains(struct standin (*start_it)(int threads, int chains))
{
	struct standin a;

	begin();
	ASSERT_EQ(start(), 0);
	a = start_it(cpus(), 4 * cpus());
	run_for(1);
	EXPECT(busy_share(&a, 4) / cpus() > 0.04);
	end_standin(&a);	/* to end a scheduler takes long while threads are created */
	EXPECT_EQ(info().state, QUEZTL_SCHED_ON);
	ASSERT_EQ(stop(), 0);
}

TEST(new_threads_starve_nobody)
{
	try_chains(start_host);
}

TEST(new_threads_of_a_vm_starve_nobody)
{
	try_chains(start_chains);
}

/* It and those that may run anywhere have the same place among others. */
TEST(pinned_thread_starves_not)
{
	struct standin a, b;

	begin();
	ASSERT_EQ(start(), 0);
	a = start_host(2 * cpus(), 0);
	b = start_pinned();
	run_for(1);
	EXPECT(busy_share(&b, 3) > 0.06);	/* a third or half */
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
	end_standin(&b);
}

/* How much its threads had as a VM says nothing among the host's. */
TEST(who_was_a_vm_starves_not)
{
	struct standin a, b;

	begin();
	ASSERT_EQ(start(), 0);
	a = start_standin(cpus());
	run_for(4);
	b = start_host(2 * cpus(), 0);
	standin_end_vm(&a);
	run_for(1);
	EXPECT(busy_share(&a, 3) / cpus() > 0.06);	/* a third */
	EXPECT_EQ(info().state, QUEZTL_SCHED_ON);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
	end_standin(&b);
}
