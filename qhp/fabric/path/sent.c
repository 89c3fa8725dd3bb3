// SPDX-License-Identifier: GPL-2.0
/*
 * TX coalescing: when a driver is told that its frames were sent.
 *
 * A driver that sends asks for an interrupt so that it can reclaim what was
 * sent. virtio-net also reclaims it when it receives, which is soon enough for
 * a request that gets an answer. So that interrupt is held back, for a bounded
 * time and number of frames (QZ_HOLD_* in limits.h), and is not raised at all
 * if the driver has reclaimed the frames by itself. A driver may ask for other
 * limits (VIRTIO_NET_F_NOTF_COAL).
 *
 * Context of everything here: process or softirq, the caller owns the ring,
 * unless a function says otherwise.
 */

#include <linux/hrtimer.h>

#include "module/compat.h"
#include "path/port.h"

/*
 * The pair has received a frame, which is assumed to answer what it has sent.
 * The caller does not own the ring: this is a guess.
 */
void qz_sent_answered(struct qz_txq *txq)
{
	struct qz_coalesce *coalesce = &txq->hold.coalesce;

	/* Reading the clock costs more than checking whether it is needed. */
	if (qz_coalesce_waits(coalesce))
		qz_coalesce_answered(coalesce, ktime_get_ns());
}

/* Some slack lets the timer expire with the tick. */
static void start_timer(struct qz_hold *hold, u64 ns)
{
	hrtimer_start_range_ns(&hold->timer, ns_to_ktime(ns), ns / 2,
			       HRTIMER_MODE_REL_SOFT);
}

/*
 * The driver was told, has reclaimed what was sent, or does not want to be
 * told.
 */
static void end_hold(struct qz_txq *txq)
{
	qz_ring_signalled(&txq->vq.ring);
	txq->hold.bytes = 0;
	txq->hold.until = 0;
}

static void signal_sent(struct qz_txq *txq)
{
	end_hold(txq);
	txq->counts.interrupts++;
	qz_signal_driver(&txq->vq, txq->vq.port);
}

static bool held_enough(const struct qz_txq *txq)
{
	const struct qz_ring *ring = &txq->vq.ring;
	u16 held = ring->used_idx - ring->signalled;

	return qz_coalesce_ends(&txq->vq.port->ctrl.tx_wish, held, ring->num,
				txq->hold.bytes);
}

/*
 * The timer may still run for earlier frames, which were answered. It is moved
 * only if it would expire much too early: so in a conversation it never
 * expires, which would be an interrupt, and an exit, with nothing to do.
 */
static bool is_timed(struct qz_hold *hold, u64 now)
{
	return hrtimer_is_queued(&hold->timer) &&
	       (u64)ktime_to_ns(hrtimer_get_softexpires(&hold->timer)) >
	       now + (hold->until - now) / 2;
}

static void hold_sent(struct qz_txq *txq)
{
	struct qz_hold *hold = &txq->hold;
	u64 now = ktime_get_ns();

	if (!hold->until) {
		hold->until = now +
			qz_coalesce_begin(&hold->coalesce,
					  &txq->vq.port->ctrl.tx_wish, now);
		txq->counts.held++;
	}
	if (hold->until <= now)
		signal_sent(txq);
	else if (!is_timed(hold, now))
		start_timer(hold, hold->until - now);
}

/* Frames were sent: interrupt the driver, or hold the interrupt back. */
void qz_sent_frames(struct qz_txq *txq)
{
	struct qz_ring *ring = &txq->vq.ring;

	if (qz_ring_catch_up(ring)) {
		txq->hold.bytes = 0;
		txq->hold.until = 0;	/* the rest begins a hold of its own */
	}
	if (!qz_ring_wants_signal(ring))
		end_hold(txq);
	else if (held_enough(txq))
		signal_sent(txq);
	else
		hold_sent(txq);
}

/* Softirq; the caller does not own the ring. */
static enum hrtimer_restart hold_expired(struct hrtimer *timer)
{
	qz_run_try(container_of(timer, struct qz_txq, hold.timer),
		   qz_sent_frames);
	return HRTIMER_NORESTART;
}

void qz_sent_init(struct qz_txq *txq)
{
	hrtimer_setup(&txq->hold.timer, hold_expired, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_SOFT);
}

/*
 * The queue is no longer live, and nobody uses the ring: raise the interrupt
 * that was held back, in a thread of the driver's own VM. Process context.
 */
void qz_sent_stop(struct qz_txq *txq)
{
	struct qz_port *port = txq->vq.port;

	hrtimer_cancel(&txq->hold.timer);
	if (qz_ring_wants_signal(&txq->vq.ring)) {
		txq->counts.interrupts++;
		if (qz_exec_is_own(port))
			qz_signal_here(&txq->vq.signal);
		else	/* such as for a port that is being deleted */
			qz_exec_signal(port, txq->vq.index);
	}
	end_hold(txq);
}
