// SPDX-License-Identifier: LGPL-2.1-or-later
/* How an end of a channel begins and ends, in a guest and on the host. */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "call.h"
#include "queztl.h"
#include "qhp_end.h"

#define GUEST_DEVICE	"/dev/qhp"

/*
 * Prepare the own region. A peer that has looked before, and now waits for it, is
 * rung.
 */
static int start(struct qhp *end, const struct qhp_ends *ends)
{
	int ret = qhp_region_init(&end->tx, ends, 0);

	if (!ret)
		qhp_ring(end);
	return ret;
}

static int start_on_host(struct qhp *end, uint32_t slot, uint32_t bytes)
{
	struct qhp_window *window = end->window;
	const struct qhp_directory *directory = window->at;
	char *own = (char *)window->at + directory->first +
		    2 * (size_t)slot * directory->region;
	struct qhp_ends ends = {
		(struct qhp_region *)own,
		(const struct qhp_region *)(own + directory->region), bytes };
	int ret;

	end->fd = -1;
	end->slot = slot;
	ret = qhp_window_bell(window, slot);
	if (ret >= 0)
		ret = start(end, &ends);
	if (ret)
		queztl_channel_close(window->fd, slot);
	return ret;
}

static int map_regions(int fd, uint32_t bytes, struct qhp_ends *ends)
{
	void *own, *peer;

	own = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   QHP_MMAP_OWN);
	if (own == MAP_FAILED)
		return -errno;
	peer = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, QHP_MMAP_PEER);
	if (peer == MAP_FAILED) {
		int ret = -errno;

		munmap(own, bytes);
		return ret;
	}
	*ends = (struct qhp_ends){ (struct qhp_region *)own,
				   (const struct qhp_region *)peer, bytes };
	return 0;
}

static void unmap_regions(const struct qhp_ends *ends)
{
	munmap(ends->own, ends->bytes);
	munmap((void *)ends->peer, ends->bytes);
}

static int start_in_guest(struct qhp *end, unsigned long request,
			  struct qhp_open *open)
{
	struct qhp_ends ends;
	int ret = call(end->fd, request, open);

	if (ret)
		return ret;
	end->slot = open->slot;
	ret = map_regions(end->fd, open->bytes, &ends);
	if (ret)
		return ret;
	ret = start(end, &ends);
	if (ret)
		unmap_regions(&ends);
	return ret;
}

static int open_in_guest(struct qhp *end, unsigned long request,
			 const char *name, uint32_t bytes)
{
	struct qhp_open arg = { .size = sizeof(arg), .bytes = bytes };
	int ret = set_name(arg.name, name);

	if (ret)
		return ret;
	end->fd = open(GUEST_DEVICE, O_RDWR | O_CLOEXEC);
	if (end->fd < 0)
		return -errno;
	ret = start_in_guest(end, request, &arg);
	if (ret)
		close(end->fd);
	return ret;
}

static void clear(struct qhp *end, struct qhp_window *window)
{
	memset(end, 0, sizeof(*end));
	end->window = window;
	end->spin_max_ns = QHP_SPIN_NS;
}

int qhp_listen(struct qhp *end, struct qhp_window *window, const char *name,
	       uint32_t bytes)
{
	int slot;

	clear(end, window);
	if (!window)
		return open_in_guest(end, QHP_LISTEN, name, bytes);
	slot = queztl_channel_listen(window->fd, name, &bytes);
	return slot < 0 ? slot : start_on_host(end, slot, bytes);
}

int qhp_connect(struct qhp *end, struct qhp_window *window, const char *name)
{
	uint32_t bytes = 0;
	int slot;

	clear(end, window);
	if (!window)
		return open_in_guest(end, QHP_CONNECT, name, 0);
	slot = queztl_channel_connect(window->fd, name, &bytes);
	return slot < 0 ? slot : start_on_host(end, slot, bytes);
}

int qhp_close(struct qhp *end)
{
	int ret;

	if (!end->window) {
		unmap_regions(&end->tx.ends);
		return close(end->fd) ? -errno : 0;
	}
	ret = queztl_channel_close(end->window->fd, end->slot);
	if (end->fd >= 0)
		close(end->fd);
	return ret;
}

void qhp_ring(struct qhp *end)
{
	if (end->window)
		queztl_channel_ring(end->window->fd, end->slot);
	else
		ioctl(end->fd, QHP_RING);
}

/* In a guest this also forgets that the peer rang. */
int qhp_state(struct qhp *end)
{
	struct qhp_events events = { .size = sizeof(events) };
	int ret;

	if (end->window)
		return qhp_load_acquire(&qhp_slot_of(end)->state);
	ret = call(end->fd, QHP_EVENTS, &events);
	return ret ? ret : (int)events.state;
}

static int watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int qhp_fd(struct qhp *end)
{
	int fd, ret;

	if (end->fd >= 0)
		return end->fd;
	fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = watch(fd, end->window->bell[end->slot]);
	if (!ret)
		ret = watch(fd, end->window->changes);
	if (ret) {
		close(fd);
		return ret;
	}
	end->fd = fd;
	return fd;
}
