// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "vm.h"
#include "ktap.h"

#include <endian.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ANSWER_MS	(20000 * ktap_factor())

/* This program is BUILD/selftests/channels. */
const char *built_program(char path[BUILT_ROOM], const char *name)
{
	const char *build = getenv("QZ_BUILD");
	char self[BUILT_ROOM - 64];
	ssize_t length;

	if (!build) {
		length = readlink("/proc/self/exe", self, sizeof(self) - 1);
		self[length < 0 ? 0 : length] = 0;
		for (int i = 0; i < 2 && strrchr(self, '/'); i++)
			*strrchr(self, '/') = 0;
		build = self;
	}
	snprintf(path, BUILT_ROOM, "%s/userspace/%s", build, name);
	if (access(path, X_OK))
		SKIP("no %s: make userspace", name);
	return path;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -errno;
}

/* It has printed how to start QEMU, so the socket is there. */
pid_t serve_start(const char *name, __u32 slots, __u32 region, const char *path)
{
	char slots_text[16], region_text[16], line[512], path_of_command[BUILT_ROOM];
	const char *command = built_program(path_of_command, "queztl");
	pid_t server;
	FILE *output;
	int ends[2];

	snprintf(slots_text, sizeof(slots_text), "%u", slots);
	snprintf(region_text, sizeof(region_text), "%u", region);
	ASSERT_EQ(pipe(ends), 0);
	server = fork();
	if (!server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl(command, "queztl", "window", "serve", name, "--slots", slots_text, "--region", region_text,
		      "--socket", path, NULL);
		_exit(127);
	}
	close(ends[1]);
	output = fdopen(ends[0], "r");
	ASSERT(fgets(line, sizeof(line), output));
	/* what it prints later goes into the pipe, which stays open */
	return server;
}

int serve_stop(pid_t server)
{
	int status;

	kill(server, SIGTERM);
	ASSERT_EQ(waitpid(server, &status, 0), server);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* One number, and the descriptor that came with it or -1. 0 or -errno. */
static int receive(int socket, __s64 *number, int *fd)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	__s64 wire;
	struct iovec data = { &wire, sizeof(wire) };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);

	*fd = -1;
	if (length < 0)
		return -errno;
	if (length != sizeof(wire))
		return -ECONNRESET;
	if (CMSG_FIRSTHDR(&message))
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(*fd));
	*number = le64toh(wire);
	return 0;
}

static int expect(int socket, __s64 wanted, bool with_fd, int *fd)
{
	__s64 number = 0;
	int r = receive(socket, &number, fd);

	if (r)
		return r;
	EXPECT_EQ(number, wanted);
	EXPECT_EQ(*fd >= 0, with_fd);
	return 0;
}

static int receive_all(struct vm *vm)
{
	int r, none;

	r = expect(vm->socket, 0, false, &none) ?: expect(vm->socket, 1, false, &none) ?:
	    expect(vm->socket, -1, true, &vm->window.fd);
	for (unsigned int i = 0; !r && i < vm->vectors; i++)
		r = expect(vm->socket, QHP_PEER_HOST, true, &vm->kick[i]);
	for (unsigned int i = 0; !r && i < vm->vectors; i++)
		r = expect(vm->socket, 1, true, &vm->call[i]);
	return r;
}

int vm_start(struct vm *vm, const char *path, unsigned int vectors)
{
	int r;

	*vm = (struct vm){ .vectors = vectors };
	vm->socket = connect_to(path);
	if (vm->socket < 0)
		return vm->socket;
	r = receive_all(vm);
	if (r)
		return r;
	window_map(&vm->window);
	EXPECT_EQ(directory_of(&vm->window)->magic, QHP_WINDOW_MAGIC);
	return vm_ask(vm, (struct qhp_request){ .op = QHP_OP_RESET });
}

/* As if QEMU died: all of it at once. */
void vm_stop(struct vm *vm)
{
	window_close(&vm->window);
	for (unsigned int i = 0; i < vm->vectors; i++) {
		close(vm->kick[i]);
		close(vm->call[i]);
	}
	close(vm->socket);
}

void vm_kick(const struct vm *vm, unsigned int vector)
{
	ASSERT_EQ(eventfd_write(vm->kick[vector], 1), 0);
}

bool vm_wait(const struct vm *vm, unsigned int vector, int ms)
{
	struct pollfd poller = { .fd = vm->call[vector], .events = POLLIN };
	eventfd_t count;

	if (poll(&poller, 1, ms) != 1)
		return false;
	ASSERT_EQ(eventfd_read(vm->call[vector], &count), 0);
	return true;
}

static struct qhp_mailbox *mailbox_of(const struct vm *vm)
{
	return (struct qhp_mailbox *)(vm->window.at + directory_of(&vm->window)->mailbox);
}

int vm_ask(struct vm *vm, struct qhp_request request)
{
	struct qhp_mailbox *mailbox = mailbox_of(vm);

	request.number = 0;
	mailbox->request = request;
	qhp_store_release(&mailbox->request.number, ++vm->number);
	vm_kick(vm, QHP_VECTOR_CONTROL);
	/* a change of a slot interrupts by the same vector */
	while (qhp_load_acquire(&mailbox->answer.number) != vm->number)
		ASSERT(vm_wait(vm, QHP_VECTOR_CONTROL, ANSWER_MS));
	return mailbox->answer.error ? mailbox->answer.error : (int)mailbox->answer.slot;
}

int vm_listen(struct vm *vm, const char *name, __u32 bytes)
{
	struct qhp_request request = { .op = QHP_OP_LISTEN, .bytes = bytes };

	snprintf(request.name, sizeof(request.name), "%s", name);
	return vm_ask(vm, request);
}

int vm_connect(struct vm *vm, const char *name)
{
	struct qhp_request request = { .op = QHP_OP_CONNECT };

	snprintf(request.name, sizeof(request.name), "%s", name);
	return vm_ask(vm, request);
}

int vm_close(struct vm *vm, __u32 slot)
{
	return vm_ask(vm, (struct qhp_request){ .op = QHP_OP_CLOSE, .slot = slot });
}
