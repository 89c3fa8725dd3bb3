// SPDX-License-Identifier: GPL-2.0
/*
 * A receiver without free buffers: its senders wait a little.
 *
 * A ring of 256 small buffers holds only a few large frames, and a receiver
 * that has no CPU at the moment empties none of them. If the frames that find
 * it full were dropped, TCP would send them again, more slowly. So such a frame
 * stays in the sender's ring. Nothing is kept here, and a guest whose frames
 * are not sent stops sending.
 *
 * A frame that waits holds up the frames behind it in the ring, whatever their
 * destination. So nobody waits for a receiver that takes nothing, until it
 * does, and a queue looks for free buffers only so often. The frames of an
 * uplink come from many hosts and never wait, nor do frames to everybody.
 */

#include <linux/ktime.h>

#include "path/run.h"

/*
 * Called with receiver->lock held; all buffers that there were have been taken.
 */
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
 * qz_backpressure_waits - may a frame wait that found no free buffer?
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
