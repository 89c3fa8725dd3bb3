// SPDX-License-Identifier: GPL-2.0
/*
 * Looks at the host again and again, and prints what has changed. A part of it is
 * announced by the kernel's uevents; for the rest there is the interval.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <queztl.h>

#include "event.h"
#include "fail.h"
#include "interval.h"
#include "monitor_options.h"
#include "uevent.h"

/* At most so much of a CPU is for looking, and so often. */
#define REST_PER_LOOK	9
#define REST_NS		50000000ULL

/**
 * struct monitor - a monitor at work
 * @cli: where to print
 * @options: what to show; its count is what is left of it
 * @uevents: descriptor, negative: there is none
 * @when: the time of the last look
 * @looked: when it ended, CLOCK_MONOTONIC
 * @took_ns: CPU time that it took
 * @now: what it found
 */
struct monitor {
	struct cli *cli;
	struct monitor_options options;
	int uevents;
	struct timespec when;
	struct timespec looked;
	uint64_t took_ns;
	struct items now;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* A system call that waits returns. A second signal ends the program. */
static void catch_signals(void)
{
	struct sigaction action = {
		.sa_handler = interrupt, .sa_flags = SA_RESETHAND,
	};

	interrupted = 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* 0 if it is over. */
static uint64_t ns_until(const struct timespec *when)
{
	struct timespec now;
	int64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (when->tv_sec - now.tv_sec) * 1000000000LL +
	     when->tv_nsec - now.tv_nsec;
	return ns > 0 ? ns : 0;
}

/* Of this process: while it is stopped or waits for a CPU it uses none. */
static uint64_t cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * 1000000000ULL + used.tv_nsec;
}

static bool is_wanted(const struct monitor *m, const struct item *item)
{
	return m->options.kinds & 1u << item->kind &&
	       (!m->options.name || (item->name && !strcmp(item->name, m->options.name)));
}

static bool show_event(void *ctx, const struct event *event)
{
	struct monitor *m = ctx;

	if (!is_wanted(m, event->item))
		return true;
	print_event(m->cli, &m->when, event);
	if (ferror(m->cli->out) || interrupted)
		return false;
	return !m->options.count || --m->options.count;
}

/* No module, or none that is ready: what waits for it goes on. */
static bool is_absent(int error)
{
	return error == -ENOENT || error == -ENODEV || error == -ENXIO;
}

/* Opened for each look: else the module could not be unloaded. */
static int look(struct monitor *m, struct items *items)
{
	uint64_t began = cpu_ns();
	int fd = queztl_open();
	int ret = fd < 0 && !is_absent(fd) ? fd : 0;

	clock_gettime(CLOCK_REALTIME, &m->when);
	if (!ret)
		ret = read_items(fd, m->options.kinds | 1u << ITEM_MODULE, items);
	if (fd >= 0)
		close(fd);
	clock_gettime(CLOCK_MONOTONIC, &m->looked);
	m->took_ns = cpu_ns() - began;
	return ret;
}

static struct timespec time_after(const struct monitor *m, uint64_t ns)
{
	struct timespec when = m->looked;

	if (ns < m->took_ns * REST_PER_LOOK)
		ns = m->took_ns * REST_PER_LOOK;
	add_seconds(&when, ns / 1e9);
	return when;
}

/*
 * Waits for one of: a signal, output that nobody reads any more, an uevent unless
 * there was one, the time. The signals do not wait for us while we print.
 */
static bool wait_once(struct monitor *m, const struct timespec *until,
		      bool *announced)
{
	struct pollfd polled[] = {
		{ .fd = *announced ? -1 : m->uevents, .events = POLLIN },
		{ .fd = fileno(m->cli->out) },
	};
	struct timespec left = { 0 };
	sigset_t ends, usual;
	bool goes_on = true;

	add_seconds(&left, ns_until(until) / 1e9);
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, &usual);
	if (interrupted || ppoll(polled, 2, &left, &usual) < 0)
		goes_on = !interrupted;
	sigprocmask(SIG_SETMASK, &usual, NULL);
	if (polled[0].revents)
		*announced = drain_uevents(m->uevents);
	return goes_on && !interrupted && !polled[1].revents;
}

/* False: it is to end. Several uevents are one reason to look. */
static bool wait_for_change(struct monitor *m)
{
	const struct timespec soon = time_after(m, REST_NS);
	const struct timespec late = time_after(m, (uint64_t)(m->options.seconds * 1e9));
	bool announced = false;

	do {
		if (!wait_once(m, announced ? &soon : &late, &announced))
			return false;
	} while (ns_until(announced ? &soon : &late));
	if (m->uevents >= 0)
		drain_uevents(m->uevents);	/* what they tell is seen now */
	return true;
}

static bool show_missing(struct monitor *m)
{
	struct item module = { .kind = ITEM_MODULE, .name = (char *)"queztl" };
	struct event event = { .kind = EVENT_MISSING, .item = &module };

	if (find_item(&m->now, ITEM_MODULE, 0))
		return true;
	if (is_wanted(m, &module))
		return show_event(m, &event);
	fputs("queztl: the module is not loaded: waiting for it\n", m->cli->err);
	return true;
}

/* False: it is to end. What could not be written because of a signal is dropped. */
static bool flush(struct monitor *m)
{
	if (!fflush(m->cli->out) && !ferror(m->cli->out))
		return !interrupted;
	if (interrupted)
		clearerr(m->cli->out);
	return false;
}

static int fail_look(struct cli *cli, int ret)
{
	int code = EXIT_FAILED, fd;

	if (ret != -EACCES && ret != -EPERM)
		return fail_errno(cli, ret, "cannot look at this host");
	fd = open_device(cli, &code);	/* says why not */
	if (fd >= 0)
		close(fd);
	return fd >= 0 ? fail_errno(cli, ret, "cannot look at this host") : code;
}

/*
 * What could not be read whole, because it changed meanwhile, is read again later.
 * A device that has just been made may belong to root for a moment.
 */
static bool may_pass(int ret)
{
	return ret == -EACCES || ret == -EAGAIN || ret == -EBUSY ||
	       ret == -ENODEV || ret == -ESTALE;
}

static int follow(struct monitor *m)
{
	struct items next = { 0 };
	bool more = true;
	int ret = 0;

	while (more && flush(m) && wait_for_change(m)) {
		ret = look(m, &next);
		if (interrupted)	/* it may have taken seconds; printing may take for ever */
			break;
		if (!ret) {
			more = compare_moments(&m->now, &next, show_event, m);
			free_items(&m->now);
			m->now = next;
			next = (struct items){ 0 };
			continue;
		}
		free_items(&next);
		if (!may_pass(ret))
			break;
		ret = 0;
	}
	free_items(&next);
	return ret && !interrupted ? fail_look(m->cli, ret) : EXIT_OK;
}

static int run(struct monitor *m)
{
	static const struct items nothing;
	int code = EXIT_OK, ret;

	catch_signals();
	m->uevents = open_uevents();
	ret = look(m, &m->now);
	if (ret)
		code = fail_look(m->cli, ret);
	else if (!interrupted && show_missing(m) &&
		 (!m->options.initial || compare_moments(&nothing, &m->now, show_event, m)))
		code = follow(m);
	flush(m);
	free_items(&m->now);
	if (m->uevents >= 0)
		close(m->uevents);
	return code;
}

int run_monitor(struct cli *cli, int argc, char **argv)
{
	struct monitor m = { .cli = cli };
	int code = parse_monitor_options(cli, argc, argv, &m.options);

	return code ? code : run(&m);
}
