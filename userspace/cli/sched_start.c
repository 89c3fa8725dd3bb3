// SPDX-License-Identifier: GPL-2.0
/* queztl sched start and stop: a process that keeps the scheduler loaded. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "fail.h"
#include "options.h"
#include "scheduler.h"
#include "sched_native.h"

#define START_MS	120000	/* the kernel checks the scheduler, on a host that may be busy */
#define STOP_MS		10000	/* then the kernel has to do it without queztl-sched */

/* How it is to be; NULL: as usual. */
struct start {
	const char *check, *slice;	/* us */
	bool per_vcpu;
};

/* In the child: on its own, without our terminal, and with one end of a pipe. */
static void become_loader(const char *path, const struct start *start, int ready)
{
	const char *argv[9] = { path, "-r" };
	char number[16];
	int nothing = open("/dev/null", O_RDWR), n = 2;

	snprintf(number, sizeof(number), "%d", ready);
	argv[n++] = number;
	if (start->check) {
		argv[n++] = "-c";
		argv[n++] = start->check;
	}
	if (start->slice) {
		argv[n++] = "-l";
		argv[n++] = start->slice;
	}
	if (start->per_vcpu)
		argv[n++] = "-p";
	setsid();
	dup2(nothing, STDIN_FILENO);
	dup2(nothing, STDOUT_FILENO);
	dup2(nothing, STDERR_FILENO);
	if (chdir("/"))
		_exit(1);
	execv(path, (char **)argv);
	_exit(1);
}

static int say_on(struct cli *cli, enum tier tier, bool per_vcpu)
{
	fprintf(cli->out, "scheduler on (%s): %s\n", tier_name(tier), share_text(per_vcpu));
	return EXIT_OK;
}

static int report(struct cli *cli, const char *line, bool per_vcpu)
{
	if (!strncmp(line, "on", 2))
		return say_on(cli, TIER_BPF, per_vcpu);
	return fail(cli, EXIT_FAILED, "the scheduler did not start: %s",
		    !strncmp(line, "off: ", 5) ? line + 5 :
		    *line ? line : "queztl-sched ended without a word");
}

static int start_loader(struct cli *cli, const char *path, const struct start *start)
{
	char line[REASON_ROOM] = "";
	struct pollfd ready;
	int ends[2];
	pid_t child;

	if (pipe(ends))
		return fail_errno(cli, -errno, "cannot make a pipe");
	child = fork();
	if (!child) {
		close(ends[0]);
		if (fork())	/* so that it is nobody's child that has to be waited for */
			_exit(0);
		become_loader(path, start, ends[1]);
	}
	close(ends[1]);
	if (child > 0)
		waitpid(child, NULL, 0);
	ready = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	if (!poll(&ready, 1, START_MS))
		snprintf(line, sizeof(line), "off: not within %d s: see queztl sched status", START_MS / 1000);
	else if (read(ends[0], line, sizeof(line) - 1) > 0)
		line[strcspn(line, "\n")] = '\0';
	close(ends[0]);
	return report(cli, line, start->per_vcpu);
}

/* 0 and none mean the usual value. */
static int start_native(struct cli *cli, const struct start *start)
{
	uint64_t check_us = 0, slice_us = 0;
	uint64_t mode = start->per_vcpu ? QUEZTL_SCHED_PER_VCPU : 0;
	int device = open_native(), ret;

	if (start->check)
		parse_number(start->check, 0, UINT32_MAX, &check_us);
	if (start->slice)
		parse_number(start->slice, 0, UINT32_MAX, &slice_us);
	ret = device < 0 ? -ENODEV : queztl_sched_start(device, slice_us, check_us, mode);
	if (device >= 0)
		close(device);
	if (ret == -EINVAL)
		return fail(cli, EXIT_USAGE, "invalid time: in queztl.ko --slice is 500 to 20000 and --check 250 to 20000 us");
	return ret ? fail_errno(cli, ret, "the scheduler did not start") :
		say_on(cli, TIER_NATIVE, start->per_vcpu);
}

static int stop_native(struct cli *cli)
{
	int device = open_native();
	int ret = device < 0 ? -ENODEV : queztl_sched_stop(device);

	if (device >= 0)
		close(device);
	return ret ? fail_errno(cli, ret, "cannot stop the scheduler") : EXIT_OK;
}

static int take_us(struct cli *cli, int *argc, char **argv, const char *name,
		   uint64_t least, uint64_t most, const char **value)
{
	uint64_t number;

	if (!take_value(argc, argv, name, false, value) || !*value)
		return EXIT_OK;
	if (parse_number(*value, least, most, &number))
		return EXIT_OK;
	return fail(cli, EXIT_USAGE, "invalid %s '%s': use %llu to %llu, in us", name,
		    *value, (unsigned long long)least, (unsigned long long)most);
}

int run_sched_start(struct cli *cli, int argc, char **argv)
{
	char missing[REASON_ROOM], path[512];
	struct start start = { .per_vcpu = take_flag(&argc, argv, "--per-vcpu") };
	struct sched_state state;
	enum tier tier;
	int code = take_us(cli, &argc, argv, "--check", 0, 1000000, &start.check);

	if (!code)
		code = take_us(cli, &argc, argv, "--slice", 100, 100000, &start.slice);
	if (!code)
		code = expect_words(cli, argc, argv, 0);
	if (code)
		return code;
	read_sched_state(&state);
	if (state.on)
		return fail(cli, EXIT_FAILED, "the scheduler is on already: see queztl sched status");
	if (*state.other)
		return fail(cli, EXIT_FAILED, "the scheduler '%s' runs: stop it first", state.other);
	tier = best_tier(missing);
	if (tier == TIER_NATIVE)
		return start_native(cli, &start);
	if (tier != TIER_BPF)
		return fail(cli, EXIT_UNSUPPORTED,
			    "%s: EEVDF goes on; queztl sched set gives VMs' cgroups weights and limits",
			    missing);
	if (geteuid())
		return fail(cli, EXIT_NO_PERMISSION, "not permitted: use sudo");
	find_loader(path, sizeof(path));
	return start_loader(cli, path, &start);
}

/*
 * Who was stopped, by a debugger or by a frozen cgroup, does not see SIGTERM. If
 * the process is killed the kernel does the rest, but its maps stay pinned.
 */
static int end_loader(int pidfd)
{
	static const int signals[] = { SIGTERM, SIGKILL };
	struct pollfd gone = { .fd = pidfd, .events = POLLIN };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (pidfd_send_signal(pidfd, signals[i], NULL, 0))
			return errno == ESRCH ? 0 : -errno;
		pidfd_send_signal(pidfd, SIGCONT, NULL, 0);
		if (poll(&gone, 1, STOP_MS) > 0)
			return 0;
	}
	return -ETIMEDOUT;
}

int run_sched_stop(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 0), pidfd, ret;
	struct sched_state state;

	if (code)
		return code;
	read_sched_state(&state);
	if (!state.on)
		return fail(cli, EXIT_NO_OBJECT, "the scheduler is off: see queztl sched status");
	if (state.tier == TIER_NATIVE)
		return stop_native(cli);
	pidfd = pidfd_open(state.pid, 0);
	if (pidfd < 0 && errno == ESRCH)
		return EXIT_OK;
	ret = pidfd < 0 ? -errno : end_loader(pidfd);
	if (pidfd >= 0)
		close(pidfd);
	return !ret ? EXIT_OK :
		fail_errno(cli, ret, "cannot stop queztl-sched (process %d)", state.pid);
}
