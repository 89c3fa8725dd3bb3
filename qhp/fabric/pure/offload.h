/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a driver leaves to its device: checksums to finish, frames to segment
 * (virtio 1.2, section 5.1.6). Pure.
 *
 * A frame passes unchanged to a receiver that negotiated what its header says.
 * Any other receiver gets it with its checksum finished, or in segments, as the
 * driver asked.
 */
#ifndef QZ_OFFLOAD_H
#define QZ_OFFLOAD_H

#include "module/plain.h"

/*
 * The longest headers of a frame that is segmented: Ethernet, two VLAN tags,
 * IPv4 with all options (60) or IPv6 with some extensions, TCP with all options
 * (60).
 */
#define QZ_OFFLOAD_HEAD		192

/*
 * Segments of one frame: 64 KiB in the smallest segments Linux makes of TCP,
 * TCP_MIN_SND_MSS (48) bytes.
 */
#define QZ_OFFLOAD_SEGMENTS	1366

/* Bytes of a UDP header that tell an answer of DHCP: the source port. */
#define QZ_OFFLOAD_DHCP		2

/* Where a transport header has its checksum. */
#define QZ_OFFLOAD_TCP_CSUM	16
#define QZ_OFFLOAD_UDP_CSUM	6

/**
 * struct qz_offload - what the sender's device has to do for a frame
 * @features: VIRTIO_NET_F_GUEST_* of a receiver that can do it by itself
 * @gso: VIRTIO_NET_HDR_GSO_*, without VIRTIO_NET_HDR_GSO_ECN
 * @ecn: VIRTIO_NET_HDR_GSO_ECN was set
 * @csum: the checksum at @csum_start + @csum_offset is not complete
 * @finish: complete it for every receiver
 * @csum_start: where the summed bytes begin
 * @csum_offset: where the sum goes, from @csum_start
 *
 * The rest is valid if @gso is not NONE; then @csum_start is where the
 * transport header begins:
 *
 * @gso_size: payload of a segment, bytes
 * @ip: where the IP header begins
 * @head: where the payload begins
 */
struct qz_offload {
	u64 features;
	u8 gso;
	bool ecn;
	bool csum;
	bool finish;
	u16 csum_start;
	u16 csum_offset;
	u16 gso_size;
	u16 ip;
	u16 head;
};

bool qz_offload_read(struct qz_offload *off,
		     const struct virtio_net_hdr_v1 *virtio, u64 features,
		     u32 len);
bool qz_offload_parse(struct qz_offload *off, const u8 *head, u32 head_len,
		      u32 len);
bool qz_offload_is_dhcp(const struct qz_offload *off, const u8 *head,
			u32 head_len);
void qz_offload_write(const struct qz_offload *off,
		      struct virtio_net_hdr_v1 *virtio);
void qz_offload_cut(const struct qz_offload *off, const u8 *whole, u8 *head,
		    u32 offset, u32 bytes, bool last);

/* How many segments a frame of @len bytes makes. */
static inline u32 qz_offload_segments(const struct qz_offload *off, u32 len)
{
	return DIV_ROUND_UP(len - off->head, off->gso_size);
}

/*
 * May it be an answer of DHCP, and is its checksum not complete? False for most
 * frames; then qz_offload_is_dhcp() need not look at the frame itself.
 */
static inline bool qz_offload_may_be_dhcp(const struct qz_offload *off)
{
	return off->csum && off->csum_offset == QZ_OFFLOAD_UDP_CSUM &&
	       off->gso == VIRTIO_NET_HDR_GSO_NONE;
}

/* The finished checksum, from the sum of all bytes from csum_start on. */
static inline __sum16 qz_offload_csum(const struct qz_offload *off, __wsum sum)
{
	__sum16 csum = csum_fold(sum);

	/* In UDP 0 means that there is no checksum. */
	if (!csum && off->csum_offset == QZ_OFFLOAD_UDP_CSUM)
		csum = CSUM_MANGLED_0;
	return csum;
}

#endif /* QZ_OFFLOAD_H */
