/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Flows: which of a receiver's queues a frame belongs to; pure.
 *
 * Frames of a flow have the same addresses and ports, and so the same hash.
 * Fragments carry no ports but the first, so of all fragments only the addresses
 * are hashed: those of a datagram stay together, and in order. They may overtake,
 * or be overtaken by, datagrams of their flow that are not fragmented, as with
 * any other device that hashes ports.
 */
#ifndef QZ_FLOW_H
#define QZ_FLOW_H

#include "module/plain.h"

/* Words of the longest address, of IPv6. */
#define QZ_FLOW_WORDS		4

/* IPv6 extension headers that are skipped to find the ports. */
#define QZ_FLOW_EXTENSIONS	4

/* IP protocols with ports. */
enum {
	QZ_FLOW_TCP	= 6,
	QZ_FLOW_UDP	= 17,
};

/**
 * struct qz_flow - what a frame says about its flow
 * @version: 4 or 6; 0: it is no IP packet, and nothing else is valid
 * @protocol: QZ_FLOW_*, and @ports is valid; 0: another one, or a fragment
 * @source: source address, in the frame
 * @dest: destination address, in the frame
 * @ports: source and destination port, in the frame
 */
struct qz_flow {
	u8 version;
	u8 protocol;
	const u8 *source;
	const u8 *dest;
	const u8 *ports;
};

/**
 * struct qz_flow_key - chooses the hash function; random
 * @addr: a multiplier for each word of an address
 * @port: for a port
 * @add: to the sum of an address and its port
 * @low: for the smaller of both sums
 * @high: for the larger one
 * @last: to the sum of these
 *
 * Multiply-add hashing: for two different flows and a random key, each pair of
 * hashes is equally likely. So a sender that does not know the key cannot
 * choose flows that go to the same queue.
 */
struct qz_flow_key {
	u64 addr[QZ_FLOW_WORDS];
	u64 port;
	u64 add;
	u64 low;
	u64 high;
	u64 last;
};

/* As much of an address, or both ports. */
static inline u32 qz_flow_word(const u8 *from)
{
	return (u32)from[0] << 24 | from[1] << 16 | from[2] << 8 | from[3];
}

void qz_flow_find(struct qz_flow *flow, const u8 *head, u32 len);
u32 qz_flow_hash(const struct qz_flow_key *key, const struct qz_flow *flow);

/* The share of @n that a hash falls into. */
static inline u32 qz_flow_share(u32 hash, u32 n)
{
	return (u64)hash * n >> 32;
}

#endif /* QZ_FLOW_H */
