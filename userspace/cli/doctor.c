// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <string.h>

#include "cli.h"
#include "doctor.h"
#include "format.h"
#include "json.h"
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

/* On a narrow terminal the remedy goes to a line of its own. */
static void print_verdict(struct cli *cli, const char *name,
			  const struct verdict *v)
{
	static const char *const words[] = { "ok", "warn", "FAIL" };
	size_t length = 20 + text_width(v->what) + 4 + text_width(v->remedy);

	fprintf(cli->out, "%-4s  %-12s  %s", words[v->status], name, v->what);
	if (*v->remedy && cli->width && length > cli->width)
		fprintf(cli->out, "\n%4s-> %s", "", v->remedy);
	else if (*v->remedy)
		fprintf(cli->out, "  -> %s", v->remedy);
	fputc('\n', cli->out);
}

static json_t *verdict_json(const char *name, const struct verdict *v)
{
	static const char *const words[] = { "ok", "warn", "fail" };
	json_t *object = json_object();

	set_text(object, "name", name);
	set_text(object, "status", words[v->status]);
	set_text(object, "what", v->what);
	set_text(object, "remedy", *v->remedy ? v->remedy : NULL);
	return object;
}

static void print_summary(struct cli *cli, const int *numbers)
{
	int failed = numbers[VERDICT_FAIL], warned = numbers[VERDICT_WARN];

	if (failed == 1)
		fputs("\n1 check failed. Fix it, then run queztl doctor again.\n",
		      cli->out);
	else if (failed)
		fprintf(cli->out, "\n%d checks failed. Fix them in this order.\n",
			failed);
	else if (warned)
		fprintf(cli->out, "\nNo check failed; warnings: %d.\n",
			warned);
	else
		fputs("\nAll checks passed.\n", cli->out);
}

static void print_doctor_json(struct cli *cli, json_t *list, bool ok)
{
	json_t *object = json_object();

	set_json(object, "ok", json_boolean(ok));
	set_json(object, "checks", list);
	print_json(object, cli->out, false);
}

int run_doctor(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 0);
	json_t *list = json_array();
	int numbers[3] = { 0 };

	for (const struct check *c = checks; !code && c->name; c++) {
		struct verdict v = { 0 };

		c->run(&v);
		make_printable(v.what);
		numbers[v.status]++;
		json_array_append_new(list, verdict_json(c->name, &v));
		if (!cli->json)
			print_verdict(cli, c->name, &v);
	}
	if (!code && cli->json)
		print_doctor_json(cli, json_incref(list),
				  !numbers[VERDICT_FAIL]);
	else if (!code)
		print_summary(cli, numbers);
	json_decref(list);
	return code ? code : numbers[VERDICT_FAIL] ? EXIT_FAILED : EXIT_OK;
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
