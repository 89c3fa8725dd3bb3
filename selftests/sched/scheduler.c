// SPDX-License-Identifier: GPL-2.0
/*
 * The module's scheduler: what is asked of it and what it says, with processes that stand for VMs. Each has created a VM
 * by ioctl, and has threads that are busy. shares.c has who gets how much.
 */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "control.h"
#include "ktap.h"
#include "standin.h"

#include <fcntl.h>
#include <linux/queztl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define SYSRQ	67
#define ERROR	1024

TEST(starts_and_stops)
{
	struct queztl_sched i;
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
	EXPECT_EQ(i.mode, 0);
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
	struct queztl_sched_start_args s = { .size = sizeof(s) };
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
	s.check_us = 0;
	s.mode = 2;
	EXPECT_EQ(call(QUEZTL_SCHED_START, &s), -EINVAL);
	s.mode = 1ULL << 32;
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

TEST(counts_yields)
{
	struct queztl_sched before, after;

	begin();
	ASSERT_EQ(start(), 0);
	before = info();
	for (int i = 0; i < 1000; i++)
		sched_yield();
	after = info();
	EXPECT_GE(after.yields - before.yields, 1000);
	ASSERT_EQ(stop(), 0);
}

static __u64 waits_of(const struct queztl_vm_sched *vm)
{
	__u64 sum = 0;

	for (int i = 0; i < QUEZTL_SCHED_WAITS; i++)
		sum += vm->waits[i];
	return sum;
}

#define SOON_ENOUGH	30	/* seconds until what happens all the time has happened on a busy host */

static __u64 sent_by(const struct queztl_vm_sched *before, const struct queztl_vm_sched *after)
{
	return after->handovers_sent - before->handovers_sent;
}

static __u64 exchanged_by(const struct queztl_vm_sched *before, const struct queztl_vm_sched *after)
{
	return sent_by(before, after) + after->handovers_received - before->handovers_received;
}

static void expect_messages(bool pinned)
{
	struct queztl_vm_sched a_before, a_after, b_before, b_after;
	struct standin a, b;

	begin();
	ASSERT_EQ(start(), 0);
	start_pair(&a, &b, pinned);
	run_for(1);
	a_before = get(a.id);
	b_before = get(b.id);
	/* Of two on one CPU, one may never be found asleep: the other, woken up, preempts it before. */
	for (int i = 0; i < SOON_ENOUGH; i++) {
		run_for(1);
		a_after = get(a.id);
		b_after = get(b.id);
		if (sent_by(&a_before, &a_after) + sent_by(&b_before, &b_after) > 10 &&
		    exchanged_by(&a_before, &a_after) > 10)
			break;
	}
	ktap_say("%llu sent, %llu received", sent_by(&a_before, &a_after),
		 a_after.handovers_received - a_before.handovers_received);
	EXPECT(sent_by(&a_before, &a_after) + sent_by(&b_before, &b_after) > 10);
	EXPECT(exchanged_by(&a_before, &a_after) > 10);
	EXPECT_GE(waits_of(&a_after) - waits_of(&a_before), a_after.handovers_received - a_before.handovers_received);
	EXPECT_GE(info().handovers, a_after.handovers_sent + b_after.handovers_sent);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
	end_standin(&b);
}

TEST_WITHIN(counts_preemptions_in_kernel_mode, 60)
{
	struct queztl_vm_sched vm;
	struct standin a, b;

	begin();
	a = start_tiny(cpus());
	b = start_user_mode(cpus());
	ASSERT_EQ(start(), 0);
	for (int i = 0; i < SOON_ENOUGH && (get(a.id).preempted <= 5 || get(b.id).preempted <= 5); i++)
		run_for(1);
	ASSERT_EQ(stop(), 0);
	vm = get(a.id);
	ktap_say("kernel mode: %llu of %llu", vm.preempted_kernel, vm.preempted);
	EXPECT(vm.preempted > 5);
	EXPECT_EQ(vm.preempted_kernel, vm.preempted);
	vm = get(b.id);
	ktap_say("user mode: %llu of %llu", vm.preempted_kernel, vm.preempted);
	EXPECT(vm.preempted > 5);
	EXPECT_EQ(vm.preempted_kernel, 0);
	end_standin(&a);
	end_standin(&b);
}

TEST_WITHIN(counts_messages_between_vms, 60)
{
	expect_messages(false);
}

/* Nobody chooses a CPU for them. */
TEST_WITHIN(counts_messages_between_vms_of_one_cpu, 60)
{
	expect_messages(true);
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
	struct queztl_sched i;

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
	struct queztl_sched i;
	bool gone = false;
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
	WAIT_FOR((gone = gone || waitpid(child, NULL, WNOHANG) == child) ||
		 info().state == QUEZTL_SCHED_FAILED);
	i = info();
	if (gone) {
		EXPECT_EQ(stop(), 0);
		SKIP("the kernel or the machine has no core scheduling");
	}
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
