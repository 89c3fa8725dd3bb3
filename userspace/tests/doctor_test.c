// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "fake.h"
#include "run.h"
#include "sysfile.h"

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

static void kernel_is_6_12_or_later(void **state)
{
	struct verdict v;

	(void)state;
	judge_release("6.12.117+deb12-cloud-amd64", &v);
	assert_verdict(&v, VERDICT_OK, "6.12.117", "");
	judge_release("7.0.0-rc1", &v);
	assert_verdict(&v, VERDICT_OK, "7.0", "");
	judge_release("7.3.4+deb13-cloud-amd64", &v);
	assert_verdict(&v, VERDICT_OK, "7.3.4", "");
	judge_release("7.4.0-rc1", &v);
	assert_verdict(&v, VERDICT_WARN, "7.4.0-rc1 is newer than 7.3", "7.3");
	judge_release("8.0.1", &v);
	assert_verdict(&v, VERDICT_WARN, "8.0.1 is newer than 7.3", "7.3");
	judge_release("6.1.0-30-amd64", &v);
	assert_verdict(&v, VERDICT_FAIL, "6.1.0-30-amd64 is older", "6.12");
	judge_release("strange", &v);
	assert_verdict(&v, VERDICT_WARN, "unknown kernel version 'strange'", "6.12");
}

static void qemu_complains_of_windows_beside_ports(void **state)
{
	struct verdict v;

	(void)state;
	judge_windows(0, 2, &v);
	assert_verdict(&v, VERDICT_OK, "0", "");
	judge_windows(3, 0, &v);
	assert_verdict(&v, VERDICT_OK, "3", "");
	assert_null(strstr(v.what, "map fail"));
	judge_windows(3, 2, &v);
	assert_verdict(&v, VERDICT_OK, "\"vhost vdpa map fail!\" is harmless", "");
}

static void lockdown_is_in_brackets(void **state)
{
	(void)state;
	assert_false(is_locked_down("[none] integrity confidentiality"));
	assert_true(is_locked_down("none [integrity] confidentiality"));
	assert_true(is_locked_down("none integrity [confidentiality]"));
	assert_false(is_locked_down(""));
}

static void unsigned_module_is_refused_by_lockdown(void **state)
{
	struct enforcement e = { .lockdown = true, .secure_boot = true };
	struct verdict v;

	(void)state;
	judge_signature(&e, &v);
	assert_verdict(&v, VERDICT_FAIL, "Secure Boot is on", "mokutil");
	e.dkms = true;
	judge_signature(&e, &v);
	assert_verdict(&v, VERDICT_FAIL, "Secure Boot is on",
		       "dpkg-reconfigure queztl-dkms");
	e.signed_module = true;
	judge_signature(&e, &v);
	assert_verdict(&v, VERDICT_WARN, "kernel lockdown",
		       "mokutil --import CERTIFICATE");
	e.certificate = true;
	judge_signature(&e, &v);
	assert_verdict(&v, VERDICT_WARN, "kernel lockdown",
		       "mokutil --import /var/lib/dkms/mok.pub, then reboot");
	e.loaded = true;
	judge_signature(&e, &v);
	assert_verdict(&v, VERDICT_OK, "accepted", "");
}

static void sig_enforce_alone_refuses(void **state)
{
	struct enforcement e = { .sig_enforce = true };
	struct verdict v;

	(void)state;
	judge_signature(&e, &v);
	assert_verdict(&v, VERDICT_FAIL, "sig_enforce", "mokutil");
	e.sig_enforce = false;
	judge_signature(&e, &v);
	assert_verdict(&v, VERDICT_OK, "can be loaded", "");
}

static void device_says_what_to_join(void **state)
{
	struct verdict v;

	(void)state;
	judge_device(0, true, &v);
	assert_verdict(&v, VERDICT_OK, "responds", "");
	judge_device(-EACCES, true, &v);
	assert_verdict(&v, VERDICT_FAIL, "no permission", "usermod -aG queztl");
	judge_device(-EACCES, false, &v);
	assert_verdict(&v, VERDICT_FAIL, "no permission", "groupadd");
	judge_device(-ENOENT, true, &v);
	assert_verdict(&v, VERDICT_FAIL, "no /dev/queztl", "modprobe queztl");
	judge_device(-EPROTO, true, &v);
	assert_verdict(&v, VERDICT_FAIL, "older ABI", "update");
	judge_device(-EIO, true, &v);
	assert_verdict(&v, VERDICT_FAIL, "nput/output", "dmesg");
}

static void missing_direct_delivery_is_told(void **state)
{
	struct verdict v;

	(void)state;
	fake_reset();
	check_direct(&v);
	assert_verdict(&v, VERDICT_OK, "in the sender's thread", "");
	fake.info.features &= ~QUEZTL_F_DIRECT;
	check_direct(&v);
	assert_verdict(&v, VERDICT_WARN, "task_work_add", "boot Debian's kernel");
	fake.open_error = ENOENT;
	check_direct(&v);
	assert_verdict(&v, VERDICT_OK, "not looked at", "");
}

static void device_is_asked_for_its_version(void **state)
{
	struct verdict v;

	(void)state;
	fake_reset();
	check_device(&v);
	assert_verdict(&v, VERDICT_OK, "responds", "");
	fake.info.abi_version = 0;
	check_device(&v);
	assert_verdict(&v, VERDICT_FAIL, "older ABI", "update");
}

static void kvm_must_run_a_guest(void **state)
{
	struct kvm_facts f = { .version = 12, .cpu_support = true,
			       .guest_ran = true };
	struct verdict v;

	(void)state;
	judge_kvm(&f, &v);
	assert_verdict(&v, VERDICT_OK, "a guest runs", "");
	f.guest_ran = false;
	judge_kvm(&f, &v);
	assert_verdict(&v, VERDICT_FAIL, "first instruction", "nested");
	f.create_error = -EBUSY;
	judge_kvm(&f, &v);
	assert_verdict(&v, VERDICT_FAIL, "cannot create", "dmesg");
	f.open_error = -ENOENT;
	judge_kvm(&f, &v);
#ifdef __x86_64__
	assert_verdict(&v, VERDICT_FAIL, "cannot open /dev/kvm", "modprobe kvm_amd");
#else
	assert_verdict(&v, VERDICT_FAIL, "cannot open /dev/kvm", "boot a kernel with KVM");
#endif
	f.cpu_support = false;
	judge_kvm(&f, &v);
	assert_verdict(&v, VERDICT_FAIL, "vmx or svm", "firmware");
	f.open_error = -EACCES;
	judge_kvm(&f, &v);
	assert_verdict(&v, VERDICT_FAIL, "no permission", "usermod -aG kvm");
}

static void parts_are_needed_or_useful(void **state)
{
	struct verdict v;

	(void)state;
	judge_part("m", "use", true, false, MODULE_MISSING, &v);
	assert_verdict(&v, VERDICT_FAIL, "not available in this kernel (use)", "CONFIG_VDPA");
	judge_part("m", "use", false, false, MODULE_MISSING, &v);
	assert_verdict(&v, VERDICT_WARN, "not available in this kernel (use)", "CONFIG_VDPA");
	judge_part("m", "use", true, true, MODULE_LOADABLE, &v);
	assert_verdict(&v, VERDICT_WARN, "not loaded", "modprobe m");
	judge_part("m", "use", true, false, MODULE_LOADABLE, &v);
	assert_verdict(&v, VERDICT_OK, "can be loaded", "");
	judge_part("m", "use", true, true, MODULE_BUILTIN, &v);
	assert_verdict(&v, VERDICT_OK, "built in", "");
}

static void memlock_warns_below_unlimited(void **state)
{
	struct verdict v;

	(void)state;
	judge_memlock(RLIM_INFINITY, &v);
	assert_verdict(&v, VERDICT_OK, "unlimited", "");
	judge_memlock(8 << 20, &v);
	assert_verdict(&v, VERDICT_WARN, "8 MiB", "ulimit -l unlimited");
}

static void map_entries_are_weighed_against_memory(void **state)
{
	struct verdict v;

	(void)state;
	judge_map_entries(0, 8192, &v);
	assert_verdict(&v, VERDICT_OK, "not loaded", "");
	judge_map_entries(2048, 4096, &v);
	assert_verdict(&v, VERDICT_OK, "2048 entries: enough for any VM", "");
	judge_map_entries(65536, 256, &v);
	assert_verdict(&v, VERDICT_OK, "65536 entries: enough for any VM", "");
	assert_null(strstr(v.what, "migrates"));
	judge_map_entries(2048, 256, &v);
	assert_verdict(&v, VERDICT_OK, "not for one above 8 MiB that migrates", "");
	judge_map_entries(2048, 4097, &v);
	assert_verdict(&v, VERDICT_WARN, "above 4 GiB",
		       "vhost_vdpa max_iotlb_entries=2097152");
	judge_map_entries(16, 64, &v);
	assert_verdict(&v, VERDICT_WARN, "above 0 GiB",
		       "max_iotlb_entries=65536");
}

static void own_taint_is_expected(void **state)
{
	struct verdict v;

	(void)state;
	judge_taint(0, &v);
	assert_verdict(&v, VERDICT_OK, "not tainted", "");
	judge_taint(1 << 12 | 1 << 13, &v);
	assert_verdict(&v, VERDICT_OK, "out-of-tree module", "");
	judge_taint(1 << 9 | 1 << 12, &v);
	assert_verdict(&v, VERDICT_WARN, "printed a warning", "dmesg");
	judge_taint(1 << 7, &v);
	assert_verdict(&v, VERDICT_FAIL, "oopsed", "reboot");
}

static void schedulers_that_failed_are_reported(void **state)
{
	struct sched_state sched = { .on = true, .tier = TIER_BPF };
	struct verdict v;

	(void)state;
	judge_scheduler(&sched, TIER_BPF, &v);
	assert_verdict(&v, VERDICT_OK, "on (bpf)", "");
	sched = (struct sched_state){ 0 };
	judge_scheduler(&sched, TIER_NATIVE, &v);
	assert_verdict(&v, VERDICT_OK, "off; this host could run it (native)", "");
	judge_scheduler(&sched, TIER_CGROUP, &v);
	assert_verdict(&v, VERDICT_OK, "cgroups only", "");
	snprintf(sched.ended, sizeof(sched.ended), "unregistered from user space");
	judge_scheduler(&sched, TIER_BPF, &v);
	assert_verdict(&v, VERDICT_OK, "off", "");
	snprintf(sched.ended, sizeof(sched.ended), "runnable task stall: x failed to run");
	judge_scheduler(&sched, TIER_BPF, &v);
	assert_verdict(&v, VERDICT_WARN, "it ended: runnable task stall", "queztl sched start");
	snprintf(sched.other, sizeof(sched.other), "simple");
	judge_scheduler(&sched, TIER_BPF, &v);
	assert_verdict(&v, VERDICT_WARN, "'simple' runs", "stop it");
}

static bool find_in(const char *list, const char *module)
{
	FILE *file = fmemopen((void *)list, strlen(list), "r");
	char path[128];
	bool found = find_in_modules(file, module, path, sizeof(path));

	fclose(file);
	return found;
}

static void modules_are_found_by_name(void **state)
{
	static const char list[] =
		"kernel/drivers/vdpa/vdpa.ko.xz: kernel/lib/other.ko\n"
		"kernel/drivers/virtio/virtio-vdpa.ko: kernel/x/vdpa.ko\n";
	static const char builtin[] = "kernel/drivers/vhost/vhost_iotlb.ko\n";

	(void)state;
	assert_true(find_in(list, "vdpa"));
	assert_true(find_in(list, "virtio_vdpa"));
	assert_false(find_in(list, "other"));
	assert_false(find_in(list, "vhost_vdpa"));
	assert_false(find_in(list, "vd"));
	assert_true(find_in(builtin, "vhost_iotlb"));
}

static void ports_in_trouble_are_explained(void **state)
{
	struct queztl_port *port = &fake.ports[0].port;
	char user[32];
	struct verdict v;

	(void)state;
	fake_populate();
	fake.ports[1].port.state = QUEZTL_PORT_OPEN;
	check_ports(&v);
	assert_verdict(&v, VERDICT_OK, "2, none of them in trouble", "");
	port->state = QUEZTL_PORT_OPEN | QUEZTL_PORT_NO_WORKER;
	check_ports(&v);
	assert_verdict(&v, VERDICT_WARN, "could start no thread", "TasksMax");
	assert_non_null(strstr(v.what, "web0 of "));
	port->state = QUEZTL_PORT_OPEN | QUEZTL_PORT_DELETED;
	snprintf(user, sizeof(user), "(%d) has it open", getpid());
	check_ports(&v);
	assert_verdict(&v, VERDICT_WARN, "web0 was deleted, but", "kill ");
	assert_non_null(strstr(v.what, user));
	port->pid = 0;
	check_ports(&v);
	assert_verdict(&v, VERDICT_WARN, "not known", "stop the process");
	port->state = QUEZTL_PORT_OPEN | QUEZTL_PORT_BROKEN;
	check_ports(&v);
	assert_verdict(&v, VERDICT_WARN, "nonsense", "restart the VM");
	fake.open_error = ENOENT;
	check_ports(&v);
	assert_verdict(&v, VERDICT_OK, "not looked at", "");
}

static void a_limit_that_bites_is_named(void **state)
{
	struct verdict v;

	(void)state;
	fake_populate();
	fake.ports[0].port.state = fake.ports[1].port.state = QUEZTL_PORT_OPEN;
	fake.ports[0].stats.drops[QUEZTL_DROP_RATE] = 1234;
	check_ports(&v);
	assert_verdict(&v, VERDICT_WARN, "web0 has sent more broadcasts and multicasts than its limit",
		       "queztl port set web0 flood N");
	assert_non_null(strstr(v.what, "1234 dropped"));
	fake.ports[1].port.state = QUEZTL_PORT_BROKEN;	/* worse */
	check_ports(&v);
	assert_verdict(&v, VERDICT_WARN, "nonsense", "restart the VM");
}

static void doctor_prints_one_verdict_per_check(void **state)
{
	json_t *doctor, *checks, *check;
	int failed = 0;
	size_t i;

	(void)state;
	fake_reset();
	doctor = json_loads(run("doctor --json")->out, 0, NULL);
	checks = json_object_get(doctor, "checks");
	assert_int_equal(json_array_size(checks), 19);
	json_array_foreach(checks, i, check)
		failed += !strcmp(json_string_value(
			json_object_get(check, "status")), "fail");
	assert_int_equal(json_is_false(json_object_get(doctor, "ok")), !!failed);
	assert_int_equal(run("doctor")->code, failed ? 1 : 0);
	json_decref(doctor);
	assert_int_equal(count_lines(run_at(0, "doctor")->out), 19 + 2);
	assert_true(longest_line(run("doctor")->out) <= LINE_MAX_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_is_6_12_or_later),
		cmocka_unit_test(qemu_complains_of_windows_beside_ports),
		cmocka_unit_test(lockdown_is_in_brackets),
		cmocka_unit_test(unsigned_module_is_refused_by_lockdown),
		cmocka_unit_test(sig_enforce_alone_refuses),
		cmocka_unit_test(device_says_what_to_join),
		cmocka_unit_test(missing_direct_delivery_is_told),
		cmocka_unit_test(device_is_asked_for_its_version),
		cmocka_unit_test(kvm_must_run_a_guest),
		cmocka_unit_test(parts_are_needed_or_useful),
		cmocka_unit_test(memlock_warns_below_unlimited),
		cmocka_unit_test(map_entries_are_weighed_against_memory),
		cmocka_unit_test(own_taint_is_expected),
		cmocka_unit_test(schedulers_that_failed_are_reported),
		cmocka_unit_test(modules_are_found_by_name),
		cmocka_unit_test(ports_in_trouble_are_explained),
		cmocka_unit_test(a_limit_that_bites_is_named),
		cmocka_unit_test(doctor_prints_one_verdict_per_check),
	};

	return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
