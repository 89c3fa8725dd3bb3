// SPDX-License-Identifier: GPL-2.0
/* queztl doctor --vm. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "doctor_vm.h"
#include "fake.h"
#include "fakeproc.h"
#include "run.h"

#define VMM	4711
#define LIMITS(locked)	"Limit                     Soft Limit           Hard Limit           Units\n" \
			"Max processes             unlimited            unlimited            processes\n" \
			"Max locked memory         " locked "              8388608              bytes\n"
#define GIB_4	"qemu\0-name\0guest=shop,debug-threads=on\0-m\0size=4194304k,slots=2,maxmem=8G"

static int setup(void **state)
{
	(void)state;
	fake_populate();
	fakeproc_begin();
	add_process(VMM, 1, "shop");
	fake.vms[1].info.pid = VMM;
	fake.ports[0].port.pid = VMM;
	fake.ports[0].stats.tx_paced = 0;
	return 0;
}

static int cleanup(void **state)
{
	(void)state;
	fakeproc_end();
	return 0;
}

static void assert_verdict(const struct verdict *v, unsigned int status,
			   const char *what, const char *remedy)
{
	assert_int_equal(v->status, status);
	if (!strstr(v->what, what))
		fail_msg("%s is not in %s", what, v->what);
	if (!strstr(v->remedy, remedy))
		fail_msg("%s is not in %s", remedy, v->remedy);
	assert_true(status == VERDICT_OK ? !*v->remedy : !!*v->remedy);
	assert_true(strlen(v->remedy) <= LINE_MAX_TEXT - 7);
}

static unsigned long long ram_of(const char *words)
{
	char cmdline[128];
	size_t length = snprintf(cmdline, sizeof(cmdline), "%s", words) + 1;

	for (char *at = cmdline; *at; at++)
		if (*at == ' ')
			*at = '\0';
	return find_ram_mib(cmdline, length);
}

static void memory_is_on_the_command_line(void **state)
{
	(void)state;
	assert_int_equal(ram_of("qemu -m 4096"), 4096);
	assert_int_equal(ram_of("qemu -m 4G -smp 2"), 4096);
	assert_int_equal(ram_of("qemu -m 1T"), 1 << 20);
	assert_int_equal(ram_of("qemu -m size=2097152k,slots=16"), 2048);
	assert_int_equal(ram_of("qemu -m maxmem=8G,size=2G"), 2048);
	assert_int_equal(ram_of("qemu -m 512M -m 1024"), 1024);
	assert_int_equal(ram_of("cloud-hypervisor --memory size=1073741824B"), 1024);
	assert_int_equal(ram_of("firecracker --id x"), 0);
	assert_int_equal(ram_of("qemu -m"), 0);
	assert_int_equal(ram_of("qemu -m maxsize=3"), 0);
}

static void limits_of_a_process_are_found(void **state)
{
	rlim_t limit = 5;

	(void)state;
	assert_true(find_limit(LIMITS("8388608"), "Max locked memory", &limit));
	assert_true(limit == 8388608);
	assert_true(find_limit(LIMITS("unlimited"), "Max locked memory", &limit));
	assert_true(limit == RLIM_INFINITY);
	assert_false(find_limit(LIMITS("1"), "Max file size", &limit));
}

static void each_port_pins_all_memory(void **state)
{
	struct vm_memory m = { .ram_mib = 1024, .limit = 2048ULL << 20 };
	struct verdict v;

	(void)state;
	judge_vm_memlock(&m, 2, VMM, &v);
	assert_verdict(&v, VERDICT_OK, "2048 MiB, and it needs 2048", "");
	judge_vm_memlock(&m, 3, VMM, &v);
	assert_verdict(&v, VERDICT_FAIL, "2048 MiB, but it needs 3072",
		       "sudo prlimit --pid 4711 --memlock=unlimited");
	m.limit = 1023ULL << 20;
	judge_vm_memlock(&m, 0, VMM, &v);
	assert_verdict(&v, VERDICT_FAIL, "it needs 1024", "prlimit");
	m.ram_mib = 0;
	judge_vm_memlock(&m, 1, VMM, &v);
	assert_verdict(&v, VERDICT_WARN, "1023 MiB, but each", "prlimit");
	m.limit = RLIM_INFINITY;
	judge_vm_memlock(&m, 9, VMM, &v);
	assert_verdict(&v, VERDICT_OK, "unlimited", "");
}

static void entries_are_weighed_against_the_vm(void **state)
{
	struct vm_memory m = { .ram_mib = 4096 };
	struct verdict v;

	(void)state;
	judge_vm_map(&m, 0, &v);
	assert_verdict(&v, VERDICT_OK, "not loaded", "");
	judge_vm_map(&m, 2047, &v);
	assert_verdict(&v, VERDICT_FAIL, "too few for its 4096 MiB",
		       "max_iotlb_entries=1048576");
	judge_vm_map(&m, 2048, &v);
	assert_verdict(&v, VERDICT_WARN, "take up to 1048576",
		       "max_iotlb_entries=1048576");
	m.huge_mib = 4095;
	judge_vm_map(&m, 2303, &v);
	assert_verdict(&v, VERDICT_OK, "enough for its 4096 MiB", "");
	judge_vm_map(&m, 2302, &v);
	assert_verdict(&v, VERDICT_WARN, "take up to 2303", "max_iotlb_entries");
	m.huge_mib = 9999;
	judge_vm_map(&m, 2048, &v);
	assert_verdict(&v, VERDICT_OK, "enough", "");
	m.ram_mib = 0;
	judge_vm_map(&m, 16, &v);
	assert_verdict(&v, VERDICT_OK, "not known", "");
}

static void port_without_memory_is_told(void **state)
{
	struct vm_memory m = { .ram_mib = 1000, .pinned_mib = 1000 };
	struct verdict v;

	(void)state;
	judge_vm_pinned(&m, 1, &v);
	assert_verdict(&v, VERDICT_OK, "1000 MiB", "");
	judge_vm_pinned(&m, 3, &v);
	assert_verdict(&v, VERDICT_FAIL, "pass nothing", "restart the VM");
	m.pinned_mib = 0;
	judge_vm_pinned(&m, 0, &v);
	assert_verdict(&v, VERDICT_OK, "0 MiB", "");
	m.ram_mib = 0;
	judge_vm_pinned(&m, 1, &v);
	assert_verdict(&v, VERDICT_OK, "0 MiB", "");
}

static void state_of_a_port_is_explained(void **state)
{
	struct port port = { .fabric = "blue", .port.name = "web0" };
	struct verdict v;

	(void)state;
	port.port.state = QUEZTL_PORT_OPEN | QUEZTL_PORT_UP;
	judge_vm_port(&port, &v);
	assert_verdict(&v, VERDICT_OK, "web0 is up, in fabric blue", "");
	port.port.mode = QUEZTL_PORT_LINK_DOWN;
	judge_vm_port(&port, &v);
	assert_verdict(&v, VERDICT_WARN, "link was set down",
		       "queztl port set web0 link up");
	port.port.state = QUEZTL_PORT_OPEN;
	judge_vm_port(&port, &v);
	assert_verdict(&v, VERDICT_WARN, "driver in the guest", "modprobe virtio_net");
	port.port.state = QUEZTL_PORT_OPEN | QUEZTL_PORT_BROKEN;
	judge_vm_port(&port, &v);
	assert_verdict(&v, VERDICT_WARN, "nonsense", "restart the VM");
}

static void limits_that_bite_now_are_told_first(void **state)
{
	struct port before = { .port.name = "a-port-with-a-very-long-name-01" };
	struct queztl_port_rates rates = { .tx_bytes = 12500000 };
	struct port now = before;
	struct verdict v;

	(void)state;
	judge_vm_limits(&before, &now, &rates, &v);
	assert_verdict(&v, VERDICT_OK, "none has been reached", "");
	before.stats.tx_paced = now.stats.tx_paced = 21;
	judge_vm_limits(&before, &now, &rates, &v);
	assert_verdict(&v, VERDICT_OK, "waited 21 times for its rates, not now", "");
	now.stats.drops[QUEZTL_DROP_RATE] = 3;
	judge_vm_limits(&before, &now, &rates, &v);
	assert_verdict(&v, VERDICT_WARN, "lost 3 frames", "queztl port show");
	now.stats.tx_paced++;
	judge_vm_limits(&before, &now, &rates, &v);
	assert_verdict(&v, VERDICT_WARN, "rate 100mbit",
		       "queztl port set a-port-with-a-very-long-name-01 rate none");
	assert_null(strstr(v.remedy, "pps"));
	rates.tx_packets = 1000;
	judge_vm_limits(&before, &now, &rates, &v);
	assert_verdict(&v, VERDICT_WARN, "pps 1000", "rate none pps none");
	rates.tx_bytes = 0;
	judge_vm_limits(&before, &now, &rates, &v);
	assert_null(strstr(v.remedy, "rate"));
	now.stats.tx_paced--;
	rates.tx_packets = 0;
	judge_vm_limits(&before, &now, &rates, &v);
	assert_verdict(&v, VERDICT_WARN, "broadcasts", "flood N");
}

static const char *verdict_of(json_t *doctor, const char *name, size_t nth)
{
	json_t *check;
	size_t i;

	json_array_foreach(json_object_get(doctor, "checks"), i, check)
		if (!strcmp(json_string_value(json_object_get(check, "name")),
			    name) && !nth--)
			return json_string_value(json_object_get(check, "what"));
	return NULL;
}

static json_t *doctor_of(const char *vm)
{
	char words[64];
	json_t *doctor;

	snprintf(words, sizeof(words), "doctor --vm %s --json", vm);
	doctor = json_loads(run(words)->out, 0, NULL);
	assert_non_null(doctor);
	return doctor;
}

static void vm_is_examined_by_name_or_pid(void **state)
{
	json_t *doctor;

	(void)state;
	set_process_file(VMM, "cmdline", GIB_4, sizeof(GIB_4));
	set_process_file(VMM, "limits", LIMITS("8388608"),
			 strlen(LIMITS("8388608")));
	doctor = doctor_of("shop");
	assert_string_equal(verdict_of(doctor, "vm", 0), "process 4711 has VM 7, 1 vCPUs");
	assert_non_null(strstr(verdict_of(doctor, "memlock", 0),
			       "8 MiB, but it needs 4096"));
	assert_non_null(strstr(verdict_of(doctor, "pinned", 0), "0 MiB, of 4096"));
	assert_string_equal(verdict_of(doctor, "answers", 0), "yes");
	assert_string_equal(verdict_of(doctor, "port", 0), "web0 is up, in fabric blue");
	assert_null(verdict_of(doctor, "port", 1));	/* the other is the host's */
	assert_non_null(verdict_of(doctor, "limits", 0));
	assert_true(json_is_false(json_object_get(doctor, "ok")));
	json_decref(doctor);
	assert_int_equal(run("doctor --vm 4711")->code, EXIT_FAILED);
	assert_true(longest_line(run("doctor --vm 4711")->out) <= LINE_MAX_TEXT + 20);
}

/* What it does not tell is not judged. */
static void vm_that_does_not_answer_is_told(void **state)
{
	json_t *doctor;

	(void)state;
	silence_file(VMM, "smaps_rollup");
	doctor = doctor_of("4711");
	assert_string_equal(verdict_of(doctor, "answers", 0),
			    "no: process 4711 keeps its memory or execve() locked");
	assert_non_null(verdict_of(doctor, "memlock", 0));
	assert_null(verdict_of(doctor, "pinned", 0));
	assert_string_equal(verdict_of(doctor, "port", 0), "web0 is up, in fabric blue");
	json_decref(doctor);
	silence_file(VMM, "cmdline");
	assert_fails("doctor --vm shop", EXIT_NO_OBJECT, "no VM named shop");
}

static void growing_waits_are_seen(void **state)
{
	json_t *doctor;

	(void)state;
	fake.ports[0].paced_step = 1;
	fake.ports[0].rates.tx_bytes = 12500000;
	doctor = doctor_of("4711");
	assert_non_null(strstr(verdict_of(doctor, "limits", 0), "held back now"));
	assert_non_null(strstr(verdict_of(doctor, "limits", 0), "100mbit"));
	json_decref(doctor);
}

static void vm_without_a_port_is_told(void **state)
{
	json_t *doctor;

	(void)state;
	fake.ports[0].port.pid = 0;
	doctor = doctor_of("shop");
	assert_string_equal(verdict_of(doctor, "port", 0), "it has none open");
	json_decref(doctor);
	fake.ports[0].port.state = 0;
	doctor = doctor_of("shop");
	assert_string_equal(verdict_of(doctor, "port", 0),
			    "it has none open; web0 has no driver");
	json_decref(doctor);
}

static void names_must_tell_one_vm(void **state)
{
	(void)state;
	assert_fails("doctor --vm nobody", EXIT_NO_OBJECT, "no VM named nobody");
	assert_fails("doctor --vm 4712", EXIT_NO_OBJECT, "no process 4712");
	assert_fails("doctor --vm", EXIT_USAGE, "missing value for --vm");
	fake.vms[0].info.pid = 4712;
	add_process(4712, 1, "shop");
	assert_fails("doctor --vm shop", EXIT_USAGE, "processes 4711 and 4712");
}

static void module_need_not_be_there(void **state)
{
	json_t *doctor;

	(void)state;
	add_kvm_vm(VMM, 9);
	fake.open_error = ENOENT;
	doctor = doctor_of("shop");
	assert_string_equal(verdict_of(doctor, "vm", 0), "process 4711");
	assert_non_null(strstr(verdict_of(doctor, "device", 0), "no /dev/queztl"));
	assert_null(verdict_of(doctor, "port", 0));
	json_decref(doctor);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, cleanup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(memory_is_on_the_command_line),
		TEST(limits_of_a_process_are_found),
		TEST(each_port_pins_all_memory),
		TEST(entries_are_weighed_against_the_vm),
		TEST(port_without_memory_is_told),
		TEST(state_of_a_port_is_explained),
		TEST(limits_that_bite_now_are_told_first),
		TEST(vm_is_examined_by_name_or_pid),
		TEST(vm_that_does_not_answer_is_told),
		TEST(growing_waits_are_seen),
		TEST(vm_without_a_port_is_told),
		TEST(names_must_tell_one_vm),
		TEST(module_need_not_be_there),
	};

	return cmocka_run_group_tests_name("doctor_vm", tests, NULL, NULL);
}
