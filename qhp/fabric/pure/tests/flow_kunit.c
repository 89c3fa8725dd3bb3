// SPDX-License-Identifier: GPL-2.0
/* Flows: what a frame says of its own, and how flows are spread. */

#include <kunit/test.h>

#include "../flow.c"

#define FRAME	128

static const struct qz_flow_key random_key = {
	.addr = { 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9,
		  0x94d049bb133111eb, 0xd6e8feb86659fd93 },
	.port = 0xa0761d6478bd642f,
	.add = 0xe7037ed1a0b428db,
	.low = 0x8ebc6af09c88c6e3,
	.high = 0x589965cc75374cc3,
	.last = 0x1d8e4e27c47d124f,
};

/* Ethernet with @tags tags, and IPv4 with @options words of options. */
static u32 make_ip4(u8 *head, u32 tags, u32 options, u8 protocol, u32 from,
		    u32 to, u16 sport, u16 dport)
{
	u32 at = ETH_LEN, i;
	u8 *ip, *ports;

	memset(head, 0, FRAME);
	for (i = 0; i < tags; i++, at += VLAN_LEN) {
		head[at - 2] = (i ? TYPE_VLAN : TYPE_QINQ) >> 8;
		head[at - 1] = i ? TYPE_VLAN & 0xff : TYPE_QINQ & 0xff;
	}
	head[at - 2] = TYPE_IP4 >> 8;
	head[at - 1] = 0;
	ip = head + at;
	ip[0] = 0x45 + options;
	ip[IP4_PROTO] = protocol;
	for (i = 0; i < 4; i++) {
		ip[IP4_SOURCE + i] = from >> (24 - 8 * i);
		ip[IP4_DEST + i] = to >> (24 - 8 * i);
	}
	ports = ip + IP4_LEN + 4 * options;
	ports[0] = sport >> 8;
	ports[1] = sport;
	ports[2] = dport >> 8;
	ports[3] = dport;
	return ports + PORTS_LEN - head;
}

static u32 hash_of(const u8 *head, u32 len)
{
	struct qz_flow flow;

	qz_flow_find(&flow, head, len);
	return flow.version ? qz_flow_hash(&random_key, &flow) : 0;
}

static u32 hash4(u32 from, u32 to, u16 sport, u16 dport)
{
	u8 head[FRAME];
	u32 len = make_ip4(head, 0, 0, QZ_FLOW_TCP, from, to, sport, dport);

	return hash_of(head, len);
}

static void ports_are_found_behind_tags_and_options(struct kunit *test)
{
	static const u8 protocols[] = { QZ_FLOW_TCP, QZ_FLOW_UDP };
	u32 tags, options, i, len;
	struct qz_flow flow;
	u8 head[FRAME];

	for (tags = 0; tags <= 2; tags++)
		for (options = 0; options <= 10; options++)
			for (i = 0; i < 2; i++) {
				len = make_ip4(head, tags, options,
					       protocols[i], 0x0a000001,
					       0x0a000002, 1234, 80);
				qz_flow_find(&flow, head, len);
				KUNIT_ASSERT_EQ(test, flow.version, 4);
				KUNIT_ASSERT_EQ(test, flow.protocol,
						protocols[i]);
				KUNIT_ASSERT_EQ(test, number_at(flow.ports), 1234);
				KUNIT_ASSERT_EQ(test, qz_flow_word(flow.dest),
						0x0a000002);
			}
	make_ip4(head, 3, 0, QZ_FLOW_TCP, 1, 2, 3, 4);	/* nobody sends that */
	qz_flow_find(&flow, head, FRAME);
	KUNIT_EXPECT_EQ(test, flow.version, 0);
}

/* All fragments of a datagram, and all packets without ports, stay together. */
static void fragments_have_no_ports(struct kunit *test)
{
	u8 head[FRAME];
	u32 len, first, last, ping;

	len = make_ip4(head, 0, 0, QZ_FLOW_UDP, 1, 2, 53, 4242);
	head[ETH_LEN + IP4_FRAGMENT] = 0x20;	/* more fragments */
	first = hash_of(head, len);
	len = make_ip4(head, 0, 0, QZ_FLOW_UDP, 1, 2, 0xdead, 0xbeef);
	head[ETH_LEN + IP4_FRAGMENT + 1] = 185;
	last = hash_of(head, len);
	len = make_ip4(head, 0, 0, 1, 1, 2, 0x0800, 0x1234);
	ping = hash_of(head, len);
	KUNIT_EXPECT_EQ(test, first, last);
	KUNIT_EXPECT_EQ(test, first, ping);
	KUNIT_EXPECT_NE(test, first, hash4(1, 2, 53, 4242));
	len = make_ip4(head, 0, 0, QZ_FLOW_UDP, 1, 2, 53, 4242);
	head[ETH_LEN + IP4_FRAGMENT] = 0x40;	/* must not be fragmented */
	KUNIT_EXPECT_EQ(test, hash_of(head, len), hash4(1, 2, 53, 4242));
}

static void make_ip6(u8 *head, u8 protocol)
{
	u32 i;

	memset(head, 0, FRAME);
	head[12] = TYPE_IP6 >> 8;
	head[13] = TYPE_IP6 & 0xff;
	head[ETH_LEN] = 0x60;
	head[ETH_LEN + IP6_PROTO] = protocol;
	for (i = 0; i < 32; i++)
		head[ETH_LEN + IP6_SOURCE + i] = i;
}

static void ports_are_found_behind_extensions(struct kunit *test)
{
	u32 at = ETH_LEN + IP6_LEN, i;
	struct qz_flow flow;
	u8 head[FRAME];

	make_ip6(head, QZ_FLOW_UDP);
	head[at + 1] = 53;
	qz_flow_find(&flow, head, FRAME);
	KUNIT_ASSERT_EQ(test, flow.version, 6);
	KUNIT_ASSERT_EQ(test, flow.protocol, QZ_FLOW_UDP);
	KUNIT_EXPECT_EQ(test, number_at(flow.ports), 53);

	make_ip6(head, PROTO_HOPOPTS);
	head[at] = PROTO_DSTOPTS;
	head[at + 8] = QZ_FLOW_TCP;
	head[at + 9] = 1;		/* 16 bytes */
	head[at + 25] = 80;
	qz_flow_find(&flow, head, FRAME);
	KUNIT_ASSERT_EQ(test, flow.protocol, QZ_FLOW_TCP);
	KUNIT_EXPECT_EQ(test, number_at(flow.ports), 80);

	make_ip6(head, 44);		/* a fragment header */
	head[at] = QZ_FLOW_UDP;
	qz_flow_find(&flow, head, FRAME);
	KUNIT_EXPECT_EQ(test, flow.version, 6);
	KUNIT_EXPECT_EQ(test, flow.protocol, 0);

	make_ip6(head, PROTO_HOPOPTS);	/* more than anybody sends */
	for (i = 0; i < QZ_FLOW_EXTENSIONS; i++)
		head[at + 8 * i] = PROTO_DSTOPTS;
	head[at + 8 * i] = QZ_FLOW_TCP;
	qz_flow_find(&flow, head, FRAME);
	KUNIT_EXPECT_EQ(test, flow.protocol, 0);
}

/* From memory that ends where the frame does: nothing is read behind it. */
static void short_frames_are_not_overread(struct kunit *test)
{
	struct qz_flow flow;
	u8 whole[FRAME], *cut;
	u32 len, all, kind;

	for (kind = 0; kind < 2; kind++) {
		all = make_ip4(whole, 2, 10, QZ_FLOW_TCP, 1, 2, 3, 4);
		if (kind) {
			make_ip6(whole, PROTO_HOPOPTS);
			whole[ETH_LEN + IP6_LEN] = QZ_FLOW_UDP;
			all = ETH_LEN + IP6_LEN + 8 + PORTS_LEN;
		}
		for (len = ETH_LEN; len <= all; len++) {
			cut = kunit_kzalloc(test, len, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, cut);
			memcpy(cut, whole, len);
			qz_flow_find(&flow, cut, len);
			KUNIT_EXPECT_EQ(test, flow.protocol != 0, len == all);
			hash_of(cut, len);
			kunit_kfree(test, cut);
		}
	}
}

static void what_is_not_ip_has_no_flow(struct kunit *test)
{
	struct qz_flow flow;
	u8 head[FRAME];

	make_ip4(head, 0, 0, QZ_FLOW_TCP, 1, 2, 3, 4);
	head[13] = 6;			/* ARP */
	qz_flow_find(&flow, head, FRAME);
	KUNIT_EXPECT_EQ(test, flow.version, 0);
	make_ip4(head, 0, 0, QZ_FLOW_TCP, 1, 2, 3, 4);
	head[ETH_LEN] = 0x44;		/* too short a header */
	qz_flow_find(&flow, head, FRAME);
	KUNIT_EXPECT_EQ(test, flow.version, 0);
	make_ip4(head, 0, 0, QZ_FLOW_TCP, 1, 2, 3, 4);
	head[ETH_LEN] = 0x65;
	qz_flow_find(&flow, head, FRAME);
	KUNIT_EXPECT_EQ(test, flow.version, 0);
}

static void both_directions_have_one_hash(struct kunit *test)
{
	u8 head[FRAME], back[FRAME];
	u32 i;

	for (i = 0; i < 100; i++)
		KUNIT_ASSERT_EQ(test, hash4(i, 77, i * 3, 80),
				hash4(77, i, 80, i * 3));
	make_ip6(head, QZ_FLOW_TCP);
	memcpy(back, head, FRAME);
	memcpy(back + ETH_LEN + IP6_SOURCE, head + ETH_LEN + IP6_DEST, 16);
	memcpy(back + ETH_LEN + IP6_DEST, head + ETH_LEN + IP6_SOURCE, 16);
	KUNIT_EXPECT_EQ(test, hash_of(head, FRAME), hash_of(back, FRAME));
}

/* The share of each of @queues queues, of 1024 flows that differ as @kind says. */
static void expect_even(struct kunit *test, u32 queues, u32 kind)
{
	u32 counts[16] = {}, i, hash;

	for (i = 0; i < 1024; i++) {
		switch (kind) {
		case 0:		/* clients' ports count up */
			hash = hash4(0x0a000001, 0x0a000002, 32768 + i, 80);
			break;
		case 1:		/* or by two, as Linux does */
			hash = hash4(0x0a000001, 0x0a000002, 32768 + 2 * i, 80);
			break;
		case 2:		/* clients do */
			hash = hash4(0x0a000001 + i, 0x0a00ff01, 40000, 80);
			break;
		default:	/* both ends */
			hash = hash4(1, 2, 5000 + i, 6000 + i);
			break;
		}
		counts[qz_flow_share(hash, queues)]++;
	}
	for (i = 0; i < queues; i++) {
		KUNIT_EXPECT_GT(test, counts[i], 1024 / queues / 2);
		KUNIT_EXPECT_LT(test, counts[i], 1024 / queues * 3 / 2);
	}
}

static void flows_are_spread_evenly(struct kunit *test)
{
	static const u32 queues[] = { 2, 3, 4, 8 };
	u32 i, kind;

	for (i = 0; i < ARRAY_SIZE(queues); i++)
		for (kind = 0; kind < 4; kind++)
			expect_even(test, queues[i], kind);
}

/* Flows that share a queue under one key are spread under another. */
static void the_key_decides(struct kunit *test)
{
	struct qz_flow_key other = random_key;
	u32 same = 0, all = 0, i, len;
	struct qz_flow flow;
	u8 head[FRAME];

	for (i = 0; i < QZ_FLOW_WORDS; i++)
		other.addr[i] = random_key.addr[i] * 0x2545f4914f6cdd1d;
	other.port = random_key.port * 0x2545f4914f6cdd1d;
	other.low = random_key.high * 0x2545f4914f6cdd1d;
	for (i = 0; i < 2048; i++) {
		len = make_ip4(head, 0, 0, QZ_FLOW_UDP, 1, 2, i, 53);
		qz_flow_find(&flow, head, len);
		if (qz_flow_share(qz_flow_hash(&random_key, &flow), 2))
			continue;
		all++;
		same += !qz_flow_share(qz_flow_hash(&other, &flow), 2);
	}
	KUNIT_EXPECT_GT(test, all, 700);
	KUNIT_EXPECT_GT(test, same, all / 4);
	KUNIT_EXPECT_LT(test, same, all * 3 / 4);
}

static struct kunit_case flow_cases[] = {
	KUNIT_CASE(ports_are_found_behind_tags_and_options),
	KUNIT_CASE(fragments_have_no_ports),
	KUNIT_CASE(ports_are_found_behind_extensions),
	KUNIT_CASE(short_frames_are_not_overread),
	KUNIT_CASE(what_is_not_ip_has_no_flow),
	KUNIT_CASE(both_directions_have_one_hash),
	KUNIT_CASE(flows_are_spread_evenly),
	KUNIT_CASE(the_key_decides),
	{}
};

static struct kunit_suite flow_suite = {
	.name = "queztl_flow",
	.test_cases = flow_cases,
};

kunit_test_suite(flow_suite);
