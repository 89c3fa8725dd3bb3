// SPDX-License-Identifier: GPL-2.0
/* Flows: see flow.h. */

#include "flow.h"

#define ETH_LEN		14
#define VLAN_LEN	4
#define VLAN_TAGS	2

#define IP4_LEN		20
#define IP4_FRAGMENT	6
#define IP4_FRAGMENTED	0x3fff	/* more fragments, or an offset */
#define IP4_PROTO	9
#define IP4_SOURCE	12
#define IP4_DEST	16

#define IP6_LEN		40
#define IP6_PROTO	6
#define IP6_SOURCE	8
#define IP6_DEST	24

#define PORTS_LEN	4

enum {
	PROTO_HOPOPTS	= 0,
	PROTO_ROUTING	= 43,
	PROTO_DSTOPTS	= 60,
};

enum {
	TYPE_IP4	= 0x0800,
	TYPE_VLAN	= 0x8100,
	TYPE_QINQ	= 0x88a8,
	TYPE_IP6	= 0x86dd,
};

static u16 number_at(const u8 *from)
{
	return from[0] << 8 | from[1];
}

/* The transport header is at @at, if it has been read. */
static void find_ports(struct qz_flow *flow, u8 protocol, const u8 *head,
		       u32 len, u32 at)
{
	if ((protocol != QZ_FLOW_TCP && protocol != QZ_FLOW_UDP) ||
	    at + PORTS_LEN > len)
		return;
	flow->protocol = protocol;
	flow->ports = head + at;
}

static void find_in_ip4(struct qz_flow *flow, const u8 *head, u32 len, u32 at)
{
	const u8 *ip = head + at;
	u32 header;

	if (at + IP4_LEN > len)
		return;
	header = (ip[0] & 15) * 4;
	if (ip[0] >> 4 != 4 || header < IP4_LEN)
		return;
	flow->version = 4;
	flow->source = ip + IP4_SOURCE;
	flow->dest = ip + IP4_DEST;
	if (!(number_at(ip + IP4_FRAGMENT) & IP4_FRAGMENTED))
		find_ports(flow, ip[IP4_PROTO], head, len, at + header);
}

static bool is_extension(u8 protocol)
{
	return protocol == PROTO_HOPOPTS || protocol == PROTO_ROUTING ||
	       protocol == PROTO_DSTOPTS;
}

/* A fragment header is none of the extensions that are skipped. */
static void find_in_ip6(struct qz_flow *flow, const u8 *head, u32 len, u32 at)
{
	const u8 *ip = head + at;
	u8 protocol;
	u32 i;

	if (at + IP6_LEN > len || ip[0] >> 4 != 6)
		return;
	flow->version = 6;
	flow->source = ip + IP6_SOURCE;
	flow->dest = ip + IP6_DEST;
	protocol = ip[IP6_PROTO];
	at += IP6_LEN;
	for (i = 0; i < QZ_FLOW_EXTENSIONS && is_extension(protocol); i++) {
		if (at + 2 > len)
			return;
		protocol = head[at];
		at += 8 + head[at + 1] * 8;
	}
	find_ports(flow, protocol, head, len, at);
}

/**
 * qz_flow_find - find out about a frame's flow
 * @flow: out: what was found
 * @head: the frame's first bytes
 * @len: length of @head, at least 14
 */
void qz_flow_find(struct qz_flow *flow, const u8 *head, u32 len)
{
	u32 at = ETH_LEN, tags;
	u16 type = number_at(head + at - 2);

	flow->version = 0;
	flow->protocol = 0;
	for (tags = 0; type == TYPE_VLAN || type == TYPE_QINQ; tags++) {
		at += VLAN_LEN;
		if (tags == VLAN_TAGS || at > len)
			return;
		type = number_at(head + at - 2);
	}
	if (type == TYPE_IP4)
		find_in_ip4(flow, head, len, at);
	else if (type == TYPE_IP6)
		find_in_ip6(flow, head, len, at);
}

/* Of one end of the flow: its address and port. */
static u32 hash_end(const struct qz_flow_key *key, const u8 *addr, u32 words,
		    u16 port)
{
	u64 sum = key->add + key->port * port;
	u32 i;

	for (i = 0; i < words; i++)
		sum += key->addr[i] * qz_flow_word(addr + 4 * i);
	return sum >> 32;
}

/**
 * qz_flow_hash - a hash of a flow; the same in both directions
 * @key: the key
 * @flow: a flow of IP packets
 *
 * Return: the hash, of which all bits are equally good.
 */
u32 qz_flow_hash(const struct qz_flow_key *key, const struct qz_flow *flow)
{
	u32 words = flow->version == 4 ? 1 : QZ_FLOW_WORDS;
	u16 from = flow->protocol ? number_at(flow->ports) : 0;
	u16 to = flow->protocol ? number_at(flow->ports + 2) : 0;
	u32 a = hash_end(key, flow->source, words, from);
	u32 b = hash_end(key, flow->dest, words, to);

	return (key->last + key->low * min(a, b) + key->high * max(a, b)) >> 32;
}
