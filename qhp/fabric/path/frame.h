/* SPDX-License-Identifier: GPL-2.0 */
/* A frame on its way from a sender's buffer to receivers' buffers. */
#ifndef QZ_FRAME_H
#define QZ_FRAME_H

#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <uapi/linux/virtio_net.h>

#include "path/cursor.h"
#include "pure/offload.h"
#include "pure/vlan.h"

#define QZ_HDR_LEN	sizeof(struct virtio_net_hdr_mrg_rxbuf)

/* What a frame may have beside the MTU: two VLAN tags, as in 802.1ad. */
#define QZ_LINK_HLEN	(ETH_HLEN + 2 * VLAN_HLEN)

#define QZ_FRAME_SPECIAL	U32_MAX

/* Bytes of a frame that are copied, and a tag that it may get. */
#define QZ_FRAME_HEAD	(QZ_OFFLOAD_HEAD + QZ_VLAN_TAG)

/*
 * Buffers that one frame may be spread over: the largest frame in the smallest
 * buffers that virtio-net posts (1536 bytes) takes 43.
 */
#define QZ_FRAME_BUFFERS	64

/**
 * struct qz_frame - a frame as it was read from a sending ring
 * @virtio: the driver's header; later that for the receiver at hand
 * @head: the frame's first bytes; this copy is what is checked and what is
 *	delivered
 * @head_len: length of @head: all of a short frame; else the Ethernet header
 *	with a VLAN tag, all headers of a frame that may have to be segmented,
 *	those up to the UDP ports if the checksum is UDP's, or as much as fits
 *	if the sender has addresses or a receiver several queues; and a tag that
 *	the frame got
 * @len: bytes of the whole frame
 * @rest: the bytes after @head, in the sender's memory
 * @off: what the driver left to the device
 * @special: &qz_port.special of ports that receive it as it is, without further
 *	checks; QZ_FRAME_SPECIAL if there are none
 * @vlan: the VLAN that it is in; valid if @special is not 0
 */
struct qz_frame {
	struct virtio_net_hdr_v1 virtio;
	u8 head[QZ_FRAME_HEAD];
	u32 head_len;
	u32 len;
	struct qz_cursor rest;
	struct qz_offload off;
	u32 special;
	struct qz_vlan_frame vlan;
};

static_assert(offsetof(struct qz_frame, head) ==
	      sizeof(struct virtio_net_hdr_v1));

/**
 * struct qz_buffers - buffers taken from a receiving ring for one frame
 * @n: number of buffers
 * @head: what to return in the used ring
 * @len: bytes written to each
 */
struct qz_buffers {
	u32 n;
	u16 head[QZ_FRAME_BUFFERS];
	u32 len[QZ_FRAME_BUFFERS];
};

/*
 * Read the first @len bytes of a frame, or as many as it and the head have.
 * These bytes are then delivered as they were read.
 */
static inline bool qz_frame_read_head(struct qz_frame *frame, u32 len)
{
	u32 old = frame->head_len;

	len = min3(len, frame->len, (u32)QZ_OFFLOAD_HEAD);
	if (len <= old)
		return true;
	frame->head_len = len;
	return qz_cursor_read(&frame->rest, frame->head + old, len - old);
}

static inline const struct ethhdr *qz_frame_eth(const struct qz_frame *frame)
{
	return (const struct ethhdr *)frame->head;
}

/* How many packets it is for a receiver that cannot take it whole. */
static inline u32 qz_frame_packets(const struct qz_frame *frame)
{
	return frame->off.gso == VIRTIO_NET_HDR_GSO_NONE ?
		1 : qz_offload_segments(&frame->off, frame->len);
}

#endif /* QZ_FRAME_H */
