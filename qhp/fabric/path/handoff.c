// SPDX-License-Identifier: GPL-2.0
/*
 * A message between two VMs on one CPU hands the CPU off.
 *
 * A guest that has sent a request, or an answer, continues only to halt. It
 * takes several exits to stop its tick, to halt and to start the tick again,
 * and only then does the receiver run. So a sender's thread that has delivered
 * yields at once, and returns to its guest when it is scheduled again.
 *
 * It does so only in a conversation: if its queue pair has received something
 * since it last sent, and no more than a request. And it yields only to the
 * thread that last sent from the pair to which it delivered, if that is on this
 * CPU. It names that thread, because yield() only concerns threads of one cgroup:
 * the thread of a VM that has a cgroup of its own would go on.
 *
 * A stream's sender yields as well, when its frames wait for free buffers at
 * the receiver and its ring is nearly full.
 *
 * The warnings about yield() hold for both: on a CPU that other tasks want as
 * well, it costs the sender more than it gains. So the next sender on this CPU
 * checks how long the hand-off took. If that was long, nobody hands off for a
 * while, each time for longer; if not, the next pause is shorter.
 *
 * Not so under a sched_ext scheduler. It decides itself what a hand-off may cost
 * others, and if it wants none the sender goes on at once: there are no pauses.
 * It may let a thread run on any CPU, so the receiver may wait for another one.
 *
 * All this is about speed only. A value that is a little old, or another CPU's,
 * does no harm.
 */

#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/sched/task.h>
#include <linux/timekeeping.h>

#include "module/compat.h"
#include "path/run.h"

/**
 * struct history - hand-offs on a CPU
 * @since: when the last one began, ns; 0: it has been evaluated
 * @pause: number of messages without a hand-off that are left
 * @backoff: what @pause last began with, reduced by each hand-off that was
 *	short
 */
struct history {
	u64 since;
	unsigned int pause;
	unsigned int backoff;
};

static DEFINE_PER_CPU(struct history, history);

/*
 * Has the pair received something since the last call, and no more than a
 * request? With multiqueue the answer may arrive on another pair, and is not
 * seen here.
 */
static bool talks(struct qz_txq *txq)
{
	u64 packets = READ_ONCE(txq->rxq->packets);
	u64 bytes = READ_ONCE(txq->rxq->bytes);
	u64 more = packets - READ_ONCE(txq->heard_packets);
	u64 longer = bytes - READ_ONCE(txq->heard_bytes);

	WRITE_ONCE(txq->heard_packets, packets);
	WRITE_ONCE(txq->heard_bytes, bytes);
	return more && more <= QZ_STREAM_FRAMES && longer < QZ_STREAM_BYTES;
}

/* A sender runs again: was that soon after another yielded? */
static void look_back(void)
{
	u64 since = this_cpu_read(history.since);
	unsigned int backoff = this_cpu_read(history.backoff);

	if (!since)
		return;
	this_cpu_write(history.since, 0);
	if (ktime_get_ns() - since > QZ_HANDOFF_NS) {
		backoff = clamp(2 * backoff, QZ_HANDOFF_PAUSE,
				QZ_HANDOFF_PAUSE_MAX);
		this_cpu_write(history.pause, backoff);
	} else {
		backoff /= 2;
	}
	this_cpu_write(history.backoff, backoff);
}

/* Written as it was read: a thread that changes CPUs must not count below 0. */
static bool pauses(void)
{
	unsigned int pause = this_cpu_read(history.pause);

	if (!pause)
		return false;
	this_cpu_write(history.pause, pause - 1);
	return true;
}

/**
 * qz_handoff_begin - the sender's thread is about to deliver
 * @handoff: to be passed to qz_handoff_end()
 * @txq: the sending queue; other vCPUs of its guest may be here at the same
 *	time
 *
 * Context: process.
 */
void qz_handoff_begin(struct qz_handoff *handoff, struct qz_txq *txq)
{
	look_back();
	handoff->talks = talks(txq);
}

/**
 * qz_handoff_note - remember the sender's thread, which may await an answer
 * @txq: its queue, which the caller owns and has seen live
 *
 * Context: process, softirqs off; the sender's thread, one of the VMM.
 */
void qz_handoff_note(struct qz_txq *txq)
{
	struct task_struct *sender = current;

	if (likely(READ_ONCE(txq->sender) == sender))
		return;
	get_task_struct(sender);
	spin_lock(&txq->sender_lock);
	swap(txq->sender, sender);
	spin_unlock(&txq->sender_lock);
	if (sender)
		put_task_struct(sender);
}

/**
 * qz_handoff_forget - forget the sender's thread
 * @txq: its queue, which is not live; everybody has left the gate since
 *
 * The receiving queue of the pair may be live: others still look for the sender.
 *
 * Context: process.
 */
void qz_handoff_forget(struct qz_txq *txq)
{
	struct task_struct *sender = NULL;

	spin_lock_bh(&txq->sender_lock);
	swap(txq->sender, sender);
	spin_unlock_bh(&txq->sender_lock);
	if (sender)
		put_task_struct(sender);
}

/*
 * The thread that last sent from a queue, with a reference, if it can have this
 * CPU; else NULL. Called with the lock of the receiving queue of its pair held.
 */
static struct task_struct *get_neighbour(struct qz_txq *txq)
{
	struct task_struct *sender;

	spin_lock(&txq->sender_lock);
	sender = txq->sender;
	if (sender && (task_cpu(sender) == raw_smp_processor_id() ||
		       qz_on_sched_ext()))
		get_task_struct(sender);
	else
		sender = NULL;
	spin_unlock(&txq->sender_lock);
	return sender;
}

/* A receiver, whose lock is held, has got something. Process or softirq. */
void qz_handoff_saw(struct qz_handoff *handoff, struct qz_rxq *receiver)
{
	if (handoff->talks && !handoff->to)
		handoff->to = get_neighbour(receiver->txq);
}

/* What it costs is known afterwards only. */
static void yield_and_measure(struct task_struct *to)
{
	if (single_task_running() || pauses())
		return;
	this_cpu_write(history.since, ktime_get_ns());
	yield_to(to, false);
	look_back();
}

/* Unless somebody has a claim to this CPU anyway. */
static void yield_to_receiver(struct task_struct *to)
{
	if (need_resched())
		return;
	if (!qz_on_sched_ext())
		yield_and_measure(to);
	else if (qz_exec_waits_here(to))
		yield_to(to, false);
}

/**
 * qz_handoff_end - the sender's thread has delivered: yield to the receiver
 * @handoff: from qz_handoff_begin() and qz_handoff_saw()
 *
 * Context: process, may sleep; the sender's thread, which holds nothing.
 */
void qz_handoff_end(struct qz_handoff *handoff)
{
	if (!handoff->to)
		return;
	yield_to_receiver(handoff->to);
	put_task_struct(handoff->to);
}

/**
 * qz_handoff_wait - let others have the CPU: they may free buffers
 *
 * For a sender whose frames wait for free buffers at a receiver and whose ring
 * is nearly full: it could only wait as well.
 *
 * Context: process, may sleep; the sender's thread, which holds nothing.
 */
void qz_handoff_wait(void)
{
	if (!single_task_running())
		yield();
}
