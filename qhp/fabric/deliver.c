// SPDX-License-Identifier: GPL-2.0
/*
 * A frame's way from the sender's buffer to the receivers' buffers: checked,
 * looked up, copied once.
 *
 * Context of everything here: process or softirq, inside a run (see run.c).
 */

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ktime.h>
#include <linux/string.h>
#include <linux/virtio_byteorder.h>
#include <uapi/linux/vhost_types.h>

#include "module/trace.h"
#include "run.h"

/*
 * Buffers one frame may be spread over: the largest frame in the smallest
 * buffers that virtio-net posts (1536 bytes) takes 43.
 */
#define MAX_BUFFERS	64

/* A place in a chain's segments. */
struct cursor {
	const struct qz_map *map;
	const struct qz_seg *segs;
	u32 nsegs;
	u32 offset;		/* in segs[0] */
	u32 perm;
	u32 *hint;
};

/* What is checked is this copy, and this copy is what is delivered. */
struct frame_head {
	struct virtio_net_hdr_v1 virtio;
	struct ethhdr eth;
} __packed;

struct frame {
	struct frame_head head;
	struct cursor payload;	/* behind the Ethernet header */
	u32 len;		/* with the Ethernet header */
};

/* Up to *len contiguous bytes at the cursor; NULL at the end or a bad place. */
static void *cursor_window(struct cursor *cur, u32 *len)
{
	const struct qz_seg *seg = cur->segs;

	if (!cur->nsegs)
		return NULL;
	*len = min(*len, seg->len - cur->offset);
	return qz_map_find(cur->map, seg->addr + cur->offset, len, cur->perm,
			   cur->hint);
}

static void cursor_advance(struct cursor *cur, u32 len)
{
	cur->offset += len;
	if (cur->offset == cur->segs->len) {
		cur->segs++;
		cur->nsegs--;
		cur->offset = 0;
	}
}

static bool cursor_read(struct cursor *cur, void *to, u32 len)
{
	const void *from;
	u32 n;

	for (; len; len -= n, to += n) {
		n = len;
		from = cursor_window(cur, &n);
		if (!from)
			return false;
		memcpy(to, from, n);
		cursor_advance(cur, n);
	}
	return true;
}

static bool cursor_write(struct cursor *cur, const void *from, u32 len)
{
	void *to;
	u32 n;

	for (; len; len -= n, from += n) {
		n = len;
		to = cursor_window(cur, &n);
		if (!to)
			return false;
		memcpy(to, from, n);
		cursor_advance(cur, n);
	}
	return true;
}

enum copy_result { COPY_DONE, COPY_BAD_SOURCE, COPY_BAD_TARGET };

static enum copy_result cursor_copy(struct cursor *to, struct cursor *from,
				    u32 len)
{
	const void *src;
	void *dst;
	u32 n;

	for (; len; len -= n) {
		n = len;
		src = cursor_window(from, &n);
		if (!src)
			return COPY_BAD_SOURCE;
		dst = cursor_window(to, &n);
		if (!dst)
			return COPY_BAD_TARGET;
		memcpy(dst, src, n);
		cursor_advance(from, n);
		cursor_advance(to, n);
	}
	return COPY_DONE;
}

/* Count a frame that is not delivered. */
void qz_deliver_drop(struct qz_port *port, enum queztl_drop reason, u32 len)
{
	atomic64_inc(&port->counts.drops[reason]);
	trace_queztl_drop(port->id, reason, len);
}

/* Buffers taken from a receiving ring for one frame. */
struct buffers {
	u32 n;
	u16 head[MAX_BUFFERS];
	u32 len[MAX_BUFFERS];
};

/*
 * Take buffers for @need bytes. Called with queue->lock held.
 *
 * Return: QUEZTL_DROP_REASONS when they suffice, else why not.
 */
static enum queztl_drop gather(struct qz_queue *queue, struct buffers *bufs,
			       u32 need)
{
	bool merge = qz_port_has(queue->port, VIRTIO_NET_F_MRG_RXBUF);
	struct qz_chain *chain = &queue->chain;
	u32 before;
	int ret;

	qz_chain_reset(chain);
	for (bufs->n = 0; chain->in_len < need; bufs->n++) {
		if (bufs->n == (merge ? MAX_BUFFERS : 1))
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

static enum copy_result fill(struct qz_queue *queue, const struct frame *frame,
			     u16 nbuffers)
{
	struct qz_port *port = queue->port;
	struct cursor to = {
		.map = srcu_dereference(port->map, &qz_fabric_srcu),
		.segs = queue->chain.segs,
		.nsegs = queue->chain.in,
		.perm = VHOST_ACCESS_WO,
		.hint = &queue->hint,
	};
	struct cursor from = frame->payload;
	struct frame_head head = {
		.virtio.num_buffers = __cpu_to_virtio16(true, nbuffers),
		.eth = frame->head.eth,
	};

	if (!cursor_write(&to, &head, sizeof(head)))
		return COPY_BAD_TARGET;
	return cursor_copy(&to, &from, frame->len - ETH_HLEN);
}

static void hand_over(struct qz_queue *queue, const struct buffers *bufs)
{
	u32 i;

	for (i = 0; i < bufs->n; i++)
		qz_ring_push(&queue->ring, bufs->head[i], bufs->len[i]);
	qz_ring_publish(&queue->ring);
	/* Nothing waits for buffers: a full receiver drops. */
	qz_ring_disable_kicks(&queue->ring);
}

/*
 * Called with queue->lock held, the queue live.
 *
 * Return: COPY_BAD_SOURCE, or COPY_DONE also when the receiver is at fault.
 */
static enum copy_result put_frame(struct qz_run *run, struct qz_queue *queue,
				  const struct frame *frame)
{
	struct qz_port *port = queue->port;
	u16 start = queue->ring.last_avail;
	enum copy_result copied;
	enum queztl_drop reason;
	struct buffers bufs;

	reason = gather(queue, &bufs, frame->len + QZ_HDR_LEN);
	if (reason == QUEZTL_DROP_REASONS) {
		copied = fill(queue, frame, bufs.n);
		if (copied == COPY_BAD_SOURCE) {
			queue->ring.last_avail = start;
			return copied;
		}
		if (copied == COPY_BAD_TARGET)
			reason = QUEZTL_DROP_RX_BROKEN;
	}
	if (reason != QUEZTL_DROP_REASONS) {
		queue->ring.last_avail = start;
		qz_deliver_drop(port, reason, frame->len);
		if (reason == QUEZTL_DROP_RX_BROKEN)
			qz_port_break(port);
		return COPY_DONE;
	}

	hand_over(queue, &bufs);
	port->counts.rx_packets++;
	port->counts.rx_bytes += frame->len;
	trace_queztl_forward(run->port->id, port->id, frame->len);
	qz_notify_received(port);
	if (qz_ring_wants_signal(&queue->ring)) {
		port->counts.rx_interrupts++;
		qz_run_wake(run, queue);
	}
	qz_ring_signalled(&queue->ring);
	return COPY_DONE;
}

static enum copy_result deliver_to(struct qz_run *run, struct qz_port *port,
				   const struct frame *frame)
{
	enum copy_result ret = COPY_DONE;
	struct qz_queue *queue = &port->queues[0];

	run->bytes -= frame->len;
	/* Pairs with the release in qz_queue_start(). */
	if (!smp_load_acquire(&queue->live)) {
		qz_deliver_drop(port, QUEZTL_DROP_DOWN, frame->len);
		return ret;
	}
	spin_lock_bh(&queue->lock);
	ret = put_frame(run, queue, frame);
	spin_unlock_bh(&queue->lock);
	return ret;
}

static enum copy_result deliver_to_all(struct qz_run *run,
				       const struct frame *frame)
{
	enum copy_result ret;
	struct qz_port *port;
	u32 i;

	for (i = 0; i < run->sw->n; i++) {
		port = READ_ONCE(run->sw->ports[i]);
		if (!port || port == run->port)	/* none: it is being deleted */
			continue;
		run->packets--;
		ret = deliver_to(run, port, frame);
		if (ret != COPY_DONE)
			return ret;
	}
	return COPY_DONE;
}

/* Return: QUEZTL_DROP_REASONS when the frame may pass. */
static enum queztl_drop check(const struct qz_port *port,
			      const struct frame *frame)
{
	const struct virtio_net_hdr_v1 *virtio = &frame->head.virtio;

	/* No offload is negotiated, so none may be asked for. */
	if (virtio->flags || virtio->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return QUEZTL_DROP_BAD_HEADER;
	if (qz_mac_key(frame->head.eth.h_source) != port->mac_key)
		return QUEZTL_DROP_SPOOFED;
	return QUEZTL_DROP_REASONS;
}

static enum queztl_drop forward(struct qz_run *run, const struct frame *frame)
{
	const u8 *dest = frame->head.eth.h_dest;
	struct qz_port *port = run->port;
	enum copy_result copied;
	struct qz_port *to;

	if (is_multicast_ether_addr(dest)) {
		if (!qz_bucket_take(&port->flood, ktime_get_ns()))
			return QUEZTL_DROP_RATE;
		copied = deliver_to_all(run, frame);
	} else {
		to = qz_mactab_find(&run->sw->tab, qz_mac_key(dest));
		if (!to || to == port)
			return QUEZTL_DROP_NO_PORT;
		copied = deliver_to(run, to, frame);
	}
	return copied == COPY_DONE ? QUEZTL_DROP_REASONS : QUEZTL_DROP_BAD_RING;
}

/**
 * qz_deliver_chain - deliver the frame in a sender's buffer
 * @run: the run
 * @queue: the sending queue, its chain taken from the ring
 *
 * Return: 0 when the buffer is done with, -EINVAL when the driver wrote
 * nonsense.
 */
int qz_deliver_chain(struct qz_run *run, struct qz_queue *queue)
{
	const struct qz_chain *chain = &queue->chain;
	struct qz_port *port = run->port;
	enum queztl_drop reason = QUEZTL_DROP_BAD_RING;
	struct frame frame = {
		.payload = {
			.map = run->map,
			.segs = chain->segs,
			.nsegs = chain->out,
			.perm = VHOST_ACCESS_RO,
			.hint = &queue->hint,
		},
		.len = max_t(u32, chain->out_len, QZ_HDR_LEN) - QZ_HDR_LEN,
	};

	run->packets--;
	if (chain->in)
		goto out;
	reason = QUEZTL_DROP_RUNT;
	if (frame.len < ETH_HLEN)
		goto out;
	reason = QUEZTL_DROP_TOO_BIG;
	if (frame.len > port->mtu + VLAN_ETH_HLEN)
		goto out;
	reason = QUEZTL_DROP_BAD_RING;
	if (!cursor_read(&frame.payload, &frame.head, sizeof(frame.head)))
		goto out;

	reason = check(port, &frame);
	if (reason != QUEZTL_DROP_REASONS)
		goto out;
	reason = forward(run, &frame);
	if (reason != QUEZTL_DROP_REASONS)
		goto out;
	port->counts.tx_packets++;
	port->counts.tx_bytes += frame.len;
	queue->hold.bytes += frame.len;
	return 0;

out:
	qz_deliver_drop(port, reason, frame.len);
	return reason == QUEZTL_DROP_BAD_RING ? -EINVAL : 0;
}
