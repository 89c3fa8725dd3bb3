/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Receive-side scaling (virtio 1.2, 5.1.6.5.7): the driver chooses which of its
 * queues gets a flow, by a hash function and a table; pure.
 *
 * One thread at a time changes the settings while others read them without a
 * lock: a frame that is steered meanwhile may meet the old ones, the new ones, or
 * a mixture. Whatever it meets, its queue is one that the port has.
 */
#ifndef QZ_RSS_H
#define QZ_RSS_H

#include "flow.h"

#define QZ_RSS_TABLE		128	/* entries; as most network cards have */
#define QZ_RSS_KEY		40	/* bytes; addresses and ports of IPv6 take 36 */
#define QZ_RSS_TYPES							\
	(VIRTIO_NET_RSS_HASH_TYPE_IPv4 | VIRTIO_NET_RSS_HASH_TYPE_TCPv4 | \
	 VIRTIO_NET_RSS_HASH_TYPE_UDPv4 | VIRTIO_NET_RSS_HASH_TYPE_IPv6 | \
	 VIRTIO_NET_RSS_HASH_TYPE_TCPv6 | VIRTIO_NET_RSS_HASH_TYPE_UDPv6)

/**
 * struct qz_rss - how a driver wants flows to be spread
 * @on: it said how
 * @unclassified: the queue of frames that none of @types covers
 * @mask: entries of @table - 1, a power of two - 1
 * @types: what is hashed: VIRTIO_NET_RSS_HASH_TYPE_*, of QZ_RSS_TYPES
 * @key: of the hash function
 * @table: the queue of each hash
 */
struct qz_rss {
	bool on;
	u8 unclassified;
	u16 mask;
	u32 types;
	u32 key[QZ_RSS_KEY / 4];
	u8 table[QZ_RSS_TABLE];
};

u16 qz_rss_set(struct qz_rss *rss, const u8 *data, u32 len, u16 pairs);
bool qz_rss_hash(const struct qz_rss *rss, const struct qz_flow *flow, u32 *hash);
u32 qz_rss_pick(const struct qz_rss *rss, const struct qz_flow *flow);

#endif /* QZ_RSS_H */
