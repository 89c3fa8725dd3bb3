// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <queztl.h>

#include "mailbox.h"
#include "windowclient.h"

/* Reads an eventfd, and whether it was signalled. */
static bool take_signal(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count);
}

/* It does not block: a counter that is full is as good as one more. */
static void interrupt(const struct bells *bells)
{
	const uint64_t one = 1;
	ssize_t written = write(bells->call[QHP_VECTOR_CONTROL], &one,
				sizeof(one));

	(void)written;
}

/*
 * For slots without a vector of their own, the VM rings the one for requests: with
 * a request or without one, as two signals of an eventfd may be one.
 */
static void ring_others(const struct window *window, const struct bells *bells)
{
	for (uint32_t slot = bells->vectors - 1; slot < window->slots; slot++)
		queztl_channel_ring(window->fd, slot);
}

/* QEMU sends nothing, so there is only the end to be read. */
static bool has_left(int socket)
{
	char bytes[64];
	ssize_t length = recv(socket, bytes, sizeof(bytes), MSG_DONTWAIT);

	return !length || (length < 0 && errno != EAGAIN && errno != EINTR);
}

static int serve_requests(const struct window *window,
			  const struct bells *bells, int socket,
			  struct qhp_mailbox *mailbox)
{
	int requests = bells->kick[QHP_VECTOR_CONTROL];
	struct pollfd polled[] = {
		{ .fd = requests, .events = POLLIN },
		{ .fd = socket, .events = POLLIN | POLLRDHUP },
	};
	uint32_t last = 0;

	for (;;) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (take_signal(requests)) {
			if (serve_request(window->fd, window->slots, mailbox,
					  &last))
				interrupt(bells);
			ring_others(window, bells);
		}
		if (polled[1].revents && has_left(socket))
			return 0;
	}
}

int serve_client(const struct window *window, const struct bells *bells,
		 int socket)
{
	const struct qhp_directory *directory;
	struct qhp_mailbox *mailbox;
	char *memory;
	int ret;

	memory = mmap(NULL, window->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		      window->fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	directory = (const struct qhp_directory *)memory;
	mailbox = (struct qhp_mailbox *)(memory + directory->mailbox);
	/* What the client before has left there. */
	memset(mailbox, 0, sizeof(*mailbox));
	ret = hang_bells(window->fd, window->slots, bells);
	if (!ret)
		ret = greet_client(socket, window->fd, bells);
	if (!ret)
		ret = serve_requests(window, bells, socket, mailbox);
	close_slots(window->fd, window->slots);
	munmap(memory, window->bytes);
	return ret;
}
