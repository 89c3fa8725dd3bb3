// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts: when a driver is told, and when it is better not told yet.
 *
 * A driver that sends asks for an interrupt so that it can reclaim what was
 * sent. virtio-net also reclaims it when it receives, which for a request that
 * gets an answer is soon enough. So that interrupt is held back, for a bounded
 * time and number of frames (QZ_HOLD_* in limits.h), and never comes when the
 * driver has reclaimed by itself.
 */

#include <linux/hrtimer.h>

#include "module/compat.h"
#include "run.h"

/* Process or softirq context; the vDPA callback may take eventfd's locks. */
void qz_notify_call(struct qz_queue *queue)
{
	spin_lock_bh(&queue->cb_lock);
	if (queue->cb.callback)
		queue->cb.callback(queue->cb.private);
	spin_unlock_bh(&queue->cb_lock);
}

/* Process or softirq context: the port's status has changed. */
void qz_notify_config(struct qz_port *port)
{
	struct qz_queue *queue = &port->queues[0];

	spin_lock_bh(&queue->cb_lock);
	if (port->config_cb.callback)
		port->config_cb.callback(port->config_cb.private);
	spin_unlock_bh(&queue->cb_lock);
}

/*
 * A frame was delivered to a queue, and is taken for an answer to what its
 * pair has sent; process or softirq context.
 */
void qz_notify_received(struct qz_queue *queue)
{
	struct qz_patience *patience = &queue[1].hold.patience;

	/* Reading the clock costs more than the look whether it is needed. */
	if (qz_patience_waits(patience))
		qz_patience_answered(patience, ktime_get_ns());
}

/* Some slack lets the timer expire with the tick. */
static void start_timer(struct qz_hold *hold, u64 ns)
{
	hrtimer_start_range_ns(&hold->timer, ns_to_ktime(ns), ns / 2,
			       HRTIMER_MODE_REL_SOFT);
}

/* The caller owns the ring. */
static void signal_sent(struct qz_queue *queue)
{
	qz_ring_signalled(&queue->ring);
	queue->hold.bytes = 0;
	queue->hold.until = 0;
	queue->counts.interrupts++;
	qz_notify_call(queue);
}

/* The driver has reclaimed what was sent, or does not want to know. */
static void forget_sent(struct qz_queue *queue)
{
	qz_ring_signalled(&queue->ring);
	queue->hold.bytes = 0;
	queue->hold.until = 0;
}

static bool held_enough(const struct qz_queue *queue)
{
	u16 held = queue->ring.used_idx - queue->ring.signalled;

	return qz_patience_ends(held, queue->num, queue->hold.bytes);
}

/*
 * The timer may still run for earlier frames, which were answered. It is moved
 * only when it would be much too early: in a conversation it then never expires,
 * which would be an interrupt, and an exit, with nothing to do.
 */
static bool is_timed(struct qz_hold *hold, u64 now)
{
	return hrtimer_is_queued(&hold->timer) &&
	       (u64)ktime_to_ns(hrtimer_get_softexpires(&hold->timer)) >
	       now + (hold->until - now) / 2;
}

/* The caller owns the ring. */
static void hold_sent(struct qz_queue *queue)
{
	struct qz_hold *hold = &queue->hold;
	u64 now = ktime_get_ns();

	if (!hold->until) {
		hold->until = now + qz_patience_begin(&hold->patience, now);
		queue->counts.held++;
	}
	if (hold->until <= now)
		signal_sent(queue);
	else if (!is_timed(hold, now))
		start_timer(hold, hold->until - now);
}

/**
 * qz_notify_sent - frames were sent: interrupt the driver, or hold it back
 * @queue: the sending queue; the caller owns its ring
 *
 * Context: process or softirq.
 */
void qz_notify_sent(struct qz_queue *queue)
{
	if (qz_ring_catch_up(&queue->ring)) {
		queue->hold.bytes = 0;
		queue->hold.until = 0;	/* the rest begins a hold of its own */
	}
	if (!qz_ring_wants_signal(&queue->ring))
		forget_sent(queue);
	else if (held_enough(queue))
		signal_sent(queue);
	else
		hold_sent(queue);
}

/* Softirq. */
static enum hrtimer_restart hold_expired(struct hrtimer *timer)
{
	qz_run_try(container_of(timer, struct qz_queue, hold.timer),
		   qz_notify_sent);
	return HRTIMER_NORESTART;
}

void qz_notify_init(struct qz_queue *queue)
{
	spin_lock_init(&queue->cb_lock);
	hrtimer_setup(&queue->hold.timer, hold_expired, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_SOFT);
}

/* The queue is no longer live and nobody runs it: give what was held back. */
void qz_notify_stop(struct qz_queue *queue)
{
	hrtimer_cancel(&queue->hold.timer);
	queue->hold.until = 0;
	if (queue->kind == QZ_TX && qz_ring_wants_signal(&queue->ring))
		signal_sent(queue);
}
