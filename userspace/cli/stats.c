// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "busiest.h"
#include "fail.h"
#include "interval.h"
#include "options.h"
#include "stats.h"

struct watching {
	bool on;
	double seconds;
	uint64_t count;		/* 0: no limit */
	uint64_t top;		/* ports to show, 0: all */
};

/* The word after --watch if it cannot be an interval, as "abc"; else NULL. */
static const char *find_bad_interval(int argc, char **argv)
{
	double seconds;

	for (int i = 0; i + 1 < argc; i++)
		if (!strcmp(argv[i], "--watch") && argv[i + 1][0] != '-' &&
		    !parse_seconds(argv[i + 1], &seconds))
			return argv[i + 1];
	return NULL;
}

static int fail_interval(struct cli *cli, const char *seconds)
{
	return fail(cli, EXIT_USAGE,
		    "invalid --watch interval '%s': use 0.1 to 86400 seconds",
		    seconds);
}

static int parse_watching(struct cli *cli, int *argc, char **argv,
			  struct watching *watch)
{
	const char *seconds = find_bad_interval(*argc, argv), *count;

	if (seconds)
		return fail_interval(cli, seconds);
	watch->on = take_value(argc, argv, "--watch", true, &seconds);
	watch->seconds = 1;
	watch->count = 0;
	if (seconds && !parse_seconds(seconds, &watch->seconds))
		return fail_interval(cli, seconds);
	if (!take_value(argc, argv, "--count", false, &count))
		return EXIT_OK;
	if (!watch->on)
		return fail(cli, EXIT_USAGE, "--count requires --watch");
	if (!count)
		return fail(cli, EXIT_USAGE,
			    "missing value for --count: use a number above 0");
	if (!parse_number(count, 1, UINT64_MAX, &watch->count))
		return fail(cli, EXIT_USAGE,
			    "invalid --count value '%s': use a number above 0",
			    count);
	return EXIT_OK;
}

static int parse_top(struct cli *cli, int *argc, char **argv,
		     struct watching *watch)
{
	const char *top;

	watch->top = 0;
	if (take_value(argc, argv, "--top", false, &top) &&
	    (!top || !parse_number(top, 1, UINT32_MAX, &watch->top)))
		return fail(cli, EXIT_USAGE,
			    "invalid --top value '%s': use a number of ports above 0",
			    top ? top : "");
	return EXIT_OK;
}

static void print_all(struct cli *cli, const struct snapshot *before,
		      const struct snapshot *now)
{
	if (cli->json)
		print_stats_json(cli, before, now);
	else
		print_stats_text(cli, before, now);
}

static void print_stats(struct cli *cli, const struct watching *watch,
			const struct snapshot *before,
			const struct snapshot *now)
{
	struct snapshot chosen;

	if (!watch->top) {
		print_all(cli, before, now);
		return;
	}
	chosen = choose_busiest(before, now, watch->top);
	print_all(cli, before, &chosen);
	free_snapshot(&chosen);
}

static int fail_stats(struct cli *cli, int ret)
{
	return fail_errno(cli, ret, "cannot read the counters");
}

static int print_once(struct cli *cli, int fd, const struct watching *watch)
{
	struct snapshot now = { 0 };
	int ret = read_counters(fd, &now);

	if (!ret)
		print_stats(cli, watch, NULL, &now);
	free_snapshot(&now);
	return ret ? fail_stats(cli, ret) : EXIT_OK;
}

/* On a terminal each report replaces the previous one. */
static void begin_report(struct cli *cli, uint64_t number)
{
	if (cli->json)
		return;
	if (cli->terminal)
		fputs("\033[H\033[2J", cli->out);
	else if (number)
		fputc('\n', cli->out);
}

static int watch_stats(struct cli *cli, int fd, const struct watching *watch)
{
	struct snapshot before = { 0 }, now = { 0 };
	struct timespec when;
	uint64_t number = 0;
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &when);
	ret = read_counters(fd, &before);
	while (!ret && (!watch->count || number < watch->count)) {
		add_seconds(&when, watch->seconds);
		wait_until(&when);
		ret = read_counters(fd, &now);
		if (ret)
			break;
		begin_report(cli, number++);
		print_stats(cli, watch, &before, &now);
		if (fflush(cli->out))
			break;
		free_snapshot(&before);
		before = now;
		memset(&now, 0, sizeof(now));
	}
	free_snapshot(&before);
	free_snapshot(&now);
	return ret ? fail_stats(cli, ret) : EXIT_OK;
}

int run_stats(struct cli *cli, int argc, char **argv)
{
	struct watching watch;
	int code = parse_watching(cli, &argc, argv, &watch);
	int fd;

	if (!code)
		code = parse_top(cli, &argc, argv, &watch);
	if (!code)
		code = expect_words(cli, argc, argv, 0);
	if (code)
		return code;
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	code = watch.on ? watch_stats(cli, fd, &watch) :
			  print_once(cli, fd, &watch);
	close(fd);
	return code;
}
