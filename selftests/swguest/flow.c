// SPDX-License-Identifier: GPL-2.0
#include "flow.h"

#include <string.h>

#include "frame.h"

#define F(name)		(1ULL << (name))
#define TCP_HEAD	32		/* with the time stamps that Linux sends */
#define FLAGS_MIDDLE	0x10		/* ACK */
#define FLAGS_LAST	0x09		/* PSH, FIN */
#define FIRST_ID	0xfffe
#define FIRST_SEQ	0xfffff000u

static void put16(uint8_t *to, unsigned int value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static unsigned int get16(const uint8_t *from)
{
	return from[0] << 8 | from[1];
}

static void put32(uint8_t *to, uint32_t value)
{
	put16(to, value >> 16);
	put16(to + 2, value & 0xffff);
}

static int ip_at(const struct flow *flow)
{
	return flow->vlan ? 18 : 14;
}

static int transport_at(const struct flow *flow)
{
	return ip_at(flow) + (flow->ip6 ? 40 : 20);
}

static int sum_at(const struct flow *flow)
{
	return transport_at(flow) + (flow->udp ? 6 : 16);
}

/* The pseudo header's sum (RFC 793, RFC 8200). */
static uint16_t pseudo_sum(const struct flow *flow, const uint8_t *bytes, int length)
{
	const uint8_t *ip = bytes + ip_at(flow);
	uint16_t addresses = flow->ip6 ? frame_sum(ip + 8, 32, 0) : frame_sum(ip + 12, 8, 0);

	return frame_sum(NULL, 0, addresses + (flow->udp ? 17 : 6) + length - transport_at(flow));
}

static void make_ip(uint8_t *ip, const struct flow *flow, int bytes)
{
	if (flow->ip6) {
		ip[0] = 0x60;
		put16(ip + 4, bytes - 40);
		ip[6] = flow->udp ? 17 : 6;
		ip[7] = 64;
		memset(ip + 8, 0xfd, 32);
		return;
	}
	ip[0] = 0x45;
	put16(ip + 2, bytes);
	put16(ip + 4, FIRST_ID);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = flow->udp ? 17 : 6;
	put32(ip + 12, 0x0a000001);
	put32(ip + 16, 0x0a000002);
	put16(ip + 10, ~frame_sum(ip, 20, 0) & 0xffff);
}

static void make_transport(uint8_t *l4, const struct flow *flow, int bytes)
{
	put16(l4, 1000);
	put16(l4 + 2, 2000);
	if (flow->udp) {
		put16(l4 + 4, bytes);
		return;
	}
	put32(l4 + 4, FIRST_SEQ);
	l4[12] = TCP_HEAD / 4 << 4;
	l4[13] = FLAGS_MIDDLE | FLAGS_LAST;
	memset(l4 + 20, 1, TCP_HEAD - 20);
}

void flow_make(struct flow_frame *frame, const struct flow *flow, const uint8_t to[6], const uint8_t from[6],
	       uint32_t seed)
{
	int ip = ip_at(flow), l4 = transport_at(flow);

	memset(frame, 0, sizeof(*frame));
	frame->head = l4 + (flow->udp ? 8 : TCP_HEAD);
	frame->length = frame->head + flow->payload;
	/* The payload is that of a frame whose Ethernet header is our last 14 bytes. */
	frame_make(frame->bytes + frame->head - FRAME_HEADER, flow->payload + FRAME_HEADER, to, from, seed);
	memset(frame->bytes, 0, frame->head);
	memcpy(frame->bytes, to, 6);
	memcpy(frame->bytes + 6, from, 6);
	if (flow->vlan)
		put16(frame->bytes + 12, 0x8100);
	put16(frame->bytes + ip - 2, flow->ip6 ? 0x86dd : 0x0800);
	make_ip(frame->bytes + ip, flow, frame->length - ip);
	make_transport(frame->bytes + l4, flow, frame->length - l4);
	put16(frame->bytes + sum_at(flow), pseudo_sum(flow, frame->bytes, frame->length));

	frame->header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	frame->header.csum_start = l4;
	frame->header.csum_offset = sum_at(flow) - l4;
	if (!flow->gso_size)
		return;
	frame->header.gso_size = flow->gso_size;
	frame->header.hdr_len = frame->head;
	frame->header.gso_type = flow->udp ? VIRTIO_NET_HDR_GSO_UDP_L4 :
				 flow->ip6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
}

uint64_t flow_needs(const struct flow *flow)
{
	uint64_t needs = F(VIRTIO_NET_F_GUEST_CSUM);

	if (!flow->gso_size)
		return needs;
	if (flow->udp)
		return needs | (flow->ip6 ? F(VIRTIO_NET_F_GUEST_USO6) : F(VIRTIO_NET_F_GUEST_USO4));
	return needs | (flow->ip6 ? F(VIRTIO_NET_F_GUEST_TSO6) : F(VIRTIO_NET_F_GUEST_TSO4));
}

static const char *check_sum(const struct flow *flow, const struct virtio_net_hdr_v1 *header, const uint8_t *bytes,
			     int length)
{
	int l4 = transport_at(flow);
	uint16_t pseudo = pseudo_sum(flow, bytes, length);

	if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if (header->csum_start != l4 || header->csum_offset != sum_at(flow) - l4)
			return "the header's checksum is elsewhere";
		return get16(bytes + sum_at(flow)) == pseudo ? NULL : "the checksum is begun wrong";
	}
	if (flow->udp && !get16(bytes + sum_at(flow)))
		return "there is no checksum";
	return frame_sum(bytes + l4, length - l4, pseudo) == 0xffff ? NULL : "the checksum is wrong";
}

static const char *check_ip(const struct flow *flow, const uint8_t *bytes, int length, int number)
{
	const uint8_t *ip = bytes + ip_at(flow);

	if (flow->ip6)
		return (int)get16(ip + 4) == length - ip_at(flow) - 40 ? NULL : "IPv6 payload length";
	if ((int)get16(ip + 2) != length - ip_at(flow))
		return "IPv4 total length";
	if (get16(ip + 4) != ((FIRST_ID + number) & 0xffff))
		return "IPv4 identification";
	return frame_sum(ip, 20, 0) == 0xffff ? NULL : "IPv4 checksum";
}

static const char *check_transport(const struct flow *flow, const uint8_t *bytes, int length, int offset, bool last)
{
	const uint8_t *l4 = bytes + transport_at(flow);
	uint32_t seq = (uint32_t)get16(l4 + 4) << 16 | get16(l4 + 6);

	if (flow->udp)
		return (int)get16(l4 + 4) == length - transport_at(flow) ? NULL : "UDP length";
	if (seq != FIRST_SEQ + offset)
		return "TCP sequence";
	return l4[13] == (FLAGS_MIDDLE | (last ? FLAGS_LAST : 0)) ? NULL : "TCP flags";
}

const char *flow_check(const struct flow_frame *whole, const struct flow *flow, const struct virtio_net_hdr_v1 *header,
		       const uint8_t *bytes, int length, int offset, int payload)
{
	const char *wrong;

	if (length != whole->head + payload)
		return "length";
	if (memcmp(bytes, whole->bytes, 14))
		return "Ethernet header";
	if (memcmp(bytes + whole->head, whole->bytes + whole->head + offset, payload))
		return "payload";
	wrong = check_ip(flow, bytes, length, flow->gso_size ? offset / flow->gso_size : 0);
	if (!wrong)
		wrong = check_transport(flow, bytes, length, offset, offset + payload == flow->payload);
	return wrong ? wrong : check_sum(flow, header, bytes, length);
}
