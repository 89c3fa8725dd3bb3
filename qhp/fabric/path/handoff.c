// SPDX-License-Identifier: GPL-2.0
/*
 * A message between two VMs of one CPU is a hand-over.
 *
 * A guest that has sent a request, or an answer, has nothing to do but to halt.
 * That takes it several exits, to stop its tick, to halt and to start the tick
 * again, and only then does the receiver run. So a sender's thread that has
 * delivered gives way at once, and returns to its guest when it is its turn.
 *
 * It does so in a conversation only: when its queue pair has heard something
 * since it last sent, and no more than a request. And only to a thread that is
 * on this CPU: the one that last sent from the pair that was delivered to. It
 * is given the CPU by name: yield() is about threads of one cgroup, and a VM
 * that has one of its own goes on.
 *
 * A stream's sender gives way as well, when its frames wait for room at the
 * receiver and its ring is nearly full.
 *
 * What yield() is warned of is true of either: on a CPU that others want as well
 * it costs the sender more than it gains. Whoever comes here next looks how
 * long that took, and when it was long there is no hand-over for a while, each
 * time for longer; when it was not, the next pause is shorter.
 *
 * All this is about how fast it goes. A value that is a little old, or another
 * CPU's, does no harm.
 */

#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/sched/task.h>
#include <linux/timekeeping.h>

#include "run.h"

/**
 * struct turns - hand-overs on a CPU
 * @since: when the last one began, ns; 0: it was looked at
 * @pause: messages for which there is to be none
 * @backoff: what @pause was last, and less for each that was soon over
 */
struct turns {
	u64 since;
	unsigned int pause;
	unsigned int backoff;
};

static DEFINE_PER_CPU(struct turns, turns);

/*
 * Has the pair heard a request's worth since the last call? Another pair may
 * have: a driver of several gets its answers where they are sent to.
 */
static bool talks(struct qz_queue *queue)
{
	const struct qz_counts *heard = &queue[-1].counts;
	u64 packets = READ_ONCE(heard->packets);
	u64 bytes = READ_ONCE(heard->bytes);
	u64 more = packets - READ_ONCE(queue->heard_packets);
	u64 longer = bytes - READ_ONCE(queue->heard_bytes);

	WRITE_ONCE(queue->heard_packets, packets);
	WRITE_ONCE(queue->heard_bytes, bytes);
	return more && more <= QZ_STREAM_FRAMES && longer < QZ_STREAM_BYTES;
}

/* A sender runs again: was it soon after another gave way? */
static void look_back(void)
{
	u64 since = this_cpu_read(turns.since);
	unsigned int backoff = this_cpu_read(turns.backoff);

	if (!since)
		return;
	this_cpu_write(turns.since, 0);
	if (ktime_get_ns() - since > QZ_HANDOFF_NS) {
		backoff = clamp(2 * backoff, QZ_HANDOFF_PAUSE,
				QZ_HANDOFF_PAUSE_MAX);
		this_cpu_write(turns.pause, backoff);
	} else {
		backoff /= 2;
	}
	this_cpu_write(turns.backoff, backoff);
}

static bool pauses(void)
{
	if (!this_cpu_read(turns.pause))
		return false;
	this_cpu_dec(turns.pause);
	return true;
}

/**
 * qz_handoff_begin - the sender's thread is about to deliver
 * @handoff: what to give to qz_handoff_end()
 * @queue: the sending queue; another vCPU of its guest may be here as well
 *
 * Context: process.
 */
void qz_handoff_begin(struct qz_handoff *handoff, struct qz_queue *queue)
{
	look_back();
	handoff->talks = talks(queue);
}

/**
 * qz_handoff_note - remember the sender's thread: an answer may be for it
 * @queue: its queue, which the caller owns and has seen live
 *
 * A port without a worker is the host's own, and a process that sends there is
 * not one that is waited for.
 *
 * Context: process; the sender's thread.
 */
void qz_handoff_note(struct qz_queue *queue)
{
	struct task_struct *sender = current;

	if (likely(READ_ONCE(queue->sender) == sender) ||
	    !READ_ONCE(queue->port->worker.alive))
		return;
	get_task_struct(sender);
	spin_lock_bh(&queue->sender_lock);	/* taken below queue->lock */
	swap(queue->sender, sender);
	spin_unlock_bh(&queue->sender_lock);
	if (sender)
		put_task_struct(sender);
}

/**
 * qz_handoff_forget - forget the sender's thread
 * @queue: its queue, which is not live, with a grace period since
 *
 * Context: process.
 */
void qz_handoff_forget(struct qz_queue *queue)
{
	if (queue->sender)
		put_task_struct(queue->sender);
	queue->sender = NULL;
}

/*
 * The thread that last sent from a queue if it is on this CPU, or NULL. Called
 * with the lock of the receiving queue of its pair held.
 */
static struct task_struct *get_neighbour(struct qz_queue *queue)
{
	struct task_struct *sender;

	spin_lock(&queue->sender_lock);
	sender = queue->sender;
	if (sender && task_cpu(sender) == raw_smp_processor_id())
		get_task_struct(sender);
	else
		sender = NULL;
	spin_unlock(&queue->sender_lock);
	return sender;
}

/*
 * A receiver, whose queue is locked, has got something. Process context, or
 * softirq, where nobody talks.
 */
void qz_handoff_saw(struct qz_handoff *handoff, struct qz_queue *receiver)
{
	if (handoff->talks && !handoff->to)
		handoff->to = get_neighbour(receiver + 1);
}

/**
 * qz_handoff_end - the sender's thread has delivered: give way to the receiver
 * @handoff: from qz_handoff_begin() and qz_handoff_saw()
 *
 * Context: process, may sleep; the sender's thread, which holds nothing.
 */
void qz_handoff_end(struct qz_handoff *handoff)
{
	if (!handoff->to)
		return;
	if (!need_resched() && !single_task_running() && !pauses()) {
		this_cpu_write(turns.since, ktime_get_ns());
		yield_to(handoff->to, false);
		look_back();
	}
	put_task_struct(handoff->to);
}

/**
 * qz_handoff_wait - let others have the CPU: they may make room
 *
 * For a sender whose frames wait for room at a receiver and whose ring is nearly
 * full: it could only wait as well.
 *
 * Context: process, may sleep; the sender's thread, which holds nothing.
 */
void qz_handoff_wait(void)
{
	if (!single_task_running())
		yield();
}
