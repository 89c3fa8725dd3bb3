// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A window of a process. The kernel tells of rings slot by slot, by the eventfd
 * that each has, and of changes for all slots together: whoever sees a change
 * passes it on to the eventfds of all.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "queztl.h"
#include "qhp_end.h"

static const struct qhp_directory *directory_of(const struct qhp_window *window)
{
	return (const struct qhp_directory *)window->at;
}

static int open_changes(struct qhp_window *window)
{
	int ret;

	window->changes = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (window->changes < 0)
		return -errno;
	ret = queztl_window_bell(window->fd, QUEZTL_BELL_CHANGES, -1,
				 window->changes);
	if (ret)
		close(window->changes);
	return ret;
}

int qhp_window_map(struct qhp_window *window, int window_fd)
{
	off_t bytes = lseek(window_fd, 0, SEEK_END);
	int ret;

	if (bytes < 0)
		return -errno;
	memset(window, 0, sizeof(*window));
	memset(window->bell, -1, sizeof(window->bell));
	window->fd = window_fd;
	window->bytes = bytes;
	window->at = mmap(NULL, window->bytes, PROT_READ | PROT_WRITE,
			  MAP_SHARED, window_fd, 0);
	if (window->at == MAP_FAILED)
		return -errno;
	if (directory_of(window)->magic != QHP_WINDOW_MAGIC ||
	    directory_of(window)->version != QHP_VERSION)
		ret = -EPROTONOSUPPORT;
	else
		ret = open_changes(window);
	if (ret)
		munmap(window->at, window->bytes);
	return ret;
}

int qhp_window_unmap(struct qhp_window *window)
{
	uint32_t slots = directory_of(window)->slots;

	queztl_window_bell(window->fd, QUEZTL_BELL_CHANGES, -1, -1);
	for (uint32_t slot = 0; slot < slots; slot++) {
		queztl_channel_close(window->fd, slot);
		queztl_window_bell(window->fd, slot, -1, -1);
		if (window->bell[slot] >= 0)
			close(window->bell[slot]);
	}
	close(window->changes);
	return munmap(window->at, window->bytes) ? -errno : 0;
}

/* A slot belongs to one thread, but others pass changes on to its bell. */
int qhp_window_bell(struct qhp_window *window, uint32_t slot)
{
	int bell = window->bell[slot], ret;

	if (bell >= 0)
		return bell;
	bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (bell < 0)
		return -errno;
	ret = queztl_window_bell(window->fd, slot, -1, bell);
	if (ret) {
		close(bell);
		return ret;
	}
	qhp_store_release(&window->bell[slot], bell);
	return bell;
}

void qhp_window_tell(struct qhp_window *window)
{
	uint32_t slots = directory_of(window)->slots;
	eventfd_t count;

	if (eventfd_read(window->changes, &count))
		return;
	for (uint32_t slot = 0; slot < slots; slot++) {
		int bell = qhp_load_acquire(&window->bell[slot]);

		if (bell >= 0)
			eventfd_write(bell, 1);
	}
}

const struct qhp_slot *qhp_slot_of(const struct qhp *end)
{
	return &directory_of(end->window)->slot[end->slot];
}
