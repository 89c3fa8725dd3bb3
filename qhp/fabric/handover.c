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
 * since it last sent, and no more than a request. And only when the receiver
 * was on this CPU when it last sent, so that it waits here by now.
 *
 * A stream's sender gives way as well, when its frames wait for room at the
 * receiver and its ring is nearly full.
 *
 * What yield() is warned of is true here too: on a CPU that others want as well
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
	if (ktime_get_ns() - since > QZ_HANDOVER_NS) {
		backoff = clamp(2 * backoff, QZ_HANDOVER_PAUSE,
				QZ_HANDOVER_PAUSE_MAX);
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
 * qz_handover_begin - the sender's thread is about to deliver
 * @turn: what to give to qz_handover_end()
 * @queue: the sending queue; another vCPU of its guest may be here as well
 *
 * Context: process.
 */
void qz_handover_begin(struct qz_turn *turn, struct qz_queue *queue)
{
	look_back();
	turn->talks = talks(queue);
	turn->near = false;
	WRITE_ONCE(queue->port->sent_on, raw_smp_processor_id());
}

/* A receiver has got something. Process or softirq context. */
void qz_handover_saw(struct qz_turn *turn, const struct qz_port *receiver)
{
	if (READ_ONCE(receiver->sent_on) == raw_smp_processor_id())
		turn->near = true;
}

/**
 * qz_handover_end - the sender's thread has delivered: give way to the receiver
 * @turn: from qz_handover_begin() and qz_handover_saw()
 *
 * Context: process, may sleep; the sender's thread, which holds nothing.
 */
void qz_handover_end(const struct qz_turn *turn)
{
	if (!turn->talks || !turn->near || need_resched())
		return;
	if (single_task_running() || pauses())
		return;
	this_cpu_write(turns.since, ktime_get_ns());
	yield();	/* to a task that is known, and runnable */
	look_back();
}

/**
 * qz_handover_wait - let others have the CPU: they may make room
 *
 * For a sender whose frames wait for room at a receiver and whose ring is nearly
 * full: it could only wait as well.
 *
 * Context: process, may sleep; the sender's thread, which holds nothing.
 */
void qz_handover_wait(void)
{
	if (!single_task_running())
		yield();
}
