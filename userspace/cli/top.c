// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <stdlib.h>

#include "fail.h"
#include "interval.h"
#include "memory.h"
#include "options.h"
#include "screen.h"
#include "top.h"

struct top {
	struct cli *cli;
	bool live;		/* redraw the terminal, listen to keys */
	double seconds;
	uint64_t count;		/* samples to show, 0: no limit */
	struct top_order order;
	struct usage_reader reader;
	struct sample now;
	unsigned int lines;	/* of the terminal */
};

static bool take_either(int *argc, char **argv, const char *name,
			const char *long_name, const char **value)
{
	return take_value(argc, argv, name, false, value) ||
	       take_value(argc, argv, long_name, false, value);
}

static int parse_times(struct top *t, int *argc, char **argv)
{
	const char *value;

	if (take_either(argc, argv, "-d", "--delay", &value) &&
	    (!value || !parse_seconds(value, &t->seconds)))
		return fail(t->cli, EXIT_USAGE,
			    "invalid -d value '%s': use 0.1 to 86400 seconds",
			    value ? value : "");
	if (take_either(argc, argv, "-n", "--count", &value) &&
	    (!value || !parse_number(value, 1, UINT64_MAX, &t->count)))
		return fail(t->cli, EXIT_USAGE,
			    "invalid -n value '%s': use a number above 0",
			    value ? value : "");
	if (take_flag(argc, argv, "--once")) {
		if (t->count)
			return fail(t->cli, EXIT_USAGE,
				    "--once and -n exclude each other");
		t->count = 1;
		t->live = false;
	}
	return EXIT_OK;
}

static int parse_order(struct top *t, int *argc, char **argv)
{
	const char *value;

	if (!take_either(argc, argv, "-s", "--sort", &value))
		value = "cpu";
	if (!value || !order_by_name(&t->order, value))
		return fail(t->cli, EXIT_USAGE,
			    "invalid -s column '%s': use %s",
			    value ? value : "", top_column_names);
	return EXIT_OK;
}

static int parse_pids(struct top *t, int argc, char **argv, int *pids)
{
	uint64_t pid;
	int code = expect_between(t->cli, argc, argv, 0, INT_MAX);

	if (code)
		return code;
	for (int i = 0; i < argc; i++) {
		if (!parse_number(argv[i], 1, INT_MAX, &pid))
			return fail(t->cli, EXIT_USAGE,
				    "invalid PID '%s': give the process ID of a VMM",
				    argv[i]);
		pids[i] = pid;
	}
	t->reader.finder.pids = pids;
	t->reader.finder.pid_count = argc;
	return EXIT_OK;
}

static int next_sample(struct top *t)
{
	struct sample next = { 0 };
	int ret = read_sample(&t->reader, &t->now, &next);

	if (ret) {
		screen_close();	/* what is on it would be lost */
		return fail_errno(t->cli, ret, "cannot list the VMs");
	}
	free_sample(&t->now);
	t->now = next;
	return EXIT_OK;
}

static bool has_process(const struct sample *now, int pid)
{
	for (size_t i = 0; i < now->count; i++)
		if (now->vms[i].vmm.pid == pid)
			return true;
	return false;
}

/* Those that were named must exist at first; they may end later. */
static int first_sample(struct top *t)
{
	const struct vm_finder *finder = &t->reader.finder;
	int code = next_sample(t);

	for (size_t i = 0; !code && i < finder->pid_count; i++)
		if (!has_process(&t->now, finder->pids[i]))
			code = fail(t->cli, EXIT_NO_OBJECT,
				    "no process %d: give the PID of a running VMM",
				    finder->pids[i]);
	return code;
}

static void print_status(const struct top *t, FILE *out)
{
	fprintf(out, "VMs: %zu, every %g s, by %s%s; keys: < > sort, i invert, q quit\n",
		t->now.count, t->seconds, order_title(&t->order),
		t->order.reverse ? " inverted" : "");
}

static void draw(struct top *t)
{
	struct cli page = *t->cli;
	char *text;
	size_t size;

	screen_size(&page.width, &t->lines);
	page.out = open_memstream(&text, &size);
	if (!page.out)
		out_of_memory();
	print_status(t, page.out);
	if (t->now.interval_ns)
		print_top_text(&page, &t->now, &t->order,
			       t->lines > 1 ? t->lines - 1 : 1);
	fclose(page.out);
	screen_draw(t->cli->out, text, page.width,
		    t->now.interval_ns && t->now.count ? 1 : UINT_MAX);
	fflush(t->cli->out);
	free(text);
}

static void print_sample(struct top *t, uint64_t number)
{
	if (t->live) {
		draw(t);
	} else if (t->cli->json) {
		print_top_json(t->cli, &t->now, &t->order);
	} else {
		if (number)
			fputc('\n', t->cli->out);
		print_top_text(t->cli, &t->now, &t->order, 0);
	}
}

/* Returns false to quit. */
static bool handle_key(struct top *t, int key)
{
	if (key == 'q' || key == SCREEN_GONE)
		return false;
	if (key == '<' || key == SCREEN_LEFT)
		move_order(&t->order, -1);
	else if (key == '>' || key == SCREEN_RIGHT)
		move_order(&t->order, 1);
	else if (key == 'i')
		t->order.reverse = !t->order.reverse;
	else if (key > 0)
		order_by_key(&t->order, key);
	draw(t);
	return true;
}

static bool is_past(const struct timespec *when)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return when->tv_sec != now.tv_sec ? when->tv_sec < now.tv_sec :
					    when->tv_nsec < now.tv_nsec;
}

/* Waits for the time of the next sample. Returns false to quit. */
static bool wait_interval(struct top *t, struct timespec *when)
{
	int key;

	/* The program was stopped: do not make up for what was missed. */
	add_seconds(when, t->seconds);
	if (is_past(when)) {
		clock_gettime(CLOCK_MONOTONIC, when);
		add_seconds(when, t->seconds);
	}
	if (!t->live) {
		wait_until(when);
		return true;
	}
	while ((key = screen_wait(when)) != SCREEN_TIME && key != ' ')
		if (!handle_key(t, key))
			return false;
	if (key == ' ')
		clock_gettime(CLOCK_MONOTONIC, when);
	return true;
}

static int watch_usage(struct top *t)
{
	struct timespec when;
	uint64_t number = 0;
	int code;

	clock_gettime(CLOCK_MONOTONIC, &when);
	code = first_sample(t);
	if (!code && t->live)
		screen_open();
	while (!code && (!t->count || number < t->count)) {
		if (!wait_interval(t, &when))
			break;
		code = next_sample(t);
		if (code)
			break;
		print_sample(t, number++);
		if (fflush(t->cli->out))
			break;
	}
	screen_close();
	return code;
}

int run_top(struct cli *cli, int argc, char **argv)
{
	struct top t = { .cli = cli, .seconds = 1, .lines = 24,
			 .live = cli->terminal && !cli->json };
	int *pids = grow(NULL, (argc + 1) * sizeof(*pids));
	int code = parse_times(&t, &argc, argv);

	if (!code)
		code = parse_order(&t, &argc, argv);
	if (!code)
		code = parse_pids(&t, argc, argv, pids);
	if (!code && check_accounting())
		code = fail(cli, EXIT_UNSUPPORTED,
			    "this kernel does not count what threads use: build it with CONFIG_SCHED_INFO");
	if (!code)
		code = watch_usage(&t);
	free_sample(&t.now);
	close_reader(&t.reader);
	free(pids);
	return code;
}
