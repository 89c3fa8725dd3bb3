// SPDX-License-Identifier: GPL-2.0
/*
 * The control queue's ring: commands are carried out by the queue's worker, one
 * at a time. What they change is read by others without a lock (see ctrl.h).
 *
 * Context: process, in the worker, unless a function says otherwise.
 */

#include <uapi/linux/vhost_types.h>

#include "fabric.h"

static struct qz_cursor cursor(struct qz_queue *queue, u32 from, u32 n,
			       u32 perm)
{
	return (struct qz_cursor){
		.map = srcu_dereference(queue->port->map, &qz_fabric_srcu),
		.segs = queue->chain.segs + from,
		.nsegs = n,
		.perm = perm,
		.hint = &queue->hint,
	};
}

/* Return: 1 a command was served, 0 there is none, < 0 the ring is broken. */
static int serve_one(struct qz_queue *queue)
{
	struct qz_chain *chain = &queue->chain;
	struct qz_port *port = queue->port;
	struct qz_cursor from, to;
	u8 ack = VIRTIO_NET_ERR;
	int ret;

	qz_chain_reset(chain);
	ret = qz_queue_pop(queue);
	if (ret <= 0)
		return ret;
	from = cursor(queue, 0, chain->out, VHOST_ACCESS_RO);
	to = cursor(queue, chain->out, chain->in, VHOST_ACCESS_WO);
	if (chain->out_len <= sizeof(port->command)) {
		if (!qz_cursor_read(&from, port->command, chain->out_len))
			return -EINVAL;
		ack = qz_ctrl_command(&port->ctrl, port->command,
				      chain->out_len);
	}
	if (!qz_cursor_write(&to, &ack, sizeof(ack)))
		return -EINVAL;
	queue->counts.commands++;
	qz_ring_push(&queue->ring, chain->head, sizeof(ack));
	qz_ring_publish(&queue->ring);
	if (qz_ring_wants_signal(&queue->ring))
		qz_notify_call(queue);
	qz_ring_signalled(&queue->ring);
	return 1;
}

/* A driver that never stops gets the worker again and again, not for ever. */
static void serve_ring(struct qz_queue *queue)
{
	int budget = queue->num, ret;

	do {
		ret = serve_one(queue);
		if (ret < 0) {
			qz_deliver_drop(queue, QUEZTL_DROP_BAD_RING, 0);
			qz_port_break(queue->port);
			return;
		}
		if (ret > 0 && !--budget) {
			qz_worker_queue(queue);
			return;
		}
	} while (ret > 0 || qz_ring_enable_kicks(&queue->ring));
}

/* The worker of a queue that may be a control queue, or was one. */
void qz_ctrlq_run(struct qz_queue *queue)
{
	int idx;

	idx = srcu_read_lock(&qz_fabric_srcu);
	/* live as in qz_queue_start(), and before kind */
	if (smp_load_acquire(&queue->live) && queue->kind == QZ_CTRL)
		serve_ring(queue);
	srcu_read_unlock(&qz_fabric_srcu, idx);
}

/* Any context. */
void qz_ctrlq_kick(struct qz_queue *queue)
{
	queue->counts.kicks++;
	if (READ_ONCE(queue->live))
		qz_worker_queue(queue);
}
