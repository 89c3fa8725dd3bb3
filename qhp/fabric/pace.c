// SPDX-License-Identifier: GPL-2.0
/*
 * How much a port may send. What is over its rates is not dropped: it waits in
 * the sender's ring until a timer has a worker go on, so a guest's own queues
 * push back, and nothing is kept here.
 */

#include <linux/hrtimer.h>
#include <linux/ktime.h>

#include "fabric.h"
#include "module/compat.h"

/**
 * qz_pace_defer - have a sending queue run again later
 * @queue: the queue; the caller owns its ring, and it is live
 * @ns: in how many nanoseconds; a little later will do
 *
 * Context: process or softirq.
 */
void qz_pace_defer(struct qz_queue *queue, u64 ns)
{
	u64 slack = min_t(u64, ns, QZ_PACE_NS) / 2;

	hrtimer_start_range_ns(&queue->pace, ns_to_ktime(ns), slack,
			       HRTIMER_MODE_REL_SOFT);
}

/**
 * qz_pace_waits - has a port with rates to wait before it sends another frame?
 * @queue: the sending queue; the caller owns its ring, and it is live
 *
 * If so the queue is run again when it need not.
 *
 * Context: process or softirq.
 */
bool qz_pace_waits(struct qz_queue *queue)
{
	struct qz_port *port = queue->port;
	u64 now, wait;

	now = ktime_get_ns();
	wait = max(qz_bucket_wait(&port->tx_bytes, now),
		   qz_bucket_wait(&port->tx_packets, now));
	if (!wait)
		return false;
	queue->counts.paced++;
	qz_pace_defer(queue, max_t(u64, wait, QZ_PACE_NS));
	return true;
}

/* A port with rates sends a frame: process or softirq context, inside a run. */
void qz_pace_charge(struct qz_port *port, const struct qz_frame *frame)
{
	u64 now = ktime_get_ns();

	qz_bucket_charge(&port->tx_bytes, now, frame->len);
	qz_bucket_charge(&port->tx_packets, now, qz_frame_packets(frame));
}

/* Softirq. */
static enum hrtimer_restart go_on(struct hrtimer *timer)
{
	qz_worker_queue(container_of(timer, struct qz_queue, pace));
	return HRTIMER_NORESTART;
}

void qz_pace_init(struct qz_queue *queue)
{
	hrtimer_setup(&queue->pace, go_on, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_SOFT);
}

/* Nobody runs the queue any more; process context, may sleep. */
void qz_pace_stop(struct qz_queue *queue)
{
	hrtimer_cancel(&queue->pace);
}

/* What a bucket of so many tokens per second holds. */
static u32 burst(u64 rate, u32 ms)
{
	return clamp(rate * ms / MSEC_PER_SEC, 1ULL, (u64)U32_MAX);
}

void qz_pace_flood(struct qz_port *port, u32 rate)
{
	qz_bucket_set(&port->flood, rate, burst(rate, QZ_FLOOD_BURST_MS));
}

/* fabric->lock held: what is set belongs together. */
static void set_rates(struct qz_port *port,
		      const struct queztl_port_rates *rates)
{
	int i;

	lockdep_assert_held(&port->fabric->lock);
	if (rates->set & QUEZTL_PORT_FLOOD)
		qz_pace_flood(port, rates->flood);
	if (rates->set & QUEZTL_PORT_TX_BYTES)
		qz_bucket_set(&port->tx_bytes, rates->tx_bytes,
			      burst(rates->tx_bytes, QZ_PACE_BURST_MS));
	if (rates->set & QUEZTL_PORT_TX_PACKETS)
		qz_bucket_set(&port->tx_packets, rates->tx_packets,
			      burst(rates->tx_packets, QZ_PACE_BURST_MS));
	/* What waits for an old rate need not wait any longer. */
	for (i = 1; i < port->nqueues; i += 2)
		qz_worker_queue(&port->queues[i]);
}

/* fabric->lock held. */
static void get_rates(struct qz_port *port, struct queztl_port_rates *rates)
{
	lockdep_assert_held(&port->fabric->lock);
	rates->set = QZ_PORT_RATES;
	rates->flood = port->flood.rate;
	rates->tx_bytes = port->tx_bytes.rate;
	rates->tx_packets = port->tx_packets.rate;
}

/* A rate that is not to be changed is not looked at. */
static bool is_valid(const struct queztl_port_rates *rates)
{
	if (rates->set & ~QZ_PORT_RATES)
		return false;
	if (rates->set & QUEZTL_PORT_FLOOD &&
	    (!rates->flood || rates->flood > QZ_FLOOD_RATE_MAX))
		return false;
	if (rates->set & QUEZTL_PORT_TX_BYTES && rates->tx_bytes &&
	    (rates->tx_bytes < QZ_BYTES_RATE_MIN ||
	     rates->tx_bytes > QZ_BYTES_RATE_MAX))
		return false;
	return !(rates->set & QUEZTL_PORT_TX_PACKETS) ||
	       rates->tx_packets <= QZ_PACKETS_RATE_MAX;
}

/* These are calls, see &struct queztl_port_rates; process context, may sleep. */

int qz_pace_set(const struct queztl_port_rates *rates)
{
	struct qz_port *port;

	if (!is_valid(rates))
		return -EINVAL;
	port = qz_port_get(rates->id);
	if (!port)
		return -ENOENT;
	mutex_lock(&port->fabric->lock);
	set_rates(port, rates);
	mutex_unlock(&port->fabric->lock);
	qz_port_put(port);
	return 0;
}

int qz_pace_get(struct queztl_port_rates *rates)
{
	struct qz_port *port = qz_port_get(rates->id);

	if (!port)
		return -ENOENT;
	mutex_lock(&port->fabric->lock);
	get_rates(port, rates);
	mutex_unlock(&port->fabric->lock);
	qz_port_put(port);
	return 0;
}
