// SPDX-License-Identifier: GPL-2.0
/*
 * What a VM causes is charged to it. So each client is served by a child, in the
 * cgroup of the client; this process only accepts, waits and tells.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "fail.h"
#include "joincgroup.h"
#include "mailbox.h"
#include "windowserver.h"

#define LEAVE_MS	2000	/* for a child to end whose client has left */

static void say_cgroup(struct cli *cli, int pid)
{
	char path[PATH_MAX] = "";
	int ret = pid > 0 ? join_cgroup(pid, path, sizeof(path)) : -ESRCH;

	if (ret)
		fprintf(cli->err, "queztl: cannot join the cgroup of process %d (%s): the memory of its channels is charged to this service: %s\n",
			pid, *path ? path : "unknown", strerror(-ret));
	else if (!cli->json)
		fprintf(cli->out, "process %d connected, served in cgroup %s\n",
			pid, *path ? path : "/");
	fflush(cli->out);
}

static _Noreturn void run_child(struct server *server, pid_t parent, int pid)
{
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	sigprocmask(SIG_SETMASK, &server->usual, NULL);
	close(server->socket);
	close(server->signals);
	say_cgroup(server->cli, pid);
	ret = serve_client(&server->window, &server->bells, server->client);
	if (ret && ret != -EPIPE && ret != -ECONNRESET)
		fail_errno(server->cli, ret, "cannot serve process %d", pid);
	_exit(EXIT_OK);
}

static int client_pid(int socket)
{
	struct ucred peer = { 0 };
	socklen_t length = sizeof(peer);

	getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length);
	return peer.pid;
}

static int start_child(struct server *server)
{
	int pid = client_pid(server->client);
	pid_t parent = getpid();

	fflush(server->cli->out);
	server->pid = fork();
	if (!server->pid)
		run_child(server, parent, pid);
	if (server->pid < 0)
		return -errno;
	server->child = pidfd_open(server->pid, 0);
	return server->child < 0 ? -errno : 0;
}

static void wait_for_child(const struct server *server, int patience_ms)
{
	struct pollfd ended = { .fd = server->child, .events = POLLIN };
	int status;

	if (server->child < 0 || poll(&ended, 1, patience_ms) <= 0)
		kill(server->pid, SIGKILL);
	else if (waitpid(server->pid, &status, 0) > 0 && WIFSIGNALED(status))
		fail(server->cli, EXIT_FAILED,
		     "what served process %d was killed by signal %d: all its channels are closed",
		     client_pid(server->client), WTERMSIG(status));
	waitpid(server->pid, NULL, 0);
}

/* The child has ended, or is ended. It may have closed all slots, or not. */
static void end_client(struct server *server, int patience_ms)
{
	if (server->pid > 0)
		wait_for_child(server, patience_ms);
	if (server->child >= 0)
		close(server->child);
	hang_bells(server->window.fd, server->window.slots, NULL);
	close_slots(server->window.fd, server->window.slots);
	close_bells(&server->bells);
	close(server->client);
	server->client = server->child = -1;
	server->pid = 0;
}

static bool has_client_left(const struct server *server)
{
	struct pollfd client = { .fd = server->client, .events = POLLRDHUP };

	return poll(&client, 1, 0) > 0;
}

/* A VM that starts again may be here before its predecessor's child has ended. */
static void accept_client(struct server *server)
{
	int fd = accept4(server->socket, NULL, NULL, SOCK_CLOEXEC), ret;

	if (fd < 0)
		return;
	if (server->client >= 0 && !has_client_left(server)) {
		fail(server->cli, EXIT_FAILED,
		     "refused process %d: process %d has window %s, which serves one VM at a time",
		     client_pid(fd), client_pid(server->client),
		     server->options.name);
		close(fd);
		return;
	}
	if (server->client >= 0)
		end_client(server, LEAVE_MS);
	server->client = fd;
	ret = open_bells(&server->bells, server->options.vectors);
	if (!ret)
		ret = start_child(server);
	if (!ret)
		return;
	fail_errno(server->cli, ret, "cannot serve process %d", client_pid(fd));
	end_client(server, 0);
}

static void say_end(struct cli *cli)
{
	if (!cli->json)
		fputs("disconnected, all channels closed\n", cli->out);
	fflush(cli->out);
}

/* One that was not read would end this process when it is unblocked. */
static bool take_signal(const struct server *server)
{
	struct signalfd_siginfo info;

	return read(server->signals, &info, sizeof(info)) == sizeof(info);
}

void serve_clients(struct server *server)
{
	for (;;) {
		struct pollfd polled[] = {
			{ .fd = server->signals, .events = POLLIN },
			{ .fd = server->child, .events = POLLIN },
			{ .fd = server->socket, .events = POLLIN },
		};

		if (poll(polled, 3, -1) < 0 && errno != EINTR)
			return;
		if (polled[0].revents && take_signal(server))
			return;
		if (polled[1].revents) {
			end_client(server, 0);
			say_end(server->cli);
		} else if (polled[2].revents) {
			accept_client(server);
		}
	}
}

/* Its channels stay, as the kernel serves those. */
void leave_client(struct server *server)
{
	if (server->pid <= 0)
		return;
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	close(server->child);
	close(server->client);
	close_bells(&server->bells);
}
