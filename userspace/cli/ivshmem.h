/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The server's side of QEMU's ivshmem protocol (docs/specs/ivshmem-spec of QEMU),
 * for a device that has a window as its memory and the host as its only peer.
 */
#ifndef QUEZTL_IVSHMEM_H
#define QUEZTL_IVSHMEM_H

#include <stdint.h>

#include <linux/queztl_qhp.h>

#define VECTORS_MAX	(QHP_SLOTS_MAX + 1)

/*
 * Eventfds, in the order of vectors. A VM that writes to a doorbell signals one
 * of kick; what signals one of call interrupts the VM.
 */
struct bells {
	unsigned int vectors;
	int kick[VECTORS_MAX];
	int call[VECTORS_MAX];
};

/* 0 or -errno. Whatever it returned, close_bells() may be called. */
int open_bells(struct bells *bells, unsigned int vectors);
void close_bells(struct bells *bells);

/*
 * Hangs the bells into the window: the kernel wakes the peer of a slot when the
 * VM rings, and interrupts the VM when the peer does. A slot without a vector
 * of its own interrupts by the one that tells of changes. NULL takes them down.
 */
int hang_bells(int window_fd, uint32_t slots, const struct bells *bells);

/* Everything that a client is told when it has connected. 0 or -errno. */
int greet_client(int socket, int window_fd, const struct bells *bells);

#endif /* QUEZTL_IVSHMEM_H */
