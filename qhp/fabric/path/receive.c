// SPDX-License-Identifier: GPL-2.0
/*
 * Into a receiver's buffers: the frame as it is, if the receiver negotiated all
 * that its header says; else with its checksum finished, or cut into segments.
 *
 * Frames of a slice are mostly for the same receiver. So the queue of the last
 * one is kept, locked, until a frame is for another receiver, or enough was put
 * into it, and its driver sees all of these frames at once. It is released
 * before a sender's buffer is walked, and when a frame turns out to be garbage.
 *
 * Context of everything here: process or softirq, inside a slice (see run.c).
 */

#include <uapi/linux/vhost_types.h>

#include "module/trace.h"
#include "path/run.h"
#include "path/steer.h"

/**
 * struct piece - what goes into the receiver's ring as one packet
 * @virtio: header, in which num_buffers is filled in; the first bytes follow it
 * @head_len: number of these first bytes
 * @rest: the bytes that follow, in the sender's memory; advanced; not used if
 *	there are none
 * @rest_len: number of bytes in @rest
 * @finish: the frame's offload, if its checksum has to be finished here
 */
struct piece {
	struct virtio_net_hdr_v1 *virtio;
	u32 head_len;
	struct qz_cursor *rest;
	u32 rest_len;
	const struct qz_offload *finish;
};

/* What became of a piece: a receiver's fault is not the sender's. */
enum put { PUT_DONE, PUT_DROPPED, PUT_BAD_SOURCE, PUT_LATER, PUT_MORE };

/*
 * Take buffers for @need bytes. Called with rxq->lock held.
 *
 * Return: QUEZTL_DROP_REASONS if they suffice, else why not.
 */
static enum queztl_drop gather(struct qz_run *run, struct qz_rxq *rxq, u32 need)
{
	bool merge = qz_port_has(rxq->vq.port, VIRTIO_NET_F_MRG_RXBUF);
	struct qz_buffers *bufs = &run->scratch->bufs;
	struct qz_chain *chain = &run->scratch->in;
	u32 before;
	int ret;

	qz_chain_reset(chain);
	for (bufs->n = 0; chain->in_len < need; bufs->n++) {
		if (bufs->n == (merge ? QZ_FRAME_BUFFERS : 1))
			return QUEZTL_DROP_NO_SPACE;
		before = chain->in_len;
		ret = qz_vq_pop(&rxq->vq, chain);
		if (!ret)
			return QUEZTL_DROP_FULL;
		if (ret < 0 || chain->out || chain->in_len == before ||
		    chain->walked > QZ_RX_SEGS)
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
	from = to;	/* to read back what was written */
	if (!qz_cursor_sum(&from, len - off->csum_start, &sum))
		return false;
	csum = qz_offload_csum(off, sum);
	return qz_cursor_skip(&to, off->csum_offset) &&
	       qz_cursor_write(&to, &csum, sizeof(csum));
}

/* To the beginning of the buffers that were taken. */
static void begin(struct qz_cursor *cur, const struct qz_chain *in,
		  struct qz_rxq *rxq)
{
	qz_cursor_begin(cur, rxq->vq.map, in->segs, in->in, VHOST_ACCESS_WO,
			&rxq->vq.hint);
}

static enum qz_copy fill(struct qz_run *run, struct qz_rxq *rxq,
			 struct piece *piece)
{
	const struct qz_chain *in = &run->scratch->in;
	enum qz_copy copied = QZ_COPY_DONE;
	struct qz_cursor to;

	piece->virtio->num_buffers =
		(__force __virtio16)cpu_to_le16(run->scratch->bufs.n);
	begin(&to, in, rxq);
	if (!qz_cursor_write(&to, piece->virtio, QZ_HDR_LEN + piece->head_len))
		return QZ_COPY_BAD_TARGET;
	if (piece->rest_len)
		copied = qz_cursor_copy(&to, piece->rest, piece->rest_len);
	if (likely(!piece->finish) || copied != QZ_COPY_DONE)
		return copied;
	begin(&to, in, rxq);
	return finish_csum(to, piece->finish, piece->head_len + piece->rest_len) ?
		QZ_COPY_DONE : QZ_COPY_BAD_TARGET;
}

/* Called with rxq->lock held. The piece was not delivered, the buffers stay. */
static enum put refuse(struct qz_run *run, struct qz_rxq *rxq,
		       enum queztl_drop reason, u32 len)
{
	if (reason == QUEZTL_DROP_FULL && qz_backpressure_waits(run, rxq))
		return PUT_LATER;
	qz_vq_drop(&rxq->vq, reason, len);
	if (reason == QUEZTL_DROP_RX_BROKEN)
		qz_port_break(rxq->vq.port, QZ_BREAK_RX);
	return PUT_DROPPED;
}

/* Called with rxq->lock held, the queue live; see also publish(). */
static enum put put_piece(struct qz_run *run, struct qz_rxq *rxq,
			  struct piece *piece)
{
	const struct qz_buffers *bufs = &run->scratch->bufs;
	u32 len = piece->head_len + piece->rest_len, i;
	struct qz_ring *ring = &rxq->vq.ring;
	u16 start = ring->last_avail;
	enum qz_copy copied = QZ_COPY_DONE;
	enum queztl_drop reason;

	reason = gather(run, rxq, len + QZ_HDR_LEN);
	run->work -= QZ_WORK_STEP + run->scratch->in.walked;
	if (reason == QUEZTL_DROP_REASONS) {
		run->work -= len / QZ_WORK_BYTES;
		copied = fill(run, rxq, piece);
		if (copied == QZ_COPY_BAD_TARGET)
			reason = QUEZTL_DROP_RX_BROKEN;
	}
	if (copied == QZ_COPY_BAD_SOURCE) {
		ring->last_avail = start;
		return PUT_BAD_SOURCE;
	}
	if (reason != QUEZTL_DROP_REASONS) {
		ring->last_avail = start;
		return refuse(run, rxq, reason, len);
	}

	for (i = 0; i < bufs->n; i++)
		qz_ring_push(ring, bufs->head[i], bufs->len[i]);
	run->may_wait = false;	/* a part of the frame was delivered */
	run->delivered = true;
	rxq->full_since = 0;
	rxq->packets++;
	rxq->bytes += len;
	trace_queztl_forward(run->port->id, rxq->vq.port->id, len);
	return PUT_DONE;
}

/* The frame as it is, except for its checksum if @finish. */
static enum put put_whole(struct qz_run *run, struct qz_rxq *rxq,
			  struct qz_frame *frame, bool finish)
{
	static const struct qz_offload nothing;
	struct qz_cursor rest;
	struct piece piece = {
		.virtio = &frame->virtio,
		.head_len = frame->head_len,
		.rest = &rest,
		.rest_len = frame->len - frame->head_len,
		.finish = finish ? &frame->off : NULL,
	};

	if (piece.rest_len)
		rest = frame->rest;
	qz_offload_write(finish ? &nothing : &frame->off, piece.virtio);
	return put_piece(run, rxq, &piece);
}

/* Is it time to let others in between two segments? */
static bool has_to_pause(const struct qz_run *run)
{
	return run->work <= 0 || !READ_ONCE(run->into->vq.live);
}

/*
 * The frame in segments, from where the previous slice stopped if that was at
 * this port: it may have been deleted since then. The checksum of each is left
 * to the receiver unless @finish.
 *
 * Return: PUT_MORE if some are left.
 */
static enum put put_segments(struct qz_run *run, struct qz_rxq *rxq,
			     const struct qz_frame *frame, bool finish)
{
	struct qz_resume *resume = &run->txq->resume;
	u32 *offset = &resume->offset, bytes;
	const struct qz_offload *off = &frame->off;
	struct qz_offload segment = {
		.csum = !finish,
		.csum_start = off->csum_start,
		.csum_offset = off->csum_offset,
	};
	u32 payload = frame->len - off->head;
	struct qz_cursor rest = frame->rest;
	struct {
		struct virtio_net_hdr_v1 virtio;
		u8 head[QZ_FRAME_HEAD];
	} first;
	struct piece piece = {
		.virtio = &first.virtio,
		.head_len = off->head,
		.rest = &rest,
		.finish = finish ? off : NULL,
	};
	enum put put = PUT_DONE;

	qz_offload_write(&segment, piece.virtio);
	if (resume->to != rxq->vq.port->id)
		*offset = 0;
	resume->to = rxq->vq.port->id;
	if (*offset && !qz_cursor_skip(&rest, min(*offset, payload)))
		return PUT_BAD_SOURCE;
	while (*offset < payload && put == PUT_DONE) {
		bytes = min_t(u32, off->gso_size, payload - *offset);
		qz_offload_cut(off, frame->head, first.head, *offset, bytes,
			       *offset + bytes == payload);
		piece.rest_len = bytes;
		run->packets--;
		put = put_piece(run, rxq, &piece);
		if (put != PUT_DONE)
			break;
		*offset += bytes;
		if (*offset < payload && has_to_pause(run))
			return PUT_MORE;
	}
	if (put != PUT_LATER)
		*offset = 0;
	return put;
}

/* Let the driver see what was delivered. Called with rxq->lock held. */
static void publish(struct qz_run *run, struct qz_rxq *rxq)
{
	struct qz_ring *ring = &rxq->vq.ring;

	qz_ring_publish(ring);
	/* Senders poll for buffers (backpressure.c): kicks stay off. */
	qz_ring_disable_kicks(ring);
	qz_sent_answered(rxq->txq);
	if (likely(!run->copies))	/* nobody yields to a mirror */
		qz_handoff_saw(&run->handoff, rxq);
	trace_queztl_wake(run->port->id, READ_ONCE(run->port->exec.owner),
			  rxq->vq.port->id, READ_ONCE(rxq->vq.port->exec.owner));
	if (qz_ring_wants_signal(ring) && qz_run_wake(run, rxq))
		rxq->interrupts++;
	qz_ring_signalled(ring);
}

/**
 * qz_receive_end - let the driver see what was delivered, and release its queue
 * @run: the sender's run; may have no queue locked
 */
void qz_receive_end(struct qz_run *run)
{
	struct qz_rxq *rxq = run->into;

	if (!rxq)
		return;
	run->into = NULL;
	if (rxq->vq.ring.used_idx != run->into_used)
		publish(run, rxq);
	__acquire(&rxq->lock);	/* the run's; sparse sees a function */
	spin_unlock(&rxq->lock);
}

/*
 * Take the lock of a queue, unless the run holds it; that of another queue is
 * released.
 *
 * Return: false if the queue cannot be used; then no queue is locked.
 */
static bool receive_begin(struct qz_run *run, struct qz_rxq *rxq)
{
	if (run->into == rxq)
		return true;
	qz_receive_end(run);
	if (!qz_vq_is_live(&rxq->vq))
		return false;
	spin_lock(&rxq->lock);
	__release(&rxq->lock);	/* as above */
	run->into = rxq;
	run->into_used = rxq->vq.ring.used_idx;
	run->into_bytes = run->bytes;
	return true;
}

/*
 * Has enough been put into the queue? Also true if it is broken, or about to
 * stop. Called with its lock held.
 */
static bool is_enough(const struct qz_run *run)
{
	const struct qz_vq *vq = &run->into->vq;
	u16 buffers = vq->ring.used_idx - run->into_used;

	return buffers >= QZ_INTO_BUFFERS ||
	       run->into_bytes - run->bytes >= QZ_INTO_BYTES ||
	       !READ_ONCE(vq->live);
}

/* Called with rxq->lock held. */
static enum put put_frame(struct qz_run *run, struct qz_rxq *rxq,
			  struct qz_frame *frame)
{
	u64 lacks = frame->off.features &
		    ~READ_ONCE(rxq->vq.port->ctrl.takes);
	u64 csum = BIT_ULL(VIRTIO_NET_F_GUEST_CSUM);

	if (!(lacks & ~csum))
		return put_whole(run, rxq, frame, lacks || frame->off.finish);
	return put_segments(run, rxq, frame, lacks & csum);
}

/* The receiver cannot take the frame, or what is left of it: that is no error. */
static int drop_for(struct qz_run *run, struct qz_rxq *rxq,
		    enum queztl_drop reason, const struct qz_frame *frame)
{
	qz_vq_drop(&rxq->vq, reason, frame->len);
	run->txq->resume.offset = 0;
	return 0;
}

/* As drop_for(), for a port that cannot take any. Inside a slice. */
int qz_receive_drop(struct qz_run *run, struct qz_port *port,
		    enum queztl_drop reason, const struct qz_frame *frame)
{
	return drop_for(run, port->rxqs, reason, frame);
}

/**
 * qz_receive - put a frame into a port's receiving ring
 * @run: the sender's run
 * @port: the receiver
 * @frame: the frame; its virtio header is written anew for each receiver
 *
 * A frame that the receiver's driver does not want to see is not delivered,
 * which does not count as a drop, unless it is a copy for a mirror.
 *
 * Context: process or softirq, inside a slice. May return with the lock of
 * run->into held: no second lock of a queue may be taken until
 * qz_receive_end().
 *
 * Return: 0; -EAGAIN if the receiver is full and the frame has to wait;
 * -EINPROGRESS if the slice is used up and segments are left; -EINVAL if the
 * sender's buffer is not where its driver said. A failure that is the
 * receiver's fault is counted there.
 */
int qz_receive(struct qz_run *run, struct qz_port *port,
	       struct qz_frame *frame)
{
	struct qz_rxq *rxq;
	enum put put;

	run->work--;
	if (!qz_filter_takes(&port->ctrl.filter, frame->head,
			     frame->head_len) && likely(!run->copies))
		return 0;
	rxq = qz_steer_pick(run, port, frame);
	if (unlikely(!rxq))
		return -EINVAL;
	if (!receive_begin(run, rxq))
		return drop_for(run, rxq, QUEZTL_DROP_DOWN, frame);
	run->bytes -= frame->len;
	put = put_frame(run, rxq, frame);
	if (is_enough(run))
		qz_receive_end(run);
	switch (put) {
	case PUT_LATER:
		return -EAGAIN;
	case PUT_MORE:
		return -EINPROGRESS;
	case PUT_BAD_SOURCE:
		return -EINVAL;
	default:
		return 0;
	}
}
