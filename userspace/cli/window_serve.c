// SPDX-License-Identifier: GPL-2.0
/* queztl window serve. */
#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <queztl.h>

#include "cli.h"
#include "fail.h"
#include "json.h"
#include "serversocket.h"
#include "windowserver.h"

static void print_arguments(const struct server *server)
{
	const struct window_options *o = &server->options;
	struct cli *cli = server->cli;

	fprintf(cli->out, "window %s: %u slots, regions of %u KiB, served at %s\n"
		"to give it to a VM, add to the command line of QEMU:\n"
		"  -chardev socket,id=%s,path=%s\n"
		"  -device ivshmem-doorbell,chardev=%s,vectors=%u\n",
		o->name, o->slots, o->region / 1024, o->socket, o->name,
		o->socket, o->name, o->vectors);
}

static void print_start(const struct server *server)
{
	const struct window_options *o = &server->options;
	json_t *object;

	if (!server->cli->json) {
		print_arguments(server);
		return;
	}
	object = json_object();
	set_count(object, "id", server->id);
	set_text(object, "name", o->name);
	set_count(object, "slots", o->slots);
	set_count(object, "region", o->region);
	set_count(object, "bytes", server->window.bytes);
	set_count(object, "vectors", o->vectors);
	set_text(object, "socket", o->socket);
	print_json(object, server->cli->out, true);
}

static int fail_create(struct cli *cli, int ret, const char *name)
{
	switch (ret) {
	case -EINVAL:
		return fail(cli, EXIT_USAGE,
			    "invalid window name '%s': use letters, digits, - _ . (at most %d, starting with a letter or digit)",
			    name, QUEZTL_NAME_MAX - 1);
	case -EEXIST:
		return fail(cli, EXIT_FAILED,
			    "window %s already exists: it is served, or a VM still has it (queztl window list)",
			    name);
	case -ENOSPC:
		return fail(cli, EXIT_FAILED, "too many windows: see queztl window list");
	default:
		return fail_errno(cli, ret, "cannot create window %s", name);
	}
}

static int create_window(struct server *server)
{
	const struct window_options *o = &server->options;
	int code, fd = open_device(server->cli, &code), ret;

	if (fd < 0)
		return code;
	ret = queztl_window_create(fd, o->name, o->slots, o->region,
				   &server->id);
	close(fd);
	if (ret < 0)
		return fail_create(server->cli, ret, o->name);
	server->window = (struct window){
		.fd = ret, .slots = o->slots, .bytes = lseek(ret, 0, SEEK_END) };
	return EXIT_OK;
}

static int open_socket(struct server *server)
{
	const char *path = server->options.socket;

	if (!strncmp(path, RUN_PATH "/", sizeof(RUN_PATH)))
		mkdir(RUN_PATH, 0755);
	server->socket = listen_at(path);
	if (server->socket == -EADDRINUSE)
		return fail(server->cli, EXIT_FAILED,
			    "another process listens at %s: stop it or give another --socket",
			    path);
	if (server->socket == -EEXIST)
		return fail(server->cli, EXIT_FAILED,
			    "%s is there and is no socket: give another --socket",
			    path);
	if (server->socket < 0)
		return fail_errno(server->cli, server->socket,
				  "cannot listen at %s", path);
	return EXIT_OK;
}

static int catch_signals(struct server *server)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, &server->usual);
	/* VMs are served on if nobody reads what it prints any more. */
	signal(SIGPIPE, SIG_IGN);
	server->signals = signalfd(-1, &ends, SFD_CLOEXEC);
	return server->signals < 0 ? fail_errno(server->cli, -errno,
						"cannot wait for signals") :
		EXIT_OK;
}

static void stop(struct server *server)
{
	leave_client(server);
	unlink(server->options.socket);
	close(server->socket);
	close(server->signals);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &server->usual, NULL);
}

int run_window_serve(struct cli *cli, int argc, char **argv)
{
	struct server server = { .cli = cli, .client = -1, .child = -1 };
	int code = take_window_options(cli, argc, argv, &server.options);

	if (!code)
		code = create_window(&server);
	if (code)
		return code;
	code = open_socket(&server);
	if (!code) {
		code = catch_signals(&server);
		if (!code) {
			print_start(&server);
			fflush(cli->out);
			serve_clients(&server);
		}
		stop(&server);
	}
	close(server.window.fd);
	return code;
}
