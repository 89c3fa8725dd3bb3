// SPDX-License-Identifier: GPL-2.0
/*
 * The module's scheduler, with processes that stand for VMs: each has created a VM by ioctl, and threads that are busy.
 * Time decides nothing here but who got more of it.
 */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "control.h"
#include "ktap.h"
#include "standin.h"

#include <fcntl.h>
#include <linux/queztl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define SYSRQ	67
#define ERROR	1024

TEST(starts_and_stops)
{
	struct queztl_sched_info i;
	char text[64];

	begin();
	EXPECT_EQ(stop(), -ENOENT);
	ASSERT_EQ(start(), 0);
	EXPECT_EQ(start(), -EBUSY);
	i = info();
	EXPECT_EQ(i.state, QUEZTL_SCHED_ON);
	EXPECT_EQ(i.kind, 0);
	EXPECT(i.since_ns);
	EXPECT_EQ(i.slice_us, 3000);
	EXPECT_EQ(i.check_us, 1000);
	EXPECT(state_is("enabled"));
	read_file("/sys/kernel/sched_ext/root/ops", text, sizeof(text));
	EXPECT(!strcmp(text, "queztl"));
	tasks_run();
	EXPECT_EQ(stop(), 0);
	EXPECT(state_is("disabled"));
	EXPECT_EQ(info().state, QUEZTL_SCHED_OFF);
	EXPECT_EQ(info().since_ns, 0);
	tasks_run();
}

TEST_WITHIN(starts_and_stops_under_load, 600)
{
	const char *cycles = getenv("QZ_USER_SCHED_CYCLES");
	struct standin a, b;

	begin();
	a = start_standin(2 * cpus());
	b = start_standin(1);
	for (int i = 0; i < (cycles ? atoi(cycles) : 20); i++) {
		ASSERT_EQ(start(), 0);
		tasks_run();
		EXPECT_EQ(info().state, QUEZTL_SCHED_ON);
		ASSERT_EQ(stop(), 0);
	}
	end_standin(&a);
	end_standin(&b);
}

TEST(settings_stay)
{
	struct queztl_vm_sched s;
	struct standin a;

	begin();
	a = start_standin(1);
	s = get(a.id);
	EXPECT_EQ(s.set, QUEZTL_VM_WEIGHT | QUEZTL_VM_LIMIT | QUEZTL_VM_MODE);
	EXPECT_EQ(s.weight, 100);
	EXPECT_EQ(s.limit, 0);
	EXPECT_EQ(s.mode, 0);
	set(a.id, QUEZTL_VM_WEIGHT, 250);
	ASSERT_EQ(start(), 0);
	set(a.id, QUEZTL_VM_LIMIT, 500);
	ASSERT_EQ(stop(), 0);
	set(a.id, QUEZTL_VM_MODE, QUEZTL_VM_BATCH);
	ASSERT_EQ(start(), 0);
	s = get(a.id);
	EXPECT_EQ(s.weight, 250);
	EXPECT_EQ(s.limit, 500);
	EXPECT_EQ(s.mode, QUEZTL_VM_BATCH);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
}

TEST(refuses_what_is_out_of_range)
{
	struct queztl_sched_start s = { .size = sizeof(s) };
	struct queztl_vm_sched v = { .size = sizeof(v) };
	struct standin a;

	begin();
	for (__u32 us = 1; us; us = us == 1 ? 499 : us == 499 ? 20001 : us == 20001 ? ~0u : 0) {
		s.slice_us = us;
		EXPECT_EQ(call(QUEZTL_SCHED_START, &s), -EINVAL);
	}
	s.slice_us = 0;
	s.check_us = 249;
	EXPECT_EQ(call(QUEZTL_SCHED_START, &s), -EINVAL);
	s.check_us = 20001;
	EXPECT_EQ(call(QUEZTL_SCHED_START, &s), -EINVAL);
	a = start_standin(0);
	v.id = a.id;
	v.set = QUEZTL_VM_WEIGHT;
	EXPECT_EQ(call(QUEZTL_VM_SCHED_SET, &v), -EINVAL);
	v.weight = 10001;
	EXPECT_EQ(call(QUEZTL_VM_SCHED_SET, &v), -EINVAL);
	v.set = QUEZTL_VM_LIMIT;
	v.limit = 9;
	EXPECT_EQ(call(QUEZTL_VM_SCHED_SET, &v), -EINVAL);
	v.limit = 1000001;
	EXPECT_EQ(call(QUEZTL_VM_SCHED_SET, &v), -EINVAL);
	v.set = QUEZTL_VM_MODE;
	v.mode = 2;
	EXPECT_EQ(call(QUEZTL_VM_SCHED_SET, &v), -EINVAL);
	v.set = 8;
	EXPECT_EQ(call(QUEZTL_VM_SCHED_SET, &v), -EINVAL);
	v.set = 0;
	EXPECT_EQ(call(QUEZTL_VM_SCHED_SET, &v), 0);
	v.id = ~0ULL;
	EXPECT_EQ(call(QUEZTL_VM_SCHED_SET, &v), -ENOENT);
	EXPECT_EQ(call(QUEZTL_VM_SCHED_GET, &v), -ENOENT);
	end_standin(&a);
}

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

static struct standin start_on(int first, int last, int threads)
{
	struct standin s;
	cpu_set_t all, some;

	CPU_ZERO(&some);
	for (int i = first; i <= last; i++)
		CPU_SET(i, &some);
	ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	ASSERT_EQ(sched_setaffinity(0, sizeof(some), &some), 0);
	s = start_standin(threads);
	ASSERT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
	return s;
}

/* Who can run on one CPU only waits in a queue of that CPU. */
TEST(starves_nobody_on_one_cpu)
{
	struct standin a, b;

	begin();
	a = start_on(0, 0, 3);	/* so that one of them is always the first in the queue */
	b = start_on(0, 0, 1);
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
		others[i] = start_on(0, 1, 3);
	a = start_on(2, 3, 2);
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

TEST(counts_yields)
{
	struct queztl_sched_info before, after;

	begin();
	ASSERT_EQ(start(), 0);
	before = info();
	for (int i = 0; i < 1000; i++)
		sched_yield();
	after = info();
	EXPECT_GE(after.yields - before.yields, 1000);
	ASSERT_EQ(stop(), 0);
}

TEST(counts_messages_between_vms)
{
	struct queztl_vm_sched a_before, a_after, b_before, b_after;
	struct standin a, b;

	begin();
	ASSERT_EQ(start(), 0);
	start_pair(&a, &b);
	run_for(1);
	a_before = get(a.id);
	b_before = get(b.id);
	run_for(1);
	a_after = get(a.id);
	b_after = get(b.id);
	ktap_say("%llu sent, %llu received", a_after.handovers_sent - a_before.handovers_sent,
		 a_after.handovers_received - a_before.handovers_received);
	EXPECT(a_after.handovers_sent - a_before.handovers_sent > 10);
	EXPECT(b_after.handovers_sent - b_before.handovers_sent > 10);
	EXPECT(a_after.handovers_received - a_before.handovers_received > 10);
	EXPECT_GE(info().handovers, a_after.handovers_sent + b_after.handovers_sent);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
	end_standin(&b);
}

TEST(vms_come_and_go)
{
	begin();
	ASSERT_EQ(start(), 0);
	for (int i = 0; i < 30; i++) {
		struct standin a = start_standin(2);

		end_standin(&a);
	}
	EXPECT_EQ(info().state, QUEZTL_SCHED_ON);
	tasks_run();
	ASSERT_EQ(stop(), 0);
}

TEST(ends_on_sysrq)
{
	struct queztl_sched_info i;

	begin();
	ASSERT_EQ(start(), 0);
	ASSERT(write_file("/proc/sysrq-trigger", "S"));
	WAIT_FOR(info().state == QUEZTL_SCHED_FAILED);
	i = info();
	EXPECT_EQ(i.kind, SYSRQ);
	EXPECT(*i.reason);
	ktap_say("%s: %s", i.reason, i.message);
	WAIT_FOR(state_is("disabled"));
	tasks_run();
	EXPECT_EQ(start(), 0);
	EXPECT_EQ(info().state, QUEZTL_SCHED_ON);
	EXPECT_EQ(info().kind, 0);
	EXPECT_EQ(stop(), 0);
}

TEST(refuses_core_scheduling)
{
	struct queztl_sched_info i;
	pid_t child;

	begin();
	ASSERT_EQ(start(), 0);
	child = fork();
	if (!child) {
		int r = prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, 0, 0);

		if (r)
			_exit(KTAP_SKIP);
		for (;;)
			usleep(10000);
	}
	usleep(200000);
	if (waitpid(child, NULL, WNOHANG) == child) {
		EXPECT_EQ(stop(), 0);
		SKIP("the kernel or the machine has no core scheduling");
	}
	WAIT_FOR(info().state == QUEZTL_SCHED_FAILED);
	i = info();
	EXPECT_EQ(i.kind, ERROR);
	EXPECT(strstr(i.message, "cookie"));
	EXPECT_EQ(start(), -EOPNOTSUPP);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

TEST(survives_cpu_hotplug)
{
	const char *online = "/sys/devices/system/cpu/cpu1/online";
	struct standin a, b;

	begin();
	if (access(online, W_OK))
		SKIP("no second CPU that can go offline");
	a = start_standin(2 * cpus());
	b = start_standin(1);
	ASSERT_EQ(start(), 0);
	for (int i = 0; i < 3; i++) {
		ASSERT(write_file(online, "0"));
		tasks_run();
		ASSERT(write_file(online, "1"));
		tasks_run();
	}
	EXPECT_EQ(info().state, QUEZTL_SCHED_ON);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
	end_standin(&b);
}

static void spin_as_realtime(void)
{
	struct sched_param param = { .sched_priority = 1 };
	struct timespec begun, t;

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		_exit(1);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	do {
		clock_gettime(CLOCK_MONOTONIC, &t);
	} while (t.tv_sec - begun.tv_sec < 2);
	_exit(7);
}

TEST(survives_a_realtime_task)
{
	struct standin a;
	pid_t child;
	int status;

	begin();
	a = start_standin(2 * cpus());
	ASSERT_EQ(start(), 0);
	child = fork();
	if (!child)
		spin_as_realtime();
	tasks_run();
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(WEXITSTATUS(status), 7);
	tasks_run();
	EXPECT_EQ(info().state, QUEZTL_SCHED_ON);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
}

static int insmod(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;

	close(fd);
	return r;
}

TEST(excludes_another_and_is_excluded)
{
	const char *dir = getenv("QZ_USER_TEST_MODULES");
	char path[512];

	begin();
	snprintf(path, sizeof(path), "%s/qz_native.ko", dir ? dir : ".");
	if (access(path, R_OK))
		SKIP("no qz_native.ko");
	ASSERT_EQ(start(), 0);
	EXPECT_EQ(insmod(path, ""), -EBUSY);
	EXPECT_EQ(info().state, QUEZTL_SCHED_ON);
	EXPECT_EQ(stop(), 0);
	ASSERT_EQ(insmod(path, ""), 0);
	EXPECT_EQ(start(), -EBUSY);
	EXPECT_EQ(info().state, QUEZTL_SCHED_OFF);
	EXPECT_EQ(stop(), -ENOENT);
	EXPECT(state_is("enabled"));
	ASSERT_EQ(syscall(SYS_delete_module, "qz_native", 0), 0);
	EXPECT_EQ(start(), 0);
	EXPECT_EQ(stop(), 0);
}

TEST(stops_when_the_module_goes)
{
	const char *module = getenv("QZ_USER_KO");
	struct standin a;

	begin();
	if (!module)
		SKIP("QZ_USER_KO does not say where the module is");
	close(device);		/* or the stand-in would inherit it */
	a = start_standin(2);
	begin();
	ASSERT_EQ(start(), 0);
	close(device);
	ASSERT_EQ(syscall(SYS_delete_module, "queztl", 0), 0);
	EXPECT(state_is("disabled"));
	tasks_run();
	ASSERT_EQ(insmod(module, ""), 0);
	end_standin(&a);
}

int main(int argc, char **argv)
{
	return ktap_run(argc, argv, NULL);
}
