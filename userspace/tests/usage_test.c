// SPDX-License-Identifier: GPL-2.0
/* What queztl top reads and how it tells one sample from the next. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "fake.h"
#include "fakeproc.h"
#include "procfile.h"
#include "threadstat.h"
#include "usage.h"

static unsigned int descriptors;
static struct usage_reader reader;
static struct sample before, now;

/* Without the module, unless a test brings it. */
static int setup(void **state)
{
	(void)state;
	fake_reset();
	fake.open_error = ENOENT;
	descriptors = count_descriptors();
	fakeproc_begin();
	memset(&reader, 0, sizeof(reader));
	return 0;
}

static int cleanup(void **state)
{
	(void)state;
	free_sample(&before);
	free_sample(&now);
	close_reader(&reader);
	while (waitpid(-1, NULL, 0) > 0)	/* those that waited were killed */
		;
	fakeproc_end();
	return count_descriptors() != descriptors;
}

static void next(void)
{
	free_sample(&before);
	before = now;
	memset(&now, 0, sizeof(now));
	assert_int_equal(read_sample(&reader, &before, &now), 0);
}

static void add_vm(int pid, uint64_t start)
{
	add_process(pid, start, "web");
	add_kvm_vm(pid, 11);
	set_thread(pid, (struct fake_thread){ .tid = pid, .cpu = 50 });
}

static void set_counts(int tid, const char *comm, uint64_t cpu, uint64_t ready,
		       uint64_t switches)
{
	set_thread(20, (struct fake_thread){ .tid = tid, .comm = comm,
					     .cpu = cpu, .ready = ready,
					     .switches = switches });
}

static void names_of_vcpu_threads_are_known(void **state)
{
	(void)state;
	assert_true(names_vcpu("CPU 0/KVM"));
	assert_true(names_vcpu("CPU 127/KVM"));
	assert_true(names_vcpu("vcpu3"));
	assert_true(names_vcpu("fc_vcpu 0"));
	assert_true(names_vcpu("crosvm_vcpu12"));
	assert_true(names_vcpu("kvm-vcpu-1"));
	assert_false(names_vcpu("CPU /KVM"));
	assert_false(names_vcpu("CPU 12"));
	assert_false(names_vcpu("vcpu"));
	assert_false(names_vcpu("vcpu1x"));
	assert_false(names_vcpu("vhost-4242"));
	assert_false(names_vcpu("qemu-system-x86"));
}

static void stat_is_parsed_after_the_last_parenthesis(void **state)
{
	struct thread_stat stat;

	(void)state;
	assert_true(parse_thread_stat("7 (a) b) c) R 4 5 6 7 8 9 10 11 12 13 "
				      "14 15 16 17 18 19 20 21 22 23 24 25 26 "
				      "27 28 29 30 31 32 33 34 35 36 37 38 39 "
				      "40 41 42 43 44\n", &stat));
	assert_string_equal(stat.comm, "a) b) c");
	assert_int_equal(stat.start, 22);
	assert_int_equal(stat.guest, 43);
	assert_false(parse_thread_stat("7 (a) R 4 5", &stat));
	assert_false(parse_thread_stat("", &stat));
}

static void vms_are_found_by_their_descriptor(void **state)
{
	(void)state;
	add_process(10, 1, "no");
	set_thread(10, (struct fake_thread){ .tid = 10 });
	add_vm(20, 1);
	next();
	assert_int_equal(now.count, 1);
	assert_int_equal(now.vms[0].vmm.pid, 20);
	assert_string_equal(now.vms[0].name, "web");
	assert_string_equal(now.vms[0].comm, "qemu (x) y");
	add_kvm_vm(10, 3);
	next();
	assert_int_equal(now.count, 2);
}

/* An old process is looked at again, at the latest after 16 rounds. */
static void vm_of_an_old_process_is_found(void **state)
{
	(void)state;
	add_process(10, 1, "late");
	set_thread(10, (struct fake_thread){ .tid = 10 });
	for (int i = 0; i < 20; i++)
		next();
	add_kvm_vm(10, 3);
	for (int i = 0; i < 16; i++)
		next();
	assert_int_equal(now.count, 1);
}

static void named_processes_need_no_vm(void **state)
{
	static const int pids[] = { 10, 30 };

	(void)state;
	add_process(10, 1, "no");
	set_thread(10, (struct fake_thread){ .tid = 10 });
	add_vm(20, 1);
	reader.finder = (struct vm_finder){ .pids = pids, .pid_count = 2 };
	next();
	assert_int_equal(now.count, 1);
	assert_int_equal(now.vms[0].vmm.pid, 10);
}

static unsigned int count_children(void)
{
	char path[64], text[4096] = "";
	unsigned int count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	file = fopen(path, "r");
	assert_non_null(file);
	for (char *at = fgets(text, sizeof(text), file); at && *at; at++)
		count += *at == ' ';
	fclose(file);
	return count;
}

/* Its threads are counted all the same, and one child at most waits for it. */
static void vm_that_does_not_answer_is_shown(void **state)
{
	static const char *const files[] = { "stat", "cmdline" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		add_vm(20, 1);
		add_vm(30, 1);
		silence_file(20, files[i]);
		next();
		next();
		assert_int_equal(now.count, 2);
		assert_string_equal(now.vms[0].name, "");
		assert_string_equal(now.vms[0].comm, "qemu (x) y");
		assert_int_equal(now.vms[0].counts.other_cpu_ns, 50);
		assert_true(now.vms[0].interval_ns > 0);
		assert_string_equal(now.vms[1].name, "web");
		assert_in_range(count_children(), 0, 2);
		stop_asking();
		remove_process(20);
		remove_process(30);
		next();
	}
}

/* One that was quiet for a moment has its name again, and is no other process. */
static void vm_that_answers_again_is_the_same(void **state)
{
	(void)state;
	add_vm(20, 7);
	silence_file(20, "stat");
	next();
	assert_int_equal(now.vms[0].start, 0);
	stop_asking();			/* a minute has gone by */
	remove_process(20);
	add_vm(20, 7);
	set_thread(20, (struct fake_thread){ .tid = 20, .cpu = 90 });
	next();
	assert_int_equal(now.vms[0].start, 7);
	assert_string_equal(now.vms[0].name, "web");
	assert_int_equal(now.vms[0].counts.other_cpu_ns, 90);
	silence_file(20, "stat");
	next();
	assert_int_equal(now.vms[0].start, 7);
	assert_string_equal(now.vms[0].name, "web");
}

/* They do not take the others' time: 64 limits of a second would be a minute. */
static void many_that_do_not_answer_share_a_limit(void **state)
{
	struct timespec begun, ended;

	(void)state;
	for (int pid = 100; pid < 164; pid++) {
		add_vm(pid, 1);
		silence_file(pid, "cmdline");
	}
	add_vm(200, 1);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	next();
	clock_gettime(CLOCK_MONOTONIC, &ended);
	assert_int_equal(now.count, 65);
	assert_string_equal(now.vms[64].name, "web");
	assert_in_range(ended.tv_sec - begun.tv_sec, 0, 40);
}

static void child_has_nothing_of_its_parent(void **state)
{
	char path[64], target[64];
	unsigned int count;
	DIR *directory;

	(void)state;
	add_vm(20, 1);
	next();
	assert_int_equal(count_children(), 1);
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	assert_true(read_file_at(AT_FDCWD, path, target, sizeof(target)) > 0);
	snprintf(path, sizeof(path), "/proc/%d/fd", atoi(target));
	directory = opendir(path);
	assert_non_null(directory);
	for (count = 0; readdir(directory); count++)
		;
	closedir(directory);
	assert_int_equal(count, 3);	/* its socket; . and .. */
	kill(atoi(target), SIGKILL);	/* another one takes its place */
	add_vm(30, 1);
	next();
	assert_int_equal(now.count, 2);
	assert_string_equal(now.vms[1].name, "web");
}

static void vcpus_are_told_from_other_threads(void **state)
{
	struct usage *c;

	(void)state;
	add_vm(20, 1);
	set_counts(21, "CPU 0/KVM", 100, 10, 1);
	set_thread(20, (struct fake_thread){ .tid = 22, .cpu = 200, .ready = 20,
					     .switches = 2, .guest = 9 });
	set_counts(23, "iothread", 400, 40, 4);
	next();
	c = &now.vms[0].counts;
	assert_int_equal(now.vms[0].vcpu_threads, 2);
	assert_int_equal(count_vcpus(&now.vms[0]), 2);
	assert_int_equal(c->vcpu_cpu_ns, 300);
	assert_int_equal(c->vcpu_ready_ns, 30);
	assert_int_equal(c->vcpu_switches, 3);
	assert_int_equal(c->other_cpu_ns, 450);
	assert_int_equal(c->other_ready_ns, 40);
	assert_int_equal(c->other_switches, 4);
}

/* QEMU names a thread after it has started. */
static void thread_is_named_after_it_was_seen(void **state)
{
	(void)state;
	add_vm(20, 1);
	set_thread(20, (struct fake_thread){ .tid = 21, .cpu = 100 });
	next();
	assert_int_equal(now.vms[0].vcpu_threads, 0);
	set_counts(21, "CPU 0/KVM", 150, 10, 1);
	next();
	assert_int_equal(now.vms[0].vcpu_threads, 1);
	assert_int_equal(now.vms[0].counts.vcpu_cpu_ns, 50);
	assert_int_equal(now.vms[0].counts.other_cpu_ns, 150);
	for (int i = 0; i < 20; i++)
		next();
	assert_int_equal(now.vms[0].vcpu_threads, 1);
}

static void load_module(int pid)
{
	fake_populate();
	fake.vms[0].info.pid = pid;
	fake.vms[0].exits_step = 1000;
	fake.ports[0].port.pid = pid;
	fake.ports[0].packets_step = 70;
	fake.vms[1].foreign = true;
}

/* The fake says that thread 4242 runs the first of two vCPUs. */
static void module_knows_vcpus_exits_and_packets(void **state)
{
	struct vm_usage *vm;

	(void)state;
	load_module(20);
	add_vm(20, 1);
	add_vm(30, 1);
	set_counts(4242, "anything", 100, 10, 1);
	set_counts(21, "CPU 1/KVM", 5, 5, 5);
	next();
	next();
	assert_int_equal(now.count, 1);
	assert_int_equal(now.foreign, 1);
	vm = &now.vms[0];
	assert_int_equal(vm->vmm.id_count, 1);
	assert_int_equal(vm->vmm.ids[0], 3);
	assert_int_equal(vm->vcpu_threads, 1);
	assert_int_equal(count_vcpus(vm), 2);
	assert_int_equal(vm->counts.vcpu_cpu_ns, 100);
	assert_int_equal(vm->counts.exits - vm->earlier.exits, 1000);
	assert_int_equal(vm->counts.packets - vm->earlier.packets, 70);
}

/* Of another PID namespace. */
static void vm_without_pid_is_foreign(void **state)
{
	(void)state;
	load_module(0);
	next();
	assert_int_equal(now.count, 0);
	assert_int_equal(now.foreign, 2);
}

static void without_module_exits_are_unknown(void **state)
{
	(void)state;
	add_vm(20, 1);
	next();
	next();
	assert_int_equal(now.vms[0].vmm.id_count, 0);
	assert_true(now.vms[0].counts.exits == UNKNOWN);
	assert_true(isnan(usage_rate(&now.vms[0], UNKNOWN, UNKNOWN)));
}

static void ended_thread_takes_nothing_away(void **state)
{
	(void)state;
	add_vm(20, 1);
	set_counts(21, "CPU 0/KVM", 100, 10, 1);
	set_counts(22, "CPU 1/KVM", 100, 10, 1);
	next();
	remove_thread(20, 22);
	set_counts(21, "CPU 0/KVM", 130, 17, 3);
	set_counts(23, "CPU 2/KVM", 6, 5, 4);
	next();
	assert_int_equal(now.vms[0].counts.vcpu_cpu_ns, 236);
	assert_int_equal(now.vms[0].counts.vcpu_ready_ns, 32);
	assert_int_equal(now.vms[0].counts.vcpu_switches, 8);
	assert_int_equal(now.vms[0].earlier.vcpu_cpu_ns, 200);
	assert_int_equal(now.vms[0].vcpu_threads, 2);
}

static void thread_that_was_left_out_is_read(void **state)
{
	(void)state;
	add_vm(20, 1);
	set_counts(21, "CPU 0/KVM", 100, 10, 1);
	next();
	fake.hidden_entry = "21";
	set_counts(21, "CPU 0/KVM", 130, 17, 3);
	next();
	fake.hidden_entry = NULL;
	assert_int_equal(now.vms[0].counts.vcpu_cpu_ns, 130);
	next();
	assert_int_equal(now.vms[0].counts.vcpu_cpu_ns, 130);
}

static void reused_thread_id_counts_from_zero(void **state)
{
	(void)state;
	add_vm(20, 1);
	set_counts(21, "CPU 0/KVM", 100, 10, 9);
	next();
	set_counts(21, "iothread", 30, 2, 1);
	next();
	assert_int_equal(now.vms[0].vcpu_threads, 0);
	assert_int_equal(now.vms[0].counts.vcpu_cpu_ns, 100);
	assert_int_equal(now.vms[0].counts.other_cpu_ns, 80);
}

static void reused_pid_is_another_vm(void **state)
{
	(void)state;
	add_vm(20, 1);
	set_counts(21, "CPU 0/KVM", 100, 10, 1);
	next();
	next();
	assert_true(now.vms[0].interval_ns > 0);
	remove_process(20);
	add_vm(20, 2);
	set_counts(21, "CPU 0/KVM", 500, 50, 5);
	next();
	assert_int_equal(now.count, 1);
	assert_int_equal(now.vms[0].interval_ns, 0);
	assert_int_equal(now.vms[0].counts.vcpu_cpu_ns, 500);
	assert_true(isnan(used_percent(&now.vms[0], 0, 500)));
}

static void reused_pid_need_not_be_a_vm(void **state)
{
	(void)state;
	add_vm(20, 1);
	for (int i = 0; i < 20; i++)
		next();
	assert_int_equal(now.count, 1);
	remove_process(20);
	add_process(20, 2, "no");
	set_thread(20, (struct fake_thread){ .tid = 20 });
	next();
	assert_int_equal(now.count, 0);
}

static void process_that_ends_is_left_out(void **state)
{
	(void)state;
	load_module(20);
	add_vm(20, 1);
	next();
	assert_int_equal(now.count, 1);
	/* Ended after it was listed: without threads, or altogether. */
	remove_thread(20, 20);
	next();
	assert_int_equal(now.count, 0);
	remove_process(20);
	next();
	assert_int_equal(now.count, 0);
}

static void throttled_time_is_that_of_its_cgroups(void **state)
{
	(void)state;
	add_vm(20, 1);
	set_thread(20, (struct fake_thread){ .tid = 20, .cgroup = "/vm/emulator" });
	set_thread(20, (struct fake_thread){ .tid = 21, .cgroup = "/vm/vcpu0" });
	set_thread(20, (struct fake_thread){ .tid = 22, .cgroup = "/vm/vcpu0" });
	set_thread(20, (struct fake_thread){ .tid = 23, .cgroup = "/vm/io/deeper" });
	set_cgroup_file("/vm/emulator", "cpu.stat.local", "throttled_usec 1\n");
	set_cgroup_file("/vm/vcpu0", "cpu.stat.local", "throttled_usec 10\n");
	set_cgroup_file("/vm/io/deeper", "cpu.stat.local", "");
	set_cgroup_file("/vm/io", "cpu.stat.local", "throttled_usec 100\n");
	set_cgroup_file("/vm", "cpu.stat.local", "throttled_usec 1000\n");
	next();
	assert_int_equal(now.vms[0].counts.throttled_ns, 111000);
	set_cgroup_file("/vm/vcpu0", "cpu.stat.local", "throttled_usec 15\n");
	next();
	assert_int_equal(now.vms[0].counts.throttled_ns, 116000);
	assert_int_equal(now.vms[0].earlier.throttled_ns, 111000);
}

/* No quota holds back what is in the root. */
static void root_has_throttled_time(void **state)
{
	(void)state;
	add_vm(20, 1);
	set_thread(20, (struct fake_thread){ .tid = 20, .cgroup = "/a/b" });
	set_cgroup_file("", "cpu.stat.local", "throttled_usec 0\n");
	next();
	assert_int_equal(now.vms[0].counts.throttled_ns, 0);
}

static void cgroups_of_ended_vms_are_forgotten(void **state)
{
	(void)state;
	add_vm(20, 1);
	add_vm(30, 1);
	set_thread(30, (struct fake_thread){ .tid = 30, .cgroup = "/a" });
	next();
	assert_non_null(reader.cgroups.first->next);
	remove_process(30);
	next();
	assert_null(reader.cgroups.first->next);
	assert_string_equal(reader.cgroups.first->path, "/");
}

/* What a cgroup was throttled before the VM had a thread in it is not the VM's. */
static void moved_thread_brings_no_throttled_time(void **state)
{
	(void)state;
	add_vm(20, 1);
	set_thread(20, (struct fake_thread){ .tid = 20, .cgroup = "/a" });
	set_cgroup_file("/a", "cpu.stat.local", "throttled_usec 1\n");
	set_cgroup_file("/b", "cpu.stat.local", "throttled_usec 5000\n");
	next();
	set_thread(20, (struct fake_thread){ .tid = 20, .cgroup = "/b" });
	next();
	assert_int_equal(now.vms[0].counts.throttled_ns, 1000);
	set_cgroup_file("/b", "cpu.stat.local", "throttled_usec 5007\n");
	next();
	assert_int_equal(now.vms[0].counts.throttled_ns, 8000);
}

static void old_kernels_have_cpu_stat_only(void **state)
{
	(void)state;
	add_vm(20, 1);
	set_thread(20, (struct fake_thread){ .tid = 20, .cgroup = "/a" });
	set_cgroup_file("/a", "cpu.stat",
			"usage_usec 7\nnr_throttled 3\nthrottled_usec 42\n");
	next();
	assert_int_equal(now.vms[0].counts.throttled_ns, 42000);
}

static void throttled_time_may_be_unknown(void **state)
{
	(void)state;
	add_vm(20, 1);
	next();
	next();
	assert_true(now.vms[0].counts.throttled_ns == UNKNOWN);
	set_thread(20, (struct fake_thread){ .tid = 20, .cgroup = "/a" });
	set_cgroup_file("/a", "cpu.stat.local", "throttled_usec 42\n");
	next();
	assert_int_equal(now.vms[0].counts.throttled_ns, 42000);
	assert_true(now.vms[0].earlier.throttled_ns == UNKNOWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, cleanup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_of_vcpu_threads_are_known),
		TEST(stat_is_parsed_after_the_last_parenthesis),
		TEST(vms_are_found_by_their_descriptor),
		TEST(vm_of_an_old_process_is_found),
		TEST(named_processes_need_no_vm),
		TEST(vm_that_does_not_answer_is_shown),
		TEST(vm_that_answers_again_is_the_same),
		TEST(many_that_do_not_answer_share_a_limit),
		TEST(child_has_nothing_of_its_parent),
		TEST(vcpus_are_told_from_other_threads),
		TEST(thread_is_named_after_it_was_seen),
		TEST(module_knows_vcpus_exits_and_packets),
		TEST(vm_without_pid_is_foreign),
		TEST(without_module_exits_are_unknown),
		TEST(ended_thread_takes_nothing_away),
		TEST(thread_that_was_left_out_is_read),
		TEST(reused_thread_id_counts_from_zero),
		TEST(reused_pid_is_another_vm),
		TEST(reused_pid_need_not_be_a_vm),
		TEST(process_that_ends_is_left_out),
		TEST(throttled_time_is_that_of_its_cgroups),
		TEST(root_has_throttled_time),
		TEST(cgroups_of_ended_vms_are_forgotten),
		TEST(moved_thread_brings_no_throttled_time),
		TEST(old_kernels_have_cpu_stat_only),
		TEST(throttled_time_may_be_unknown),
	};

	return cmocka_run_group_tests_name("usage", tests, NULL, NULL);
}
