// SPDX-License-Identifier: GPL-2.0
/* Frames of a port with addresses: its own, and those that others would send. */

#include <kunit/test.h>

#include "../antispoof.c"

#define ROOM	192		/* as many bytes as are ever judged */

static const u8 mac[6] = { 0x52, 0x54, 0, 0xaa, 0xbb, 0xcc };
static const u8 other_mac[6] = { 0x52, 0x54, 0, 0xaa, 0xbb, 0xcd };

static const u8 ours4[4] = { 10, 1, 2, 3 };
static const u8 net4[4] = { 192, 168, 64, 200 };	/* of 192.168.64.0/18 */
static const u8 other4[4] = { 10, 1, 2, 4 };

static const u8 ours6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 7 };
static const u8 net6[16] = { 0x20, 1, 0xd, 0xb8, 0, 1, 0x87, 1, [15] = 9 };
static const u8 other6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 8 };
static const u8 link_local[16] = { 0xfe, 0x80, [8] = 0x50, 0x54, 0, 0xff, 0xfe,
				   0xaa, 0xbb, 0xcc };
static const u8 other_local[16] = { 0xfe, 0x80, [8] = 0x50, 0x54, 0, 0xff, 0xfe,
				    0xaa, 0xbb, 0xcd };
static const u8 nobody[16];

static const struct qz_antispoof antispoof = {
	.mac = { 0x52, 0x54, 0, 0xaa, 0xbb, 0xcc },
	.n = 5,
	.addrs = {
		{ .id = 1, .version = 4, .prefix = 32, .addr = { 10, 1, 2, 3 } },
		{ .id = 2, .version = 0, .prefix = 32, .addr = { 10, 1, 2, 4 } },
		{ .id = 3, .version = 4, .prefix = 18, .addr = { 192, 168, 64 } },
		{ .id = 4, .version = 6, .prefix = 128,
		  .addr = { 0x20, 1, 0xd, 0xb8, [15] = 7 } },
		{ .id = 5, .version = 6, .prefix = 49,
		  .addr = { 0x20, 1, 0xd, 0xb8, 0, 1, 0x80 } },
	},
};

static const struct qz_antispoof everything = {
	.mac = { 0x52, 0x54, 0, 0xaa, 0xbb, 0xcc },
	.n = 2,
	.addrs = { { .id = 1, .version = 4 }, { .id = 2, .version = 6 } },
};

struct frame {
	u8 bytes[ROOM];
	u32 len;
};

static void add(struct frame *frame, const void *bytes, u32 len)
{
	memcpy(frame->bytes + frame->len, bytes, len);
	frame->len += len;
}

static void add16(struct frame *frame, u16 value)
{
	const u8 bytes[2] = { value >> 8, value };

	add(frame, bytes, 2);
}

static void add_zeros(struct frame *frame, u32 len)
{
	memset(frame->bytes + frame->len, 0, len);
	frame->len += len;
}

static struct frame new_frame(u16 type)
{
	struct frame frame = { .len = 0 };

	add(&frame, other_mac, 6);
	add(&frame, mac, 6);
	add16(&frame, type);
	return frame;
}

/*
 * What is judged, from memory that ends with the frame. It must rest on no byte
 * behind: not when they are missing, nor when they are others.
 */
static u32 judge_by(struct kunit *test, const struct qz_antispoof *by,
		    const struct frame *frame)
{
	u32 judged = qz_antispoof_check(by, frame->bytes, frame->len), len, i;
	u8 *copy;

	for (len = ETH_LEN; len <= frame->len; len++) {
		copy = kunit_kzalloc(test, len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, copy);
		memcpy(copy, frame->bytes, len);
		for (i = judged; judged && i < len; i++)
			copy[i] ^= 0xa5;
		KUNIT_EXPECT_EQ(test, qz_antispoof_check(by, copy, len),
				len < judged ? 0 : judged);
		kunit_kfree(test, copy);
	}
	KUNIT_EXPECT_LE(test, judged, frame->len);
	return judged;
}

static u32 judge(struct kunit *test, const struct frame *frame)
{
	return judge_by(test, &antispoof, frame);
}

static void expect(struct kunit *test, const struct frame *frame, bool good,
		   const char *what)
{
	KUNIT_EXPECT_EQ_MSG(test, (int)!!judge(test, frame), (int)good, "%s",
			    what);
}

/* The same frame with a VLAN tag. */
static struct frame tagged(const struct frame *frame, u16 tag)
{
	struct frame with = { .len = 0 };

	add(&with, frame->bytes, 12);
	add16(&with, tag);
	add16(&with, 7);
	add(&with, frame->bytes + 12, frame->len - 12);
	return with;
}

/* ---- IPv4 ---- */

static struct frame new_ip4(const u8 *source, u8 proto, const void *payload,
			    u32 len)
{
	struct frame frame = new_frame(TYPE_IP4);
	u8 ip[IP4_LEN] = { 0x45, [8] = 64, proto, [16] = 10, 1, 2, 99 };

	ip[IP4_TOTAL + 1] = IP4_LEN + len;
	memcpy(ip + IP4_SOURCE, source, 4);
	add(&frame, ip, sizeof(ip));
	add(&frame, payload, len);
	return frame;
}

static const u8 dhcp[8] = { 0, 68, 0, 67 };

static u32 judge_ip4_from(struct kunit *test, const u8 *source)
{
	struct frame frame = new_ip4(source, 6, zeros, 16);

	return judge(test, &frame);
}

static void ip4_source_is_ours(struct kunit *test)
{
	static const u8 edges[][4] = { { 192, 168, 64, 0 }, { 192, 168, 127, 255 } };
	static const u8 outside[][4] = {
		{ 192, 168, 63, 255 }, { 192, 168, 128, 0 }, { 192, 169, 64, 0 },
		{ 10, 1, 2, 2 }, { 138, 1, 2, 3 }, { 127, 0, 0, 1 },
		{ 255, 255, 255, 255 }, { 224, 0, 0, 1 },
	};
	int i;

	KUNIT_EXPECT_EQ(test, judge_ip4_from(test, ours4), 34);
	KUNIT_EXPECT_EQ(test, judge_ip4_from(test, net4), 34);
	KUNIT_EXPECT_EQ(test, judge_ip4_from(test, other4), 0);	/* struck out */
	KUNIT_EXPECT_EQ(test, judge_ip4_from(test, nobody), 0);
	for (i = 0; i < ARRAY_SIZE(edges); i++)
		KUNIT_EXPECT_EQ(test, judge_ip4_from(test, edges[i]), 34);
	for (i = 0; i < ARRAY_SIZE(outside); i++)
		KUNIT_EXPECT_EQ(test, judge_ip4_from(test, outside[i]), 0);
}

static void ip4_header_must_be_whole(struct kunit *test)
{
	struct frame frame = new_ip4(ours4, 6, zeros, 16);

	frame.bytes[ETH_LEN] = 0x49;
	KUNIT_EXPECT_EQ(test, judge(test, &frame), 50);
	frame.bytes[ETH_LEN] = 0x4a;
	expect(test, &frame, false, "options beyond the frame");
	frame.bytes[ETH_LEN] = 0x44;
	expect(test, &frame, false, "short header");
	frame.bytes[ETH_LEN] = 0x65;
	expect(test, &frame, false, "version 6 in IPv4");
}

static void all_of_ip4_is_no_group(struct kunit *test)
{
	static const u8 good[][4] = { { 1, 1, 1, 1 }, { 223, 255, 255, 255 } };
	static const u8 bad[][4] = { { 224, 0, 0, 0 }, { 239, 1, 1, 1 },
				     { 255, 255, 255, 255 }, { 0 } };
	struct frame frame;
	int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		frame = new_ip4(good[i], 6, zeros, 16);
		KUNIT_EXPECT_EQ(test, judge_by(test, &everything, &frame), 34);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		frame = new_ip4(bad[i], 6, zeros, 16);
		KUNIT_EXPECT_EQ(test, judge_by(test, &everything, &frame), 0);
	}
}

static void dhcp_needs_no_address(struct kunit *test)
{
	static const u8 answer[8] = { 0, 67, 0, 68 }, dns[8] = { 0, 68, 0, 53 };
	static const u8 relay[8] = { 0, 67, 0, 67 };
	struct frame frame = new_ip4(nobody, PROTO_UDP, dhcp, 8);

	KUNIT_EXPECT_EQ(test, judge(test, &frame), 38);
	frame.bytes[ETH_LEN + IP4_FRAGMENT] = 0x40;
	expect(test, &frame, true, "not to be fragmented");
	frame.bytes[ETH_LEN + IP4_FRAGMENT] = 0x20;
	expect(test, &frame, false, "first fragment");
	frame.bytes[ETH_LEN + IP4_FRAGMENT] = 0;
	frame.bytes[ETH_LEN + IP4_FRAGMENT + 1] = 1;
	expect(test, &frame, false, "later fragment");

	frame = new_ip4(nobody, PROTO_UDP, answer, 8);
	expect(test, &frame, false, "a server's");
	frame = new_ip4(nobody, PROTO_UDP, dns, 8);
	expect(test, &frame, false, "another port");
	frame = new_ip4(nobody, PROTO_UDP, relay, 8);
	expect(test, &frame, false, "a relay's");
	frame = new_ip4(nobody, 6, dhcp, 8);
	expect(test, &frame, false, "TCP");
	frame = new_ip4(nobody, PROTO_UDP, dhcp, 8);
	frame.bytes[ETH_LEN + IP4_TOTAL + 1] = IP4_LEN + 3;
	expect(test, &frame, false, "ports behind the packet's end");
	/* An option in front: what was behind the plain header is no port. */
	frame = new_ip4(nobody, PROTO_UDP, dhcp, 8);
	frame.bytes[ETH_LEN] = 0x46;
	expect(test, &frame, false, "ports in an option");
}

/* ---- ARP ---- */

static struct frame new_arp(u8 op, const u8 *sender_mac, const u8 *sender)
{
	static const u8 start[] = { 0, 1, 8, 0, 6, 4, 0 };
	struct frame frame = new_frame(TYPE_ARP);

	add(&frame, start, sizeof(start));
	add(&frame, &op, 1);
	add(&frame, sender_mac, 6);
	add(&frame, sender, 4);
	add(&frame, other_mac, 6);
	add(&frame, other4, 4);
	return frame;
}

static void arp_sender_is_ours(struct kunit *test)
{
	struct frame frame;
	u8 op;

	for (op = ARP_REQUEST; op <= ARP_REPLY; op++) {
		frame = new_arp(op, mac, ours4);
		KUNIT_EXPECT_EQ(test, judge(test, &frame), 42);
		frame = new_arp(op, mac, net4);
		expect(test, &frame, true, "an address of the prefix");
		frame = new_arp(op, mac, other4);
		expect(test, &frame, false, "another's address");
		frame = new_arp(op, other_mac, ours4);
		expect(test, &frame, false, "another's MAC");
		frame = new_arp(op, mac, nobody);
		expect(test, &frame, op == ARP_REQUEST, "a probe");
	}
	frame = new_arp(ARP_REQUEST, other_mac, nobody);
	expect(test, &frame, false, "another's probe");
	for (op = 3; op < 10; op++) {
		frame = new_arp(op, mac, ours4);
		expect(test, &frame, false, "neither request nor reply");
	}
}

static void arp_is_of_ethernet_and_ip4(struct kunit *test)
{
	struct frame frame;
	int i;

	for (i = 0; i < 7; i++) {
		frame = new_arp(ARP_REQUEST, mac, ours4);
		frame.bytes[ETH_LEN + i] ^= 1;
		expect(test, &frame, false, "another format");
	}
}

/* ---- IPv6 ---- */

static struct frame new_ip6(const u8 *source, u8 proto)
{
	struct frame frame = new_frame(TYPE_IP6);
	u8 ip[8] = { 0x60, [6] = proto, 255 };

	add(&frame, ip, sizeof(ip));
	add(&frame, source, 16);
	add(&frame, other6, 16);
	return frame;
}

/* Say how long the packet is: as long as the frame and @more bytes. */
static const struct frame *closed(struct frame *frame, int more)
{
	u32 len = frame->len - ETH_LEN - IP6_LEN + more;

	frame->bytes[ETH_LEN + IP6_PAYLOAD] = len >> 8;
	frame->bytes[ETH_LEN + IP6_PAYLOAD + 1] = len;
	return frame;
}

static u32 judge_ip6_from(struct kunit *test, const u8 *source)
{
	struct frame frame = new_ip6(source, 6);

	add_zeros(&frame, 20);
	return judge(test, closed(&frame, 0));
}

static void ip6_source_is_ours(struct kunit *test)
{
	static const u8 edges[][16] = {
		{ 0x20, 1, 0xd, 0xb8, 0, 1, 0x80 },
		{ 0x20, 1, 0xd, 0xb8, 0, 1, 0xff, 0xff, 0xff, [15] = 0xff },
	};
	static const u8 outside[][16] = {
		{ 0x20, 1, 0xd, 0xb8, 0, 1, 0x7f, 0xff }, { 0x20, 1, 0xd, 0xb8, 0, 2, 0x80 },
		{ 0xff, 2, [15] = 1 }, { [15] = 1 },
	};
	u8 bit, flipped[16];
	int i;

	KUNIT_EXPECT_EQ(test, judge_ip6_from(test, ours6), 54);
	KUNIT_EXPECT_EQ(test, judge_ip6_from(test, net6), 54);
	KUNIT_EXPECT_EQ(test, judge_ip6_from(test, link_local), 54);
	KUNIT_EXPECT_EQ(test, judge_ip6_from(test, other6), 0);
	KUNIT_EXPECT_EQ(test, judge_ip6_from(test, nobody), 0);
	for (i = 0; i < ARRAY_SIZE(edges); i++)
		KUNIT_EXPECT_EQ(test, judge_ip6_from(test, edges[i]), 54);
	for (i = 0; i < ARRAY_SIZE(outside); i++)
		KUNIT_EXPECT_EQ(test, judge_ip6_from(test, outside[i]), 0);
	for (bit = 0; bit < 128; bit++) {
		memcpy(flipped, link_local, 16);
		flipped[bit / 8] ^= 1 << bit % 8;
		KUNIT_EXPECT_EQ(test, judge_ip6_from(test, flipped), 0);
	}
}

static void ip6_header_must_be_whole(struct kunit *test)
{
	struct frame frame = new_ip6(ours6, 6);

	expect(test, closed(&frame, 0), true, "no payload");
	frame.bytes[ETH_LEN] = 0x45;
	expect(test, &frame, false, "version 4 in IPv6");
}

static void all_of_ip6_is_no_group(struct kunit *test)
{
	static const u8 group[16] = { 0xff, 2, [15] = 1 };
	struct frame frame = new_ip6(other6, 17);

	KUNIT_EXPECT_EQ(test, judge_by(test, &everything, closed(&frame, 0)), 54);
	frame = new_ip6(group, 17);
	KUNIT_EXPECT_EQ(test, judge_by(test, &everything, closed(&frame, 0)), 0);
	frame = new_ip6(nobody, 17);
	KUNIT_EXPECT_EQ(test, judge_by(test, &everything, closed(&frame, 0)), 0);
}

/* ---- neighbour discovery ---- */

static void add_icmp6(struct frame *frame, u8 type, const u8 *target)
{
	add(frame, &type, 1);
	add_zeros(frame, 7);
	if (target)
		add(frame, target, 16);
}

static void add_option(struct frame *frame, u8 type, u8 units, const u8 *bytes)
{
	const u8 start[2] = { type, units };

	add(frame, start, 2);
	if (bytes)
		add(frame, bytes, 6);
}

static struct frame new_nd(const u8 *source, u8 type, const u8 *target,
			   u8 option, const u8 *option_mac)
{
	struct frame frame = new_ip6(source, PROTO_ICMP6);

	add_icmp6(&frame, type, target);
	if (option_mac)
		add_option(&frame, option, 1, option_mac);
	closed(&frame, 0);
	return frame;
}

struct nd {
	const char *what;
	const u8 *source;
	u8 type;
	const u8 *target;
	u8 option;
	const u8 *option_mac;
	bool good;
};

static const struct nd nds[] = {
	{ "NS", ours6, NEIGH_SOLICIT, other6, 1, mac, true },
	{ "NS by link-local", link_local, NEIGH_SOLICIT, other_local, 1, mac, true },
	{ "NS without option", ours6, NEIGH_SOLICIT, other6, 0, NULL, true },
	{ "NS with another's MAC", ours6, NEIGH_SOLICIT, other6, 1, other_mac, false },
	{ "NS with another's target MAC", ours6, NEIGH_SOLICIT, other6, 2, other_mac, false },
	{ "NS of another", other6, NEIGH_SOLICIT, ours6, 1, mac, false },
	{ "NS with some nonce", ours6, NEIGH_SOLICIT, other6, 14, other_mac, true },
	{ "DAD", nobody, NEIGH_SOLICIT, ours6, 0, NULL, true },
	{ "DAD of the link-local", nobody, NEIGH_SOLICIT, link_local, 14, mac, true },
	{ "DAD for another's", nobody, NEIGH_SOLICIT, other6, 0, NULL, false },
	{ "DAD for another's link-local", nobody, NEIGH_SOLICIT, other_local, 0, NULL, false },
	{ "NA", ours6, NEIGH_ADVERT, ours6, 2, mac, true },
	{ "NA of the link-local", ours6, NEIGH_ADVERT, link_local, 2, mac, true },
	{ "NA without option", link_local, NEIGH_ADVERT, net6, 0, NULL, true },
	{ "NA for another", ours6, NEIGH_ADVERT, other6, 2, mac, false },
	{ "NA for another's link-local", link_local, NEIGH_ADVERT, other_local, 2, mac, false },
	{ "NA with another's MAC", ours6, NEIGH_ADVERT, ours6, 2, other_mac, false },
	{ "NA by another", other6, NEIGH_ADVERT, ours6, 2, mac, false },
	{ "NA by nobody", nobody, NEIGH_ADVERT, ours6, 2, mac, false },
	{ "RS", link_local, ROUTER_SOLICIT, NULL, 1, mac, true },
	{ "RS by nobody", nobody, ROUTER_SOLICIT, NULL, 0, NULL, true },
	{ "RS with another's MAC", link_local, ROUTER_SOLICIT, NULL, 1, other_mac, false },
	{ "RA", link_local, ROUTER_ADVERT, NULL, 1, mac, false },
	{ "redirect", link_local, REDIRECT, ours6, 2, mac, false },
	{ "MLD report", link_local, MLD_REPORT, ours6, 0, NULL, true },
	{ "MLD report by nobody", nobody, MLD_REPORT, ours6, 0, NULL, true },
	{ "MLD done by nobody", nobody, MLD_DONE, ours6, 0, NULL, true },
	{ "MLDv2 report by nobody", nobody, MLD2_REPORT, NULL, 0, NULL, true },
	{ "MLD report by another", other_local, MLD_REPORT, ours6, 0, NULL, false },
	{ "ping", ours6, 128, NULL, 0, NULL, true },
	{ "ping by another", other6, 128, NULL, 0, NULL, false },
	{ "ping by nobody", nobody, 128, NULL, 0, NULL, false },
};

static void neighbours_are_told_of_us_only(struct kunit *test)
{
	struct frame frame;
	int i;

	for (i = 0; i < ARRAY_SIZE(nds); i++) {
		frame = new_nd(nds[i].source, nds[i].type, nds[i].target,
			       nds[i].option, nds[i].option_mac);
		expect(test, &frame, nds[i].good, nds[i].what);
		frame = tagged(&frame, TYPE_VLAN);
		expect(test, &frame, nds[i].good, nds[i].what);
	}
}

static void all_options_are_looked_at(struct kunit *test)
{
	struct frame frame = new_nd(ours6, NEIGH_ADVERT, ours6, 14, mac);

	add_option(&frame, 2, 1, mac);
	KUNIT_EXPECT_EQ(test, judge(test, closed(&frame, 0)), frame.len);
	add_option(&frame, 2, 1, other_mac);
	expect(test, closed(&frame, 0), false, "the last one");
	/* What is behind the packet's end is no option. */
	expect(test, closed(&frame, -8), true, "padding");
	expect(test, closed(&frame, -4), false, "half an option");
	expect(test, closed(&frame, 8), false, "beyond the frame");
}

static void options_are_well_formed(struct kunit *test)
{
	struct frame frame = new_nd(ours6, NEIGH_SOLICIT, other6, 0, NULL);

	add_option(&frame, 1, 0, mac);
	expect(test, closed(&frame, 0), false, "no length");
	frame = new_nd(ours6, NEIGH_SOLICIT, other6, 0, NULL);
	add_option(&frame, 1, 2, mac);
	add_zeros(&frame, 8);
	expect(test, closed(&frame, 0), false, "longer than a MAC");
	frame = new_nd(ours6, NEIGH_SOLICIT, other6, 0, NULL);
	add_option(&frame, 14, 2, mac);
	expect(test, closed(&frame, 0), false, "longer than the packet");
}

/* No more than the first bytes of a frame are read: what goes on is refused. */
static void discovery_that_was_not_read_is_refused(struct kunit *test)
{
	struct frame frame = new_nd(ours6, NEIGH_SOLICIT, other6, 0, NULL);

	while (frame.len + 8 <= ROOM)
		add_option(&frame, 14, 1, mac);
	expect(test, closed(&frame, 0), true, "just read");
	expect(test, closed(&frame, 8), false, "one more option");
}

/* ---- extension headers ---- */

static void add_extension(struct frame *frame, u8 next, u8 units)
{
	const u8 start[2] = { next, units };

	add(frame, start, 2);
	add_zeros(frame, 8 * units + 6);
}

static void add_fragment(struct frame *frame, u8 next, u16 offset)
{
	const u8 start[4] = { next, 0, offset >> 8, offset };

	add(frame, start, 4);
	add_zeros(frame, 4);
}

static void discovery_is_found_behind_headers(struct kunit *test)
{
	static const u8 first[] = { PROTO_HOPOPTS, PROTO_DSTOPTS, PROTO_ROUTING };
	struct frame frame;
	int i, units;

	for (i = 0; i < ARRAY_SIZE(first); i++)
		for (units = 0; units < 3; units++) {
			frame = new_ip6(link_local, first[i]);
			add_extension(&frame, PROTO_DSTOPTS, units);
			add_extension(&frame, PROTO_ICMP6, 0);
			add_icmp6(&frame, ROUTER_ADVERT, NULL);
			expect(test, closed(&frame, 0), false, "RA");
			frame.bytes[frame.len - 8] = MLD2_REPORT;
			expect(test, &frame, true, "MLD report");
		}
	frame = new_ip6(link_local, PROTO_AH);
	add_extension(&frame, PROTO_ICMP6, 1);
	frame.bytes[ETH_LEN + IP6_LEN + 1] = 2;		/* in words of 4, minus 2 */
	add_icmp6(&frame, ROUTER_ADVERT, NULL);
	expect(test, closed(&frame, 0), false, "RA with authentication");
	frame.bytes[frame.len - 8] = MLD2_REPORT;
	expect(test, &frame, true, "MLD report with authentication");
}

static void headers_are_followed_to_their_end(struct kunit *test)
{
	struct frame frame = new_ip6(ours6, PROTO_HOPOPTS);

	add_extension(&frame, 6, 0);
	KUNIT_EXPECT_EQ(test, judge(test, closed(&frame, 0)), 62);
	frame = new_ip6(ours6, PROTO_HOPOPTS);
	while (frame.len + 8 <= ROOM)
		add_extension(&frame, PROTO_DSTOPTS, 0);
	expect(test, closed(&frame, 100), false, "beyond what was read");
	frame.bytes[frame.len - 8] = 6;
	expect(test, &frame, true, "TCP just behind them");
	frame = new_ip6(ours6, PROTO_DSTOPTS);
	add_extension(&frame, 6, 0);
	frame.bytes[ETH_LEN + IP6_LEN + 1] = 255;
	expect(test, closed(&frame, 3000), false, "a long one");
	/* The receiver would read on in the next fragment, not in the padding. */
	frame = new_ip6(ours6, PROTO_FRAGMENT);
	add_fragment(&frame, PROTO_DSTOPTS, 1);
	add_extension(&frame, 17, 0);
	expect(test, closed(&frame, 0), true, "first fragment");
	expect(test, closed(&frame, -8), false, "headers in the padding");
}

static void fragments_hide_nothing(struct kunit *test)
{
	static const struct {
		const char *what;
		u16 offset;
		u8 proto;
		bool good;
	} cases[] = {
		{ "UDP, first", 1, 17, true },
		{ "UDP, later", 8, 17, true },
		{ "UDP, whole", 0, 17, true },
		{ "echo, first", 1, PROTO_ICMP6, true },
		{ "echo, later", 8, PROTO_ICMP6, true },
		{ "echo, whole", 0, PROTO_ICMP6, true },
		{ "headers, later", 8, PROTO_DSTOPTS, false },
		{ "headers, later, more", 9, PROTO_HOPOPTS, false },
		{ "fragments, later", 8, PROTO_FRAGMENT, false },
	};
	struct frame frame;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		frame = new_ip6(ours6, PROTO_FRAGMENT);
		add_fragment(&frame, cases[i].proto, cases[i].offset);
		add_icmp6(&frame, 128, NULL);
		expect(test, closed(&frame, 0), cases[i].good, cases[i].what);
	}
	frame = new_ip6(ours6, PROTO_FRAGMENT);
	add_fragment(&frame, PROTO_DSTOPTS, 1);
	add_extension(&frame, PROTO_ICMP6, 0);
	add_icmp6(&frame, 128, NULL);
	expect(test, closed(&frame, 0), true, "echo behind headers, first");
	frame.bytes[ETH_LEN + IP6_LEN + 1] = 1;
	expect(test, &frame, true, "the same, with a reserved byte set");
	expect(test, closed(&frame, -8), false, "the type is in the padding");
	frame.len -= 8;
	expect(test, closed(&frame, 0), false, "the type is in the next one");
}

/* RFC 6980: whole or not, with headers in front or not, even with our own. */
static void discovery_is_in_no_fragment(struct kunit *test)
{
	static const u8 types[] = { ROUTER_SOLICIT, ROUTER_ADVERT, NEIGH_SOLICIT,
				    NEIGH_ADVERT, REDIRECT, 148 };
	struct frame frame;
	int i, more;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		for (more = 0; more < 2; more++) {
			frame = new_ip6(ours6, PROTO_FRAGMENT);
			add_fragment(&frame, PROTO_ICMP6, more);
			add_icmp6(&frame, types[i], ours6);
			expect(test, closed(&frame, 0), false, "discovery");
			frame = new_ip6(ours6, PROTO_HOPOPTS);
			add_extension(&frame, PROTO_FRAGMENT, 0);
			add_fragment(&frame, PROTO_DSTOPTS, more);
			add_extension(&frame, PROTO_ICMP6, 0);
			add_icmp6(&frame, types[i], ours6);
			expect(test, closed(&frame, 0), false, "with headers");
		}
}

/* What nobody's address may not send, it may not send in fragments either. */
static void nobody_sends_no_fragments(struct kunit *test)
{
	struct frame frame;
	u16 offset;

	for (offset = 0; offset <= 9; offset++) {
		frame = new_ip6(nobody, PROTO_FRAGMENT);
		add_fragment(&frame, PROTO_ICMP6, offset);
		add_icmp6(&frame, 128, NULL);
		expect(test, closed(&frame, 0), false, "echo");
		frame = new_ip6(other6, PROTO_FRAGMENT);
		add_fragment(&frame, PROTO_ICMP6, offset);
		add_icmp6(&frame, 128, NULL);
		expect(test, closed(&frame, 0), false, "another's");
	}
}

/* ---- Ethernet ---- */

static void one_tag_is_read(struct kunit *test)
{
	struct frame plain = new_ip4(ours4, 6, zeros, 16), frame, twice;

	frame = tagged(&plain, TYPE_VLAN);
	KUNIT_EXPECT_EQ(test, judge(test, &frame), 38);
	twice = tagged(&frame, TYPE_VLAN);
	expect(test, &twice, false, "two tags");
	frame = tagged(&plain, 0x88a8);
	expect(test, &frame, false, "a provider's tag");
	plain = new_ip4(other4, 6, zeros, 16);
	frame = tagged(&plain, TYPE_VLAN);
	expect(test, &frame, false, "tagged, another's");
}

static void other_protocols_are_refused(struct kunit *test)
{
	static const u16 types[] = { 0, 46, 0x0805, 0x0807, 0x8035, 0x86dc, 0x86de,
				     0x8847, 0x8863, 0x888e, 0x88b5, 0x88cc, 0xffff };
	struct frame frame;
	int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		frame = new_frame(types[i]);
		add_zeros(&frame, 60);
		expect(test, &frame, false, "another protocol");
		KUNIT_EXPECT_EQ(test, judge_by(test, &everything, &frame), 0);
	}
}

static void without_addresses_left_all_are_refused(struct kunit *test)
{
	static const struct qz_antispoof none = { .n = 0 };
	struct frame frame = new_ip4(ours4, 6, zeros, 16);

	KUNIT_EXPECT_EQ(test, judge_by(test, &none, &frame), 0);
}

/* ---- what a port may be given ---- */

static bool may_give(u8 version, u8 prefix, const u8 *bytes, u32 len)
{
	struct qz_antispoof_addr addr = { .version = version, .prefix = prefix };

	memcpy(addr.addr, bytes, len);
	return qz_antispoof_addr_is_good(&addr);
}

static void prefixes_are_well_formed(struct kunit *test)
{
	static const u8 group6[16] = { 0xff, 2 };
	int bits;

	for (bits = 0; bits < 256; bits++) {
		/* 10.1.2.3, whose last bit is set, and 2001:db8::7 as well */
		KUNIT_EXPECT_EQ(test, may_give(4, bits, ours4, 4), bits == 32);
		KUNIT_EXPECT_EQ(test, may_give(6, bits, ours6, 16), bits == 128);
		/* 10.1.2.0, 2001:db8:: */
		KUNIT_EXPECT_EQ(test, may_give(4, bits, ours4, 3),
				bits >= 23 && bits <= 32);
		KUNIT_EXPECT_EQ(test, may_give(6, bits, ours6, 4),
				bits >= 29 && bits <= 128);
		KUNIT_EXPECT_EQ(test, may_give(4, bits, nobody, 4), bits < 32);
		KUNIT_EXPECT_EQ(test, may_give(6, bits, nobody, 16), bits < 128);
		KUNIT_EXPECT_FALSE(test, may_give(6, bits, group6, 16));
	}
	KUNIT_EXPECT_FALSE(test, may_give(4, 32, ours6, 16));
	KUNIT_EXPECT_FALSE(test, may_give(4, 4, (const u8[]){ 224 }, 1));
	KUNIT_EXPECT_FALSE(test, may_give(4, 32, (const u8[]){ 255, 255, 255, 255 }, 4));
	KUNIT_EXPECT_TRUE(test, may_give(4, 32, (const u8[]){ 223, 255, 255, 255 }, 4));
}

static struct kunit_case antispoof_cases[] = {
	KUNIT_CASE(ip4_source_is_ours),
	KUNIT_CASE(ip4_header_must_be_whole),
	KUNIT_CASE(all_of_ip4_is_no_group),
	KUNIT_CASE(dhcp_needs_no_address),
	KUNIT_CASE(arp_sender_is_ours),
	KUNIT_CASE(arp_is_of_ethernet_and_ip4),
	KUNIT_CASE(ip6_source_is_ours),
	KUNIT_CASE(ip6_header_must_be_whole),
	KUNIT_CASE(all_of_ip6_is_no_group),
	KUNIT_CASE(neighbours_are_told_of_us_only),
	KUNIT_CASE(all_options_are_looked_at),
	KUNIT_CASE(options_are_well_formed),
	KUNIT_CASE(discovery_that_was_not_read_is_refused),
	KUNIT_CASE(discovery_is_found_behind_headers),
	KUNIT_CASE(headers_are_followed_to_their_end),
	KUNIT_CASE(fragments_hide_nothing),
	KUNIT_CASE(discovery_is_in_no_fragment),
	KUNIT_CASE(nobody_sends_no_fragments),
	KUNIT_CASE(one_tag_is_read),
	KUNIT_CASE(other_protocols_are_refused),
	KUNIT_CASE(without_addresses_left_all_are_refused),
	KUNIT_CASE(prefixes_are_well_formed),
	{}
};

static struct kunit_suite antispoof_suite = {
	.name = "queztl_antispoof",
	.test_cases = antispoof_cases,
};

kunit_test_suite(antispoof_suite);
