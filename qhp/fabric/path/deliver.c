// SPDX-License-Identifier: GPL-2.0
/*
 * A frame's way from the sender's buffer to the receivers: it is read, checked,
 * and its destination is looked up.
 *
 * Context of everything here: process or softirq, inside a slice (see run.c).
 */

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ktime.h>
#include <uapi/linux/vhost_types.h>

#include "path/run.h"

/* To the beginning of the sender's buffer. */
static void begin(struct qz_cursor *cur, const struct qz_run *run)
{
	const struct qz_chain *chain = &run->scratch->out;

	qz_cursor_begin(cur, run->map, chain->segs, chain->out, VHOST_ACCESS_RO,
			&run->txq->vq.hint);
}

/*
 * Read all headers of a frame to be segmented. This may have read too much or
 * too little, so the payload's cursor starts anew right after the headers.
 */
static enum queztl_drop read_headers(const struct qz_run *run,
				     struct qz_frame *frame)
{
	if (!qz_frame_read_head(frame, QZ_OFFLOAD_HEAD))
		return QUEZTL_DROP_BAD_RING;
	if (!qz_offload_parse(&frame->off, frame->head, frame->head_len,
			      frame->len))
		return QUEZTL_DROP_BAD_HEADER;
	frame->head_len = frame->off.head;
	begin(&frame->rest, run);
	qz_cursor_skip(&frame->rest, QZ_HDR_LEN + frame->head_len);
	return QUEZTL_DROP_REASONS;
}

/* Is the frame, or a segment of it, longer than the port's MTU allows? */
static bool too_big(const struct qz_port *port, const struct qz_frame *frame)
{
	u32 max = port->mtu + QZ_LINK_HLEN;

	if (frame->off.gso == VIRTIO_NET_HDR_GSO_NONE)
		return frame->len > max;
	return frame->off.head + frame->off.gso_size > max;
}

/*
 * The sender has addresses: does it use them? All bytes that are checked have
 * been read into the head, and the checksum must not be written into them
 * later.
 */
static enum queztl_drop check_sender(const struct qz_antispoof *antispoof,
				     struct qz_frame *frame)
{
	const struct qz_offload *off = &frame->off;
	u32 judged;

	if (off->gso == VIRTIO_NET_HDR_GSO_NONE &&
	    !qz_frame_read_head(frame, QZ_OFFLOAD_HEAD))
		return QUEZTL_DROP_BAD_RING;
	judged = qz_antispoof_check(antispoof, frame->head, frame->head_len);
	if (!judged ||
	    (off->csum && (u32)off->csum_start + off->csum_offset < judged))
		return QUEZTL_DROP_FOREIGN;
	return QUEZTL_DROP_REASONS;
}

/*
 * What most frames of an access port are: without a tag, and short enough to get
 * one. Then its VLAN is all that qz_special_sent() would find.
 */
static bool is_plain(const struct qz_run *run, struct qz_frame *frame)
{
	u32 flags = run->special & (QZ_PORT_ACCESS | QZ_PORT_LINK_DOWN);

	if (flags != QZ_PORT_ACCESS ||
	    frame->len > run->port->mtu + ETH_HLEN ||
	    qz_vlan_is_tag(frame->head + QZ_VLAN_AT))
		return false;
	frame->vlan = (struct qz_vlan_frame){ .id = run->special >> 16 };
	return true;
}

/* Return: QUEZTL_DROP_REASONS if the frame is good, else why it is dropped. */
static enum queztl_drop read_frame(const struct qz_run *run)
{
	const struct qz_chain *chain = &run->scratch->out;
	struct qz_frame *frame = &run->scratch->frame;
	const struct qz_port *port = run->port;
	const struct qz_antispoof *antispoof;
	enum queztl_drop reason;
	u64 source;

	frame->head_len = 0;
	frame->len = max_t(u32, chain->out_len, QZ_HDR_LEN) - QZ_HDR_LEN;
	if (unlikely(run->late))
		return QUEZTL_DROP_RATE;
	if (chain->in)
		return QUEZTL_DROP_BAD_RING;
	if (frame->len < ETH_HLEN)
		return QUEZTL_DROP_RUNT;
	if (frame->len > QZ_MTU_MAX + QZ_LINK_HLEN)
		return QUEZTL_DROP_TOO_BIG;

	/* Copying a little twice is less work than a second lookup. */
	frame->head_len = frame->len <= QZ_OFFLOAD_HEAD ? frame->len :
							  VLAN_ETH_HLEN;
	begin(&frame->rest, run);
	if (!qz_cursor_read(&frame->rest, frame, QZ_HDR_LEN + frame->head_len))
		return QUEZTL_DROP_BAD_RING;
	if (!qz_offload_read(&frame->off, &frame->virtio, port->features,
			     frame->len))
		return QUEZTL_DROP_BAD_HEADER;
	if (frame->off.gso != VIRTIO_NET_HDR_GSO_NONE) {
		reason = read_headers(run, frame);
		if (reason != QUEZTL_DROP_REASONS)
			return reason;
	}
	if (unlikely(qz_offload_may_be_dhcp(&frame->off))) {
		if (!qz_frame_read_head(frame, frame->off.csum_start + QZ_OFFLOAD_DHCP))
			return QUEZTL_DROP_BAD_RING;
		frame->off.finish = qz_offload_is_dhcp(&frame->off, frame->head,
						       frame->head_len);
	}
	if (too_big(port, frame))
		return QUEZTL_DROP_TOO_BIG;
	source = qz_mac_key(qz_frame_eth(frame)->h_source);
	if (source != port->mac_key && !qz_reach_may_send_as(port, source))
		return QUEZTL_DROP_SPOOFED;
	antispoof = qz_gate_dereference(port->antispoof);
	if (antispoof) {
		reason = check_sender(antispoof, frame);
		if (reason != QUEZTL_DROP_REASONS)
			return reason;
	}
	frame->special = run->special & ~QZ_PORT_WATCHED;
	if (likely(!frame->special) || is_plain(run, frame))
		return QUEZTL_DROP_REASONS;
	return qz_special_sent(run, frame);
}

/* Return: as qz_receive(); -EXDEV if the port is in another VLAN. */
static int put_into(struct qz_run *run, struct qz_port *port,
		    struct qz_frame *frame)
{
	if (likely(READ_ONCE(port->special) == frame->special))
		return qz_receive(run, port, frame);
	return qz_special_receive(run, port, frame);
}

/*
 * May the port flood a frame? A frame that is continued has already paid for
 * what it was then.
 */
static bool may_flood(struct qz_run *run, const struct qz_frame *frame)
{
	struct qz_resume *resume = &run->txq->resume;
	u32 packets = qz_frame_packets(frame);

	if (packets <= resume->flooded)
		return true;
	if (!qz_bucket_take(&run->port->flood, ktime_get_ns(),
			    packets - resume->flooded))
		return false;
	resume->flooded = packets;
	return true;
}

/*
 * May a frame to a group go to a port? The first few members of the group cost
 * no more than so many unicast frames, so they get it for nothing. Any other
 * port that would get it makes it a flood. @broke: that is too much
 */
static bool may_reach(struct qz_run *run, struct qz_frame *frame,
		      const struct qz_port *port, bool *broke)
{
	struct qz_resume *resume = &run->txq->resume;
	u64 group = qz_mac_key(qz_frame_eth(frame)->h_dest);

	if (resume->flooded && may_flood(run, frame))
		return true;
	if (unlikely(READ_ONCE(port->special) != frame->special) &&
	    !qz_special_reaches(port, frame))
		return false;	/* it is in another VLAN */
	switch (qz_filter_group(&port->ctrl.filter, group)) {
	case QZ_FILTER_NONE:
		return true;	/* it does not get it anyway */
	case QZ_FILTER_JOINED:
		if (resume->offset)
			return true;	/* it has got a part */
		if (resume->members < QZ_FLOOD_MEMBERS) {
			resume->members++;
			return true;
		}
		break;
	case QZ_FILTER_ALL:
		break;
	}
	*broke = *broke || !may_flood(run, frame);
	return !*broke;
}

/*
 * To all ports of the frame's VLAN but the sender's, by rising id. Nobody is
 * waited for. If the slice is used up in the middle of a flood, the next slice
 * continues after the last port that has got the frame, or in the middle of the
 * port that has got a part of it.
 *
 * Return: as qz_receive(); -EDQUOT if only members of the group got it, because
 * more would have been too much.
 */
static int flood(struct qz_run *run, struct qz_frame *frame)
{
	bool group = !is_broadcast_ether_addr(qz_frame_eth(frame)->h_dest);
	struct qz_resume *resume = &run->txq->resume;
	u32 i = qz_switch_after(run->sw, resume->after);
	bool some = false, broke = resume->broke;
	u64 id = resume->after;
	struct qz_port *port;
	int err;

	while ((port = qz_switch_next(run->sw, &i, &id))) {
		if (port == run->port)
			continue;
		if (run->work <= 0 && some)
			return -EINPROGRESS;
		run->packets--;
		if (!group || may_reach(run, frame, port, &broke)) {
			err = put_into(run, port, frame);
			if (err && err != -EXDEV)
				return err;
		} else {
			run->work--;
		}
		resume->broke = broke;
		resume->after = id;
		resume->offset = 0;
		some = true;
	}
	return broke ? -EDQUOT : 0;
}

/* Why an address was not found: the fabric may deny the port that has it. */
static enum queztl_drop explain_miss(const struct qz_run *run, u64 key)
{
	const struct qz_switch *all = qz_gate_dereference(run->port->fabric->sw);
	const struct qz_port *to = qz_mactab_find(&all->tab, key) ?:
		qz_reach_unknown(run->port, all, key);

	return to && to != run->port ? QUEZTL_DROP_DENIED : QUEZTL_DROP_NO_PORT;
}

/*
 * 01:80:c2:00:00:00 to 0f stay on a cable (IEEE 802.1D), unless the administrator
 * wants to see a cable in the fabric. Nobody ever forwards a pause.
 */
static bool stays_here(const struct qz_fabric *fabric, const u8 *dest)
{
	return is_link_local_ether_addr(dest) &&
	       (!(READ_ONCE(fabric->mode) & QUEZTL_FABRIC_RESERVED) ||
		dest[ETH_ALEN - 1] == 1);
}

/*
 * Return: QUEZTL_DROP_REASONS if the frame was delivered; why it is dropped;
 * -EAGAIN if it has to wait; or -EINPROGRESS if it has to be continued.
 */
static int forward(struct qz_run *run, struct qz_frame *frame)
{
	struct qz_resume *resume = &run->txq->resume;
	const u8 *dest = qz_frame_eth(frame)->h_dest;
	u64 key = qz_mac_key(dest);
	struct qz_port *port = run->port;
	struct qz_port *to;
	int err;

	run->may_wait = false;
	if (is_multicast_ether_addr(dest)) {
		if (stays_here(port->fabric, dest))
			return QUEZTL_DROP_NO_PORT;
		if (is_broadcast_ether_addr(dest) && !may_flood(run, frame))
			return QUEZTL_DROP_RATE;
		err = flood(run, frame);
		if (err == -EDQUOT)
			return QUEZTL_DROP_RATE;
	} else {
		to = qz_mactab_find(&run->sw->tab, key) ?:
			qz_reach_unknown(port, run->sw, key);
		if (!to || to == port)
			return explain_miss(run, key);
		run->may_wait = !resume->offset;
		err = put_into(run, to, frame);
		if (err == -EXDEV)
			return QUEZTL_DROP_VLAN;
	}
	if (err == -EAGAIN || err == -EINPROGRESS)
		return err;
	return err ? QUEZTL_DROP_BAD_RING : QUEZTL_DROP_REASONS;
}

/* The frame is finished. A sender's garbage does not hold up a receiver. */
static int finish(struct qz_run *run, const struct qz_frame *frame, int reason)
{
	struct qz_txq *txq = run->txq;

	if (reason == QUEZTL_DROP_REASONS) {
		txq->counts.packets++;
		txq->counts.bytes += frame->len;
		txq->hold.bytes += frame->len;
		return 0;
	}
	qz_receive_end(run);
	qz_vq_drop(&txq->vq, reason, frame->len);
	return reason == QUEZTL_DROP_BAD_RING ? -EINVAL : 0;
}

/**
 * qz_deliver_chain - deliver the frame in a sender's buffer
 * @run: the run; the buffer was taken from the ring
 *
 * Like qz_receive() it may leave a receiver's queue locked.
 *
 * Return: 0 if the buffer is finished; -EAGAIN if the frame has to wait;
 * -EINPROGRESS if the slice is used up and the frame is not finished; -EINVAL
 * if the driver wrote nonsense.
 */
int qz_deliver_chain(struct qz_run *run)
{
	struct qz_frame *frame = &run->scratch->frame;
	struct qz_resume *resume = &run->txq->resume;
	int reason;

	run->packets--;
	run->work -= QZ_WORK_STEP;
	reason = read_frame(run);
	run->late = false;
	if (reason == QUEZTL_DROP_REASONS) {
		reason = forward(run, frame);
		if (reason == -EAGAIN)
			return reason;
		if (qz_port_is_paced(run->port))
			qz_pace_charge(run->txq, frame);
		if (reason == -EINPROGRESS)
			return reason;
	}
	*resume = (struct qz_resume){};
	if (unlikely(run->special & QZ_PORT_WATCHED))
		qz_special_watch(run, frame, reason);
	return finish(run, frame, reason);
}
