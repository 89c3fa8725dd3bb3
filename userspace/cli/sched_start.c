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
#include "sched.h"

#define WAIT_MS	30000	/* the kernel lets running tasks finish first */

/* In the child: on its own, without our terminal, and with one end of a pipe. */
static void become_loader(const char *path, const char *check, const char *slice,
			  int ready)
{
	const char *argv[8] = { path, "-r" };
	char number[16];
	int nothing = open("/dev/null", O_RDWR), n = 2;

	snprintf(number, sizeof(number), "%d", ready);
	argv[n++] = number;
	if (check) {
		argv[n++] = "-c";
		argv[n++] = check;
	}
	if (slice) {
		argv[n++] = "-l";
		argv[n++] = slice;
	}
	setsid();
	dup2(nothing, STDIN_FILENO);
	dup2(nothing, STDOUT_FILENO);
	dup2(nothing, STDERR_FILENO);
	if (chdir("/"))
		_exit(1);
	execv(path, (char **)argv);
	_exit(1);
}

static int report(struct cli *cli, const char *line)
{
	if (!strncmp(line, "on", 2)) {
		fprintf(cli->out, "scheduler on (bpf): a VM is one customer\n");
		return EXIT_OK;
	}
	return fail(cli, EXIT_FAILED, "the scheduler did not start: %s",
		    !strncmp(line, "off: ", 5) ? line + 5 :
		    *line ? line : "queztl-sched ended without a word");
}

static int start_loader(struct cli *cli, const char *path, const char *check,
			const char *slice)
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
		become_loader(path, check, slice, ends[1]);
	}
	close(ends[1]);
	if (child > 0)
		waitpid(child, NULL, 0);
	ready = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	if (poll(&ready, 1, WAIT_MS) > 0 && read(ends[0], line, sizeof(line) - 1) > 0)
		line[strcspn(line, "\n")] = '\0';
	close(ends[0]);
	return report(cli, line);
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
	const char *check, *slice;
	struct sched_state state;
	int code = take_us(cli, &argc, argv, "--check", 0, 1000000, &check);

	if (!code)
		code = take_us(cli, &argc, argv, "--slice", 100, 100000, &slice);
	if (!code)
		code = expect_words(cli, argc, argv, 0);
	if (code)
		return code;
	read_sched_state(&state);
	if (state.on)
		return fail(cli, EXIT_FAILED, "the scheduler is on already: see queztl sched status");
	if (*state.other)
		return fail(cli, EXIT_FAILED, "the scheduler '%s' runs: stop it first", state.other);
	if (best_tier(missing) != TIER_BPF)
		return fail(cli, EXIT_UNSUPPORTED,
			    "%s: EEVDF goes on; queztl sched set gives VMs' cgroups weights and limits",
			    missing);
	if (geteuid())
		return fail(cli, EXIT_NO_PERMISSION, "not permitted: use sudo");
	find_loader(path, sizeof(path));
	return start_loader(cli, path, check, slice);
}

int run_sched_stop(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 0);
	struct sched_state state;
	struct pollfd gone = { .events = POLLIN };

	if (code)
		return code;
	read_sched_state(&state);
	if (!state.on)
		return fail(cli, EXIT_NO_OBJECT, "the scheduler is off: see queztl sched status");
	gone.fd = pidfd_open(state.pid, 0);
	if (gone.fd < 0 && errno == ESRCH)
		return EXIT_OK;
	if (gone.fd < 0 || pidfd_send_signal(gone.fd, SIGTERM, NULL, 0)) {
		code = fail_errno(cli, -errno, "cannot stop queztl-sched (process %d)", state.pid);
	} else if (poll(&gone, 1, WAIT_MS) <= 0) {
		code = fail(cli, EXIT_FAILED, "queztl-sched (process %d) does not end: see dmesg",
			    state.pid);
	}
	if (gone.fd >= 0)
		close(gone.fd);
	return code;
}
