// SPDX-License-Identifier: GPL-2.0
/* Receive-side scaling: the hash that drivers expect, and what they may set. */

#include <kunit/test.h>

#include "../rss.c"

#define PAIRS	4
#define ROOM	512

/* The key and the flows by which Microsoft documents the hash of RSS. */
static const u8 known_key[QZ_RSS_KEY] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
	0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
	0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static const struct {
	u8 version, source[16], dest[16];
	u16 from, to;
	u32 addrs, ports;
} known[] = {
	{ 4, { 66, 9, 149, 187 }, { 161, 142, 100, 80 }, 2794, 1766,
	  0x323e8fc2, 0x51ccc178 },
	{ 4, { 199, 92, 111, 2 }, { 65, 69, 140, 83 }, 14230, 4739,
	  0xd718262a, 0xc626b0ea },
	{ 4, { 24, 19, 198, 95 }, { 12, 22, 207, 184 }, 12898, 38024,
	  0xd2d0a5de, 0x5c2b394a },
	{ 4, { 38, 27, 205, 30 }, { 209, 142, 163, 6 }, 48228, 2217,
	  0x82989176, 0xafc7327f },
	{ 4, { 153, 39, 163, 191 }, { 202, 188, 127, 2 }, 44251, 1303,
	  0x5d1809c5, 0x10e828a2 },
	{ 6, { 0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x1f, 0xff, [15] = 7 },
	  { 0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x00, 0x03, [15] = 1 },
	  2794, 1766, 0x2cc18cd5, 0x40207d3d },
	{ 6, { 0x3f, 0xfe, 0x05, 0x01, 0x00, 0x08, 0, 0,
	       0x02, 0x60, 0x97, 0xff, 0xfe, 0x40, 0xef, 0xab },
	  { 0xff, 0x02, [15] = 1 }, 14230, 4739, 0x0f0c461c, 0xdde51bbf },
	{ 6, { 0x3f, 0xfe, 0x19, 0x00, 0x45, 0x45, 0x00, 0x03,
	       0x02, 0x00, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf },
	  { 0xfe, 0x80, [8] = 0x02, 0x00, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf },
	  44251, 38024, 0x4b61e985, 0x02d1feef },
};

/* A command, and what is in it. */
struct command {
	u32 types;
	u32 entries;
	u16 mask;
	u16 unclassified;
	u16 sending;
	u8 key_len;
	u16 table[2 * QZ_RSS_TABLE];
};

static void put16(u8 *to, u16 value)
{
	to[0] = value;
	to[1] = value >> 8;
}

static u32 make(u8 *data, const struct command *command)
{
	u8 *more = data + AT_TABLE + 2 * command->entries;
	u32 i;

	put16(data, command->types);
	put16(data + 2, command->types >> 16);
	put16(data + AT_MASK, command->mask);
	put16(data + AT_UNCLASSIFIED, command->unclassified);
	for (i = 0; i < command->entries; i++)
		put16(data + AT_TABLE + 2 * i, command->table[i]);
	put16(more, command->sending);
	more[AT_KEY_LEN] = command->key_len;
	memcpy(more + AT_KEY, known_key, min_t(u32, command->key_len, QZ_RSS_KEY));
	return more + AT_KEY + command->key_len - data;
}

/* From memory that ends with the command. */
static u16 set(struct kunit *test, struct qz_rss *rss, const u8 *data, u32 len)
{
	u8 *copy = kunit_kzalloc(test, len + !len, GFP_KERNEL);
	u16 queues;

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, data, len);
	queues = qz_rss_set(rss, copy, len, PAIRS);
	kunit_kfree(test, copy);
	return queues;
}

static u16 set_command(struct kunit *test, struct qz_rss *rss,
		       const struct command *command)
{
	u8 *data = kunit_kzalloc(test, 2 * ROOM, GFP_KERNEL);
	u16 queues;

	KUNIT_ASSERT_NOT_NULL(test, data);
	queues = set(test, rss, data, make(data, command));
	kunit_kfree(test, data);
	return queues;
}

/* What Linux sends at first. */
static const struct command usual = {
	.types = QZ_RSS_TYPES,
	.entries = 8,
	.mask = 7,
	.sending = PAIRS,
	.key_len = QZ_RSS_KEY,
	.table = { 0, 1, 2, 3, 0, 1, 2, 3 },
};

static struct qz_flow flow_of(u32 i, u8 protocol, u8 *ports)
{
	ports[0] = known[i].from >> 8;
	ports[1] = known[i].from;
	ports[2] = known[i].to >> 8;
	ports[3] = known[i].to;
	return (struct qz_flow){
		.version = known[i].version,
		.protocol = protocol,
		.source = known[i].source,
		.dest = known[i].dest,
		.ports = ports,
	};
}

static void known_flows_have_the_known_hash(struct kunit *test)
{
	static const u8 protocols[] = { QZ_FLOW_TCP, QZ_FLOW_UDP, 0 };
	struct qz_rss rss = {};
	struct qz_flow flow;
	u32 i, j, hash, want;
	u8 ports[4];

	KUNIT_ASSERT_EQ(test, set_command(test, &rss, &usual), PAIRS);
	for (i = 0; i < ARRAY_SIZE(known); i++)
		for (j = 0; j < ARRAY_SIZE(protocols); j++) {
			flow = flow_of(i, protocols[j], ports);
			want = protocols[j] ? known[i].ports : known[i].addrs;
			KUNIT_ASSERT_TRUE(test, qz_rss_hash(&rss, &flow, &hash));
			KUNIT_EXPECT_EQ(test, hash, want);
			KUNIT_EXPECT_EQ(test, qz_rss_pick(&rss, &flow),
					want % PAIRS);
		}
}

/* The ports only if they are asked for; else the addresses; else nothing. */
static void types_choose_what_is_hashed(struct kunit *test)
{
	struct command command = usual;
	struct qz_rss rss = {};
	struct qz_flow flow;
	u8 ports[4];
	u32 hash;

	command.unclassified = 3;
	command.types = VIRTIO_NET_RSS_HASH_TYPE_IPv4 |
			VIRTIO_NET_RSS_HASH_TYPE_TCPv4 |
			VIRTIO_NET_RSS_HASH_TYPE_UDPv6;
	KUNIT_ASSERT_EQ(test, set_command(test, &rss, &command), PAIRS);
	flow = flow_of(0, QZ_FLOW_TCP, ports);
	KUNIT_ASSERT_TRUE(test, qz_rss_hash(&rss, &flow, &hash));
	KUNIT_EXPECT_EQ(test, hash, known[0].ports);
	flow = flow_of(0, QZ_FLOW_UDP, ports);
	KUNIT_ASSERT_TRUE(test, qz_rss_hash(&rss, &flow, &hash));
	KUNIT_EXPECT_EQ(test, hash, known[0].addrs);
	flow = flow_of(5, QZ_FLOW_UDP, ports);
	KUNIT_ASSERT_TRUE(test, qz_rss_hash(&rss, &flow, &hash));
	KUNIT_EXPECT_EQ(test, hash, known[5].ports);
	flow = flow_of(5, QZ_FLOW_TCP, ports);
	KUNIT_EXPECT_FALSE(test, qz_rss_hash(&rss, &flow, &hash));
	KUNIT_EXPECT_EQ(test, qz_rss_pick(&rss, &flow), 3);
	flow.version = 0;
	KUNIT_EXPECT_EQ(test, qz_rss_pick(&rss, &flow), 3);
	command.types = 0;
	KUNIT_ASSERT_EQ(test, set_command(test, &rss, &command), PAIRS);
	flow = flow_of(0, QZ_FLOW_TCP, ports);
	KUNIT_EXPECT_EQ(test, qz_rss_pick(&rss, &flow), 3);
}

static void malformed_commands_are_refused(struct kunit *test)
{
	struct qz_rss before, rss = {};
	struct command command;
	u8 *data;
	u32 len, i;

	KUNIT_ASSERT_EQ(test, set_command(test, &rss, &usual), PAIRS);
	before = rss;
	for (i = 0; i < 11; i++) {
		command = usual;
		switch (i) {
		case 0:		/* a hash that we do not know */
			command.types |= VIRTIO_NET_RSS_HASH_TYPE_TCP_EX;
			break;
		case 1:		/* no power of two */
			command.entries = 7;
			command.mask = 6;
			break;
		case 2:		/* too many */
			command.entries = 2 * QZ_RSS_TABLE;
			command.mask = command.entries - 1;
			break;
		case 3:		/* more than there are, of either */
			command.mask = 15;
			break;
		case 4:
			command.mask = 0xffff;
			break;
		case 5:		/* queues that the port has not */
			command.table[7] = PAIRS;
			break;
		case 6:
			command.table[0] = 0xffff;
			break;
		case 7:
			command.unclassified = PAIRS;
			break;
		case 8:
			command.sending = PAIRS + 1;
			break;
		case 9:
			command.sending = 0;
			break;
		case 10:
			command.key_len = QZ_RSS_KEY + 1;
			break;
		}
		KUNIT_EXPECT_EQ(test, set_command(test, &rss, &command), 0);
	}
	data = kunit_kzalloc(test, ROOM, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	len = make(data, &usual);
	for (i = 0; i < len; i++)
		KUNIT_EXPECT_EQ(test, set(test, &rss, data, i), 0);
	KUNIT_EXPECT_EQ(test, memcmp(&before, &rss, sizeof(rss)), 0);
	KUNIT_EXPECT_EQ(test, set(test, &rss, data, len), PAIRS);
}

/* Linux adds the padding of a structure. */
static void bytes_behind_the_key_are_ignored(struct kunit *test)
{
	u8 *data = kunit_kzalloc(test, ROOM, GFP_KERNEL);
	struct qz_rss rss = {};

	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_EXPECT_EQ(test, set(test, &rss, data, make(data, &usual) + 1),
			PAIRS);
	KUNIT_EXPECT_EQ(test, rss.key[0], 0x6d5a56da);
	KUNIT_EXPECT_EQ(test, rss.key[9], 0xbeac01fa);
}

/* The smallest and the largest table, no key, and queues in between. */
static void tables_may_have_any_size(struct kunit *test)
{
	struct command command = usual;
	struct qz_rss rss = {};
	struct qz_flow flow;
	u8 ports[4];

	command.entries = 1;
	command.mask = 0;
	command.table[0] = 1;
	command.key_len = 0;
	KUNIT_EXPECT_EQ(test, set_command(test, &rss, &command), 2);
	flow = flow_of(0, QZ_FLOW_TCP, ports);
	KUNIT_EXPECT_EQ(test, qz_rss_pick(&rss, &flow), 1);
	command.table[0] = 0;
	command.unclassified = 2;
	KUNIT_EXPECT_EQ(test, set_command(test, &rss, &command), 3);
	command = usual;
	command.entries = QZ_RSS_TABLE;
	command.mask = QZ_RSS_TABLE - 1;
	command.table[known[0].ports % QZ_RSS_TABLE] = 2;
	KUNIT_EXPECT_EQ(test, set_command(test, &rss, &command), PAIRS);
	KUNIT_EXPECT_EQ(test, qz_rss_pick(&rss, &flow), 2);
}

static struct kunit_case rss_cases[] = {
	KUNIT_CASE(known_flows_have_the_known_hash),
	KUNIT_CASE(types_choose_what_is_hashed),
	KUNIT_CASE(malformed_commands_are_refused),
	KUNIT_CASE(bytes_behind_the_key_are_ignored),
	KUNIT_CASE(tables_may_have_any_size),
	{}
};

static struct kunit_suite rss_suite = {
	.name = "queztl_rss",
	.test_cases = rss_cases,
};

kunit_test_suite(rss_suite);
