// SPDX-License-Identifier: GPL-2.0
/*
 * The control queue's ring: commands are carried out by the port's worker, one
 * at a time. Others read without a lock what they change (see ctrl.h).
 *
 * Context: process, in the worker, unless a function says otherwise.
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
		.map = qz_gate_dereference(vq->port->map),
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
 * One command, or none: softirqs are off for no longer.
 *
 * Return: true if there may be another.
 */
static bool run_slice(struct qz_ctrlq *ctrlq, const bool *alive)
{
	struct qz_vq *vq = &ctrlq->vq;
	bool more = false;
	int idx, ret;

	idx = qz_gate_enter_bh();
	if (!READ_ONCE(*alive) || !qz_vq_own(vq))
		goto out;	/* only the port's worker comes here */
	if (qz_vq_is_live(vq)) {
		ret = serve_one(ctrlq);
		if (ret < 0) {
			qz_vq_drop(vq, QUEZTL_DROP_BAD_RING, 0);
			qz_port_break(vq->port);
		}
		more = ret > 0 || (!ret && qz_ring_enable_kicks(&vq->ring));
	}
	qz_vq_disown(vq);
out:
	qz_gate_leave_bh(idx);
	return more;
}

/*
 * A driver that never stops occupies the worker again and again, but not for
 * ever: its other queues have their turn in between.
 */
void qz_ctrlq_run(struct qz_ctrlq *ctrlq, const bool *alive)
{
	int budget = QZ_RING_MAX;

	while (run_slice(ctrlq, alive)) {
		if (!--budget) {
			qz_exec_run(&ctrlq->vq);
			return;
		}
		cond_resched();
	}
}

/* Any context. */
void qz_ctrlq_kick(struct qz_ctrlq *ctrlq)
{
	atomic64_inc(&ctrlq->kicks);
	if (qz_vq_takes_kick(&ctrlq->vq))
		qz_exec_run(&ctrlq->vq);
}
