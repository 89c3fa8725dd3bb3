// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts: when a driver is told, and when it is better not told yet.
 *
 * A driver that sends asks for an interrupt so that it can reclaim what was
 * sent. virtio-net also reclaims it when it receives, which for a request that
 * gets an answer is soon enough. So that interrupt is held back, for a bounded
 * time and number of frames (QZ_TX_HOLD_* in limits.h), and never comes when
 * the driver has reclaimed by itself.
 */

#include <linux/hrtimer.h>

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

/* The caller owns the ring. */
static void signal_sent(struct qz_queue *queue)
{
	qz_ring_signalled(&queue->ring);
	queue->held_bytes = 0;
	queue->port->counts.tx_interrupts++;
	qz_notify_call(queue);
}

static bool held_long_enough(const struct qz_queue *queue)
{
	u16 held = queue->ring.used_idx - queue->ring.signalled;

	return held >= min(QZ_TX_HOLD_FRAMES, DIV_ROUND_UP(queue->num, 4)) ||
	       queue->held_bytes >= QZ_TX_HOLD_BYTES;
}

/**
 * qz_notify_sent - frames were sent: interrupt the driver, or hold it back
 * @queue: the sending queue; the caller owns its ring
 *
 * Context: process or softirq.
 */
void qz_notify_sent(struct qz_queue *queue)
{
	if (!qz_ring_wants_signal(&queue->ring)) {
		qz_ring_signalled(&queue->ring);
		queue->held_bytes = 0;
		return;
	}
	if (held_long_enough(queue)) {
		signal_sent(queue);
		return;
	}
	queue->port->counts.tx_held++;
	/* An hrtimer with some slack often expires with the tick. */
	if (!hrtimer_is_queued(&queue->hold))
		hrtimer_start_range_ns(&queue->hold,
				       ns_to_ktime(QZ_TX_HOLD_US * NSEC_PER_USEC),
				       QZ_TX_HOLD_US * NSEC_PER_USEC,
				       HRTIMER_MODE_REL_SOFT);
}

static void signal_held(struct qz_queue *queue)
{
	if (qz_ring_wants_signal(&queue->ring))
		signal_sent(queue);
}

/* Softirq. */
static enum hrtimer_restart hold_expired(struct hrtimer *timer)
{
	qz_run_try(container_of(timer, struct qz_queue, hold), signal_held);
	return HRTIMER_NORESTART;
}

void qz_notify_init(struct qz_queue *queue)
{
	spin_lock_init(&queue->cb_lock);
	hrtimer_init(&queue->hold, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	queue->hold.function = hold_expired;
}

/* The queue is no longer live and nobody runs it: give what was held back. */
void qz_notify_stop(struct qz_queue *queue)
{
	hrtimer_cancel(&queue->hold);
	if (queue->index % 2)
		signal_held(queue);
}
