// SPDX-License-Identifier: GPL-2.0
/*
 * A receiver without room: its senders wait a little.
 *
 * A ring of 256 small buffers holds but a few large frames, and a receiver that
 * has no CPU at the moment empties none. Were what finds it full dropped, TCP
 * would send it again, and slower. So the frame stays where it is, in the
 * sender's ring: nothing is kept here, and a guest whose frames are not done
 * with sends no more.
 *
 * What waits holds up what was put into the ring behind it, for whomever that
 * is. So a receiver that takes nothing is given up until it does, and a queue
 * looks for room only so often. An uplink's frames are many hosts' and never
 * wait, nor does what goes to everybody.
 */

#include <linux/ktime.h>

#include "path/run.h"

/* Called with receiver->lock held; it has taken all the buffers there were. */
static bool is_too_small(const struct qz_run *run, const struct qz_rxq *receiver)
{
	return run->scratch->bufs.n >= receiver->vq.ring.num;
}

/* Called with receiver->lock held. */
static bool hangs(struct qz_rxq *receiver, u64 now)
{
	if (!receiver->full_since)
		receiver->full_since = now;
	return now - receiver->full_since > QZ_BACKPRESSURE_MAX_NS;
}

/**
 * qz_backpressure_waits - is a frame that found no room to wait for some?
 * @run: the run of its sender
 * @receiver: the queue that is full; the caller holds its lock
 *
 * Context: process or softirq.
 * Return: true if so; then a timer runs its queue again soon.
 */
bool qz_backpressure_waits(struct qz_run *run, struct qz_rxq *receiver)
{
	struct qz_txq *txq = run->txq;
	u64 now;

	if (!run->may_wait || is_too_small(run, receiver) ||
	    qz_reach_is_uplink(run->port))
		return false;
	now = ktime_get_ns();
	if (hangs(receiver, now) ||
	    !qz_bucket_take(&txq->looks, now, 1))
		return false;
	txq->counts.waited++;
	qz_pace_defer(txq, QZ_BACKPRESSURE_NS);
	return true;
}

void qz_backpressure_init(struct qz_txq *txq)
{
	qz_bucket_set(&txq->looks, QZ_BACKPRESSURE_LOOKS, QZ_BACKPRESSURE_BURST);
}
