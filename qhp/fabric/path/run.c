// SPDX-License-Identifier: GPL-2.0
/*
 * A run of a sending ring: one thread serves it for a while, slice by slice.
 *
 * A slice is what is done at a time inside the gate, with softirqs off, by the
 * owner of the ring. It is bounded (QZ_SLICE_WORK), and a frame that does not
 * fit into one slice is continued in the next. All slices of a run share one
 * budget; what remains when it is used up is left to the port's worker.
 */

#include <linux/sched.h>

#include "module/waking.h"
#include "path/run.h"

static void wake_receivers(struct qz_run *run)
{
	unsigned int i;

	this_cpu_write(qz_waking, true);
	for (i = 0; i < run->nwake; i++)
		qz_signal_driver(&run->wake[i]->vq, run->port);
	this_cpu_write(qz_waking, false);
	run->nwake = 0;
}

/*
 * The receiver's driver asked for an interrupt: raise it at the end of the
 * slice, once. A slice may come back to a queue many times, and a driver without
 * event indices asks again each time.
 *
 * Return: false if it will be raised anyway.
 */
bool qz_run_wake(struct qz_run *run, struct qz_rxq *rxq)
{
	unsigned int i;

	for (i = run->nwake; i; i--)
		if (run->wake[i - 1] == rxq)
			return false;
	run->work -= QZ_WORK_STEP;
	if (run->nwake == ARRAY_SIZE(run->wake))
		wake_receivers(run);
	run->wake[run->nwake++] = rxq;
	return true;
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
void qz_run_postpone_kicks(struct qz_txq *txq)
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
		qz_run_postpone_kicks(txq);
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
		qz_run_postpone_kicks(txq);
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
		if (qz_port_is_paced(run->port) && qz_pace_waits(run)) {
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
			qz_port_break(run->port, QZ_BREAK_TX);
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
	if (!qz_port_is_paced(port))
		txq->late_at = 0;
	run->late = false;
	run->map = txq->vq.map;
	run->sw = qz_reach_of(port);
	run->special = READ_ONCE(port->special);
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
bool qz_run_slice(struct qz_run *run)
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

void qz_run_begin(struct qz_run *run, struct qz_txq *txq, u64 *count)
{
	run->port = txq->vq.port;
	run->txq = txq;
	run->alive = NULL;
	run->in_sender = false;
	run->packets = QZ_RUN_PACKETS;
	run->bytes = QZ_RUN_BYTES;
	run->count = count;
	run->handoff = (struct qz_handoff){};
	run->copies = false;
	run->nwake = 0;
	run->into = NULL;
}

/*
 * All slices share one budget, so a thread cannot be kept busy by what other
 * vCPUs send. Process context.
 */
void qz_run_all(struct qz_run *run)
{
	while (qz_run_slice(run)) {
		if (!has_budget(run)) {
			qz_exec_run(&run->txq->vq);
			return;
		}
		cond_resched();
	}
}

/* The worker's part, as long as it is @alive. Process context. */
void qz_run_work(struct qz_txq *txq, const bool *alive)
{
	struct qz_run run;

	qz_run_begin(&run, txq, &txq->counts.worker_runs);
	run.alive = alive;
	qz_run_all(&run);
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
