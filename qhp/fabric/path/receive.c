// SPDX-License-Identifier: GPL-2.0
/*
 * Into a receiver's buffers: as the frame is, when the receiver negotiated all
 * that its header says; else with its checksum finished, or cut into segments.
 *
 * Frames of a run are for the same receiver more often than not. So the queue
 * of the last one is kept, locked, until another's turn comes, or enough was
 * put into it, and its driver sees all of that at once.
 *
 * Context of everything here: process or softirq, inside a run (see run.c).
 */

#include <uapi/linux/vhost_types.h>

#include "module/trace.h"
#include "run.h"

/**
 * struct piece - what goes into the receiver's ring as one packet
 * @virtio: header; num_buffers is filled in; the first bytes follow it
 * @head_len: how many of those
 * @rest: those that follow, in the sender's memory; moved on
 * @rest_len: how many
 * @finish: the frame's offload, when its checksum is to be finished here
 */
struct piece {
	struct virtio_net_hdr_v1 *virtio;
	u32 head_len;
	struct qz_cursor *rest;
	u32 rest_len;
	const struct qz_offload *finish;
};

/* What became of a piece: the receiver's fault is not the sender's. */
enum put { PUT_DONE, PUT_DROPPED, PUT_BAD_SOURCE, PUT_LATER };

/*
 * Take buffers for @need bytes. Called with queue->lock held.
 *
 * Return: QUEZTL_DROP_REASONS when they suffice, else why not.
 */
static enum queztl_drop gather(struct qz_queue *queue, u32 need)
{
	bool merge = qz_port_has(queue->port, VIRTIO_NET_F_MRG_RXBUF);
	struct qz_buffers *bufs = &queue->bufs;
	struct qz_chain *chain = &queue->chain;
	u32 before;
	int ret;

	qz_chain_reset(chain);
	for (bufs->n = 0; chain->in_len < need; bufs->n++) {
		if (bufs->n == (merge ? QZ_FRAME_BUFFERS : 1))
			return QUEZTL_DROP_NO_SPACE;
		before = chain->in_len;
		ret = qz_queue_pop(queue);
		if (!ret)
			return QUEZTL_DROP_FULL;
		if (ret < 0 || chain->out || chain->in_len == before)
			return QUEZTL_DROP_RX_BROKEN;
		bufs->head[bufs->n] = chain->head;
		bufs->len[bufs->n] = min(chain->in_len, need) - before;
	}
	return QUEZTL_DROP_REASONS;
}

/* Sum what was written, and write the sum. */
static bool finish_csum(struct qz_cursor to, const struct qz_offload *off,
			u32 len)
{
	struct qz_cursor from;
	__wsum sum = 0;
	__sum16 csum;

	if (!qz_cursor_skip(&to, QZ_HDR_LEN + off->csum_start))
		return false;
	from = to;	/* we read back what we wrote */
	if (!qz_cursor_sum(&from, len - off->csum_start, &sum))
		return false;
	csum = qz_offload_csum(off, sum);
	return qz_cursor_skip(&to, off->csum_offset) &&
	       qz_cursor_write(&to, &csum, sizeof(csum));
}

static enum qz_copy fill(struct qz_queue *queue, struct piece *piece)
{
	struct qz_cursor to = {
		.map = srcu_dereference(queue->port->map, &qz_fabric_srcu),
		.segs = queue->chain.segs,
		.nsegs = queue->chain.in,
		.perm = VHOST_ACCESS_WO,
		.hint = &queue->hint,
	};
	struct qz_cursor start = to;
	enum qz_copy copied;

	piece->virtio->num_buffers =
		(__force __virtio16)cpu_to_le16(queue->bufs.n);
	if (!qz_cursor_write(&to, piece->virtio, QZ_HDR_LEN + piece->head_len))
		return QZ_COPY_BAD_TARGET;
	copied = qz_cursor_copy(&to, piece->rest, piece->rest_len);
	if (copied == QZ_COPY_DONE && piece->finish &&
	    !finish_csum(start, piece->finish,
			 piece->head_len + piece->rest_len))
		return QZ_COPY_BAD_TARGET;
	return copied;
}

/* Called with queue->lock held, the queue live; see also publish(). */
static enum put put_piece(struct qz_run *run, struct qz_queue *queue,
			  struct piece *piece)
{
	u32 len = piece->head_len + piece->rest_len, i;
	u16 start = queue->ring.last_avail;
	struct qz_port *port = queue->port;
	enum qz_copy copied = QZ_COPY_DONE;
	enum queztl_drop reason;

	reason = gather(queue, len + QZ_HDR_LEN);
	if (reason == QUEZTL_DROP_REASONS) {
		copied = fill(queue, piece);
		if (copied == QZ_COPY_BAD_TARGET)
			reason = QUEZTL_DROP_RX_BROKEN;
	}
	if (copied == QZ_COPY_BAD_SOURCE) {
		queue->ring.last_avail = start;
		return PUT_BAD_SOURCE;
	}
	if (reason != QUEZTL_DROP_REASONS) {
		queue->ring.last_avail = start;
		if (reason == QUEZTL_DROP_FULL && qz_backpressure_waits(run, queue))
			return PUT_LATER;
		qz_deliver_drop(queue, reason, len);
		if (reason == QUEZTL_DROP_RX_BROKEN)
			qz_port_break(port);
		return PUT_DROPPED;
	}

	for (i = 0; i < queue->bufs.n; i++)
		qz_ring_push(&queue->ring, queue->bufs.head[i],
			     queue->bufs.len[i]);
	run->may_wait = false;	/* part of the frame is there */
	queue->full_since = 0;
	queue->counts.packets++;
	queue->counts.bytes += len;
	trace_queztl_forward(run->port->id, port->id, len);
	return PUT_DONE;
}

/* The frame as it is, but for its checksum when @finish. */
static enum put put_whole(struct qz_run *run, struct qz_queue *queue,
			  struct qz_frame *frame, bool finish)
{
	static const struct qz_offload nothing;
	struct qz_cursor rest = frame->rest;
	struct piece piece = {
		.virtio = &frame->virtio,
		.head_len = frame->head_len,
		.rest = &rest,
		.rest_len = frame->len - frame->head_len,
		.finish = finish ? &frame->off : NULL,
	};

	qz_offload_write(finish ? &nothing : &frame->off, piece.virtio);
	return put_piece(run, queue, &piece);
}

/* The frame in segments; the checksum of each is left to whoever can do it. */
static enum put put_segments(struct qz_run *run, struct qz_queue *queue,
			     const struct qz_frame *frame, bool finish)
{
	const struct qz_offload *off = &frame->off;
	struct qz_offload segment = {
		.csum = !finish,
		.csum_start = off->csum_start,
		.csum_offset = off->csum_offset,
	};
	u32 payload = frame->len - off->head, offset, bytes;
	struct qz_cursor rest = frame->rest;
	struct {
		struct virtio_net_hdr_v1 virtio;
		u8 head[QZ_OFFLOAD_HEAD];
	} first;
	struct piece piece = {
		.virtio = &first.virtio,
		.head_len = off->head,
		.rest = &rest,
		.finish = finish ? off : NULL,
	};
	enum put put = PUT_DONE;

	qz_offload_write(&segment, piece.virtio);
	for (offset = 0; offset < payload && put == PUT_DONE; offset += bytes) {
		bytes = min_t(u32, off->gso_size, payload - offset);
		qz_offload_cut(off, frame->head, first.head, offset, bytes,
			       offset + bytes == payload);
		piece.rest_len = bytes;
		run->packets--;
		put = put_piece(run, queue, &piece);
	}
	return put;
}

/* Let the driver see what was put. Called with queue->lock held. */
static void publish(struct qz_run *run, struct qz_queue *queue)
{
	qz_ring_publish(&queue->ring);
	/* Whoever waits for buffers looks for himself. */
	qz_ring_disable_kicks(&queue->ring);
	qz_notify_received(queue);
	qz_handoff_saw(&run->handoff, queue);
	if (qz_ring_wants_signal(&queue->ring)) {
		queue->counts.interrupts++;
		qz_run_wake(run, queue);
	}
	qz_ring_signalled(&queue->ring);
}

/**
 * qz_receive_end - let the driver see what was put, and let go of its queue
 * @run: the sender's run; may have no queue
 */
void qz_receive_end(struct qz_run *run)
{
	struct qz_queue *queue = run->into;

	if (!queue)
		return;
	run->into = NULL;
	if (queue->ring.used_idx != run->into_used)
		publish(run, queue);
	__acquire(&queue->lock);	/* the run's; sparse sees a function */
	spin_unlock_bh(&queue->lock);
}

/*
 * Take the lock of a queue, unless the run has it; another's is let go.
 *
 * Return: false when the queue cannot be used, and none is locked.
 */
static bool receive_begin(struct qz_run *run, struct qz_queue *queue)
{
	if (run->into == queue)
		return true;
	qz_receive_end(run);
	/*
	 * Pairs with the release in qz_queue_start(); and only a live queue's
	 * kind holds: the driver may have negotiated anew since it was picked.
	 */
	if (!smp_load_acquire(&queue->live) || queue->kind != QZ_RX)
		return false;
	spin_lock_bh(&queue->lock);
	__release(&queue->lock);	/* as above */
	run->into = queue;
	run->into_used = queue->ring.used_idx;
	run->into_bytes = run->bytes;
	return true;
}

/*
 * Is it another's turn? Also when the queue is broken, or about to stop. Called
 * with its lock held.
 */
static bool is_enough(const struct qz_run *run)
{
	const struct qz_queue *queue = run->into;
	u16 buffers = queue->ring.used_idx - run->into_used;

	return buffers >= QZ_INTO_BUFFERS ||
	       run->into_bytes - run->bytes >= QZ_INTO_BYTES ||
	       !READ_ONCE(queue->live);
}

/* Called with queue->lock held. */
static enum put put_frame(struct qz_run *run, struct qz_queue *queue,
			  struct qz_frame *frame)
{
	u64 lacks = frame->off.features &
		    ~READ_ONCE(queue->port->ctrl.takes);
	u64 csum = BIT_ULL(VIRTIO_NET_F_GUEST_CSUM);

	if (!(lacks & ~csum))
		return put_whole(run, queue, frame, lacks);
	return put_segments(run, queue, frame, lacks & csum);
}

/*
 * All of a sender's queue goes to one queue of a receiver, so a flow keeps its
 * order; a guest has spread its flows over its queues. Other senders' queues go
 * to others.
 */
static struct qz_queue *pick_queue(const struct qz_run *run,
				   struct qz_port *port)
{
	u32 pair = run->queue->index / 2 + run->port->id;

	return &port->queues[pair % READ_ONCE(port->ctrl.active) * 2];
}

/**
 * qz_receive - put a frame into a port's receiving ring
 * @run: the sender's run
 * @port: the receiver
 * @frame: the frame; its virtio header is written anew for each receiver
 *
 * What the receiver's driver does not want to see is not delivered, and that is
 * no drop.
 *
 * Context: process or softirq, inside a run. Returns with BH off and the lock of
 * run->into held, if there is one: no second lock of a queue may be taken, and
 * nothing may sleep, until qz_receive_end().
 *
 * Return: 0; -EAGAIN when the receiver is full and is waited for; -EINVAL when
 * the sender's buffer is not where its driver said. What is the receiver's
 * fault is counted there.
 */
int qz_receive(struct qz_run *run, struct qz_port *port,
	       struct qz_frame *frame)
{
	struct qz_queue *queue = pick_queue(run, port);
	enum put put;

	if (!qz_filter_takes(&port->ctrl.filter, frame->head, frame->head_len))
		return 0;
	if (!receive_begin(run, queue)) {
		qz_deliver_drop(queue, QUEZTL_DROP_DOWN, frame->len);
		return 0;
	}
	run->bytes -= frame->len;
	put = put_frame(run, queue, frame);
	if (is_enough(run))
		qz_receive_end(run);
	if (put == PUT_LATER)
		return -EAGAIN;
	return put == PUT_BAD_SOURCE ? -EINVAL : 0;
}
