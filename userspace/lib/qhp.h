/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One end of a QHP channel: messages to and from a VM or process that need not be
 * trusted, without a copy and without a call while both ends are awake.
 *
 * It is the same in a guest, where the kernel module qhp_guest has /dev/qhp, and
 * in a process of the host, which has a window (queztl_window_create()).
 *
 *	struct qhp end;
 *	struct qhp_msg msg;
 *
 *	qhp_connect(&end, NULL, "chat");
 *	qhp_send(&end, "hello", 5, 0);
 *	while (qhp_wait(&end, QHP_MESSAGE, -1) > 0)
 *		while (qhp_peek(&end, &msg) == 1) {
 *			use(msg.data, msg.len);
 *			qhp_release(&end, 1);
 *		}
 *	qhp_close(&end);
 *
 * Calls return -errno on failure. Every call that needs the peer returns
 *	-ECONNRESET	the peer has closed its end, or is dead
 *	-ECONNABORTED	the administrator has revoked the channel
 *	-EPROTO		the peer has written what cannot be
 * and does so from then on; what is left to do is qhp_close().
 *
 * One thread at a time uses an end. Different ends, also of one window, are
 * independent. The library allocates no memory, starts no thread and prints
 * nothing: whoever calls it has the structures, and does not move them while
 * they are open. Their members are the library's, except where said otherwise.
 */
#ifndef QHP_H
#define QHP_H

#include <stddef.h>
#include <stdint.h>

#include <linux/queztl_qhp.h>
#include <qhp/channel/ring.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct qhp_window - a window that this process of the host has mapped
 * @at: the memory: struct qhp_directory is at its start
 * @bytes: its size
 * @fd: the caller's descriptor
 * @changes: eventfd: the state of some slot has changed
 * @bell: eventfd of each slot that was used; -1: none
 * @reserved: 0
 */
struct qhp_window {
	void *at;
	size_t bytes;
	int fd;
	int changes;
	int bell[QHP_SLOTS_MAX];
	uint64_t reserved[4];
};

/*
 * Maps a window, once in a process; window_fd has to stay open until it is
 * unmapped, which closes all its channels. Errors: those of mmap(2) and
 * eventfd(2); -EPROTONOSUPPORT the kernel has another layout of windows.
 */
int qhp_window_map(struct qhp_window *window, int window_fd);
int qhp_window_unmap(struct qhp_window *window);

/**
 * struct qhp - one end of a channel
 * @tx: what it sends; the functions of ring.h may be called on it
 * @rx: what it receives; likewise, once @attached is set
 * @window: NULL in a guest
 * @fd: in a guest, the descriptor of /dev/qhp; on the host, for qhp_fd()
 * @slot: the slot of the window
 * @attached: the peer has prepared its region
 * @full: there was no room for the last message
 * @waits: how often qhp_wait() had to wait and did not spin
 * @spin_ns: for how long qhp_wait() spins now before it sleeps
 * @spin_max_ns: for how long at most: the caller's; 0: never
 * @state: of the slot, when qhp_arm() looked
 * @features: what the peer supports
 * @reserved: 0
 */
struct qhp {
	struct qhp_tx tx;
	struct qhp_rx rx;
	struct qhp_window *window;
	int fd;
	uint32_t slot;
	bool attached;
	bool full;
	uint32_t waits;
	uint32_t spin_ns;
	uint32_t spin_max_ns;
	uint32_t state;
	__u64 features;
	uint64_t reserved[8];
};

/* The initial spin_max_ns: about what a sleep and a wake-up cost. */
#define QHP_SPIN_NS	50000

/*
 * Become one end of the channel name. window is NULL in a guest. bytes is the size
 * of each region, or 0: as large as the window has room for. A listener does not
 * wait for its peer; what it sends is there when the peer comes.
 *
 * Errors: -EPERM no rule allows it; -ECONNREFUSED nobody listens; -EADDRINUSE
 * somebody listens to the name; -ENOSPC no free slot; -EMSGSIZE the window has no
 * room for so large a region; -EINVAL invalid name or size; -ENOENT or -ENODEV no
 * /dev/qhp, or its window is gone; -ETIMEDOUT the host does not answer.
 */
int qhp_listen(struct qhp *end, struct qhp_window *window, const char *name,
	       uint32_t bytes);
int qhp_connect(struct qhp *end, struct qhp_window *window, const char *name);

/*
 * The peer sees the region of this end as zeros at once: call qhp_drain() before,
 * if it should read what was sent.
 */
int qhp_close(struct qhp *end);

/* More messages follow at once: the peer is not told of this one yet. */
#define QHP_MORE	1u

/*
 * -EAGAIN there is no room until the peer has released messages; -EMSGSIZE it is
 * longer than qhp_max().
 */
int qhp_send(struct qhp *end, const void *data, uint32_t len,
	     unsigned int flags);

/* The same without a copy: reserve room, write the message there, commit. */
int qhp_reserve(struct qhp *end, uint32_t len, void **at);
int qhp_commit(struct qhp *end, unsigned int flags);
uint32_t qhp_max(const struct qhp *end);

/*
 * The next message, which stays where it is until it is released: 1, or 0: there
 * is none. The peer can change it meanwhile: copy what you decide by.
 *
 * Several may be looked at before they are released, oldest first. If the peer has
 * gone before qhp_release(), what was read may have been zeros, and the result
 * is an error.
 */
int qhp_peek(struct qhp *end, struct qhp_msg *msg);
int qhp_release(struct qhp *end, uint32_t n);

/**
 * enum qhp_ready - what can be waited for, bits
 * @QHP_MESSAGE: qhp_peek() has a message
 * @QHP_ROOM: there may be room again: always, unless the last attempt to send was
 *	-EAGAIN and the peer has released nothing since
 * @QHP_PEER: the peer is there, and has prepared its region
 */
enum qhp_ready {
	QHP_MESSAGE	= 1,
	QHP_ROOM	= 2,
	QHP_PEER	= 4,
};

/*
 * Waits until one of what is so, spinning for a while, then sleeping. Returns those
 * that are; 0 after timeout_ms (-1: never); -EINTR a signal came.
 */
int qhp_wait(struct qhp *end, unsigned int what, int timeout_ms);

/*
 * Waits until the peer has released everything that was sent: 0 or -ETIMEDOUT. What a
 * peer released before it closed its end cannot be seen any more, and the result is
 * -ECONNRESET then: let the end that sent the last message be the first to close.
 */
int qhp_drain(struct qhp *end, int timeout_ms);

/*
 * For programs that wait for other things as well: if qhp_arm() returns 0, wait until
 * qhp_fd() is readable, and call it again. It returns as qhp_wait() does.
 */
int qhp_arm(struct qhp *end, unsigned int what);
int qhp_fd(struct qhp *end);

/* enum qhp_slot_state of the slot. */
int qhp_state(struct qhp *end);

#ifdef __cplusplus
}
#endif

#endif /* QHP_H */
