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
 *
 * A VM may have many queues, and many VMs may join. So what a sender loses to
 * all of them is charged to a bucket of its port as well. While that is in debt
 * it calls nobody.
 */

#include <linux/sched/clock.h>

#include "path/port.h"

/* For a call that took @ns, more than is usual, and ended @now. */
static void charge(struct qz_bucket *patience, u64 ns, u64 now)
{
	if (qz_bucket_wait(patience, now) < QZ_SIGNAL_MAX_NS)
		qz_bucket_charge(patience, now,
				 min_t(u64, ns, NSEC_PER_SEC) - QZ_SIGNAL_NS);
}

/* Called with signal->lock held. @caller: the sender whose time it is, or NULL */
static void call(struct qz_signal *signal, struct qz_port *caller)
{
	u64 begun, now;

	if (!signal->cb.callback)
		return;
	begun = local_clock();
	signal->cb.callback(signal->cb.private);
	now = local_clock();
	if (unlikely(now - begun > QZ_SIGNAL_NS)) {
		charge(&signal->patience, now - begun, now);
		if (caller)
			charge(&caller->patience, now - begun, now);
	}
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
	call(signal, NULL);
	spin_unlock_bh(&signal->lock);
}

/* May somebody else's thread make this call? */
static bool is_quick(const struct qz_signal *signal,
		     const struct qz_port *caller)
{
	u64 now = local_clock();

	return READ_ONCE(signal->timed) &&
	       !qz_bucket_wait(&signal->patience, now) &&
	       !qz_bucket_wait(&caller->patience, now);
}

/**
 * qz_signal_driver - interrupt a driver
 * @vq: for what is in this ring
 * @caller: the port that has put it there
 *
 * Context: process or softirq, any VM's thread; not inside eventfd_signal().
 */
void qz_signal_driver(struct qz_vq *vq, struct qz_port *caller)
{
	struct qz_signal *signal = &vq->signal;

	if (likely(is_quick(signal, caller)) &&
	    spin_trylock_bh(&signal->lock)) {
		call(signal, caller);
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

void qz_signal_init_port(struct qz_port *port)
{
	qz_signal_init(&port->config);
	qz_bucket_set(&port->patience, NSEC_PER_SEC / QZ_SIGNAL_CALLER_SHARE,
		      QZ_SIGNAL_BURST_NS);
}
