// SPDX-License-Identifier: GPL-2.0
/* What a driver leaves to its device: see offload.h. */

#include "offload.h"

#define ETH_LEN		14
#define VLAN_LEN	4
#define VLAN_TAGS	2

/*
 * The frame may get a tag in front of that. In 16 bits it would otherwise wrap, and
 * the sum be written over addresses and tag, which have been checked by then.
 */
#define CSUM_START_MAX	(0xffff - VLAN_LEN)

#define TCP_SEQ		4
#define TCP_OFFSET	12
#define TCP_FLAGS	13
#define TCP_CSUM	QZ_OFFLOAD_TCP_CSUM
#define TCP_LEN		20
#define TCP_FIN		0x01
#define TCP_PSH		0x08
#define TCP_CWR		0x80

#define UDP_SOURCE	0
#define UDP_TOTAL	4
#define UDP_CSUM	QZ_OFFLOAD_UDP_CSUM
#define UDP_LEN		8

#define DHCP_SERVER	67

#define IP4_TOTAL	2
#define IP4_ID		4
#define IP4_FRAGMENT	6
#define IP4_PROTO	9
#define IP4_CSUM	10
#define IP4_ADDRS	12
#define IP4_LEN		20

#define IP6_PAYLOAD	4
#define IP6_PROTO	6
#define IP6_ADDRS	8
#define IP6_LEN		40

enum {
	PROTO_HOPOPTS	= 0,
	PROTO_TCP	= 6,
	PROTO_UDP	= 17,
	PROTO_DSTOPTS	= 60,
};

enum {
	TYPE_IP4	= 0x0800,
	TYPE_VLAN	= 0x8100,
	TYPE_QINQ	= 0x88a8,
	TYPE_IP6	= 0x86dd,
};

static u16 get16(const u8 *from)
{
	return from[0] << 8 | from[1];
}

static u32 get32(const u8 *from)
{
	return (u32)get16(from) << 16 | get16(from + 2);
}

static void put16(u8 *to, u16 value)
{
	to[0] = value >> 8;
	to[1] = value;
}

static void put32(u8 *to, u32 value)
{
	put16(to, value >> 16);
	put16(to + 2, value);
}

static bool has(u64 features, unsigned int bit)
{
	return features >> bit & 1;
}

/* May a driver that negotiated @features leave this segmentation to us? */
static bool may_gso(u8 gso, u64 features)
{
	switch (gso) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return has(features, VIRTIO_NET_F_HOST_TSO4);
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return has(features, VIRTIO_NET_F_HOST_TSO6);
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return has(features, VIRTIO_NET_F_HOST_USO);
	default:
		return false;
	}
}

/**
 * qz_offload_read - what a driver's header asks for
 * @off: out: all that is known without the frame's own headers
 * @virtio: the header, a copy
 * @features: what the driver negotiated
 * @len: bytes of the frame
 *
 * Return: false if it asks for what was not negotiated, or for nonsense.
 */
bool qz_offload_read(struct qz_offload *off,
		     const struct virtio_net_hdr_v1 *virtio, u64 features,
		     u32 len)
{
	*off = (struct qz_offload){};
	if (!virtio->flags && !virtio->gso_type)
		return true;

	off->gso = virtio->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
	off->ecn = virtio->gso_type & VIRTIO_NET_HDR_GSO_ECN;
	off->csum = virtio->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	off->csum_start = le16_to_cpu((__force __le16)virtio->csum_start);
	off->csum_offset = le16_to_cpu((__force __le16)virtio->csum_offset);
	off->gso_size = le16_to_cpu((__force __le16)virtio->gso_size);

	/* A driver may set only this flag. A frame to segment must have it. */
	if (!off->csum || virtio->flags & ~VIRTIO_NET_HDR_F_NEEDS_CSUM ||
	    !has(features, VIRTIO_NET_F_CSUM))
		return false;
	if ((u32)off->csum_start + off->csum_offset + sizeof(u16) > len ||
	    off->csum_start < ETH_LEN || off->csum_start > CSUM_START_MAX)
		return false;
	off->features = 1ULL << VIRTIO_NET_F_GUEST_CSUM;

	if (off->ecn) {
		if (off->gso != VIRTIO_NET_HDR_GSO_TCPV4 &&
		    off->gso != VIRTIO_NET_HDR_GSO_TCPV6)
			return false;
		if (!has(features, VIRTIO_NET_F_HOST_ECN))
			return false;
		off->features |= 1ULL << VIRTIO_NET_F_GUEST_ECN;
	}
	return may_gso(off->gso, features) &&
	       (off->gso == VIRTIO_NET_HDR_GSO_NONE || off->gso_size);
}

/* Where the IP header begins, and its type; 0 if there is none. */
static u16 find_ip(const u8 *head, u32 head_len, u16 *type)
{
	u32 at = ETH_LEN, tags;

	for (tags = 0; at <= head_len; at += VLAN_LEN, tags++) {
		*type = get16(head + at - sizeof(u16));
		if (*type != TYPE_VLAN && *type != TYPE_QINQ)
			return at;
		if (tags == VLAN_TAGS)
			break;
	}
	return 0;
}

/* The transport protocol, and where its header begins; -1 for fragments. */
static int find_transport4(const u8 *head, u32 head_len, u32 *at)
{
	const u8 *ip = head + *at;

	if (*at + IP4_LEN > head_len || ip[0] >> 4 != 4 || (ip[0] & 15) < 5)
		return -1;
	if (get16(ip + IP4_FRAGMENT) & 0x3fff)
		return -1;
	*at += (ip[0] & 15) * 4;
	return ip[IP4_PROTO];
}

static int find_transport6(const u8 *head, u32 head_len, u32 *at)
{
	u8 proto;

	if (*at + IP6_LEN > head_len || head[*at] >> 4 != 6)
		return -1;
	proto = head[*at + IP6_PROTO];
	*at += IP6_LEN;
	/* No routing header: its last address would be summed, not the IP header's. */
	while (proto == PROTO_HOPOPTS || proto == PROTO_DSTOPTS) {
		if (*at + 2 > head_len)
			return -1;
		proto = head[*at];
		*at += (head[*at + 1] + 1) * 8;
	}
	return proto;
}

static bool parse_transport(struct qz_offload *off, int proto, const u8 *head,
			    u32 head_len, u32 at)
{
	bool udp = off->gso == VIRTIO_NET_HDR_GSO_UDP_L4;
	u32 bytes = udp ? UDP_LEN : TCP_LEN;

	if (proto != (udp ? PROTO_UDP : PROTO_TCP) || at != off->csum_start ||
	    off->csum_offset != (udp ? UDP_CSUM : TCP_CSUM) ||
	    at + bytes > head_len)
		return false;
	if (!udp) {
		bytes = (head[at + TCP_OFFSET] >> 4) * 4;
		if (bytes < TCP_LEN || at + bytes > head_len)
			return false;
	}
	off->head = at + bytes;
	return true;
}

/**
 * qz_offload_parse - find the headers of a frame that is to be segmented
 * @off: what qz_offload_read() found; completed
 * @head: a copy of the frame's first bytes
 * @head_len: length of @head: up to QZ_OFFLOAD_HEAD, or all of the frame
 * @len: bytes of the frame
 *
 * Return: false if the frame is not what its virtio header says.
 */
bool qz_offload_parse(struct qz_offload *off, const u8 *head, u32 head_len,
		      u32 len)
{
	bool udp = off->gso == VIRTIO_NET_HDR_GSO_UDP_L4;
	u16 type;
	u32 at;
	int proto;

	off->ip = find_ip(head, head_len, &type);
	if (!off->ip)
		return false;
	at = off->ip;
	if (type == TYPE_IP4 && off->gso != VIRTIO_NET_HDR_GSO_TCPV6) {
		proto = find_transport4(head, head_len, &at);
		off->features |= 1ULL << (udp ? VIRTIO_NET_F_GUEST_USO4 :
						VIRTIO_NET_F_GUEST_TSO4);
	} else if (type == TYPE_IP6 && off->gso != VIRTIO_NET_HDR_GSO_TCPV4) {
		proto = find_transport6(head, head_len, &at);
		off->features |= 1ULL << (udp ? VIRTIO_NET_F_GUEST_USO6 :
						VIRTIO_NET_F_GUEST_TSO6);
	} else {
		return false;
	}
	if (!parse_transport(off, proto, head, head_len, at))
		return false;
	return len > off->head &&
	       qz_offload_segments(off, len) <= QZ_OFFLOAD_SEGMENTS;
}

/**
 * qz_offload_is_dhcp - is it an answer of a DHCP server, over IPv4?
 * @off: what qz_offload_read() found; see qz_offload_may_be_dhcp()
 * @head: a copy of the frame's first bytes
 * @head_len: length of @head: QZ_OFFLOAD_DHCP bytes from off->csum_start on are
 *	enough
 *
 * A client that has no address yet reads answers with a packet socket, and some
 * do not ask for the auxiliary data that says that the checksum is not complete:
 * they drop the answer. QEMU finishes it, too, if it passes frames itself. Over
 * IPv6 a client has a link-local address, and an ordinary socket.
 *
 * Return: true if it is.
 */
bool qz_offload_is_dhcp(const struct qz_offload *off, const u8 *head,
			u32 head_len)
{
	u16 type;
	u32 at;

	/* The port first: hardly any other frame has it. */
	if (off->csum_start + QZ_OFFLOAD_DHCP > head_len ||
	    get16(head + off->csum_start + UDP_SOURCE) != DHCP_SERVER)
		return false;
	at = find_ip(head, head_len, &type);
	return at && type == TYPE_IP4 &&
	       find_transport4(head, head_len, &at) == PROTO_UDP &&
	       at == off->csum_start;
}

/**
 * qz_offload_write - the header for a receiver that takes the frame unchanged
 * @off: what to tell it
 * @virtio: the header, of which everything but num_buffers is set
 */
void qz_offload_write(const struct qz_offload *off,
		      struct virtio_net_hdr_v1 *virtio)
{
	virtio->flags = 0;
	virtio->gso_type = VIRTIO_NET_HDR_GSO_NONE;
	virtio->hdr_len = 0;
	virtio->gso_size = 0;
	virtio->csum_start = 0;
	virtio->csum_offset = 0;
	if (!off->csum)
		return;
	virtio->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	virtio->csum_start =
		(__force __virtio16)cpu_to_le16(off->csum_start);
	virtio->csum_offset =
		(__force __virtio16)cpu_to_le16(off->csum_offset);
	if (off->gso == VIRTIO_NET_HDR_GSO_NONE)
		return;
	virtio->gso_type = off->gso | (off->ecn ? VIRTIO_NET_HDR_GSO_ECN : 0);
	virtio->hdr_len = (__force __virtio16)cpu_to_le16(off->head);
	virtio->gso_size = (__force __virtio16)cpu_to_le16(off->gso_size);
}

/* Length fields, identification and checksum; returns the pseudo header's sum. */
static __wsum cut_ip4(u8 *ip, u32 header, u32 total, u32 i)
{
	__sum16 csum;

	put16(ip + IP4_TOTAL, total);
	put16(ip + IP4_ID, get16(ip + IP4_ID) + i);
	put16(ip + IP4_CSUM, 0);
	csum = csum_fold(csum_partial(ip, header, 0));
	memcpy(ip + IP4_CSUM, &csum, sizeof(csum));
	return csum_partial(ip + IP4_ADDRS, 8, 0);
}

static __wsum cut_ip6(u8 *ip, u32 total)
{
	put16(ip + IP6_PAYLOAD, total - IP6_LEN);
	return csum_partial(ip + IP6_ADDRS, 32, 0);
}

static void cut_tcp(u8 *tcp, u32 offset, bool last)
{
	put32(tcp + TCP_SEQ, get32(tcp + TCP_SEQ) + offset);
	if (!last)
		tcp[TCP_FLAGS] &= ~(TCP_FIN | TCP_PSH);
	if (offset)
		tcp[TCP_FLAGS] &= ~TCP_CWR;
}

/**
 * qz_offload_cut - the headers of a segment
 * @off: the frame's offload, with gso
 * @whole: the headers of the frame, off->head bytes
 * @head: out: the headers of the segment, as many bytes; the transport checksum
 *	is not complete: it is the sum of the pseudo header
 * @offset: where the segment's payload begins in that of the frame
 * @bytes: bytes of its payload
 * @last: no segment follows
 */
void qz_offload_cut(const struct qz_offload *off, const u8 *whole, u8 *head,
		    u32 offset, u32 bytes, bool last)
{
	bool udp = off->gso == VIRTIO_NET_HDR_GSO_UDP_L4;
	u32 total = off->head - off->ip + bytes;
	u32 transport = off->head - off->csum_start + bytes;
	u8 *ip = head + off->ip, *l4 = head + off->csum_start;
	__sum16 begun;
	__wsum sum;

	memcpy(head, whole, off->head);
	if (ip[0] >> 4 == 4)
		sum = cut_ip4(ip, off->csum_start - off->ip, total,
			      offset / off->gso_size);
	else
		sum = cut_ip6(ip, total);
	if (udp)
		put16(l4 + UDP_TOTAL, transport);
	else
		cut_tcp(l4, offset, last);

	sum = csum_add(sum, (__force __wsum)cpu_to_be32(transport));
	sum = csum_add(sum, (__force __wsum)cpu_to_be32(udp ? PROTO_UDP :
							      PROTO_TCP));
	begun = (__force __sum16)~(__force u16)csum_fold(sum);
	memcpy(l4 + off->csum_offset, &begun, sizeof(begun));
}
