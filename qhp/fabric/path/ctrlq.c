// SPDX-License-Identifier: GPL-2.0
/*
 * The control queue's ring: commands are carried out one at a time, by the owner
 * of the ring. Others read without a lock what they change (see ctrl.h).
 *
 * Context: process or softirq, inside the gate, unless a function says otherwise.
 */

#include <linux/sched.h>
#include <uapi/linux/vhost_types.h>

#include "path/port.h"
#include "path/scratch.h"

/* A table that is filtered by has been copied. */
static_assert(sizeof(u32) + QZ_FILTER_MACS * ETH_ALEN <= QZ_CTRL_BYTES);

static struct qz_cursor cursor(struct qz_vq *vq, const struct qz_seg *segs,
			       u32 n, u32 perm)
{
	return (struct qz_cursor){
		.map = vq->map,
		.segs = segs,
		.nsegs = n,
		.perm = perm,
		.hint = &vq->hint,
	};
}

/*
 * Do what the @len bytes at @from ask for. Each is read once.
 *
 * Return: the answer, < 0 if they cannot be read.
 */
static int carry_out(struct qz_ctrl *ctrl, struct qz_cursor *from, u32 len)
{
	u8 *command = qz_scratch_get()->command;
	u32 at;

	if (len <= QZ_CTRL_BYTES)
		return qz_cursor_read(from, command, len) ?
			qz_ctrl_command(ctrl, command, len) : -EINVAL;
	if (!qz_cursor_read(from, command, QZ_CTRL_LONG))
		return -EINVAL;
	at = qz_ctrl_find_multicast(command, len);
	if (!at)
		return VIRTIO_NET_ERR;
	len -= at;
	if (!qz_cursor_skip(from, at - QZ_CTRL_LONG) ||
	    !qz_cursor_read(from, command, min_t(u32, len, QZ_CTRL_BYTES)))
		return -EINVAL;
	return qz_ctrl_multicast(ctrl, command, len);
}

/*
 * The caller owns the ring, which is live.
 *
 * Return: 1 a command was served, 0 there is none, < 0 the ring is broken.
 */
static int serve_one(struct qz_ctrlq *ctrlq)
{
	struct qz_scratch *scratch = qz_scratch_get();
	struct qz_chain *chain = &scratch->out;
	struct qz_vq *vq = &ctrlq->vq;
	struct qz_cursor from, to;
	u8 ack;
	int ret;

	qz_chain_reset(chain);
	chain->single = false;
	ret = qz_vq_pop(vq, chain);
	if (ret <= 0)
		return ret;
	from = cursor(vq, chain->segs, chain->out, VHOST_ACCESS_RO);
	to = cursor(vq, chain->segs + chain->out, chain->in, VHOST_ACCESS_WO);
	ret = carry_out(&vq->port->ctrl, &from, chain->out_len);
	if (ret < 0)
		return ret;
	ack = ret;
	if (!qz_cursor_write(&to, &ack, sizeof(ack)))
		return -EINVAL;
	ctrlq->commands++;
	qz_ring_push(&vq->ring, chain->head, sizeof(ack));
	qz_ring_publish(&vq->ring);
	if (qz_ring_wants_signal(&vq->ring))
		qz_signal_driver(vq, vq->port);
	qz_ring_signalled(&vq->ring);
	return 1;
}

/*
 * The caller owns the ring, inside the gate, softirqs off.
 *
 * Return: true if there may be another command.
 */
static bool run_ring(struct qz_ctrlq *ctrlq)
{
	struct qz_vq *vq = &ctrlq->vq;
	int ret;

	if (!qz_vq_is_live(vq))
		return false;
	ret = serve_one(ctrlq);
	if (ret < 0) {
		qz_vq_drop(vq, QUEZTL_DROP_BAD_RING, 0);
		qz_port_break(vq->port, QZ_BREAK_CTRL);
		return false;
	}
	return ret > 0 || qz_ring_enable_kicks(&vq->ring);
}

/* Inside the gate. @alive: of a worker; NULL: the caller has kicked. */
static bool may_run(const struct qz_port *port, const bool *alive)
{
	if (alive)
		return READ_ONCE(*alive);
	return READ_ONCE(port->exec.host) || qz_exec_is_own(port);
}

/*
 * One command, or none: softirqs are off for no longer. Who finds the ring owned
 * makes the owner look again, as in qz_run_slice().
 *
 * Return: true if there may be another.
 */
static bool run_slice(struct qz_ctrlq *ctrlq, const bool *alive)
{
	struct qz_vq *vq = &ctrlq->vq;
	bool more = false;
	int idx;

	idx = qz_gate_enter_bh();
	if (!may_run(vq->port, alive))
		goto out;	/* the port has other workers, or none */
	set_bit(QZ_VQ_AGAIN, &vq->flags);
	if (qz_vq_own(vq)) {
		clear_bit(QZ_VQ_AGAIN, &vq->flags);
		smp_mb__after_atomic();	/* before looking at the ring */
		more = run_ring(ctrlq);
		qz_vq_disown(vq);
		more |= test_bit(QZ_VQ_AGAIN, &vq->flags);
	}
out:
	qz_gate_leave_bh(idx);
	return more;
}

/**
 * qz_ctrlq_run - carry out commands
 * @ctrlq: the queue
 * @alive: of a worker: may it go on? NULL: the caller is the thread that kicked
 *
 * A driver that never stops occupies the worker again and again, but not for
 * ever: its other queues have their turn in between.
 *
 * Context: process, may sleep.
 */
void qz_ctrlq_run(struct qz_ctrlq *ctrlq, const bool *alive)
{
	int budget = alive ? QZ_RING_MAX : QZ_RUN_COMMANDS;

	while (run_slice(ctrlq, alive)) {
		if (!--budget) {
			qz_exec_run(&ctrlq->vq);
			return;
		}
		cond_resched();
	}
}

/* A slice on the spot, for a port of the host. Process or softirq. */
void qz_ctrlq_run_slice(struct qz_ctrlq *ctrlq)
{
	if (run_slice(ctrlq, NULL))
		qz_exec_run(&ctrlq->vq);
}
