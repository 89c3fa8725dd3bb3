// SPDX-License-Identifier: GPL-2.0
/*
 * How much a port may send. A frame above its rates waits in the sender's ring
 * until a timer makes a worker continue. So the guest's own queues push back, and
 * nothing is kept here. But a driver that gets no buffer back for some seconds
 * takes its device for dead. So a frame that has waited for too long is dropped.
 */

#include <linux/hrtimer.h>
#include <linux/ktime.h>

#include "module/compat.h"
#include "path/run.h"

/**
 * qz_pace_defer - have a sending queue run again later
 * @txq: the queue; the caller owns its ring, and it is live
 * @ns: in how many nanoseconds; a little later will do
 *
 * Context: process or softirq.
 */
void qz_pace_defer(struct qz_txq *txq, u64 ns)
{
	u64 slack = min_t(u64, ns, QZ_PACE_NS) / 2;

	hrtimer_start_range_ns(&txq->pace, ns_to_ktime(ns), slack,
			       HRTIMER_MODE_REL_SOFT);
}

/*
 * How much longer the next frame may wait, in nanoseconds. The device learns that
 * a frame is there when it looks at the ring, so frames are not timed one by one:
 * all that are there at one look are late QZ_PACE_MAX_NS after it.
 */
static u64 time_left(struct qz_txq *txq, u64 now)
{
	const struct qz_ring *ring = &txq->vq.ring;

	if (!txq->late_at || (s16)(txq->late_before - ring->last_avail) <= 0) {
		txq->late_before = qz_ring_avail_idx(ring);
		txq->late_at = now + QZ_PACE_MAX_NS;
	}
	return now < txq->late_at ? txq->late_at - now : 0;
}

/**
 * qz_pace_waits - must a port with rates wait before it sends another frame?
 * @run: the run; the caller owns the ring, and it is live
 *
 * A frame that has waited too long does not wait any longer: it is @late.
 *
 * Context: process or softirq.
 * Return: true if so; then a timer runs the queue again when it need not wait.
 */
bool qz_pace_waits(struct qz_run *run)
{
	struct qz_port *port = run->port;
	struct qz_txq *txq = run->txq;
	u64 now, wait, left;

	if (txq->resume.bytes)
		return false;	/* in the middle of a frame that was charged */
	now = ktime_get_ns();
	wait = max(qz_bucket_wait(&port->tx_bytes, now),
		   qz_bucket_wait(&port->tx_packets, now));
	if (!wait)
		return false;
	left = time_left(txq, now);
	run->late = !left;
	if (!left)
		return false;
	txq->counts.paced++;
	qz_pace_defer(txq, min(max_t(u64, wait, QZ_PACE_NS), left));
	return true;
}

/*
 * A port with rates sends a frame, or a part of it: charge it for what it has
 * not paid yet. Process or softirq, inside a run.
 */
void qz_pace_charge(struct qz_txq *txq, const struct qz_frame *frame)
{
	struct qz_port *port = txq->vq.port;
	struct qz_resume *paid = &txq->resume;
	u32 packets = qz_frame_packets(frame);
	u64 now = ktime_get_ns();

	if (frame->len > paid->bytes) {
		qz_bucket_charge(&port->tx_bytes, now,
				 frame->len - paid->bytes);
		paid->bytes = frame->len;
	}
	if (packets > paid->packets) {
		qz_bucket_charge(&port->tx_packets, now,
				 packets - paid->packets);
		paid->packets = packets;
	}
}

/* Softirq. */
static enum hrtimer_restart go_on(struct hrtimer *timer)
{
	qz_exec_run(&container_of(timer, struct qz_txq, pace)->vq);
	return HRTIMER_NORESTART;
}

void qz_pace_init(struct qz_txq *txq)
{
	hrtimer_setup(&txq->pace, go_on, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_SOFT);
}

/* Nobody runs the queue any more; process context, may sleep. */
void qz_pace_stop(struct qz_txq *txq)
{
	hrtimer_cancel(&txq->pace);
}

/* The tokens that a bucket of so many per second holds. */
u32 qz_pace_burst(u64 rate, u32 ms)
{
	return clamp(rate * ms / MSEC_PER_SEC, 1ULL, (u64)U32_MAX);
}

/* The broadcast and multicast frames that a port may send from now on. */
void qz_pace_flood(struct qz_port *port, u32 rate)
{
	qz_bucket_set(&port->flood, rate,
		      qz_pace_burst(rate, QZ_FLOOD_BURST_MS));
}
