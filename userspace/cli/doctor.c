// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>

#include "cli.h"
#include "doctor_report.h"
#include "doctor_vm.h"
#include "fail.h"
#include "options.h"

static const struct check checks[];

void judge(struct verdict *v, int status, const char *what,
	   const char *remedy, ...)
{
	va_list args;

	v->status = status;
	snprintf(v->remedy, sizeof(v->remedy), "%s", remedy ? remedy : "");
	va_start(args, remedy);
	vsnprintf(v->what, sizeof(v->what), what, args);
	va_end(args);
}

static void check_host(struct report *report)
{
	for (const struct check *c = checks; c->name; c++) {
		struct verdict v = { 0 };

		c->run(&v);
		add_verdict(report, c->name, &v);
	}
}

int run_doctor(struct cli *cli, int argc, char **argv)
{
	const char *vm = NULL;
	bool one = take_value(&argc, argv, "--vm", false, &vm);
	int code = expect_words(cli, argc, argv, 0);
	struct report report = { .cli = cli };

	if (!code && one && !vm)
		code = fail(cli, EXIT_USAGE,
			    "missing value for --vm: give the name or the PID of a VM");
	if (code)
		return code;
	report.list = json_array();
	if (one)
		code = examine_vm(cli, &report, vm);
	else
		check_host(&report);
	if (!code)
		end_report(&report);
	json_decref(report.list);
	return code ? code :
	       report.numbers[VERDICT_FAIL] ? EXIT_FAILED : EXIT_OK;
}

/* In the order in which to fix them. */
static const struct check checks[] = {
	{ "kernel", check_kernel },
	{ "headers", check_headers },
	{ "signature", check_signature },
	{ "vhost_iotlb", check_vhost_iotlb },
	{ "vdpa", check_vdpa },
	{ "kvm", check_kvm },
	{ "queztl.ko", check_module },
	{ "device", check_device },
	{ "direct", check_direct },
	{ "vhost_vdpa", check_vhost_vdpa },
	{ "virtio_vdpa", check_virtio_vdpa },
	{ "vdpa tool", check_vdpa_tool },
	{ "memlock", check_memlock },
	{ "map entries", check_map_entries },
	{ "ports", check_ports },
	{ "windows", check_windows },
	{ "scheduler", check_scheduler },
	{ "debugfs", check_debugfs },
	{ "taint", check_taint },
	{ 0 }
};
