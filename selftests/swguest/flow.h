/* SPDX-License-Identifier: GPL-2.0 */
/* TCP and UDP frames as a driver with offloads sends them, and a check of what arrives of them. */
#ifndef QUEZTL_FLOW_H
#define QUEZTL_FLOW_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>

/* Of the uapi headers of Linux 6.2 and later. */
#ifndef VIRTIO_NET_F_HOST_USO
#define VIRTIO_NET_F_GUEST_USO4	54
#define VIRTIO_NET_F_GUEST_USO6	55
#define VIRTIO_NET_F_HOST_USO	56
#define VIRTIO_NET_HDR_GSO_UDP_L4	5
#endif

struct flow {
	const char *name;
	bool ip6, udp, vlan;
	int gso_size;			/* 0: not to be cut, its checksum only to be finished */
	int payload;
};

struct flow_frame {
	struct virtio_net_hdr_v1 header;
	uint8_t bytes[66000];
	int length, head;		/* of them headers */
};

/* Like one sent by Linux: the checksum is begun, the header says what to do. */
void flow_make(struct flow_frame *frame, const struct flow *flow, const uint8_t to[6], const uint8_t from[6],
	       uint32_t seed);
/* GUEST_ features a receiver needs to get it as it is. */
uint64_t flow_needs(const struct flow *flow);

/*
 * Is @bytes a segment of @whole, @payload bytes long, from @offset on? Its checksum must be right, or begun as its
 * @header says. NULL, or what is wrong.
 */
const char *flow_check(const struct flow_frame *whole, const struct flow *flow, const struct virtio_net_hdr_v1 *header,
		       const uint8_t *bytes, int length, int offset, int payload);

#endif
