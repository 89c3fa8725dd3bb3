// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting: spin for a while, as a sleep costs much more than most waits; then ask to
 * be woken, look once more, and sleep.
 */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>

#include "qhp_end.h"

#define SPIN_LEAST_NS	1000
#define SPIN_ROUNDS	16	/* between two looks at the clock */
#define PROBE		16	/* who does not spin tries again, so often */

/* A peer that uses ring.h alone may not ring when its region is prepared. */
#define UNPREPARED_MS	10

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" : : : "memory");
#endif
}

static bool has_room(const struct qhp *end)
{
	return !end->full ||
	       qhp_read(&end->tx.ends.peer->tail) != end->tx.tail;
}

/* What is so now, or -errno. It changes nothing that the peer sees. */
static int look(struct qhp *end, unsigned int what)
{
	int attached = qhp_attach(end), ready = 0;

	if (attached < 0)
		return attached;
	if (attached)
		ready |= QHP_PEER;
	if (what & QHP_ROOM && end->tx.broken)
		return qhp_broken(end);
	if (attached && what & QHP_MESSAGE && (end->rx.broken || qhp_rx_is_cut(&end->rx)))
		return qhp_broken(end);
	if (attached && what & QHP_MESSAGE && qhp_rx_has_more(&end->rx))
		ready |= QHP_MESSAGE;
	if (what & QHP_ROOM && has_room(end))
		ready |= QHP_ROOM;
	return ready & what;
}

/*
 * Forget what was told, as we are about to look. From here on the state is not asked
 * for in a guest, where that would forget more.
 */
static int hear(struct qhp *end)
{
	eventfd_t count;
	int state;

	if (end->window) {
		qhp_window_tell(end->window);
		eventfd_read(end->window->bell[end->slot], &count);
	}
	state = qhp_state(end);
	end->state = state;
	return qhp_error_of(state);
}

int qhp_arm(struct qhp *end, unsigned int what)
{
	int ret = hear(end), ready;

	if (ret)
		return ret;
	qhp_flush(end);
	ready = look(end, what);
	if (ready < 0)
		return ready;
	if (!(ready & QHP_MESSAGE) && what & QHP_MESSAGE && end->attached &&
	    qhp_rx_arm(&end->rx))
		ready |= QHP_MESSAGE;
	if (!(ready & QHP_ROOM) && what & QHP_ROOM && qhp_tx_arm(&end->tx))
		ready |= QHP_ROOM;
	return ready;
}

/*
 * For how long it spins follows whether that helps: as long as it may if it did, half
 * as long if it did not. Who does not spin any more tries it now and then.
 */
static uint64_t spin_time(struct qhp *end)
{
	uint32_t most = end->spin_max_ns;

	if (end->spin_ns > most)
		end->spin_ns = most;
	return end->spin_ns || end->waits++ % PROBE ? end->spin_ns : most;
}

static void learn(struct qhp *end, bool helped)
{
	if (helped)
		end->spin_ns = end->spin_max_ns;
	else if (end->spin_ns > SPIN_LEAST_NS)
		end->spin_ns /= 2;
	else
		end->spin_ns = 0;
}

static int spin(struct qhp *end, unsigned int what)
{
	uint64_t until;
	int ready = look(end, what);

	if (ready || !end->spin_max_ns)
		return ready;
	until = now_ns() + spin_time(end);
	do {
		for (int i = 0; i < SPIN_ROUNDS && !ready; i++) {
			relax();
			ready = look(end, what);
		}
	} while (!ready && now_ns() < until);
	learn(end, ready);
	return ready;
}

/* 1: look again; 0: the time is over; or -errno. */
static int sleep_until(struct qhp *end, int64_t until_ms)
{
	struct pollfd polled[2] = { { .events = POLLIN }, { .events = POLLIN } };
	int64_t left = -1;
	int count = 1, ret;

	if (until_ms >= 0) {
		left = until_ms - (int64_t)(now_ns() / 1000000);
		if (left <= 0)
			return 0;
	}
	if (!end->attached && (left < 0 || left > UNPREPARED_MS) &&
	    end->state == QHP_SLOT_CONNECTED)
		left = UNPREPARED_MS;
	polled[0].fd = end->fd;
	if (end->window) {
		polled[0].fd = end->window->bell[end->slot];
		polled[1].fd = end->window->changes;
		count = 2;
	}
	ret = poll(polled, count, left);
	return ret < 0 ? -errno : 1;
}

static int64_t deadline(int timeout_ms)
{
	return timeout_ms < 0 ? -1 :
	       (int64_t)(now_ns() / 1000000) + timeout_ms;
}

int qhp_wait(struct qhp *end, unsigned int what, int timeout_ms)
{
	int64_t until_ms;
	int ret;

	qhp_flush(end);
	ret = timeout_ms ? spin(end, what) : look(end, what);
	if (ret || !timeout_ms)
		return ret ? ret : qhp_gone(end);
	until_ms = deadline(timeout_ms);
	do {
		ret = qhp_arm(end, what);
		if (ret)
			return ret;
		ret = sleep_until(end, until_ms);
	} while (ret == 1);
	return ret;
}

/* Has the peer released everything? 1, 0 or -errno. */
static int is_drained(struct qhp *end)
{
	if (qhp_tx_refresh(&end->tx))
		return qhp_broken(end);
	return end->tx.tail == end->tx.head;
}

int qhp_drain(struct qhp *end, int timeout_ms)
{
	int64_t until_ms = deadline(timeout_ms);
	bool full = end->full;
	int ret;

	end->full = true;	/* so that only what is released counts */
	while (!(ret = is_drained(end))) {
		ret = qhp_arm(end, QHP_ROOM);
		if (!ret)
			ret = sleep_until(end, until_ms);
		if (ret <= 0)
			break;
	}
	end->full = ret > 0 ? false : full;
	return ret > 0 ? 0 : ret ? ret : -ETIMEDOUT;
}
