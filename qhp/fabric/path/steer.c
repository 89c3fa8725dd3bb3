// SPDX-License-Identifier: GPL-2.0
/*
 * Which queue of a receiver gets a frame. A receiver that uses one pair pays for
 * none of this: see qz_steer_pick().
 *
 * All frames of a flow that a queue sends go to the same queue of a receiver, so
 * they keep their order. A sender that uses as many queues as the receiver has
 * spread its flows already, and then each of its queues has a queue of the
 * receiver to itself: two runs that spread would wait for each other's locks.
 * Frames that are not IP have no flow: those of a sending queue stay together. A
 * driver may also say itself which queue gets what: see rss.h.
 *
 * Context: process or softirq, inside a slice (see run.c).
 */

#include <linux/random.h>

#include "path/steer.h"

/* The same for all ports: both directions of a flow have the same hash. */
static struct qz_flow_key key __read_mostly;

static u32 share_of_sender(const struct qz_run *run, u32 active)
{
	return (run->txq->vq.index / 2 + run->port->id) % active;
}

/*
 * All headers of a frame to be segmented have been read, and must stay what its
 * head is.
 */
static bool read_headers(struct qz_frame *frame)
{
	return frame->off.gso != VIRTIO_NET_HDR_GSO_NONE ||
	       qz_frame_read_head(frame, QZ_OFFLOAD_HEAD);
}

/**
 * qz_steer_flow - choose one of several queues
 * @run: the sender's run
 * @port: the receiver
 * @frame: the frame; more of it may be read into its head
 * @active: number of queues that the receiver uses
 *
 * Return: the queue; NULL if the sender's buffer is not where its driver said.
 */
struct qz_rxq *qz_steer_flow(struct qz_run *run, struct qz_port *port,
			     struct qz_frame *frame, u32 active)
{
	const struct qz_rss *rss = &port->ctrl.rss;
	bool told = READ_ONCE(rss->on);
	struct qz_flow flow;

	if (!told && READ_ONCE(run->port->ctrl.active) >= active)
		return &port->rxqs[share_of_sender(run, active)];
	if (!read_headers(frame))
		return NULL;
	qz_flow_find(&flow, frame->head, frame->head_len);
	if (unlikely(told)) {
		run->work -= QZ_WORK_STEP;	/* of IPv6 up to 288 bits */
		return &port->rxqs[qz_rss_pick(rss, &flow)];
	}
	if (!flow.version)
		return &port->rxqs[share_of_sender(run, active)];
	return &port->rxqs[qz_flow_share(qz_flow_hash(&key, &flow), active)];
}

void qz_steer_init(void)
{
	get_random_bytes(&key, sizeof(key));
}
