// SPDX-License-Identifier: GPL-2.0
/*
 * From a driver's kick to a run of its sending ring.
 *
 * KVM signals the kick eventfd in the vCPU's thread, and vhost-vdpa calls us
 * from inside that eventfd_signal(): atomic, IRQs off, and an eventfd
 * signalled from there would be lost. So the run is queued as task work on the
 * vCPU thread itself: it happens before the guest is entered again, in process
 * context, and the sender's time pays for it.
 *
 * virtio_vdpa's kicks come with BH off and no eventfd about, and are served on
 * the spot. Whoever cannot do either leaves the run to the port's worker, as
 * does a run that has used up its budget.
 *
 * A kick of a stream is left to the worker as well. Served at once it would
 * wake a receiver that then runs before the sender goes on, so that each burst
 * costs an exit, an interrupt and two switches; the worker finds what the
 * sender could put into its ring until it was switched to, or, on another CPU,
 * works beside it. What a stream is only the last run can tell.
 */

#include <linux/eventfd.h>
#include <linux/sched.h>

#include "run.h"

static bool own_ring(struct qz_queue *queue)
{
	return !test_and_set_bit(QZ_QUEUE_RUNNING, &queue->flags);
}

static void disown_ring(struct qz_queue *queue)
{
	clear_bit_unlock(QZ_QUEUE_RUNNING, &queue->flags);
	smp_mb__after_atomic();	/* before looking at QZ_QUEUE_AGAIN */
}

static void wake_receivers(struct qz_run *run)
{
	unsigned int i;

	for (i = 0; i < run->nwake; i++)
		qz_notify_call(run->wake[i]);
	run->nwake = 0;
}

/* The receiver's driver asked to be interrupted: do so at the run's end. */
void qz_run_wake(struct qz_run *run, struct qz_queue *queue)
{
	if (run->nwake == ARRAY_SIZE(run->wake))
		wake_receivers(run);
	run->wake[run->nwake++] = queue;
}

/*
 * Return: 1 a buffer was served, 0 the ring is empty, -EAGAIN the next buffer
 * has to wait, another error when the ring is broken.
 */
static int serve_one(struct qz_run *run, struct qz_queue *queue)
{
	int ret;

	qz_chain_reset(&queue->chain);
	ret = qz_queue_pop(queue);
	if (ret < 0)
		qz_deliver_drop(queue, QUEZTL_DROP_BAD_RING, 0);
	if (ret <= 0)
		return ret;
	ret = qz_deliver_chain(run, queue);
	if (ret == -EAGAIN) {
		qz_ring_unpop(&queue->ring);
		run->packets++;
	}
	if (ret < 0)
		return ret;
	qz_ring_push(&queue->ring, queue->chain.head, 0);
	return 1;
}

/*
 * The driver need not kick until most of its ring is full: whoever serves it
 * looks for itself. The caller owns the ring.
 */
static void postpone_kicks(struct qz_queue *queue)
{
	qz_ring_postpone_kicks(&queue->ring, queue->ring.num / 4 * 3);
}

/*
 * The caller owns the ring. A worker may have to give the CPU back to the sender
 * in mid-run, who then would fill its ring and wait: a kick before that lets it
 * hand the CPU over.
 */
static void expect_kick(const struct qz_run *run, struct qz_queue *queue)
{
	if (run->shares_cpu && queue->ring.last_avail % QZ_KICK_STEP == 0)
		postpone_kicks(queue);
}

/*
 * The caller owns the ring. A timer has the worker look again. A sender on this
 * CPU would fill its ring meanwhile, where it could let the receiver have the
 * CPU.
 */
static void wait_for_room(const struct qz_run *run, struct qz_queue *queue)
{
	WRITE_ONCE(queue->blocked, true);
	qz_ring_disable_kicks(&queue->ring);
	if (run->shares_cpu)
		postpone_kicks(queue);
}

/*
 * Serve until the ring is empty, the budget is used up or the port has to wait:
 * then a timer is set, and no kick needed.
 * The caller owns the ring and is in an SRCU section in which the queue is live.
 *
 * Return: true when there is more to do.
 */
static bool serve_ring(struct qz_run *run, struct qz_queue *queue)
{
	int ret;

	for (;;) {
		expect_kick(run, queue);
		if (qz_port_is_paced(queue->port) && qz_pace_waits(queue)) {
			qz_ring_publish(&queue->ring);
			qz_ring_disable_kicks(&queue->ring);
			return false;
		}
		ret = serve_one(run, queue);
		if (ret > 0 && run->packets > 0 && run->bytes > 0)
			continue;
		qz_ring_publish(&queue->ring);
		if (ret > 0)
			return true;
		if (ret == -EAGAIN) {
			wait_for_room(run, queue);
			return false;
		}
		if (ret < 0) {
			qz_port_break(queue->port);
			return false;
		}
		/* A kick is only asked for when we are about to leave. */
		if (!qz_ring_enable_kicks(&queue->ring))
			return false;
		qz_ring_disable_kicks(&queue->ring);
	}
}

/* The caller owns the ring. A run that found nothing says nothing. */
static void note_stream(const struct qz_run *run, struct qz_queue *queue)
{
	int packets = QZ_RUN_PACKETS - run->packets;
	int bytes = QZ_RUN_BYTES - run->bytes;
	bool stream = packets > QZ_STREAM_FRAMES || bytes >= QZ_STREAM_BYTES;

	if (packets)
		WRITE_ONCE(queue->stream, stream);
}

static bool run_ring(struct qz_run *run, struct qz_queue *queue)
{
	struct qz_port *port = queue->port;
	bool more = false;
	int idx;

	idx = srcu_read_lock(&qz_fabric_srcu);
	if (smp_load_acquire(&queue->live)) {	/* as in qz_queue_start() */
		WRITE_ONCE(queue->blocked, false);
		run->map = srcu_dereference(port->map, &qz_fabric_srcu);
		run->sw = qz_peer_reach(port);
		if (run->in_sender)
			qz_handoff_note(queue);
		more = serve_ring(run, queue);
		qz_receive_end(run);
		note_stream(run, queue);
		wake_receivers(run);
		qz_notify_sent(queue);
	}
	srcu_read_unlock(&qz_fabric_srcu, idx);
	return more;
}

/*
 * One runner at a time: whoever finds the ring taken makes the runner look
 * again, and a runner looks after it let go. All its looks come out of one
 * budget, so a thread cannot be kept busy by what other vCPUs send.
 *
 * Context: process or softirq.
 */
static void run_queue(struct qz_run *run, struct qz_queue *queue,
		      bool in_sender)
{
	bool more;

	run->port = queue->port;
	run->queue = queue;
	run->in_sender = in_sender;
	run->handoff = (struct qz_handoff){};
	if (in_sender)
		qz_handoff_begin(&run->handoff, queue);
	run->packets = QZ_RUN_PACKETS;
	run->bytes = QZ_RUN_BYTES;
	run->nwake = 0;
	run->into = NULL;
	run->shares_cpu = READ_ONCE(queue->kicked_on) == raw_smp_processor_id();
	set_bit(QZ_QUEUE_AGAIN, &queue->flags);
	while (test_bit(QZ_QUEUE_AGAIN, &queue->flags) && own_ring(queue)) {
		clear_bit(QZ_QUEUE_AGAIN, &queue->flags);
		smp_mb__after_atomic();	/* before looking at the ring */
		more = run_ring(run, queue);
		disown_ring(queue);
		if (more || --run->packets <= 0) {
			qz_worker_queue(queue);
			return;
		}
	}
}

/*
 * To the worker; or, when that waits for room, to whoever may make some. Process
 * context, may sleep; in the sender's thread.
 */
static void leave_cpu(struct qz_queue *queue)
{
	if (READ_ONCE(queue->blocked)) {
		qz_handoff_wait();
		return;
	}
	qz_worker_queue(queue);
	qz_worker_hand_off(queue->port);
}

/* Process context, in the sender's thread, on its way back to the guest. */
static void run_task_work(struct callback_head *tw)
{
	struct qz_queue *queue = container_of(tw, struct qz_queue, tw);
	struct qz_port *port = queue->port;
	struct qz_run run;

	/* A kick from here on queues the task work anew. */
	clear_bit(QZ_QUEUE_PENDING, &queue->flags);
	smp_mb__after_atomic();	/* before looking at the ring */
	if (READ_ONCE(queue->stream)) {
		leave_cpu(queue);
	} else {
		queue->counts.direct_runs++;
		run_queue(&run, queue, true);
		qz_handoff_end(&run.handoff);
	}
	put_device(&port->vdpa.dev);
}

/* The worker's part; process context. */
void qz_run_work(struct qz_queue *queue)
{
	struct qz_run run;

	/*
	 * Work may be left from before a reset. An odd queue always sends; an
	 * even one may have another kind by now, which only somebody who has
	 * seen it live may ask for: see qz_ctrlq_run().
	 */
	if (queue->index % 2 == 0) {
		qz_ctrlq_run(queue);
		return;
	}
	queue->counts.worker_runs++;
	run_queue(&run, queue, false);
}

static void run_work(struct work_struct *work)
{
	qz_run_work(container_of(work, struct qz_queue, work));
}

/* Will this thread run task work before it sleeps for long? */
static bool has_task_work(void)
{
	return in_task() &&
	       !(current->flags & (PF_KTHREAD | PF_USER_WORKER | PF_EXITING));
}

#ifdef QZ_HAVE_TASK_WORK_ADD
static int add_task_work(struct callback_head *tw)
{
	return task_work_add(current, tw, TWA_RESUME);
}
#else
static int add_task_work(struct callback_head *tw)
{
	return -EOPNOTSUPP;
}
#endif

/*
 * The sender may fill most of its ring before it tells us again. When it has,
 * and the worker waits for the sender's CPU, it can have it: the sender would
 * soon wait for room.
 *
 * Return: true when the CPU is to be handed over.
 */
static bool leave_stream(struct qz_queue *queue)
{
	if (READ_ONCE(queue->blocked))	/* the timer looks, not the worker */
		return true;
	WRITE_ONCE(queue->kicked_on, raw_smp_processor_id());
	qz_run_try(queue, postpone_kicks);
	return qz_worker_queue(queue);
}

/* Inside eventfd_signal(): atomic, IRQs off. */
static void run_soon(struct qz_queue *queue)
{
	struct device *dev = &queue->port->vdpa.dev;

	if (READ_ONCE(queue->stream) && !leave_stream(queue))
		return;
	if (test_and_set_bit(QZ_QUEUE_PENDING, &queue->flags)) {
		/* Another vCPU's thread has it, and may not run for a while. */
		if (READ_ONCE(queue->runner) != current)
			qz_worker_queue(queue);
		return;
	}
	if (has_task_work()) {
		get_device(dev);
		WRITE_ONCE(queue->runner, current);
		if (!add_task_work(&queue->tw))
			return;
		put_device(dev);	/* not the last: vhost-vdpa has one */
	}
	clear_bit(QZ_QUEUE_PENDING, &queue->flags);
	qz_worker_queue(queue);
}

/**
 * qz_run_kick - the driver has put something into a sending ring
 * @queue: the queue
 *
 * Context: any.
 */
void qz_run_kick(struct qz_queue *queue)
{
	struct qz_run run;

	queue->counts.kicks++;
	/* Starting a queue runs it once, so nothing is lost here. */
	if (!READ_ONCE(queue->live))
		return;
	if (!eventfd_signal_allowed()) {
		run_soon(queue);
	} else if (!in_hardirq() && !irqs_disabled()) {
		queue->counts.direct_runs++;
		run_queue(&run, queue, false);
	} else {
		qz_worker_queue(queue);
	}
}

/**
 * qz_run_try - do something to a ring that nobody runs
 * @queue: the queue
 * @fn: what to do, called with the ring owned and the queue live
 *
 * When somebody runs the ring nothing is done here: the runner looks again.
 *
 * Context: any that @fn allows; also inside eventfd_signal(), IRQs off.
 */
void qz_run_try(struct qz_queue *queue, void (*fn)(struct qz_queue *queue))
{
	int idx;

	if (!own_ring(queue)) {
		set_bit(QZ_QUEUE_AGAIN, &queue->flags);
		if (!own_ring(queue))	/* still, or it has seen the bit */
			return;
	}
	idx = srcu_read_lock(&qz_fabric_srcu);
	if (smp_load_acquire(&queue->live))	/* as in qz_queue_start() */
		fn(queue);
	srcu_read_unlock(&qz_fabric_srcu, idx);
	disown_ring(queue);
	if (test_bit(QZ_QUEUE_AGAIN, &queue->flags))
		qz_worker_queue(queue);
}

void qz_run_init(struct qz_queue *queue)
{
	init_task_work(&queue->tw, run_task_work);
	INIT_WORK(&queue->work, run_work);
}
