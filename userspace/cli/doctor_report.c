// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "cli.h"
#include "color.h"
#include "doctor_report.h"
#include "format.h"
#include "json.h"

/* On a narrow terminal the remedy goes to a line of its own. */
static void print_verdict(struct cli *cli, const char *name,
			  const struct verdict *v)
{
	static const char *const words[] = { "ok", "warn", "FAIL" };
	static const enum color colors[] = { GOOD, DOUBTFUL, BAD };
	size_t length = 20 + text_width(v->what) + 4 + text_width(v->remedy);

	if (cli->color)
		begin_color(cli->out, colors[v->status]);
	fprintf(cli->out, "%-4s", words[v->status]);
	if (cli->color)
		end_color(cli->out, colors[v->status]);
	fprintf(cli->out, "  %-12s  %s", name, v->what);
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

void add_verdict(struct report *report, const char *name, struct verdict *v)
{
	make_printable(v->what);
	report->numbers[v->status]++;
	json_array_append_new(report->list, verdict_json(name, v));
	if (!report->cli->json)
		print_verdict(report->cli, name, v);
}

void end_report(struct report *report)
{
	if (report->cli->json)
		print_doctor_json(report->cli, json_incref(report->list),
				  !report->numbers[VERDICT_FAIL]);
	else
		print_summary(report->cli, report->numbers);
}
