// SPDX-License-Identifier: GPL-2.0
/*
 * A frame's way from the sender's buffer to the receivers: read, checked,
 * looked up.
 *
 * Context of everything here: process or softirq, inside a run (see run.c).
 */

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ktime.h>
#include <uapi/linux/vhost_types.h>

#include "module/trace.h"
#include "run.h"

/* Count a frame that is not delivered. */
void qz_deliver_drop(struct qz_queue *queue, enum queztl_drop reason, u32 len)
{
	atomic64_inc(&queue->counts.drops[reason]);
	trace_queztl_drop(queue->port->id, reason, len);
}

/*
 * All headers of a frame to cut. More than those, or less, has been read: the
 * rest begins behind them, counted from @start.
 */
static enum queztl_drop read_headers(struct qz_frame *frame,
				     const struct qz_cursor *start)
{
	u32 n = min_t(u32, frame->len, QZ_OFFLOAD_HEAD), old = frame->head_len;

	if (!qz_cursor_read(&frame->rest, frame->head + old, n - old))
		return QUEZTL_DROP_BAD_RING;
	if (!qz_offload_parse(&frame->off, frame->head, n, frame->len))
		return QUEZTL_DROP_BAD_HEADER;
	frame->head_len = frame->off.head;
	frame->rest = *start;
	qz_cursor_skip(&frame->rest, QZ_HDR_LEN + frame->head_len);
	return QUEZTL_DROP_REASONS;
}

/* Is the frame, or a segment of it, longer than the port's MTU allows? */
static bool too_big(const struct qz_port *port, const struct qz_frame *frame)
{
	u32 max = port->mtu + VLAN_ETH_HLEN;

	if (frame->off.gso == VIRTIO_NET_HDR_GSO_NONE)
		return frame->len > max;
	return frame->off.head + frame->off.gso_size > max;
}

/*
 * The sender has addresses: does it use them? What is judged has been read into
 * the head, and a checksum is not finished where it would change that.
 */
static enum queztl_drop check_sender(const struct qz_antispoof *antispoof,
				     struct qz_frame *frame)
{
	const struct qz_offload *off = &frame->off;
	u32 old = frame->head_len, judged;

	if (off->gso == VIRTIO_NET_HDR_GSO_NONE) {
		frame->head_len = min_t(u32, frame->len, QZ_OFFLOAD_HEAD);
		if (!qz_cursor_read(&frame->rest, frame->head + old,
				    frame->head_len - old))
			return QUEZTL_DROP_BAD_RING;
	}
	judged = qz_antispoof_check(antispoof, frame->head, frame->head_len);
	if (!judged ||
	    (off->csum && (u32)off->csum_start + off->csum_offset < judged))
		return QUEZTL_DROP_FOREIGN;
	return QUEZTL_DROP_REASONS;
}

/* Return: QUEZTL_DROP_REASONS when the frame is good. */
static enum queztl_drop read_frame(const struct qz_run *run,
				   struct qz_queue *queue)
{
	const struct qz_chain *chain = &queue->chain;
	const struct qz_cursor start = {
		.map = run->map,
		.segs = chain->segs,
		.nsegs = chain->out,
		.perm = VHOST_ACCESS_RO,
		.hint = &queue->hint,
	};
	struct qz_frame *frame = &queue->frame;
	const struct qz_port *port = run->port;
	const struct qz_antispoof *antispoof;
	enum queztl_drop reason;
	u64 source;

	frame->len = max_t(u32, chain->out_len, QZ_HDR_LEN) - QZ_HDR_LEN;
	if (chain->in)
		return QUEZTL_DROP_BAD_RING;
	if (frame->len < ETH_HLEN)
		return QUEZTL_DROP_RUNT;
	if (frame->len > QZ_MTU_MAX + VLAN_ETH_HLEN)
		return QUEZTL_DROP_TOO_BIG;

	/* To copy a little twice is less work than to come back for it. */
	frame->head_len = frame->len <= QZ_OFFLOAD_HEAD ? frame->len :
							  VLAN_ETH_HLEN;
	frame->rest = start;
	if (!qz_cursor_read(&frame->rest, frame, QZ_HDR_LEN + frame->head_len))
		return QUEZTL_DROP_BAD_RING;
	if (!qz_offload_read(&frame->off, &frame->virtio, port->features,
			     frame->len))
		return QUEZTL_DROP_BAD_HEADER;
	if (frame->off.gso != VIRTIO_NET_HDR_GSO_NONE) {
		reason = read_headers(frame, &start);
		if (reason != QUEZTL_DROP_REASONS)
			return reason;
	}
	if (too_big(port, frame))
		return QUEZTL_DROP_TOO_BIG;
	source = qz_mac_key(qz_frame_eth(frame)->h_source);
	if (source != port->mac_key && !qz_uplink_may_send(port, source))
		return QUEZTL_DROP_SPOOFED;
	antispoof = srcu_dereference(port->antispoof, &qz_fabric_srcu);
	return antispoof ? check_sender(antispoof, frame) : QUEZTL_DROP_REASONS;
}

/* Nobody is waited for. Return: as qz_receive(). */
static int flood(struct qz_run *run, struct qz_frame *frame)
{
	struct qz_port *port;
	int err;
	u32 i;

	for (i = 0; i < run->sw->n; i++) {
		port = READ_ONCE(run->sw->ports[i]);
		if (!port || port == run->port)	/* none: it is being deleted */
			continue;
		run->packets--;
		err = qz_receive(run, port, frame);
		if (err)
			return err;
	}
	return 0;
}

/* Why an address was not found: the fabric may deny what is there. */
static enum queztl_drop explain_miss(const struct qz_run *run, u64 key)
{
	const struct qz_switch *all = srcu_dereference(run->port->fabric->sw,
						       &qz_fabric_srcu);
	const struct qz_port *to = qz_mactab_find(&all->tab, key) ?:
		qz_uplink_reach(run->port, all);

	return to && to != run->port ? QUEZTL_DROP_DENIED : QUEZTL_DROP_NO_PORT;
}

/*
 * Return: QUEZTL_DROP_REASONS when the frame was delivered, why it is dropped,
 * or -EAGAIN when it is to wait.
 */
static int forward(struct qz_run *run, struct qz_frame *frame)
{
	const u8 *dest = qz_frame_eth(frame)->h_dest;
	u64 key = qz_mac_key(dest);
	struct qz_port *port = run->port;
	struct qz_port *to;
	int err;

	run->may_wait = false;
	if (is_multicast_ether_addr(dest)) {
		if (!qz_bucket_take(&port->flood, ktime_get_ns(),
				    qz_frame_packets(frame)))
			return QUEZTL_DROP_RATE;
		err = flood(run, frame);
	} else {
		to = qz_mactab_find(&run->sw->tab, key) ?:
			qz_uplink_reach(port, run->sw);
		if (!to || to == port)
			return explain_miss(run, key);
		run->may_wait = true;
		err = qz_receive(run, to, frame);
	}
	if (err == -EAGAIN)
		return err;
	return err ? QUEZTL_DROP_BAD_RING : QUEZTL_DROP_REASONS;
}

/**
 * qz_deliver_chain - deliver the frame in a sender's buffer
 * @run: the run
 * @queue: the sending queue, its chain taken from the ring
 *
 * As qz_receive() it may leave a receiver's queue locked.
 *
 * Return: 0 when the buffer is done with, -EAGAIN when the frame is to wait,
 * -EINVAL when the driver wrote nonsense.
 */
int qz_deliver_chain(struct qz_run *run, struct qz_queue *queue)
{
	struct qz_frame *frame = &queue->frame;
	int reason;

	run->packets--;
	reason = read_frame(run, queue);
	if (reason == QUEZTL_DROP_REASONS) {
		reason = forward(run, frame);
		if (reason == -EAGAIN)
			return reason;
		if (qz_port_is_paced(run->port))
			qz_pace_charge(queue->port, frame);
	}
	if (reason == QUEZTL_DROP_REASONS) {
		queue->counts.packets++;
		queue->counts.bytes += frame->len;
		queue->hold.bytes += frame->len;
		return 0;
	}
	qz_deliver_drop(queue, reason, frame->len);
	return reason == QUEZTL_DROP_BAD_RING ? -EINVAL : 0;
}
