// SPDX-License-Identifier: GPL-2.0
/* Each command on a simulated host that behaves as linux/queztl.h documents. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli.h"
#include "fake.h"
#include "run.h"

static unsigned int descriptors;

static int setup(void **state)
{
	(void)state;
	fake_populate();
	descriptors = count_descriptors();
	return 0;
}

static int closes_what_it_opens(void **state)
{
	(void)state;
	return count_descriptors() != descriptors;
}

static void assert_keys(json_t *object, const char *keys)
{
	char copy[256], *state;
	size_t count = 0;

	assert_true(json_is_object(object));
	snprintf(copy, sizeof(copy), "%s", keys);
	for (char *key = strtok_r(copy, " ", &state); key;
	     key = strtok_r(NULL, " ", &state), count++)
		if (!json_object_get(object, key))
			fail_msg("no key %s", key);
	assert_int_equal(json_object_size(object), count);
}

static const char *text_at(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int number_at(json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void every_command_says_why_there_is_no_device(void **state)
{
	static const char *const words[] = {
		"info", "vms", "attach 1", "detach 1", "fabric add x",
		"fabric del x", "fabric set x deny", "fabric list", "port list", "port show x", "port xml x",
		"port add x y", "port del x",
		"port set x pps 1", "policy allow x y", "policy forbid x y",
		"policy list", "addr add x ::1", "addr del x ::1", "addr list",
		"stats", "stats --watch", "vms --json",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		fake.open_error = ENOENT;
		assert_fails(words[i], EXIT_UNSUPPORTED, "modprobe queztl");
		fake.open_error = EACCES;
		assert_fails(words[i], EXIT_NO_PERMISSION, "group queztl");
		fake.open_error = EMFILE;
		assert_fails(words[i], EXIT_FAILED, "cannot open");
	}
}

static void errors_of_calls_choose_the_code(void **state)
{
	(void)state;
	fake.call_error = EOPNOTSUPP;
	assert_fails("fabric list", EXIT_UNSUPPORTED, "queztl info");
	fake.call_error = ENOTTY;
	assert_fails("vms", EXIT_UNSUPPORTED, "older than this program");
	fake.call_error = EPERM;
	assert_fails("fabric add red", EXIT_NO_PERMISSION, "sudo");
	fake.call_error = ENOMEM;
	assert_fails("port list", EXIT_FAILED, "Cannot allocate memory");
	assert_fails("stats --watch", EXIT_FAILED, "Cannot allocate memory");
}

static void info_lists_features(void **state)
{
	json_t *info = run_json("info --json");
	json_t *features = json_object_get(info, "features");

	(void)state;
	assert_keys(info, "program module kernel abi_version features vms fabrics scheduler scheduler_available");
	assert_int_equal(json_array_size(features), 3);
	assert_string_equal(json_string_value(json_array_get(features, 1)),
			    "direct");
	assert_string_equal(json_string_value(json_array_get(features, 2)),
			    "policy");
	json_decref(info);
	assert_non_null(strstr(run("info")->out, "6.12.117-test"));
	assert_non_null(strstr(run("info")->out, "policy   yes  peers"));
}

static void vms_shows_vcpus_and_hides_escapes(void **state)
{
	json_t *vms = run_json("--json vms");
	json_t *vm = json_array_get(vms, 0);
	json_t *vcpus = json_object_get(vm, "vcpus");

	(void)state;
	assert_int_equal(json_array_size(vms), 2);
	assert_keys(vm, "id accessible pid uid comm name seen_ns vcpus");
	assert_true(json_is_null(json_object_get(vm, "pid")));
	assert_int_equal(json_array_size(vcpus), 2);
	assert_int_equal(number_at(json_array_get(vcpus, 0), "tid"), 4242);
	assert_true(json_is_null(json_object_get(json_array_get(vcpus, 1),
						 "tid")));
	json_decref(vms);
	assert_null(strchr(run("vms")->out, '\033'));
	assert_int_equal(count_lines(run("vms")->out), 3);
	assert_true(longest_line(run("vms")->out) <= LINE_MAX_TEXT);
}

static void vms_of_others_are_told_not_shown(void **state)
{
	json_t *vms, *vm;

	(void)state;
	fake.vms[0].foreign = true;
	vms = run_json("vms --json");
	vm = json_array_get(vms, 0);
	assert_keys(vm, "id accessible pid uid comm name seen_ns vcpus");
	assert_true(json_is_false(json_object_get(vm, "accessible")));
	assert_true(json_is_null(json_object_get(vm, "comm")));
	json_decref(vms);
	assert_non_null(strstr(run("vms")->out, "not shown: 1"));
}

static void vm_that_ends_meanwhile_is_no_error(void **state)
{
	(void)state;
	fake.failing = QUEZTL_VM_INFO;
	fake.call_error = ENOENT;
	assert_int_equal(run("vms")->code, EXIT_OK);
	assert_int_equal(run("stats")->code, EXIT_OK);
	fake.failing = QUEZTL_PORT_STATS;
	assert_int_equal(run("port list")->code, EXIT_OK);
}

static void fabrics_come_and_go(void **state)
{
	json_t *list, *fabric = run_json("fabric add red --json");

	(void)state;
	assert_keys(fabric, "id name mgmtdev mode reserved");
	assert_string_equal(text_at(fabric, "mgmtdev"), "queztl/red");
	json_decref(fabric);
	assert_fails("fabric add red", EXIT_FAILED, "fabric red already exists");
	assert_fails("fabric add -red", EXIT_USAGE, "unknown option '-red'");
	assert_fails("fabric add _red", EXIT_USAGE, "invalid fabric name '_red'");
	list = run_json("fabric list --json");
	assert_int_equal(json_array_size(list), 3);
	assert_keys(json_array_get(list, 0), "id name mgmtdev mode reserved ports");
	json_decref(list);
	assert_string_equal(run("fabric del red")->out, "");
	assert_fails("fabric del red", EXIT_NO_OBJECT, "no fabric red");
	assert_fails("fabric del blue", EXIT_FAILED, "queztl port del PORT");
	assert_non_null(strstr(run("fabric add red")->out,
			       "queztl port add PORT red"));
}

static void ports_fit_a_terminal(void **state)
{
	json_t *list = run_json("port list --json");
	json_t *port = json_array_get(list, 0);

	(void)state;
	assert_keys(port, "id name fabric fabric_id mac mtu queue_pairs state link uplink pid comm device path");
	assert_string_equal(text_at(port, "mac"), "52:54:00:00:00:01");
	assert_string_equal(text_at(port, "fabric"), "blue");
	assert_int_equal(number_at(port, "pid"), getpid());
	assert_int_equal(json_array_size(json_object_get(port, "state")), 2);
	json_decref(list);
	assert_non_null(strstr(run("port list")->out, "BROKEN"));
	assert_non_null(strstr(run("port list")->out, "this host"));
	assert_int_equal(longest_line(run("port list")->out), LINE_MAX_TEXT);
	assert_non_null(strstr(run_at(0, "port list")->out,
			       "a-port-with-a-very-long-name-01"));
}

static void empty_lists_say_what_to_do(void **state)
{
	(void)state;
	fake_reset();
	assert_non_null(strstr(run("vms")->out, "queztl attach"));
	assert_non_null(strstr(run("fabric list")->out, "queztl fabric add"));
	assert_non_null(strstr(run("port list")->out, "queztl port add"));
	assert_non_null(strstr(run("policy list")->out, "policy allow"));
	assert_non_null(strstr(run("addr list")->out, "addr add"));
	assert_string_equal(run("stats")->out, "no ports and no VMs\n");
	assert_string_equal(run("vms --json")->out, "[]\n");
	assert_string_equal(run("port list --json")->out, "[]\n");
}

static void attach_finds_descriptors_of_a_process(void **state)
{
	char words[64];
	json_t *done;

	(void)state;
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);	/* Yama */
	fake.kvm_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	fake.kvm_vm = 7;
	fake.vms[1].detached = true;
	snprintf(words, sizeof(words), "attach %d --json", getpid());
	done = run_json(words);
	assert_keys(done, "pid vms");
	assert_int_equal(json_integer_value(json_array_get(
		json_object_get(done, "vms"), 0)), 7);
	json_decref(done);
	assert_false(fake.vms[1].detached);
	fake.call_error = ENOSPC;
	fake.failing = QUEZTL_VM_ATTACH;
	snprintf(words, sizeof(words), "attach %d", getpid());
	assert_fails(words, EXIT_FAILED, "cannot attach");
	close(fake.kvm_fd);
}

static void attach_of_no_vm_is_code_3(void **state)
{
	char words[64];

	(void)state;
	snprintf(words, sizeof(words), "attach %d", getpid());
	assert_fails(words, EXIT_NO_OBJECT, "has no KVM VM");
	assert_fails("attach 2147483647", EXIT_NO_OBJECT, "no process");
}

static void detach_forgets_a_vm(void **state)
{
	(void)state;
	assert_int_equal(run("detach 3")->code, EXIT_OK);
	assert_true(fake.vms[0].detached);
	assert_fails("detach 3", EXIT_NO_OBJECT, "no VM 3");
	fake.vms[1].foreign = true;
	assert_fails("detach 7", EXIT_NO_PERMISSION, "sudo");
}

static void stats_are_counts_with_drops(void **state)
{
	json_t *stats = run_json("stats --json");
	json_t *port = json_array_get(json_object_get(stats, "ports"), 0);
	json_t *counts = json_object_get(port, "counts");
	json_t *vm = json_array_get(json_object_get(stats, "vms"), 0);

	(void)state;
	assert_keys(stats, "time_ns interval_ns ports vms foreign_vms");
	assert_true(json_is_null(json_object_get(stats, "interval_ns")));
	assert_keys(port, "id name fabric counts rates");
	assert_keys(counts, "tx_packets tx_bytes rx_packets rx_bytes kicks rx_interrupts tx_interrupts tx_held direct_runs worker_runs tx_paced tx_waited drops");
	assert_int_equal(number_at(counts, "tx_paced"), 21);
	assert_int_equal(number_at(counts, "tx_waited"), 12);
	assert_int_equal(number_at(json_object_get(counts, "drops"),
				   "no_port"), 3);
	assert_int_equal(number_at(json_object_get(counts, "drops"),
				   "reason_15"), 2);
	assert_int_equal(json_object_size(json_object_get(counts, "drops")),
			 QUEZTL_DROP_REASONS + 1);
	assert_keys(vm, "id pid comm name vcpus counts rates");
	assert_keys(json_object_get(vm, "counts"), "exits halt_exits mmio_exits io_exits irq_injections insn_emulations signal_exits");
	json_decref(stats);
}

static void stats_text_fits_and_explains_drops(void **state)
{
	const char *out = run("stats")->out;

	(void)state;
	assert_true(longest_line(out) <= LINE_MAX_TEXT);
	assert_non_null(strstr(out, "no port has the destination address"));
	assert_non_null(strstr(out, "newer than this program"));
	assert_non_null(strstr(out, "97%"));
	assert_non_null(strstr(out, "1.2M"));
	assert_null(strstr(out, "per second"));
}

static void watch_prints_rates_line_by_line(void **state)
{
	json_t *stats, *port;
	double rate;

	(void)state;
	fake.ports[0].packets_step = 50;
	fake.vms[0].exits_step = 10;
	run("stats --watch 0.1 --count 2 --json");
	assert_int_equal(count_lines(run("stats --watch 0.1 --count 2 --json")
				     ->out), 2);
	stats = run_json("stats --watch 0.1 --count 1 --json");
	assert_true(json_integer_value(json_object_get(stats, "interval_ns")) >=
		    90000000);
	port = json_array_get(json_object_get(stats, "ports"), 0);
	rate = json_real_value(json_object_get(json_object_get(port, "rates"),
					       "tx_packets"));
	assert_true(rate > 100 && rate < 560);
	json_decref(stats);
	assert_non_null(strstr(run("stats --watch .1 --count 1")->out,
			       "ports per second"));
}

static int run_on_full_disk(int buffering, int argc, char **argv)
{
	struct cli cli = { .err = tmpfile(), .out = fopen("/dev/full", "we") };
	int code;

	setvbuf(cli.out, NULL, buffering, BUFSIZ);
	code = dispatch(&cli, commands, argc, argv);
	fclose(cli.out);
	fclose(cli.err);
	return code;
}

static void full_disk_is_an_error(void **state)
{
	char *argv[] = { "queztl", "info", NULL };

	(void)state;
	assert_int_equal(run_on_full_disk(_IOFBF, 2, argv), EXIT_FAILED);
	assert_int_equal(run_on_full_disk(_IONBF, 2, argv), EXIT_FAILED);
}

static void watch_ends_when_nobody_reads(void **state)
{
	char *argv[] = { "queztl", "stats", "--watch", "0.1", NULL };

	(void)state;
	alarm(10);
	assert_int_equal(run_on_full_disk(_IOFBF, 4, argv), EXIT_FAILED);
	alarm(0);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, closes_what_it_opens)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_command_says_why_there_is_no_device),
		TEST(errors_of_calls_choose_the_code),
		TEST(info_lists_features),
		TEST(vms_shows_vcpus_and_hides_escapes),
		TEST(vms_of_others_are_told_not_shown),
		TEST(vm_that_ends_meanwhile_is_no_error),
		TEST(fabrics_come_and_go),
		TEST(ports_fit_a_terminal),
		TEST(empty_lists_say_what_to_do),
		TEST(attach_finds_descriptors_of_a_process),
		TEST(attach_of_no_vm_is_code_3),
		TEST(detach_forgets_a_vm),
		TEST(stats_are_counts_with_drops),
		TEST(stats_text_fits_and_explains_drops),
		TEST(watch_prints_rates_line_by_line),
		TEST(full_disk_is_an_error),
		TEST(watch_ends_when_nobody_reads),
	};

	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
