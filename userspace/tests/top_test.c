// SPDX-License-Identifier: GPL-2.0
/*
 * The command queztl top: with a /proc of the test, and with threads that
 * compete for one CPU. Their counts are compared with what the test reads from
 * schedstat itself while they are stopped, so no result depends on time.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "fake.h"
#include "fakeproc.h"
#include "run.h"
#include "usage.h"

#define VCPUS		3
#define CONTENTION_NS	300000000ULL
#define PATIENCE	60	/* seconds, until a test fails */

static unsigned int descriptors;

static int setup(void **state)
{
	(void)state;
	fake_reset();
	fake.open_error = ENOENT;
	descriptors = count_descriptors();
	return 0;
}

static int closes_what_it_opens(void **state)
{
	(void)state;
	return count_descriptors() != descriptors;
}

static int setup_proc(void **state)
{
	setup(state);
	fakeproc_begin();
	return 0;
}

static int cleanup_proc(void **state)
{
	fakeproc_end();
	return closes_what_it_opens(state);
}

static void add_vm(int pid, const char *name, int vcpus)
{
	add_process(pid, 1, name);
	add_kvm_vm(pid, 11);
	set_thread(pid, (struct fake_thread){ .tid = pid });
	for (int i = 1; i <= vcpus; i++)
		set_thread(pid, (struct fake_thread){
			.tid = pid + i, .comm = "CPU 0/KVM",
			.cpu = 1000ULL * pid, .cgroup = "/vm" });
}

static void options_are_checked(void **state)
{
	(void)state;
	assert_fails("top -d 0", EXIT_USAGE, "0.1 to 86400 seconds");
	assert_fails("top -d", EXIT_USAGE, "invalid -d");
	assert_fails("top -n 0", EXIT_USAGE, "above 0");
	assert_fails("top -s color", EXIT_USAGE, "other_ready");
	assert_fails("top -s", EXIT_USAGE, "invalid -s");
	assert_fails("top --once -n 2", EXIT_USAGE, "exclude each other");
	assert_fails("top blue", EXIT_USAGE, "invalid PID 'blue'");
	assert_fails("top --wrong", EXIT_USAGE, "unknown option");
	assert_fails("top 2147483647", EXIT_NO_OBJECT, "no process 2147483647");
}

static void says_that_there_are_no_vms(void **state)
{
	(void)state;
	assert_string_equal(run("top --once -d 0.1")->out, "no VMs\n");
}

static void errors_of_the_module_are_reported(void **state)
{
	(void)state;
	fake.open_error = 0;
	fake.call_error = ENOTTY;
	assert_fails("top --once", EXIT_UNSUPPORTED, "older than this program");
	fake_populate();
	fake.failing = QUEZTL_VM_INFO;
	fake.call_error = ENOMEM;
	assert_fails("top --once", EXIT_FAILED, "Cannot allocate memory");
}

static void vms_are_sorted(void **state)
{
	const char *out;

	(void)state;
	add_vm(100, "web", 2);
	add_vm(200, "alpha", 4);
	add_vm(300, "mail", 1);
	out = run("top --once -d 0.1 -s name")->out;
	assert_true(strstr(out, "alpha") < strstr(out, "mail"));
	assert_true(strstr(out, "mail") < strstr(out, "web"));
	assert_int_equal(count_lines(out), 4);
	out = run("top --once -d 0.1 --sort=vcpus")->out;
	assert_true(strstr(out, "alpha") < strstr(out, "web"));
	assert_true(strstr(out, "web") < strstr(out, "mail"));
	out = run("top --once -d 0.1 -s pid")->out;
	assert_true(strstr(out, "web") < strstr(out, "alpha"));
}

static void reports_are_separated(void **state)
{
	struct result *r;

	(void)state;
	add_vm(100, "web", 1);
	r = run("top -n 3 -d 0.1");
	assert_int_equal(r->code, EXIT_OK);
	assert_int_equal(count_lines(r->out), 8);
	assert_non_null(strstr(r->out, "\n\n"));
	assert_null(strchr(r->out, '\033'));
}

static void bring_module(int pid)
{
	fake_populate();
	fake.vms[0].info.pid = pid;
	fake.vms[0].exits_step = 123456;
	fake.vms[1].foreign = true;
	fake.ports[0].port.pid = pid;
	set_cgroup_file("/vm", "cpu.stat.local", "throttled_usec 10\n");
}

static void unknown_values_come_last(void **state)
{
	const char *out;

	(void)state;
	add_vm(100, "web", 1);
	add_vm(200, "mail", 1);
	bring_module(200);
	fake.vms[1].foreign = false;
	fake.vms[1].info.pid = 100;
	out = run("top --once -d 0.1 -s packets")->out;
	assert_true(strstr(out, "mail") < strstr(out, "web"));
}

static void without_module_its_columns_are_not_shown(void **state)
{
	const char *out;

	(void)state;
	add_vm(100, "web", 1);
	out = run_at(120, "top --once -d 0.1")->out;
	assert_non_null(strstr(out, "SWITCH"));
	assert_null(strstr(out, "EXITS"));
	assert_null(strstr(out, "PKTS"));
}

static void everything_fits_where_there_is_room(void **state)
{
	static const char *const titles[] = {
		"VM ", "PID", "NAME", "VCPUS", "CPU%", "VCPU%", "OTHER",
		"READY", "O.RDY", "STEAL", "THROT", "SWITCH", "EXITS", "PKTS",
	};
	const char *out;

	(void)state;
	add_vm(4194304, "a-vm-with-a-name-that-is-longer-than-a-column", 2);
	bring_module(4194304);
	out = run_at(120, "top --once -d 0.1")->out;
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (!strstr(out, titles[i]))
			fail_msg("no %s in %s", titles[i], out);
	assert_non_null(strstr(out, "not shown: 1 (use sudo)"));
}

static void narrow_lines_leave_out_columns(void **state)
{
	(void)state;
	add_vm(4194304, "a-vm-with-a-name-that-is-longer-than-a-column", 2);
	bring_module(4194304);
	for (unsigned int width = 80; width >= 40; width--) {
		const char *out = run_at(width, "top --once -d 0.1")->out;

		fake.vms[1].info.id = 0;
		if (longest_line(out) > width)
			fail_msg("%u columns: %s", width, out);
		assert_non_null(strstr(out, "READY"));
		if (width == 80)
			assert_non_null(strstr(out, "EXITS"));
	}
	assert_non_null(strstr(run_at(40, "top --once -d 0.1 -s packets")->out,
			       "PKTS"));
}

static void assert_keys(json_t *object, const char *keys)
{
	char copy[256], *state;
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", keys);
	for (char *key = strtok_r(copy, " ", &state); key;
	     key = strtok_r(NULL, " ", &state), count++)
		if (!json_object_get(object, key))
			fail_msg("no key %s", key);
	assert_int_equal(json_object_size(object), count);
}

#define COUNTS "vcpu_cpu_ns vcpu_ready_ns vcpu_switches other_cpu_ns other_ready_ns other_switches throttled_ns exits packets"

static void json_has_every_key(void **state)
{
	json_t *top, *vm;

	(void)state;
	add_vm(100, "web", 2);
	top = run_json("top --once -d 0.1 --json");
	assert_keys(top, "time_ns interval_ns vms foreign_vms");
	vm = json_array_get(json_object_get(top, "vms"), 0);
	assert_keys(vm, "ids pid comm name vcpus vcpu_threads other_threads interval_ns counts rates percent");
	assert_keys(json_object_get(vm, "counts"), COUNTS);
	assert_keys(json_object_get(vm, "rates"), COUNTS);
	assert_keys(json_object_get(vm, "percent"),
		    "cpu vcpu other ready other_ready steal throttled");
	assert_true(json_is_null(json_object_get(json_object_get(vm, "counts"),
						 "exits")));
	json_decref(top);
}

/* From here on: real threads. */

static void *compute(void *arg)
{
	static volatile bool always = true;

	prctl(PR_SET_NAME, arg);
	while (always)
		;
	return NULL;
}

/* A process whose "vCPUs" and other thread have one CPU. */
static void compete(void)
{
	static char names[VCPUS][16];
	cpu_set_t all, one;
	pthread_t thread;
	int cpu = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sched_getaffinity(0, sizeof(all), &all);
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	for (int i = 0; i < VCPUS; i++) {
		snprintf(names[i], sizeof(names[i]), "CPU %d/KVM", i);
		pthread_create(&thread, NULL, compute, names[i]);
	}
	compute("other");
}

struct totals {
	uint64_t cpu, ready, switches;
	int threads;
};

static void add_thread(struct totals *vcpu, struct totals *other,
		       const char *directory, const char *tid)
{
	unsigned long long cpu, ready, switches;
	char path[512], comm[32] = "";
	struct totals *sum;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/comm", directory, tid);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(comm, sizeof(comm), file));
	fclose(file);
	snprintf(path, sizeof(path), "%s/%s/schedstat", directory, tid);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%llu %llu %llu", &cpu, &ready,
				&switches), 3);
	fclose(file);
	sum = strncmp(comm, "CPU ", 4) ? other : vcpu;
	sum->cpu += cpu;
	sum->ready += ready;
	sum->switches += switches;
	sum->threads++;
}

static void read_totals(int pid, struct totals *vcpu, struct totals *other)
{
	struct dirent *entry;
	char path[64];
	DIR *directory;

	memset(vcpu, 0, sizeof(*vcpu));
	memset(other, 0, sizeof(*other));
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	directory = opendir(path);
	assert_non_null(directory);
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			add_thread(vcpu, other, path, entry->d_name);
	closedir(directory);
}

static pid_t start_competing(void)
{
	struct totals vcpu, other;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		compete();
	for (int i = 0; i < PATIENCE * 100; i++) {
		read_totals(pid, &vcpu, &other);
		if (vcpu.threads == VCPUS)
			return pid;
		usleep(10000);
	}
	fail_msg("the threads do not start");
	return pid;
}

static void end_competing(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* They are reported as stopped a moment before the last one leaves its CPU. */
static void freeze(pid_t pid, struct totals *vcpu, struct totals *other)
{
	struct totals last[2] = { 0 }, sums[2];
	int same = 0, status;

	kill(pid, SIGSTOP);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	for (int i = 0; same < 5 && i < PATIENCE * 100; i++) {
		usleep(10000);
		read_totals(pid, &sums[0], &sums[1]);
		same = memcmp(last, sums, sizeof(sums)) ? 0 : same + 1;
		memcpy(last, sums, sizeof(sums));
	}
	assert_int_equal(same, 5);
	*vcpu = sums[0];
	*other = sums[1];
}

/* Until they have waited for the CPU long enough to compare. */
static void contend(pid_t pid, uint64_t ready)
{
	struct totals vcpu, other;

	kill(pid, SIGCONT);
	for (int i = 0; i < PATIENCE * 100; i++) {
		usleep(10000);
		read_totals(pid, &vcpu, &other);
		if (vcpu.ready >= ready + CONTENTION_NS && other.ready)
			return;
	}
	fail_msg("no contention");
}

static void assert_counts(const struct usage *counts,
			  const struct totals *vcpu, const struct totals *other)
{
	assert_int_equal(counts->vcpu_cpu_ns, vcpu->cpu);
	assert_int_equal(counts->vcpu_ready_ns, vcpu->ready);
	assert_int_equal(counts->vcpu_switches, vcpu->switches);
	assert_int_equal(counts->other_cpu_ns, other->cpu);
	assert_int_equal(counts->other_ready_ns, other->ready);
	assert_int_equal(counts->other_switches, other->switches);
}

static void ready_is_the_run_delay_of_schedstat(void **state)
{
	struct totals vcpu[2], other[2];
	struct sample none = { 0 }, before = { 0 }, now = { 0 };
	struct usage_reader reader = { 0 };
	struct vm_usage *vm;
	pid_t pid = start_competing();
	double percent;

	(void)state;
	reader.finder = (struct vm_finder){ .pids = &pid, .pid_count = 1 };
	freeze(pid, &vcpu[0], &other[0]);
	assert_int_equal(read_sample(&reader, &none, &before), 0);
	contend(pid, vcpu[0].ready);
	freeze(pid, &vcpu[1], &other[1]);
	assert_int_equal(read_sample(&reader, &before, &now), 0);
	end_competing(pid);

	assert_int_equal(now.count, 1);
	vm = &now.vms[0];
	assert_int_equal(vm->vcpu_threads, VCPUS);
	assert_counts(&vm->earlier, &vcpu[0], &other[0]);
	assert_counts(&vm->counts, &vcpu[1], &other[1]);
	percent = 100.0 * (vcpu[1].ready - vcpu[0].ready) / vm->interval_ns;
	assert_true(fabs(used_percent(vm, vm->earlier.vcpu_ready_ns,
				      vm->counts.vcpu_ready_ns) / percent - 1) <
		    0.01);
	free_sample(&before);
	free_sample(&now);
	close_reader(&reader);
}

static json_t *vm_of(json_t *top)
{
	return json_array_get(json_object_get(top, "vms"), 0);
}

static double number_in(json_t *vm, const char *group, const char *key)
{
	return json_number_value(json_object_get(json_object_get(vm, group),
						 key));
}

/* What the command prints lies between what the test reads before and after. */
static void command_reports_what_happened_in_its_window(void **state)
{
	struct totals vcpu[2], other[2];
	pid_t pid = start_competing();
	char words[64], *line;
	json_t *first, *second, *vm;
	double difference;

	(void)state;
	contend(pid, 0);
	read_totals(pid, &vcpu[0], &other[0]);
	snprintf(words, sizeof(words), "top %d -n 2 -d 0.3 --json", pid);
	line = run(words)->out;
	read_totals(pid, &vcpu[1], &other[1]);
	end_competing(pid);

	first = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
	second = json_loads(strchr(line, '\n') + 1, 0, NULL);
	assert_non_null(first);
	assert_non_null(second);
	vm = vm_of(second);
	difference = number_in(vm, "counts", "vcpu_ready_ns") -
		     number_in(vm_of(first), "counts", "vcpu_ready_ns");
	assert_true(number_in(vm_of(first), "counts", "vcpu_ready_ns") >=
		    vcpu[0].ready);
	assert_true(number_in(vm, "counts", "vcpu_ready_ns") <= vcpu[1].ready);
	assert_true(fabs(number_in(vm, "rates", "vcpu_ready_ns") *
			 json_integer_value(json_object_get(vm, "interval_ns")) -
			 difference * 1e9) <= difference * 1e9 / 100);
	assert_true(fabs(number_in(vm, "percent", "ready") * 1e7 -
			 number_in(vm, "rates", "vcpu_ready_ns")) < 1);
	assert_true(fabs(number_in(vm, "percent", "steal") * VCPUS -
			 number_in(vm, "percent", "ready")) < 1e-6);
	json_decref(first);
	json_decref(second);
}

static void process_may_end_between_reads(void **state)
{
	struct sample none = { 0 }, before = { 0 }, now = { 0 };
	struct usage_reader reader = { 0 };
	pid_t pid = start_competing();

	(void)state;
	reader.finder = (struct vm_finder){ .pids = &pid, .pid_count = 1 };
	assert_int_equal(read_sample(&reader, &none, &before), 0);
	end_competing(pid);
	assert_int_equal(read_sample(&reader, &before, &now), 0);
	assert_int_equal(before.count, 1);
	assert_int_equal(now.count, 0);
	free_sample(&before);
	free_sample(&now);
	close_reader(&reader);
}

#define PROC_TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup_proc, cleanup_proc)
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, closes_what_it_opens)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROC_TEST(options_are_checked),
		PROC_TEST(says_that_there_are_no_vms),
		PROC_TEST(errors_of_the_module_are_reported),
		PROC_TEST(vms_are_sorted),
		PROC_TEST(reports_are_separated),
		PROC_TEST(unknown_values_come_last),
		PROC_TEST(without_module_its_columns_are_not_shown),
		PROC_TEST(everything_fits_where_there_is_room),
		PROC_TEST(narrow_lines_leave_out_columns),
		PROC_TEST(json_has_every_key),
		TEST(ready_is_the_run_delay_of_schedstat),
		TEST(command_reports_what_happened_in_its_window),
		TEST(process_may_end_between_reads),
	};

	return cmocka_run_group_tests_name("top", tests, NULL, NULL);
}
