// SPDX-License-Identifier: GPL-2.0
/*
 * Telling a driver that there is something for it.
 *
 * The callback signals an eventfd. Usually that is KVM's irqfd, which takes a
 * microsecond. But its VMM decides what waits on an eventfd. All of that is
 * woken in the caller's thread with IRQs off, and it can be a hundred thousand
 * things. So each call is timed, and time beyond the usual is charged to a
 * bucket, whoever made the call. While the bucket is in debt, the port's own
 * worker makes the calls, as it makes the first one after a change: slow calls
 * stop being a sender's problem. It is a bucket because slow calls need not
 * follow one another: a VMM can make every other one quick.
 */

#include <linux/sched/clock.h>

#include "path/port.h"

/* Called with signal->lock held, after a call that took @ns and ended @now. */
static void charge(struct qz_signal *signal, u64 ns, u64 now)
{
	if (likely(ns <= QZ_SIGNAL_NS))
		return;
	if (qz_bucket_wait(&signal->patience, now) < QZ_SIGNAL_MAX_NS)
		qz_bucket_charge(&signal->patience, now,
				 min_t(u64, ns, NSEC_PER_SEC) - QZ_SIGNAL_NS);
}

/* Called with signal->lock held. */
static void call(struct qz_signal *signal)
{
	u64 begun, now;

	if (!signal->cb.callback)
		return;
	begun = local_clock();
	signal->cb.callback(signal->cb.private);
	now = local_clock();
	charge(signal, now - begun, now);
	if (unlikely(!signal->timed))
		WRITE_ONCE(signal->timed, true);
}

/**
 * qz_signal_here - tell a driver from this thread
 * @signal: how
 *
 * Context: process or softirq, of the driver's own VM or the host; not inside
 * eventfd_signal().
 */
void qz_signal_here(struct qz_signal *signal)
{
	spin_lock_bh(&signal->lock);
	call(signal);
	spin_unlock_bh(&signal->lock);
}

/* May somebody else's thread make this call? */
static bool is_quick(const struct qz_signal *signal)
{
	return READ_ONCE(signal->timed) &&
	       !qz_bucket_wait(&signal->patience, local_clock());
}

/**
 * qz_signal_driver - interrupt a driver
 * @vq: for what is in this ring
 *
 * Context: process or softirq, any VM's thread; not inside eventfd_signal().
 */
void qz_signal_driver(struct qz_vq *vq)
{
	struct qz_signal *signal = &vq->signal;

	if (likely(is_quick(signal)) && spin_trylock_bh(&signal->lock)) {
		call(signal);
		spin_unlock_bh(&signal->lock);
		return;
	}
	qz_exec_signal(vq->port, vq->index);
}

/* The port's status has changed: tell the driver. Any context. */
void qz_signal_config(struct qz_port *port)
{
	qz_exec_signal(port, QZ_SIGNAL_CONFIG);
}

/*
 * Replace the callback; when this returns nobody is in the old one. Process
 * context.
 */
void qz_signal_set(struct qz_signal *signal, const struct vdpa_callback *cb)
{
	spin_lock_bh(&signal->lock);
	signal->cb = *cb;
	WRITE_ONCE(signal->timed, false);
	spin_unlock_bh(&signal->lock);
}

void qz_signal_init(struct qz_signal *signal)
{
	spin_lock_init(&signal->lock);
	qz_bucket_set(&signal->patience, NSEC_PER_SEC / QZ_SIGNAL_SHARE,
		      QZ_SIGNAL_BURST_NS);
}
