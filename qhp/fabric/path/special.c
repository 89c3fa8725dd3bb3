// SPDX-License-Identifier: GPL-2.0
/*
 * What few ports have, and others do not pay for: links that are down, VLANs,
 * captures and mirrors.
 *
 * Context of everything here: process or softirq, inside a slice (see run.c).
 */

#include "path/capture.h"
#include "path/run.h"

/*
 * What the frame is without its tag, or the longest of its segments. With a tag
 * it may be as long as any other frame: see too_big().
 */
static bool is_long(const struct qz_port *port, const struct qz_frame *frame)
{
	u32 tag = frame->vlan.tagged ? QZ_VLAN_TAG : 0;
	u32 most = QZ_LINK_HLEN - QZ_VLAN_TAG;
	u32 len = frame->len;

	if (frame->len - tag > QZ_MTU_MAX + most)
		return true;
	if (frame->off.gso != VIRTIO_NET_HDR_GSO_NONE)
		len = frame->off.head + frame->off.gso_size;
	return len - tag > port->mtu + most;
}

/**
 * qz_special_sent - further checks of a frame whose sender needs some
 * @run: the sender's run
 * @frame: a frame that is good but for them; its VLAN is set
 *
 * Return: QUEZTL_DROP_REASONS if the frame is good, else why it is dropped.
 */
enum queztl_drop qz_special_sent(const struct qz_run *run,
				 struct qz_frame *frame)
{
	const struct qz_vlan *vlan = qz_gate_dereference(run->port->vlan);
	const struct qz_offload *off = &frame->off;

	if (run->special & QZ_PORT_LINK_DOWN)
		return QUEZTL_DROP_LINK_DOWN;
	if (unlikely(!vlan)) {	/* it had some when the slice began */
		frame->vlan = (struct qz_vlan_frame){};
		return QUEZTL_DROP_REASONS;
	}
	if (!qz_vlan_enter(vlan, frame->head, frame->head_len, &frame->vlan))
		return QUEZTL_DROP_VLAN;
	if (is_long(run->port, frame))
		return QUEZTL_DROP_TOO_BIG;
	if (!vlan->trunk && !frame->vlan.tagged)
		return QUEZTL_DROP_REASONS;
	frame->special = QZ_FRAME_SPECIAL;
	/* The tag may go, and then what is summed must not begin in it. */
	if (frame->vlan.tagged && off->csum &&
	    off->csum_start < ETH_HLEN + QZ_VLAN_TAG)
		return QUEZTL_DROP_BAD_HEADER;
	return QUEZTL_DROP_REASONS;
}

static void add_tag(struct qz_frame *frame)
{
	qz_vlan_push(&frame->vlan, frame->head, frame->head_len, &frame->off);
	frame->head_len += QZ_VLAN_TAG;
	frame->len += QZ_VLAN_TAG;
	frame->vlan.tagged = true;
}

static void remove_tag(struct qz_frame *frame)
{
	qz_vlan_pop(frame->head, frame->head_len, &frame->off);
	frame->head_len -= QZ_VLAN_TAG;
	frame->len -= QZ_VLAN_TAG;
	frame->vlan.tagged = false;
}

static void set_tagged(struct qz_frame *frame, bool tagged)
{
	if (tagged && !frame->vlan.tagged)
		add_tag(frame);
	else if (!tagged && frame->vlan.tagged)
		remove_tag(frame);
}

/* A port that is watched has received a frame. */
static void watch_received(struct qz_run *run, struct qz_port *port,
			   struct qz_frame *frame)
{
	struct qz_capture *capture = qz_gate_dereference(port->capture);

	if (capture)
		qz_capture_received(run, capture, frame);
	qz_mirror(run, port, frame);
}

static int receive(struct qz_run *run, struct qz_port *port,
		   struct qz_frame *frame)
{
	int ret;

	if (!(READ_ONCE(port->special) & QZ_PORT_WATCHED))
		return qz_receive(run, port, frame);
	run->delivered = false;
	ret = qz_receive(run, port, frame);
	if (!ret && run->delivered)
		watch_received(run, port, frame);
	return ret;
}

/**
 * qz_special_watch - a port that is watched has sent a frame
 * @run: the sender's run; no receiver's queue is locked afterwards if something
 *	was recorded or copied
 * @frame: the frame; nothing more is delivered of it
 * @reason: why it was dropped, or QUEZTL_DROP_REASONS
 */
void qz_special_watch(struct qz_run *run, struct qz_frame *frame, int reason)
{
	if (run->special & QZ_PORT_CAPTURED)
		qz_capture_sent(run, frame, reason);
	if (reason == QUEZTL_DROP_REASONS)
		qz_mirror(run, run->port, frame);
}

/* The frame is then again as it was. */
static int receive_as(struct qz_run *run, struct qz_port *port,
		      struct qz_frame *frame, bool tagged)
{
	bool was = frame->vlan.tagged;
	int ret;

	set_tagged(frame, tagged);
	ret = receive(run, port, frame);
	set_tagged(frame, was);
	return ret;
}

static enum qz_vlan_form form_at(const struct qz_port *port,
				 struct qz_frame *frame)
{
	if (!frame->special)	/* then nobody has set it */
		frame->vlan = (struct qz_vlan_frame){};
	return qz_vlan_leave(qz_gate_dereference(port->vlan), &frame->vlan);
}

/* Is a port, which has not the same as the frame, in the frame's VLAN? */
bool qz_special_reaches(const struct qz_port *port, struct qz_frame *frame)
{
	return form_at(port, frame) != QZ_VLAN_STOPS;
}

/**
 * qz_special_receive - put a frame into a port's receiving ring, if sender or
 *	receiver need further checks
 * @run: the sender's run
 * @port: the receiver
 * @frame: the frame
 *
 * Return: as qz_receive(); -EXDEV if the port is in another VLAN than the frame.
 */
int qz_special_receive(struct qz_run *run, struct qz_port *port,
		       struct qz_frame *frame)
{
	enum qz_vlan_form form = form_at(port, frame);

	if (form == QZ_VLAN_STOPS) {
		run->work--;
		return -EXDEV;
	}
	if (READ_ONCE(port->special) & QZ_PORT_LINK_DOWN) {
		run->work--;
		return qz_receive_drop(run, port, QUEZTL_DROP_LINK_DOWN, frame);
	}
	if (frame->special && frame->vlan.id)
		return receive_as(run, port, frame, form == QZ_VLAN_TAGGED);
	return receive(run, port, frame);
}
