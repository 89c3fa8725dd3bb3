// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <queztl.h>

#include "ivshmem.h"

#define PROTOCOL	0	/* its version */
#define MEMORY		(-1)	/* what comes is the shared memory */
#define PEER_VM		1	/* the number of the client itself */

int open_bells(struct bells *bells, unsigned int vectors)
{
	bells->vectors = vectors;
	memset(bells->kick, -1, sizeof(bells->kick));
	memset(bells->call, -1, sizeof(bells->call));
	for (unsigned int i = 0; i < vectors; i++) {
		bells->kick[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		bells->call[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (bells->kick[i] < 0 || bells->call[i] < 0)
			return -errno;
	}
	return 0;
}

void close_bells(struct bells *bells)
{
	for (unsigned int i = 0; i < bells->vectors; i++) {
		if (bells->kick[i] >= 0)
			close(bells->kick[i]);
		if (bells->call[i] >= 0)
			close(bells->call[i]);
	}
	bells->vectors = 0;
}

static int hang_slot(int window_fd, uint32_t slot, const struct bells *bells)
{
	unsigned int vector = QHP_VECTOR_SLOT(slot);

	if (!bells)
		return queztl_window_bell(window_fd, slot, -1, -1);
	if (vector >= bells->vectors)
		return queztl_window_bell(window_fd, slot, -1,
					  bells->call[QHP_VECTOR_CONTROL]);
	return queztl_window_bell(window_fd, slot, bells->kick[vector],
				  bells->call[vector]);
}

int hang_bells(int window_fd, uint32_t slots, const struct bells *bells)
{
	int changes = bells ? bells->call[QHP_VECTOR_CONTROL] : -1;
	int ret = queztl_window_bell(window_fd, QUEZTL_BELL_CHANGES, -1,
				     changes);

	for (uint32_t slot = 0; !ret && slot < slots; slot++)
		ret = hang_slot(window_fd, slot, bells);
	return ret;
}

/* One number, with at most one descriptor. */
static int send_number(int socket, int64_t number, int fd)
{
	union {
		char room[CMSG_SPACE(sizeof(fd))];
		struct cmsghdr align;
	} control = { .room = { 0 } };
	int64_t wire = htole64(number);
	struct iovec data = { &wire, sizeof(wire) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	struct cmsghdr *header;
	ssize_t sent;

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	do {
		sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	return sent == sizeof(wire) ? 0 : -EPIPE;
}

static int send_bells(int socket, int64_t peer, const int *fds,
		      unsigned int vectors)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < vectors; i++)
		ret = send_number(socket, peer, fds[i]);
	return ret;
}

int greet_client(int socket, int window_fd, const struct bells *bells)
{
	int ret = send_number(socket, PROTOCOL, -1);

	if (!ret)
		ret = send_number(socket, PEER_VM, -1);
	if (!ret)
		ret = send_number(socket, MEMORY, window_fd);
	if (!ret)
		ret = send_bells(socket, QHP_PEER_HOST, bells->kick,
				 bells->vectors);
	if (!ret)
		ret = send_bells(socket, PEER_VM, bells->call, bells->vectors);
	return ret;
}
