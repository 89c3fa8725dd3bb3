// SPDX-License-Identifier: GPL-2.0
/*
 * From a driver's kick to a run of its sending ring.
 *
 * KVM signals the kick eventfd in the vCPU's thread, and vhost-vdpa calls us
 * from inside that eventfd_signal(): atomic, IRQs off, and an eventfd signalled
 * from there would be lost. So the run is queued as task work on the vCPU
 * thread itself: it happens before the guest is entered again, in process
 * context, and the sender's time pays for it.
 *
 * Anybody may signal an eventfd, in any thread. A kick that comes in a thread
 * of another process is left to the port's worker, as is what remains when a
 * run has used up its budget.
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
 * A run is made of slices. A slice is what is done at a time inside the gate,
 * with softirqs off, by the owner of the ring. It is bounded (QZ_SLICE_WORK),
 * and a frame that does not fit into one slice is continued in the next.
 */

#include <linux/eventfd.h>
#include <linux/sched.h>

#include "path/run.h"

static void wake_receivers(struct qz_run *run)
{
	unsigned int i;

	for (i = 0; i < run->nwake; i++)
		qz_signal_driver(&run->wake[i]->vq);
	run->nwake = 0;
}

/*
 * The receiver's driver asked for an interrupt: raise it at the end of the
 * slice.
 */
void qz_run_wake(struct qz_run *run, struct qz_rxq *rxq)
{
	run->work -= QZ_WORK_STEP;
	if (run->nwake == ARRAY_SIZE(run->wake))
		wake_receivers(run);
	run->wake[run->nwake++] = rxq;
}

/*
 * Take the next buffer. The receiver at hand is released before a buffer with
 * more than one descriptor is walked, so that its other senders are not held
 * up.
 */
static int take_buffer(struct qz_run *run)
{
	struct qz_chain *chain = &run->scratch->out;
	struct qz_vq *vq = &run->txq->vq;
	int ret;

	qz_chain_reset(chain);
	chain->single = run->into;
	ret = qz_vq_pop(vq, chain);
	if (ret == -EAGAIN) {
		qz_receive_end(run);
		qz_chain_reset(chain);
		chain->single = false;
		ret = qz_vq_pop(vq, chain);
	}
	run->work -= chain->walked;
	return ret;
}

/*
 * Return: 1 a buffer was served; 0 the ring is empty; -EAGAIN the next buffer
 * has to wait; -EINPROGRESS it has to be continued; another error if the ring
 * is broken.
 */
static int serve_one(struct qz_run *run)
{
	struct qz_txq *txq = run->txq;
	int ret;

	ret = take_buffer(run);
	if (ret < 0)
		qz_vq_drop(&txq->vq, QUEZTL_DROP_BAD_RING, 0);
	if (ret <= 0)
		return ret;
	ret = qz_deliver_chain(run);
	if (ret == -EAGAIN || ret == -EINPROGRESS) {
		qz_ring_unpop(&txq->vq.ring);
		if (ret == -EAGAIN)
			run->packets++;
	}
	if (ret < 0)
		return ret;
	qz_ring_push(&txq->vq.ring, run->scratch->out.head, 0);
	return 1;
}

/*
 * The driver need not kick until most of its ring is full: whoever serves it
 * checks the ring by itself. The caller owns the ring.
 */
static void postpone_kicks(struct qz_txq *txq)
{
	struct qz_ring *ring = &txq->vq.ring;

	qz_ring_postpone_kicks(ring, ring->num / 4 * 3);
}

/*
 * The caller owns the ring. A worker may have to give the CPU back to the
 * sender in the middle of a run, and the sender would then fill its ring and
 * wait. A kick before that lets the sender hand the CPU off.
 */
static void expect_kick(const struct qz_run *run, struct qz_txq *txq)
{
	if (run->shares_cpu && txq->vq.ring.last_avail % QZ_KICK_STEP == 0)
		postpone_kicks(txq);
}

/*
 * The caller owns the ring. A timer makes the worker look again. A sender on
 * this CPU would fill its ring meanwhile, although it could let the receiver
 * have the CPU.
 */
static void wait_for_room(const struct qz_run *run, struct qz_txq *txq)
{
	WRITE_ONCE(txq->blocked, true);
	qz_ring_disable_kicks(&txq->vq.ring);
	if (run->shares_cpu)
		postpone_kicks(txq);
}

static bool has_budget(const struct qz_run *run)
{
	return run->packets > 0 && run->bytes > 0;
}

/*
 * Serve until the ring is empty, the slice or the budget is used up, or the
 * port has to wait: in that case a timer is set, and no kick is needed. The
 * caller owns the ring, is inside the gate, and has seen the ring live.
 *
 * Return: true if there is more to do.
 */
static bool serve_ring(struct qz_run *run)
{
	struct qz_txq *txq = run->txq;
	struct qz_ring *ring = &txq->vq.ring;
	int ret;

	for (;;) {
		expect_kick(run, txq);
		if (qz_port_is_paced(run->port) && qz_pace_waits(txq)) {
			qz_ring_publish(ring);
			qz_ring_disable_kicks(ring);
			return false;
		}
		ret = serve_one(run);
		if (ret > 0 && has_budget(run) && run->work > 0)
			continue;
		qz_ring_publish(ring);
		if (ret > 0 || ret == -EINPROGRESS)
			return true;
		if (ret == -EAGAIN) {
			wait_for_room(run, txq);
			return false;
		}
		if (ret < 0) {
			qz_port_break(run->port);
			return false;
		}
		/* Ask for a kick only when about to leave. */
		if (!qz_ring_enable_kicks(ring))
			return false;
		qz_ring_disable_kicks(ring);
		if (run->work <= 0)
			return true;
	}
}

/* The caller owns the ring. A run that found nothing is no sign of anything. */
static void note_stream(const struct qz_run *run, struct qz_txq *txq)
{
	int packets = QZ_RUN_PACKETS - run->packets;
	int bytes = QZ_RUN_BYTES - run->bytes;
	bool stream = packets > QZ_STREAM_FRAMES || bytes >= QZ_STREAM_BYTES;

	if (packets)
		WRITE_ONCE(txq->stream, stream);
}

/* The caller owns the ring, inside the gate, softirqs off. */
static bool run_ring(struct qz_run *run)
{
	struct qz_txq *txq = run->txq;
	struct qz_port *port = run->port;
	bool more;

	if (!qz_vq_is_live(&txq->vq) || READ_ONCE(port->deleted))
		return false;
	if (run->count)
		++*run->count;
	run->count = NULL;
	WRITE_ONCE(txq->blocked, false);
	run->map = qz_gate_dereference(port->map);
	run->sw = qz_reach_of(port);
	if (run->in_sender)
		qz_handoff_note(txq);
	more = serve_ring(run);
	qz_receive_end(run);
	note_stream(run, txq);
	wake_receivers(run);
	qz_sent_frames(txq);
	return more;
}

/*
 * One owner at a time: whoever finds the ring owned makes the owner look again,
 * and the owner checks for that after it has let go of the ring.
 *
 * Context: process or softirq.
 * Return: true if there is more to do.
 */
static bool run_slice(struct qz_run *run)
{
	struct qz_vq *vq = &run->txq->vq;
	bool more = false;
	int idx;

	idx = qz_gate_enter_bh();
	if (unlikely(run->alive && !READ_ONCE(*run->alive)))
		goto out;	/* the port has other workers, or none */
	if (unlikely(run->in_sender && !qz_exec_is_own(run->port)))
		goto out;	/* it has another process */
	run->work = QZ_SLICE_WORK;
	run->scratch = qz_scratch_get();
	run->shares_cpu = READ_ONCE(run->txq->kicked_on) ==
			  smp_processor_id();
	set_bit(QZ_VQ_AGAIN, &vq->flags);
	while (!more && test_bit(QZ_VQ_AGAIN, &vq->flags) && qz_vq_own(vq)) {
		clear_bit(QZ_VQ_AGAIN, &vq->flags);
		smp_mb__after_atomic();	/* before looking at the ring */
		more = run_ring(run);
		qz_vq_disown(vq);
		if (--run->packets <= 0 || run->work <= 0)
			more = true;
	}
out:
	qz_gate_leave_bh(idx);
	return more;
}

static void begin_run(struct qz_run *run, struct qz_txq *txq, u64 *count)
{
	run->port = txq->vq.port;
	run->txq = txq;
	run->alive = NULL;
	run->in_sender = false;
	run->packets = QZ_RUN_PACKETS;
	run->bytes = QZ_RUN_BYTES;
	run->count = count;
	run->handoff = (struct qz_handoff){};
	run->nwake = 0;
	run->into = NULL;
}

/*
 * All slices share one budget, so a thread cannot be kept busy by what other
 * vCPUs send. Process context.
 */
static void run_txq(struct qz_run *run)
{
	while (run_slice(run)) {
		if (!has_budget(run)) {
			qz_exec_run(&run->txq->vq);
			return;
		}
		cond_resched();
	}
}

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

	begin_run(&run, txq, &txq->counts.direct_runs);
	run.in_sender = true;
	qz_handoff_begin(&run.handoff, txq);
	run_txq(&run);
	qz_handoff_end(&run.handoff);
}

/*
 * Process context, in the thread that kicked, on its way back to the guest. The
 * port may belong to another process by now.
 */
static void run_task_work(struct callback_head *tw)
{
	struct qz_txq *txq = container_of(tw, struct qz_txq, tw);
	struct qz_port *port = txq->vq.port;

	/* A kick from here on queues the task work anew. */
	clear_bit(QZ_VQ_PENDING, &txq->vq.flags);
	smp_mb__after_atomic();	/* before looking at the ring */
	if (!qz_exec_is_own(port))
		qz_exec_run(&txq->vq);
	else if (READ_ONCE(txq->stream))
		leave_cpu(txq);
	else
		run_here(txq);
	put_device(&port->vdpa.dev);
}

/* The worker's part, as long as it is @alive. Process context. */
void qz_run_work(struct qz_txq *txq, const bool *alive)
{
	struct qz_run run;

	begin_run(&run, txq, &txq->counts.worker_runs);
	run.alive = alive;
	run_txq(&run);
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
	qz_run_try(txq, postpone_kicks);
	return qz_exec_run(&txq->vq);
}

/* Inside eventfd_signal(), or in a call by the VMM; in a thread of the VMM. */
static void run_soon(struct qz_txq *txq)
{
	struct device *dev = &txq->vq.port->vdpa.dev;

	if (READ_ONCE(txq->stream) && !leave_stream(txq))
		return;
	if (test_and_set_bit(QZ_VQ_PENDING, &txq->vq.flags)) {
		/* It is another thread's, which may not run for a while. */
		if (READ_ONCE(txq->runner) != current)
			qz_exec_run(&txq->vq);
		return;
	}
	get_device(dev);
	WRITE_ONCE(txq->runner, current);
	if (!add_task_work(&txq->tw))
		return;
	put_device(dev);	/* not the last one: vhost-vdpa has another */
	clear_bit(QZ_VQ_PENDING, &txq->vq.flags);
	qz_exec_run(&txq->vq);
}

/* A slice on the spot, for a port of the host. Process or softirq. */
static void run_slice_here(struct qz_txq *txq)
{
	struct qz_run run;

	begin_run(&run, txq, &txq->counts.direct_runs);
	if (run_slice(&run))
		qz_exec_run(&txq->vq);
}

/**
 * qz_run_kick - the driver has put something into a sending ring
 * @txq: the queue
 *
 * Context: any.
 */
void qz_run_kick(struct qz_txq *txq)
{
	struct qz_port *port = txq->vq.port;

	atomic64_inc(&txq->counts.kicks);
	/* Starting a queue runs it once, so nothing is lost here. */
	if (!qz_vq_takes_kick(&txq->vq))
		return;
	if (has_task_work(port))
		run_soon(txq);
	else if (READ_ONCE(port->exec.host) && eventfd_signal_allowed() &&
		 !in_hardirq() && !irqs_disabled())
		run_slice_here(txq);
	else
		qz_exec_run(&txq->vq);
}

/**
 * qz_run_try - do something to a ring that nobody runs
 * @txq: the queue
 * @fn: what to do; called with the ring owned and live, inside the gate
 *
 * If the ring has an owner, @fn is not called, and the owner looks again.
 *
 * Context: any that @fn allows; also inside eventfd_signal(), IRQs off.
 */
void qz_run_try(struct qz_txq *txq, void (*fn)(struct qz_txq *txq))
{
	struct qz_vq *vq = &txq->vq;
	int idx;

	idx = qz_gate_enter();
	if (!qz_vq_own(vq)) {
		set_bit(QZ_VQ_AGAIN, &vq->flags);
		smp_mb__after_atomic();	/* as in qz_vq_disown() */
		if (!qz_vq_own(vq))	/* the owner will see the bit */
			goto out;
	}
	if (qz_vq_is_live(vq))
		fn(txq);
	qz_vq_disown(vq);
	if (test_bit(QZ_VQ_AGAIN, &vq->flags))
		qz_exec_run(vq);
out:
	qz_gate_leave(idx);
}

void qz_run_init(struct qz_txq *txq)
{
	init_task_work(&txq->tw, run_task_work);
}
