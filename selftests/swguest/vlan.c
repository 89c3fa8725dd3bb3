// SPDX-License-Identifier: GPL-2.0
/* Access ports and trunks: a frame reaches the ports of its VLAN and no others, tagged as each of them has it. */
#define _GNU_SOURCE
#include "flow.h"
#include "world.h"

#include <sys/ioctl.h>

#define LENGTH	200
#define TAG	4

static struct member *m[5];

/* Somebody outside: an address, no port. */
static struct member outside = { .mac = { 0x52, 0x54, 0, 0xff, 0, 1 } };

static int call_vlan(struct member *member, unsigned long number, struct queztl_port_vlan *vlan)
{
	struct queztl_port port;

	ASSERT_EQ(port_find(member->name, &port), 0);
	vlan->size = sizeof(*vlan);
	vlan->id = port.id;
	return ioctl(queztl_fd(), number, vlan) ? -errno : 0;
}

static void add_id(struct queztl_port_vlan *vlan, int id)
{
	vlan->ids[id / 64] |= 1ULL << id % 64;
}

static int set_access(struct member *member, int id)
{
	struct queztl_port_vlan vlan = { .mode = QUEZTL_VLAN_ACCESS, .native = id };

	add_id(&vlan, id);
	return call_vlan(member, QUEZTL_PORT_VLAN_SET, &vlan);
}

/* VLANs 10 and 20. */
static int set_trunk(struct member *member, int native)
{
	struct queztl_port_vlan vlan = { .mode = QUEZTL_VLAN_TRUNK, .native = native };

	add_id(&vlan, 10);
	add_id(&vlan, 20);
	return call_vlan(member, QUEZTL_PORT_VLAN_SET, &vlan);
}

static int set_none(struct member *member)
{
	struct queztl_port_vlan vlan = { .mode = QUEZTL_VLAN_NONE };

	return call_vlan(member, QUEZTL_PORT_VLAN_SET, &vlan);
}

static void put16(uint8_t *to, unsigned int value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

/* A frame of @length bytes, and tags in front of its type; 0: none. The length with the tags. */
static int make(uint8_t *frame, int length, const __u8 to[6], const __u8 from[6], unsigned int outer,
		unsigned int inner, uint32_t seed)
{
	unsigned int tags[2] = { inner, outer };

	frame_make(frame, length, to, from, seed);
	for (int i = 0; i < 2; i++) {
		if (!tags[i])
			continue;
		memmove(frame + 12 + TAG, frame + 12, length - 12);
		put16(frame + 12, tags[i] >> 16 ? tags[i] >> 16 : 0x8100);
		put16(frame + 14, tags[i] & 0xffff);
		length += TAG;
	}
	return length;
}

static void send_long(struct member *via, int length, const __u8 from[6], const __u8 to[6], unsigned int outer,
		      unsigned int inner, uint32_t seed)
{
	static uint8_t frame[SWG_FRAME];

	length = make(frame, length, to, from, outer, inner, seed);
	ASSERT_EQ(swg_send(&via->port, NULL, frame, length, seed % 2 ? SWG_CROOKED : 0), 0);
	ASSERT_EQ(swg_wait_sent(&via->port, SOON), 0);
}

static void send_tagged(struct member *from, const __u8 to[6], unsigned int tag, uint32_t seed)
{
	send_long(from, LENGTH, from->mac, to, tag, 0, seed);
}

static void expect_long(struct member *at, int length, const __u8 from[6], const __u8 to[6], unsigned int outer,
			unsigned int inner, uint32_t seed)
{
	static uint8_t want[SWG_FRAME], frame[SWG_FRAME];
	int got = swg_receive(&at->port, frame, sizeof(frame), SOON);

	length = make(want, length, to, from, outer, inner, seed);
	KTAP_CHECK(got == length, true, "%s: expected %d bytes (seed %u), got %d", at->name, length, seed, got);
	KTAP_CHECK(!memcmp(frame, want, length), true, "%s: the frame (seed %u) is not as expected: type %02x%02x %02x%02x",
		   at->name, seed, frame[12], frame[13], frame[14], frame[15]);
}

static void expect_tagged(struct member *at, struct member *from, const __u8 to[6], unsigned int tag, uint32_t seed)
{
	expect_long(at, LENGTH, from->mac, to, tag, 0, seed);
}

static void expect_refused(struct member *from, const __u8 to[6], unsigned int tag, const char *why)
{
	member_mark(from);
	send_tagged(from, to, tag, 77);
	expect_drops(from, QUEZTL_DROP_VLAN, 1, why);
}

static void expect_all_silent(int count)
{
	for (int i = 0; i < count; i++)
		expect_silence(m[i]);
}

/* 0 and 1 in VLAN 10, 2 in 20, 3 and 4 in none. */
static void make_vlans(void)
{
	make_lan(m, 5, NULL);
	ASSERT_EQ(set_access(m[0], 10), 0);
	ASSERT_EQ(set_access(m[1], 10), 0);
	ASSERT_EQ(set_access(m[2], 20), 0);
}

TEST(vlans_are_separate)
{
	make_vlans();
	expect_pair_works(m[0], m[1], 10);
	expect_pair_works(m[3], m[4], 20);
	expect_refused(m[0], m[2]->mac, 0, "another VLAN");
	expect_refused(m[0], m[3]->mac, 0, "to no VLAN");
	expect_refused(m[3], m[0]->mac, 0, "from no VLAN");
	expect_refused(m[3], m[0]->mac, 10, "a tag of the guest's own");
	expect_all_silent(5);

	send_tagged(m[0], frame_broadcast, 0, 1);
	expect_tagged(m[1], m[0], frame_broadcast, 0, 1);
	send_tagged(m[2], frame_broadcast, 0, 2);
	send_tagged(m[3], frame_broadcast, 10, 3);	/* opaque: no VLAN of the fabric */
	expect_tagged(m[4], m[3], frame_broadcast, 10, 3);
	expect_all_silent(5);
	for (int i = 0; i < 5; i++)
		expect_no_drops(m[i]);
}

TEST(an_access_port_sends_no_tags)
{
	make_vlans();
	expect_refused(m[0], m[1]->mac, 10, "its own VLAN's tag");
	expect_refused(m[0], m[2]->mac, 20, "another's tag");
	expect_refused(m[0], frame_broadcast, 20, "a tagged broadcast");
	expect_refused(m[0], m[1]->mac, 0x88a8000a, "a provider's tag");
	expect_all_silent(5);
	/* a priority is no VLAN, and an access port has no tags */
	send_tagged(m[0], m[1]->mac, 0x6000 | 0x81000000, 1);
	expect_tagged(m[1], m[0], m[1]->mac, 0, 1);
	send_tagged(m[0], frame_broadcast, 0x6000 | 0x81000000, 2);
	expect_tagged(m[1], m[0], frame_broadcast, 0, 2);
	expect_all_silent(5);
}

TEST(a_trunk_has_tags)
{
	make_vlans();
	ASSERT_EQ(set_trunk(m[3], 0), 0);
	send_tagged(m[0], m[3]->mac, 0, 1);
	expect_tagged(m[3], m[0], m[3]->mac, 10, 1);
	send_tagged(m[2], m[3]->mac, 0x81006000, 2);
	expect_tagged(m[3], m[2], m[3]->mac, 0x6000 | 20, 2);	/* the priority goes along */
	send_tagged(m[3], m[0]->mac, 0xa000 | 10, 3);
	expect_tagged(m[0], m[3], m[0]->mac, 0, 3);
	send_tagged(m[3], frame_broadcast, 20, 4);
	expect_tagged(m[2], m[3], frame_broadcast, 0, 4);
	send_tagged(m[0], frame_broadcast, 0, 5);
	expect_tagged(m[1], m[0], frame_broadcast, 0, 5);
	expect_tagged(m[3], m[0], frame_broadcast, 10, 5);
	expect_all_silent(5);

	expect_refused(m[3], m[0]->mac, 20, "not its VLAN");
	expect_refused(m[3], m[0]->mac, 30, "not the trunk's");
	expect_refused(m[3], m[0]->mac, 0, "no native VLAN");
	expect_refused(m[3], frame_broadcast, 4095, "a reserved id");
	expect_all_silent(5);

	/* between trunks nothing changes */
	ASSERT_EQ(set_trunk(m[4], 0), 0);
	send_tagged(m[3], m[4]->mac, 20, 6);
	expect_tagged(m[4], m[3], m[4]->mac, 20, 6);
	send_long(m[3], LENGTH, m[3]->mac, m[4]->mac, 10, 30, 7);
	expect_long(m[4], LENGTH, m[3]->mac, m[4]->mac, 10, 30, 7);
}

TEST(a_trunk_has_a_native_vlan)
{
	make_vlans();
	ASSERT_EQ(set_trunk(m[3], 10), 0);
	send_tagged(m[0], m[3]->mac, 0, 1);
	expect_tagged(m[3], m[0], m[3]->mac, 0, 1);
	send_tagged(m[2], m[3]->mac, 0, 2);
	expect_tagged(m[3], m[2], m[3]->mac, 20, 2);
	send_tagged(m[3], m[1]->mac, 0, 3);
	expect_tagged(m[1], m[3], m[1]->mac, 0, 3);
	send_tagged(m[3], m[1]->mac, 10, 4);
	expect_tagged(m[1], m[3], m[1]->mac, 0, 4);
	expect_refused(m[3], m[2]->mac, 0, "the native VLAN");
	expect_all_silent(5);
}

/* A second tag must never become the first. */
TEST(two_tags_do_not_change_the_vlan)
{
	make_vlans();
	ASSERT_EQ(set_trunk(m[3], 10), 0);
	ASSERT_EQ(set_trunk(m[4], 10), 0);
	send_long(m[3], LENGTH, m[3]->mac, m[4]->mac, 10, 20, 1);
	expect_long(m[4], LENGTH, m[3]->mac, m[4]->mac, 10, 20, 1);	/* both, though 10 is native */
	member_mark(m[3]);
	send_long(m[3], LENGTH, m[3]->mac, m[0]->mac, 10, 20, 2);
	expect_drops(m[3], QUEZTL_DROP_VLAN, 1, "two tags to an access port");
	send_long(m[0], LENGTH, m[0]->mac, m[4]->mac, 0x81006000, 20, 3);	/* behind a priority */
	expect_long(m[4], LENGTH, m[0]->mac, m[4]->mac, 0x6000 | 10, 20, 3);
	expect_all_silent(5);
}

TEST(the_uplink_is_a_trunk)
{
	make_vlans();
	ASSERT_EQ(port_set(m[3]->name, QUEZTL_PORT_UPLINK), 0);
	expect_refused(m[0], outside.mac, 0, "the uplink is in no VLAN");
	ASSERT_EQ(set_trunk(m[3], 0), 0);
	send_tagged(m[0], outside.mac, 0, 1);
	expect_tagged(m[3], m[0], outside.mac, 10, 1);
	send_long(m[3], LENGTH, outside.mac, m[2]->mac, 20, 0, 2);
	expect_long(m[2], LENGTH, outside.mac, m[2]->mac, 0, 0, 2);
	send_long(m[3], LENGTH, outside.mac, frame_broadcast, 10, 0, 3);
	expect_long(m[0], LENGTH, outside.mac, frame_broadcast, 0, 0, 3);
	expect_long(m[1], LENGTH, outside.mac, frame_broadcast, 0, 0, 3);
	member_mark(m[3]);
	send_long(m[3], LENGTH, outside.mac, m[0]->mac, 20, 0, 4);
	expect_drops(m[3], QUEZTL_DROP_VLAN, 1, "from outside into another VLAN");
	send_long(m[3], LENGTH, m[0]->mac, m[2]->mac, 20, 0, 5);
	expect_drops(m[3], QUEZTL_DROP_SPOOFED, 1, "an address of a port of another VLAN");
	expect_refused(m[4], outside.mac, 10, "a port in no VLAN");
	expect_all_silent(5);
}

/* Tags come and go in the copy of a frame that is delivered: long, short, and just at the limit. */
TEST(every_size_gets_its_tag)
{
	make_vlans();
	ASSERT_EQ(set_trunk(m[3], 0), 0);
	for (int length = 14; length <= 1514; length += length < 230 || length > 1500 ? 1 : 41) {
		send_long(m[0], length, m[0]->mac, m[3]->mac, 0, 0, length);
		expect_long(m[3], length, m[0]->mac, m[3]->mac, 10, 0, length);
		send_long(m[3], length, m[3]->mac, m[0]->mac, 10, 0, length);
		expect_long(m[0], length, m[3]->mac, m[0]->mac, 0, 0, length);
	}
	EXPECT_EQ(member_stats(m[0]).tx_bytes, member_stats(m[3]).rx_bytes - TAG * member_stats(m[3]).rx_packets);
	EXPECT_EQ(member_stats(m[0]).rx_bytes, member_stats(m[3]).tx_bytes - TAG * member_stats(m[3]).tx_packets);
	send_long(m[3], 1514 + TAG, m[3]->mac, m[0]->mac, 10, 0, 1);	/* as long as one with two tags */
	expect_long(m[0], 1514 + TAG, m[3]->mac, m[0]->mac, 0, 0, 1);
	member_mark(m[0]);
	member_mark(m[3]);
	send_long(m[0], 1514 + TAG + 1, m[0]->mac, m[3]->mac, 0, 0, 2);
	expect_drops(m[0], QUEZTL_DROP_TOO_BIG, 1, "too long for a tag");
	send_long(m[3], 1514 + TAG + 1, m[3]->mac, m[0]->mac, 10, 0, 3);
	expect_drops(m[3], QUEZTL_DROP_TOO_BIG, 1, "too long without its tag");
	expect_all_silent(5);
}

#define SEND	(F(VIRTIO_NET_F_CSUM) | F(VIRTIO_NET_F_HOST_TSO4) | F(VIRTIO_NET_F_HOST_TSO6) | F(VIRTIO_NET_F_HOST_USO))
#define CSUM	F(VIRTIO_NET_F_GUEST_CSUM)
#define TSO	(F(VIRTIO_NET_F_GUEST_TSO4) | F(VIRTIO_NET_F_GUEST_TSO6))
#define USO	(F(VIRTIO_NET_F_GUEST_USO4) | F(VIRTIO_NET_F_GUEST_USO6))

static const struct flow flows[] = {
	{ .name = "TCP/IPv4 checksum", .payload = 1001 },
	{ .name = "UDP/IPv6 checksum", .udp = true, .ip6 = true, .payload = 333 },
	{ .name = "TCP/IPv4", .gso_size = 1448, .payload = 20000 },
	{ .name = "TCP/IPv6", .ip6 = true, .gso_size = 1428, .payload = 9999 },
	{ .name = "UDP/IPv4", .udp = true, .gso_size = 1472, .payload = 15000 },
};

/* From @from in VLAN 10, which has its tag if @tagged, to @at, which has it if not. */
static void try_flow(struct member *from, struct member *at, const struct flow *plain, bool tagged, uint64_t features)
{
	static struct flow_frame sent, want;
	static uint8_t bytes[SWG_FRAME];
	bool whole = !(flow_needs(plain) & ~(features | (plain->gso_size ? 0 : CSUM)));
	struct flow in = *plain, out = *plain;
	int payload, got;
	const char *wrong;

	in.vlan = tagged;
	out.vlan = !tagged;
	flow_make(&sent, &in, at->mac, from->mac, 1);
	flow_make(&want, &out, at->mac, from->mac, 1);
	if (tagged)
		put16(sent.bytes + 14, 10);
	else
		put16(want.bytes + 14, 10);
	ASSERT_EQ(swg_send(&from->port, &sent.header, sent.bytes, sent.length, SWG_CROOKED), 0);
	for (int offset = 0; offset < plain->payload; offset += payload) {
		payload = plain->payload - offset;
		if (!whole && payload > plain->gso_size)
			payload = plain->gso_size;
		got = swg_receive(&at->port, bytes, sizeof(bytes), SOON);
		KTAP_CHECK(got > 0, true, "%s, features %llx: nothing at offset %d: %s", plain->name,
			   (unsigned long long)features, offset, strerror(-got));
		wrong = flow_check(&want, &out, &at->port.header, bytes, got, offset, payload);
		KTAP_CHECK(!wrong, true, "%s%s, features %llx: wrong %s at offset %d of %d bytes", plain->name,
			   tagged ? ", tagged" : "", (unsigned long long)features, wrong, offset, got);
		EXPECT(!out.vlan || !memcmp(bytes + 12, want.bytes + 12, 4));
		EXPECT_EQ(at->port.header.gso_type, whole ? want.header.gso_type : 0);
		EXPECT_EQ(at->port.header.hdr_len, whole ? want.header.hdr_len : 0);
	}
}

TEST_WITHIN(offloads_survive_a_tag, 120)
{
	static const uint64_t receivers[] = { 0, CSUM, CSUM | TSO | USO };
	struct swg_options options = { .features = SEND | CSUM | TSO | USO, .slot = 65536 + 64 };

	make_lan(m, 2, &options);
	ASSERT_EQ(set_access(m[0], 10), 0);
	ASSERT_EQ(set_trunk(m[1], 0), 0);
	for (size_t r = 0; r < sizeof(receivers) / sizeof(*receivers); r++) {
		options.features = SEND | receivers[r];
		for (int tagged = 0; tagged < 2; tagged++)
			restart(m[tagged], &options);
		for (size_t i = 0; i < sizeof(flows) / sizeof(*flows); i++)
			for (int tagged = 0; tagged < 2; tagged++)
				try_flow(m[tagged], m[!tagged], &flows[i], tagged, receivers[r]);
	}
	expect_no_drops(m[0]);
	expect_no_drops(m[1]);
}

/* A checksum that begins in the tag would be one of nothing once the tag has gone. */
TEST(a_checksum_does_not_begin_in_the_tag)
{
	struct swg_options options = { .features = SEND | CSUM };
	struct virtio_net_hdr_v1 header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM };
	static uint8_t frame[SWG_FRAME];
	int length;

	make_lan(m, 2, &options);
	ASSERT_EQ(set_access(m[0], 10), 0);
	ASSERT_EQ(set_trunk(m[1], 0), 0);
	length = make(frame, LENGTH, m[0]->mac, m[1]->mac, 10, 0, 1);
	for (header.csum_start = 14; header.csum_start < 18; header.csum_start++) {
		ASSERT_EQ(swg_send(&m[1]->port, &header, frame, length, 0), 0);
		expect_drops(m[1], QUEZTL_DROP_BAD_HEADER, 1, "a checksum of the tag");
	}
	expect_silence(m[0]);
	header.csum_start = 18;
	ASSERT_EQ(swg_send(&m[1]->port, &header, frame, length, 0), 0);
	ASSERT_EQ(swg_receive(&m[0]->port, frame, sizeof(frame), SOON), LENGTH);
	EXPECT_EQ(m[0]->port.header.csum_start, 14);
}

/* What a port may send is judged before its tag. */
TEST(addresses_are_checked_with_vlans)
{
	static const struct flow flow = { .name = "addresses", .udp = true, .payload = 100 };
	struct swg_options options = { .features = SEND | CSUM };
	static struct flow_frame frame;

	make_lan(m, 2, &options);
	ASSERT_EQ(set_access(m[0], 10), 0);
	ASSERT_EQ(set_trunk(m[1], 0), 0);
	ASSERT_EQ(addr_add(m[0]->name, "10.0.0.1/32"), 0);
	flow_make(&frame, &flow, m[1]->mac, m[0]->mac, 1);
	ASSERT_EQ(swg_send(&m[0]->port, &frame.header, frame.bytes, frame.length, 0), 0);
	ASSERT_EQ(swg_receive(&m[1]->port, frame.bytes, sizeof(frame.bytes), SOON), frame.length + TAG);
	ASSERT_EQ(addr_del(m[0]->name, "10.0.0.1/32"), 0);
	ASSERT_EQ(addr_add(m[0]->name, "10.0.0.9/32"), 0);
	flow_make(&frame, &flow, m[1]->mac, m[0]->mac, 1);
	ASSERT_EQ(swg_send(&m[0]->port, &frame.header, frame.bytes, frame.length, 0), 0);
	expect_drops(m[0], QUEZTL_DROP_FOREIGN, 1, "another address");
	expect_silence(m[1]);
}

static struct queztl_port_vlan vlan_of(struct member *member)
{
	struct queztl_port_vlan vlan = { 0 };

	ASSERT_EQ(call_vlan(member, QUEZTL_PORT_VLAN_GET, &vlan), 0);
	return vlan;
}

TEST(vlans_are_set_and_cleared)
{
	struct queztl_port_vlan vlan;

	make_vlans();
	vlan = vlan_of(m[0]);
	EXPECT_EQ(vlan.mode, QUEZTL_VLAN_ACCESS);
	EXPECT_EQ(vlan.native, 10);
	EXPECT_EQ(vlan.ids[0], 1 << 10);
	EXPECT_EQ(vlan_of(m[3]).mode, QUEZTL_VLAN_NONE);
	ASSERT_EQ(set_trunk(m[3], 20), 0);
	vlan = vlan_of(m[3]);
	EXPECT_EQ(vlan.mode, QUEZTL_VLAN_TRUNK);
	EXPECT_EQ(vlan.native, 20);
	EXPECT_EQ(vlan.ids[0], 1 << 10 | 1 << 20);

	restart(m[0], NULL);		/* they are not the driver's */
	expect_pair_works(m[0], m[1], 10);
	expect_refused(m[0], m[2]->mac, 0, "another VLAN");
	ASSERT_EQ(set_access(m[2], 10), 0);
	expect_pair_works(m[0], m[2], 20);
	ASSERT_EQ(set_none(m[0]), 0);
	EXPECT_EQ(vlan_of(m[0]).mode, QUEZTL_VLAN_NONE);
	expect_refused(m[0], m[1]->mac, 0, "no VLAN any more");
	expect_pair_works(m[0], m[4], 30);
	expect_refused(m[1], m[4]->mac, 0, "to no VLAN");
	/* with the link down as well */
	ASSERT_EQ(port_change(m[2]->name, QUEZTL_PORT_LINK_DOWN, QUEZTL_PORT_LINK_DOWN), 0);
	member_mark(m[2]);
	send_tagged(m[1], m[2]->mac, 0, 1);
	expect_drops(m[2], QUEZTL_DROP_LINK_DOWN, 1, "unplugged");
	ASSERT_EQ(port_change(m[2]->name, QUEZTL_PORT_LINK_DOWN, 0), 0);
	expect_pair_works(m[1], m[2], 40);
}

static void expect_invalid(struct queztl_port_vlan vlan, const char *why)
{
	int r = call_vlan(m[0], QUEZTL_PORT_VLAN_SET, &vlan);

	KTAP_CHECK(r == -EINVAL, false, "%s: %d", why, r);
	EXPECT_EQ(vlan_of(m[0]).mode, QUEZTL_VLAN_NONE);
}

TEST(bad_vlans_are_refused)
{
	const __u64 ten = 1 << 10;

	make_lan(m, 1, NULL);
	expect_invalid((struct queztl_port_vlan){ .mode = 3 }, "a mode");
	expect_invalid((struct queztl_port_vlan){ .native = 1 }, "a native VLAN of none");
	expect_invalid((struct queztl_port_vlan){ .ids = { ten } }, "a VLAN of none");
	expect_invalid((struct queztl_port_vlan){ .mode = QUEZTL_VLAN_ACCESS }, "no VLAN");
	expect_invalid((struct queztl_port_vlan){ .mode = QUEZTL_VLAN_ACCESS, .ids = { ten } }, "no native VLAN");
	expect_invalid((struct queztl_port_vlan){ .mode = QUEZTL_VLAN_ACCESS, .native = 10, .ids = { ten | 2 } }, "two");
	expect_invalid((struct queztl_port_vlan){ .mode = QUEZTL_VLAN_TRUNK }, "an empty trunk");
	expect_invalid((struct queztl_port_vlan){ .mode = QUEZTL_VLAN_TRUNK, .native = 9, .ids = { ten } }, "a stranger");
	expect_invalid((struct queztl_port_vlan){ .mode = QUEZTL_VLAN_TRUNK, .native = 65535, .ids = { ten } }, "no id");
	expect_invalid((struct queztl_port_vlan){ .mode = QUEZTL_VLAN_TRUNK, .ids = { 1 } }, "id 0");
	expect_invalid((struct queztl_port_vlan){ .mode = QUEZTL_VLAN_TRUNK, .ids = { [63] = 1ULL << 63 } }, "id 4095");
	expect_invalid((struct queztl_port_vlan){ .mode = QUEZTL_VLAN_ACCESS, .native = 10, .ids = { ten }, .reserved = 1 },
		       "a reserved member");
}
