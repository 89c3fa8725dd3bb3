// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "fail.h"
#include "worker.h"

static void block_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
}

static void work(struct cli *cli, int (*fn)(struct cli *cli, void *ctx),
		 void *ctx)
{
	int code;

	setsid();
	block_signals();
	code = fn(cli, ctx);
	fflush(cli->err);
	/* The rest is the parent's to write. */
	_exit(code);
}

int run_in_worker(struct cli *cli, int (*fn)(struct cli *cli, void *ctx),
		  void *ctx)
{
	int status = 0;
	pid_t pid;

	fflush(cli->out);
	fflush(cli->err);
	pid = fork();
	if (pid < 0)
		return fail_errno(cli, -errno, "cannot start a process");
	if (!pid)
		work(cli, fn, ctx);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return WORKER_KILLED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : WORKER_KILLED;
}
