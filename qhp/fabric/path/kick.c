// SPDX-License-Identifier: GPL-2.0
/*
 * From a driver's kick to a run of its ring: in whose thread, and when.
 *
 * KVM signals the kick eventfd in the vCPU's thread, and vhost-vdpa calls us
 * from inside that eventfd_signal(): atomic, IRQs off, and an eventfd signalled
 * from there would be lost. So the run is queued as task work on the vCPU
 * thread itself: it happens before the guest is entered again, in process
 * context, and the sender's time pays for it.
 *
 * Anybody may signal an eventfd, in any thread. A kick that comes in a thread
 * of another process is left to the port's worker.
 *
 * virtio_vdpa kicks with BH off, and no eventfd is involved: a slice is served
 * on the spot.
 *
 * A kick of a stream is left to the worker as well. If it were served at once,
 * it would wake a receiver that then runs before the sender continues, so that
 * each burst costs an exit, an interrupt and two switches. The worker finds
 * what the sender could put into its ring until the CPU was switched to the
 * worker, or, on another CPU, works in parallel. Whether a kick belongs to a
 * stream is known only from the previous run.
 *
 * A driver polls for the answer to each command, and may have thousands of them.
 * A worker gets a CPU that others want only after a tick or two. So commands are
 * carried out by the thread that kicks, too, and are answered before it returns
 * to the guest.
 */

#include <linux/eventfd.h>
#include <linux/sched.h>

#include "path/run.h"

/*
 * Give the CPU to the worker or, if that waits for free buffers, to whoever may
 * free some. Process context, may sleep; in the sender's thread.
 */
static void leave_cpu(struct qz_txq *txq)
{
	if (READ_ONCE(txq->blocked)) {
		qz_handoff_wait();
		return;
	}
	qz_exec_run(&txq->vq);
	qz_exec_hand_off(txq);
}

static void run_here(struct qz_txq *txq)
{
	struct qz_run run;

	qz_run_begin(&run, txq, &txq->counts.direct_runs);
	run.in_sender = true;
	qz_handoff_begin(&run.handoff, txq);
	qz_run_all(&run);
	qz_handoff_end(&run.handoff);
}

static void run_txq(struct qz_txq *txq)
{
	if (READ_ONCE(txq->stream))
		leave_cpu(txq);
	else
		run_here(txq);
}

/*
 * Process context, in the thread that kicked, on its way back to the guest. The
 * port may belong to another process by now.
 */
static void run_task_work(struct callback_head *tw)
{
	struct qz_vq *vq = container_of(tw, struct qz_vq, tw);
	struct qz_port *port = vq->port;

	/* A kick from here on queues the task work anew. */
	clear_bit(QZ_VQ_PENDING, &vq->flags);
	smp_mb__after_atomic();	/* before looking at the ring */
	if (!qz_exec_is_own(port))
		qz_exec_run(vq);
	else if (vq->kind == QZ_TX)
		run_txq(qz_to_txq(vq));
	else
		qz_ctrlq_run(qz_to_ctrlq(vq), NULL);
	put_device(&port->vdpa.dev);
}

/* Is this a thread of the port's process that will soon run task work? */
static bool has_task_work(const struct qz_port *port)
{
	return in_task() && qz_exec_is_own(port) &&
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
 * The sender may fill most of its ring before it kicks again. When it has, and
 * the worker waits for the sender's CPU, the worker can have it: the sender
 * would soon wait for space in its ring anyway.
 *
 * Return: true if the CPU is to be handed off.
 */
static bool leave_stream(struct qz_txq *txq)
{
	if (READ_ONCE(txq->blocked))	/* the timer asks the worker */
		return true;
	WRITE_ONCE(txq->kicked_on, raw_smp_processor_id());
	qz_run_try(txq, qz_run_postpone_kicks);
	return qz_exec_run(&txq->vq);
}

/* Inside eventfd_signal(), or in a call by the VMM; in a thread of the VMM. */
static void run_soon(struct qz_vq *vq)
{
	struct device *dev = &vq->port->vdpa.dev;

	if (test_and_set_bit(QZ_VQ_PENDING, &vq->flags)) {
		/* It is another thread's, which may not run for a while. */
		if (READ_ONCE(vq->runner) != current)
			qz_exec_run(vq);
		return;
	}
	get_device(dev);
	WRITE_ONCE(vq->runner, current);
	if (!add_task_work(&vq->tw))
		return;
	put_device(dev);	/* not the last one: vhost-vdpa has another */
	clear_bit(QZ_VQ_PENDING, &vq->flags);
	qz_exec_run(vq);
}

/* Is this a driver of the host, for which a slice may be served on the spot? */
static bool is_hosts_driver(const struct qz_port *port)
{
	return READ_ONCE(port->exec.host) && eventfd_signal_allowed() &&
	       !in_hardirq() && !irqs_disabled();
}

/* A slice on the spot, for a port of the host. Process or softirq. */
static void run_slice_here(struct qz_txq *txq)
{
	struct qz_run run;

	qz_run_begin(&run, txq, &txq->counts.direct_runs);
	if (qz_run_slice(&run))
		qz_exec_run(&txq->vq);
}

/**
 * qz_kick - the driver has put something into a sending ring
 * @txq: the queue
 *
 * Context: any.
 */
void qz_kick(struct qz_txq *txq)
{
	struct qz_port *port = txq->vq.port;

	atomic64_inc(&txq->counts.kicks);
	/* Starting a queue runs it once, so nothing is lost here. */
	if (!qz_vq_takes_kick(&txq->vq))
		return;
	if (has_task_work(port)) {
		if (!READ_ONCE(txq->stream) || leave_stream(txq))
			run_soon(&txq->vq);
	} else if (is_hosts_driver(port)) {
		run_slice_here(txq);
	} else {
		qz_exec_run(&txq->vq);
	}
}

/**
 * qz_ctrlq_kick - the driver has put a command into its control ring
 * @ctrlq: the queue
 *
 * Context: any.
 */
void qz_ctrlq_kick(struct qz_ctrlq *ctrlq)
{
	struct qz_port *port = ctrlq->vq.port;

	atomic64_inc(&ctrlq->kicks);
	if (!qz_vq_takes_kick(&ctrlq->vq))
		return;
	if (has_task_work(port))
		run_soon(&ctrlq->vq);
	else if (is_hosts_driver(port))
		qz_ctrlq_run_slice(ctrlq);
	else
		qz_exec_run(&ctrlq->vq);
}

void qz_kick_init(struct qz_vq *vq)
{
	init_task_work(&vq->tw, run_task_work);
}
