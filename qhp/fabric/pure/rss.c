// SPDX-License-Identifier: GPL-2.0
/* Receive-side scaling: see rss.h. */

#include "rss.h"

/* Where struct virtio_net_rss_config has its members, until the table. */
#define AT_TYPES		0
#define AT_MASK		4
#define AT_UNCLASSIFIED	6
#define AT_TABLE		8

/* Behind the table: the number of sending queues, and the length of the key. */
#define AT_TX_QUEUES	0
#define AT_KEY_LEN		2
#define AT_KEY		3

static u16 little16(const u8 *from)
{
	return from[0] | from[1] << 8;
}

static u32 little32(const u8 *from)
{
	return little16(from) | (u32)little16(from + 2) << 16;
}

/* The queues of a table, if the port has them all; else 0. */
static u16 count_queues(const u8 *table, u32 n, u16 unclassified, u16 pairs)
{
	u16 queue, last = unclassified;
	u32 i;

	for (i = 0; i < n; i++) {
		queue = little16(table + 2 * i);
		if (queue > last)
			last = queue;
	}
	return last < pairs ? last + 1 : 0;
}

static void set_key(struct qz_rss *rss, const u8 *key, u8 len)
{
	u8 whole[QZ_RSS_KEY] = {};
	u32 i;

	memcpy(whole, key, len);
	for (i = 0; i < QZ_RSS_KEY / 4; i++)
		WRITE_ONCE(rss->key[i], qz_flow_word(whole + 4 * i));
}

/**
 * qz_rss_set - do what a driver asks for by VIRTIO_NET_CTRL_MQ_RSS_CONFIG
 * @rss: its settings
 * @data: a copy of its struct virtio_net_rss_config
 * @len: length of @data in bytes
 * @pairs: queue pairs that the port has
 *
 * More may follow the key: Linux sends the padding of a structure of its own.
 *
 * Return: how many receiving queues are used: the highest one, and those before
 * it; 0 if the command is malformed, and nothing has changed.
 */
u16 qz_rss_set(struct qz_rss *rss, const u8 *data, u32 len, u16 pairs)
{
	u32 types, n, i, at;
	u16 queues, sending;
	const u8 *more;

	if (len < AT_TABLE)
		return 0;
	types = little32(data + AT_TYPES);
	n = (u32)little16(data + AT_MASK) + 1;
	at = AT_TABLE + 2 * n;
	if (types & ~QZ_RSS_TYPES || n > QZ_RSS_TABLE || n & (n - 1) ||
	    len < at + AT_KEY)
		return 0;
	more = data + at;
	sending = little16(more + AT_TX_QUEUES);
	if (!sending || sending > pairs || more[AT_KEY_LEN] > QZ_RSS_KEY ||
	    len < at + AT_KEY + more[AT_KEY_LEN])
		return 0;
	queues = count_queues(data + AT_TABLE, n, little16(data + AT_UNCLASSIFIED),
			      pairs);
	if (!queues)
		return 0;
	WRITE_ONCE(rss->types, types);
	WRITE_ONCE(rss->mask, n - 1);
	WRITE_ONCE(rss->unclassified, data[AT_UNCLASSIFIED]);
	for (i = 0; i < n; i++)
		WRITE_ONCE(rss->table[i], data[AT_TABLE + 2 * i]);
	set_key(rss, more + AT_KEY, more[AT_KEY_LEN]);
	WRITE_ONCE(rss->on, true);
	return queues;
}

/*
 * The Toeplitz hash: for each bit of the input that is set, as many bits of the
 * key as the hash has, from that bit's place on. @at: the input's place in words.
 */
static u32 add_word(const struct qz_rss *rss, u32 input, u32 at)
{
	u64 window = (u64)READ_ONCE(rss->key[at]) << 32 |
		     READ_ONCE(rss->key[at + 1]);
	u32 hash = 0;

	for (; input; input &= input - 1)
		hash ^= window >> (__builtin_ctz(input) + 1);
	return hash;
}

static u32 toeplitz(const struct qz_rss *rss, const struct qz_flow *flow,
		    bool ports)
{
	u32 words = flow->version == 4 ? 1 : QZ_FLOW_WORDS, i, hash = 0;

	for (i = 0; i < words; i++) {
		hash ^= add_word(rss, qz_flow_word(flow->source + 4 * i), i);
		hash ^= add_word(rss, qz_flow_word(flow->dest + 4 * i), words + i);
	}
	return ports ? hash ^ add_word(rss, qz_flow_word(flow->ports), 2 * words) :
		       hash;
}

/* What has to be set to hash the ports, or the addresses alone. */
static u32 type_of(const struct qz_flow *flow, bool ports)
{
	if (!ports)
		return flow->version == 4 ? VIRTIO_NET_RSS_HASH_TYPE_IPv4 :
					    VIRTIO_NET_RSS_HASH_TYPE_IPv6;
	if (flow->protocol == QZ_FLOW_TCP)
		return flow->version == 4 ? VIRTIO_NET_RSS_HASH_TYPE_TCPv4 :
					    VIRTIO_NET_RSS_HASH_TYPE_TCPv6;
	return flow->version == 4 ? VIRTIO_NET_RSS_HASH_TYPE_UDPv4 :
				    VIRTIO_NET_RSS_HASH_TYPE_UDPv6;
}

/* Return: false if the driver wants no hash of such frames. */
bool qz_rss_hash(const struct qz_rss *rss, const struct qz_flow *flow, u32 *hash)
{
	u32 types = READ_ONCE(rss->types);
	bool ports;

	if (!flow->version)
		return false;
	ports = flow->protocol && types & type_of(flow, true);
	if (!ports && !(types & type_of(flow, false)))
		return false;
	*hash = toeplitz(rss, flow, ports);
	return true;
}

/* The queue of a frame. */
u32 qz_rss_pick(const struct qz_rss *rss, const struct qz_flow *flow)
{
	u32 hash;

	if (!qz_rss_hash(rss, flow, &hash))
		return READ_ONCE(rss->unclassified);
	return READ_ONCE(rss->table[hash & READ_ONCE(rss->mask)]);
}
