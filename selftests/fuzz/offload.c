// SPDX-License-Identifier: GPL-2.0
/*
 * A driver's header and the first bytes of its frame. What is accepted stays within the frame, and is cut into segments
 * whose lengths and checksums are right, by a sum of our own.
 */
#include "fuzz.h"
#include "qhp/fabric/pure/offload.c"

#define FRAME_MAX	(65535 + 18)

/* Headers worth beginning with: the fuzzer changes single bytes of them. */
static const struct {
	u8 gso;
	u8 l4;
	u8 csum;
	u8 len;
	u8 head[QZ_OFFLOAD_HEAD];
} starts[] = {
	{ VIRTIO_NET_HDR_GSO_TCPV4, 34, TCP_CSUM, 54, { [12] = 8, 0, 0x45, [23] = PROTO_TCP, [46] = 0x50, 0x19 } },
	{ VIRTIO_NET_HDR_GSO_TCPV4, 38, TCP_CSUM, 58, { [12] = 0x81, 0, 0, 1, 8, 0, 0x45, [27] = PROTO_TCP, [50] = 0x50 } },
	{ VIRTIO_NET_HDR_GSO_UDP_L4, 34, UDP_CSUM, 42, { [12] = 8, 0, 0x45, [23] = PROTO_UDP } },
	{ VIRTIO_NET_HDR_GSO_TCPV6, 54, TCP_CSUM, 74, { [12] = 0x86, 0xdd, 0x60, [20] = PROTO_TCP, [66] = 0x50, 0x18 } },
	{ VIRTIO_NET_HDR_GSO_UDP_L4, 54, UDP_CSUM, 62, { [12] = 0x86, 0xdd, 0x60, [20] = PROTO_UDP } },
	/* Its headers end where we stop to look, or behind. */
	{ VIRTIO_NET_HDR_GSO_TCPV6, 166, TCP_CSUM, 186,
	  { [12] = 0x86, 0xdd, 0x60, [20] = PROTO_DSTOPTS, [54] = PROTO_TCP, 13, [178] = 0x50 } },
	{ VIRTIO_NET_HDR_GSO_NONE, 34, UDP_CSUM, 42, { [12] = 8, 0, 0x45, [23] = PROTO_UDP } },
};

static u32 add_words(const u8 *from, u32 len, u32 sum)
{
	for (u32 i = 0; i < len; i++)
		sum += i % 2 ? from[i] : from[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The segment's headers, and the sum of its transport part as its receiver would check it. */
static void check_segment(const struct qz_offload *off, const u8 *head, u32 offset, u32 bytes)
{
	bool ip4 = head[off->ip] >> 4 == 4, udp = off->gso == VIRTIO_NET_HDR_GSO_UDP_L4;
	const u8 *ip = head + off->ip, *l4 = head + off->csum_start;
	u32 transport = off->head - off->csum_start + bytes, sum = 0;
	u8 pseudo[4] = { transport >> 8, transport, 0, udp ? PROTO_UDP : PROTO_TCP };

	if (ip4) {
		fuzz_check(get16(ip + IP4_TOTAL) == (u16)(off->head - off->ip + bytes));
		fuzz_check(add_words(ip, off->csum_start - off->ip, 0) == 0xffff);
	} else {
		fuzz_check(get16(ip + IP6_PAYLOAD) == (u16)(off->head - off->ip - IP6_LEN + bytes));
	}
	if (udp)
		fuzz_check(get16(l4 + UDP_TOTAL) == (u16)transport);
	/* Begun: the pseudo header's sum, which needs what no segment of 64 KiB overflows. */
	if (transport <= 0xffff) {
		sum = add_words(ip + (ip4 ? IP4_ADDRS : IP6_ADDRS), ip4 ? 8 : 32, 0);
		sum = add_words(pseudo, sizeof(pseudo), sum);
		fuzz_check(get16(l4 + off->csum_offset) % 0xffff == sum % 0xffff);
	}
	fuzz_check(offset % off->gso_size == 0);
}

static void cut(const struct qz_offload *off, const u8 *whole, u32 len)
{
	u32 payload = len - off->head, segments = 0, offset, bytes;
	u8 *head = malloc(off->head);

	fuzz_check(head);
	for (offset = 0; offset < payload; offset += bytes, segments++) {
		bytes = min_t(u32, off->gso_size, payload - offset);
		qz_offload_cut(off, whole, head, offset, bytes, offset + bytes == payload);
		check_segment(off, head, offset, bytes);
	}
	fuzz_check(segments == qz_offload_segments(off, len) && segments <= QZ_OFFLOAD_SEGMENTS);
	free(head);
}

static void check_read(const struct qz_offload *off, const struct virtio_net_hdr_v1 *virtio, u32 len)
{
	struct virtio_net_hdr_v1 out;

	if (off->csum)
		fuzz_check(off->csum_start + off->csum_offset + 2u <= len);
	fuzz_check(off->gso == VIRTIO_NET_HDR_GSO_NONE || (off->csum && off->gso_size));
	qz_offload_write(off, &out);
	fuzz_check(out.flags == (off->csum ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0));
	fuzz_check(out.gso_type == virtio->gso_type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { data, size };
	u32 start = fuzz_u8(&fuzz) % (sizeof(starts) / sizeof(starts[0]) + 1);
	u64 features = ~0ULL & ~((u64)fuzz_u8(&fuzz) << (fuzz_u8(&fuzz) % 64));
	u32 len = fuzz_u32(&fuzz) % (FRAME_MAX + 1), head_len = min_t(u32, len, QZ_OFFLOAD_HEAD);
	struct virtio_net_hdr_v1 virtio;
	struct qz_offload off;
	u8 *head;

	fuzz_bytes(&fuzz, &virtio, sizeof(virtio));
	if (start < sizeof(starts) / sizeof(starts[0])) {
		virtio.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		virtio.gso_type = starts[start].gso;
		virtio.csum_start = starts[start].l4;
		virtio.csum_offset = starts[start].csum;
		head = calloc(1, head_len ? head_len : 1);
		fuzz_check(head);
		memcpy(head, starts[start].head, min_t(u32, head_len, starts[start].len));
		for (u32 changes = fuzz_u8(&fuzz) % 8; changes && head_len; changes--)
			head[fuzz_u8(&fuzz) % head_len] = fuzz_u8(&fuzz);
		if (fuzz_u8(&fuzz) & 1)
			virtio.csum_start = fuzz_u8(&fuzz);
	} else {
		head = fuzz_alloc(&fuzz, head_len);
	}

	if (qz_offload_read(&off, &virtio, features, len)) {
		check_read(&off, &virtio, len);
		if (off.gso != VIRTIO_NET_HDR_GSO_NONE && qz_offload_parse(&off, head, head_len, len)) {
			fuzz_check(off.head <= head_len && off.head < len && off.ip < off.csum_start);
			cut(&off, head, len);
		}
		if (qz_offload_may_be_dhcp(&off))
			qz_offload_is_dhcp(&off, head, head_len);
	}
	free(head);
	return 0;
}
