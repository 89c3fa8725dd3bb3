// SPDX-License-Identifier: GPL-2.0
/*
 * Packets in messages: a struct qhp_packet, and the packet. The header is laid out
 * like that of virtio-net, whose helpers know how to translate it, and to check one
 * of a peer that is not trusted.
 */

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/virtio_byteorder.h>
#include <linux/virtio_net.h>

#include "packet.h"

/* This much of a long packet is contiguous: more than its headers. */
#define QG_HEAD			256

#define QG_SAME(member, other) \
	static_assert(offsetof(struct qhp_packet, member) == \
		      offsetof(struct virtio_net_hdr, other))

QG_SAME(flags, flags);
QG_SAME(gso_type, gso_type);
QG_SAME(header_len, hdr_len);
QG_SAME(gso_size, gso_size);
QG_SAME(csum_start, csum_start);
QG_SAME(csum_offset, csum_offset);
static_assert(sizeof(struct virtio_net_hdr) == offsetof(struct qhp_packet,
							reserved));
static_assert(QHP_PACKET_NEEDS_CSUM == VIRTIO_NET_HDR_F_NEEDS_CSUM);
static_assert(QHP_PACKET_GSO_TCPV4 == VIRTIO_NET_HDR_GSO_TCPV4);
static_assert(QHP_PACKET_GSO_TCPV6 == VIRTIO_NET_HDR_GSO_TCPV6);
static_assert(QHP_PACKET_GSO_ECN == VIRTIO_NET_HDR_GSO_ECN);

/* Both ends are on one machine: numbers are in its byte order. */
static bool is_little_endian(void)
{
	return virtio_legacy_is_little_endian();
}

int qg_packet_describe(const struct sk_buff *skb, struct qhp_packet *header)
{
	memset(header, 0, sizeof(*header));
	return virtio_net_hdr_from_skb(skb, (struct virtio_net_hdr *)header,
				       is_little_endian(), false, 0);
}

static struct sk_buff *copy_short(struct napi_struct *napi, const void *from,
				  unsigned int len)
{
	struct sk_buff *skb = napi_alloc_skb(napi, len);

	if (skb)
		skb_put_data(skb, from, len);
	return skb;
}

/* The start contiguous, the rest in pages. */
static struct sk_buff *copy_long(const void *from, unsigned int len)
{
	struct sk_buff *skb;
	int err;

	skb = alloc_skb_with_frags(NET_SKB_PAD + QG_HEAD, len - QG_HEAD,
				   PAGE_ALLOC_COSTLY_ORDER, &err, GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_reserve(skb, NET_SKB_PAD);
	skb_put(skb, QG_HEAD);
	skb->data_len = len - QG_HEAD;
	skb->len += skb->data_len;
	if (!skb_store_bits(skb, 0, from, len))
		return skb;
	kfree_skb(skb);
	return NULL;
}

static struct sk_buff *copy(struct napi_struct *napi, const void *from,
			    unsigned int len)
{
	if (len <= SKB_MAX_ORDER(NET_SKB_PAD, 0))
		return copy_short(napi, from, len);
	return copy_long(from, len);
}

static __be16 protocol_of(const struct sk_buff *skb)
{
	u8 version = skb->data[0] >> 4;

	if (version == 4 && skb_headlen(skb) >= sizeof(struct iphdr))
		return htons(ETH_P_IP);
	if (version == 6 && skb_headlen(skb) >= sizeof(struct ipv6hdr))
		return htons(ETH_P_IPV6);
	return 0;
}

/* @skb is our copy, and so is @header: the peer cannot change them any more. */
static int describe(struct sk_buff *skb, const struct qhp_packet *header)
{
	const u8 tcp = header->gso_type & ~QHP_PACKET_GSO_ECN;

	if (header->flags & ~QHP_PACKET_NEEDS_CSUM ||
	    (tcp != QHP_PACKET_GSO_NONE && tcp != QHP_PACKET_GSO_TCPV4 &&
	     tcp != QHP_PACKET_GSO_TCPV6))
		return -EINVAL;
	skb->protocol = protocol_of(skb);
	if (!skb->protocol)
		return -EINVAL;
	if ((tcp == QHP_PACKET_GSO_TCPV4 && skb->protocol != htons(ETH_P_IP)) ||
	    (tcp == QHP_PACKET_GSO_TCPV6 && skb->protocol != htons(ETH_P_IPV6)))
		return -EINVAL;
	skb_reset_network_header(skb);
	return virtio_net_hdr_to_skb(skb, (const struct virtio_net_hdr *)header,
				     is_little_endian());
}

/**
 * qg_packet_read - a packet that the peer sent
 * @dev: for which device
 * @napi: in which we are
 * @msg: the message
 *
 * Return: the packet, or -EINVAL: it is none, or -ENOMEM.
 */
struct sk_buff *qg_packet_read(struct net_device *dev, struct napi_struct *napi,
			       const struct qhp_msg *msg)
{
	struct qhp_packet header;
	struct sk_buff *skb;

	if (msg->len <= sizeof(header) ||
	    msg->len > sizeof(header) + QG_PACKET_MAX)
		return ERR_PTR(-EINVAL);
	memcpy(&header, msg->data, sizeof(header));
	skb = copy(napi, msg->data + sizeof(header), msg->len - sizeof(header));
	if (!skb)
		return ERR_PTR(-ENOMEM);
	skb->dev = dev;
	if (describe(skb, &header)) {
		kfree_skb(skb);
		return ERR_PTR(-EINVAL);
	}
	skb_probe_transport_header(skb);
	return skb;
}
