// SPDX-License-Identifier: GPL-2.0
/* Access ports and trunks. */

#include <kunit/test.h>

#include "../vlan.c"

#define HEAD	64

static struct qz_vlan access_port(u16 id)
{
	struct qz_vlan vlan = { .native = id };

	vlan.ids[id / 64] |= 1ULL << id % 64;
	return vlan;
}

/* VLANs 10 and 20. */
static struct qz_vlan trunk(u16 native)
{
	struct qz_vlan vlan = { .trunk = true, .native = native };

	vlan.ids[0] = 1ULL << 10 | 1ULL << 20;
	return vlan;
}

static const struct qz_vlan access10 = { .native = 10, .ids[0] = 1 << 10 };
static const struct qz_vlan access20 = { .native = 20, .ids[0] = 1 << 20 };
static const struct qz_vlan trunk_tagged = {
	.trunk = true, .ids[0] = 1 << 10 | 1 << 20 };
static const struct qz_vlan trunk10 = {
	.trunk = true, .native = 10, .ids[0] = 1 << 10 | 1 << 20 };
static const struct qz_vlan trunk20 = {
	.trunk = true, .native = 20, .ids[0] = 1 << 10 | 1 << 20 };

/* A head whose bytes differ, with up to two tags; 0: none. */
static void make_head(u8 *head, u16 type, u16 tag, u16 second)
{
	u8 *at = head + QZ_VLAN_AT;
	u32 i;

	for (i = 0; i < HEAD; i++)
		head[i] = i;
	if (type) {
		write16(at, type);
		write16(at + 2, tag);
		at += QZ_VLAN_TAG;
	}
	if (second) {
		write16(at, QZ_VLAN_TYPE);
		write16(at + 2, second);
		at += QZ_VLAN_TAG;
	}
	write16(at, 0x0800);
}

static bool enters(const struct qz_vlan *vlan, u16 type, u16 tag, u16 second,
		   struct qz_vlan_frame *frame)
{
	u8 head[HEAD];

	make_head(head, type, tag, second);
	return qz_vlan_enter(vlan, head, HEAD, frame);
}

static void bad_vlans_are_refused(struct kunit *test)
{
	struct qz_vlan vlan = access_port(10);

	KUNIT_EXPECT_TRUE(test, qz_vlan_is_good(&vlan));
	vlan.native = 0;
	KUNIT_EXPECT_FALSE(test, qz_vlan_is_good(&vlan));
	vlan.native = 11;
	KUNIT_EXPECT_FALSE(test, qz_vlan_is_good(&vlan));
	vlan = trunk(10);
	vlan.trunk = false;	/* in two VLANs */
	KUNIT_EXPECT_FALSE(test, qz_vlan_is_good(&vlan));

	vlan = trunk(0);
	KUNIT_EXPECT_TRUE(test, qz_vlan_is_good(&vlan));
	vlan = trunk(20);
	KUNIT_EXPECT_TRUE(test, qz_vlan_is_good(&vlan));
	vlan = trunk(30);
	KUNIT_EXPECT_FALSE(test, qz_vlan_is_good(&vlan));
	vlan = trunk(0xffff);
	KUNIT_EXPECT_FALSE(test, qz_vlan_is_good(&vlan));
	vlan = (struct qz_vlan){ .trunk = true };
	KUNIT_EXPECT_FALSE(test, qz_vlan_is_good(&vlan));

	vlan = access_port(1);
	KUNIT_EXPECT_TRUE(test, qz_vlan_is_good(&vlan));
	vlan = access_port(4094);
	KUNIT_EXPECT_TRUE(test, qz_vlan_is_good(&vlan));
	vlan = access_port(4095);
	KUNIT_EXPECT_FALSE(test, qz_vlan_is_good(&vlan));
	vlan = trunk(0);
	vlan.ids[0] |= 1;
	KUNIT_EXPECT_FALSE(test, qz_vlan_is_good(&vlan));
}

static void an_access_port_sends_no_tags(struct kunit *test)
{
	struct qz_vlan_frame frame;

	KUNIT_EXPECT_TRUE(test, enters(&access10, 0, 0, 0, &frame));
	KUNIT_EXPECT_EQ(test, frame.id, 10);
	KUNIT_EXPECT_FALSE(test, frame.tagged);
	KUNIT_EXPECT_FALSE(test, enters(&access10, QZ_VLAN_TYPE, 10, 0, &frame));
	KUNIT_EXPECT_FALSE(test, enters(&access10, QZ_VLAN_TYPE, 20, 0, &frame));
	KUNIT_EXPECT_FALSE(test, enters(&access10, QZ_VLAN_TYPE, 4095, 0, &frame));
	KUNIT_EXPECT_FALSE(test, enters(&access10, QZ_VLAN_TYPE_AD, 10, 0, &frame));
}

/* A tag with a priority only counts as none; its priority goes on. */
static void a_priority_is_no_vlan(struct kunit *test)
{
	struct qz_vlan_frame frame;
	u8 head[HEAD];

	make_head(head, QZ_VLAN_TYPE, 0xa000, 0);
	KUNIT_EXPECT_TRUE(test, qz_vlan_enter(&access10, head, HEAD, &frame));
	KUNIT_EXPECT_EQ(test, frame.id, 10);
	KUNIT_EXPECT_TRUE(test, frame.tagged);
	KUNIT_EXPECT_EQ(test, read16(head + 14), 0xa00a);
	KUNIT_EXPECT_EQ(test, qz_vlan_leave(&access10, &frame), QZ_VLAN_UNTAGGED);
	KUNIT_EXPECT_EQ(test, qz_vlan_leave(&trunk20, &frame), QZ_VLAN_TAGGED);
	KUNIT_EXPECT_TRUE(test, enters(&trunk20, QZ_VLAN_TYPE, 0xe000, 0, &frame));
	KUNIT_EXPECT_EQ(test, frame.id, 20);
	KUNIT_EXPECT_EQ(test, frame.priority, 0xe000);
	KUNIT_EXPECT_FALSE(test, enters(&trunk_tagged, QZ_VLAN_TYPE, 0xe000, 0, &frame));
}

static void a_trunk_sends_in_its_vlans(struct kunit *test)
{
	struct qz_vlan_frame frame;

	KUNIT_EXPECT_TRUE(test, enters(&trunk20, QZ_VLAN_TYPE, 0x600a, 0, &frame));
	KUNIT_EXPECT_EQ(test, frame.id, 10);
	KUNIT_EXPECT_TRUE(test, frame.tagged);
	KUNIT_EXPECT_TRUE(test, enters(&trunk20, QZ_VLAN_TYPE, 20, 0, &frame));
	KUNIT_EXPECT_TRUE(test, enters(&trunk20, 0, 0, 0, &frame));
	KUNIT_EXPECT_EQ(test, frame.id, 20);
	KUNIT_EXPECT_FALSE(test, enters(&trunk20, QZ_VLAN_TYPE, 30, 0, &frame));
	KUNIT_EXPECT_FALSE(test, enters(&trunk20, QZ_VLAN_TYPE, 4095, 0, &frame));
	KUNIT_EXPECT_FALSE(test, enters(&trunk20, QZ_VLAN_TYPE_AD, 10, 0, &frame));
	KUNIT_EXPECT_FALSE(test, enters(&trunk_tagged, 0, 0, 0, &frame));
}

static void a_tag_is_not_cut_off(struct kunit *test)
{
	struct qz_vlan_frame frame;
	u8 head[HEAD];
	u32 len;

	make_head(head, QZ_VLAN_TYPE, 10, 0);
	for (len = 14; len < 18; len++)
		KUNIT_EXPECT_FALSE(test, qz_vlan_enter(&trunk20, head, len, &frame));
	KUNIT_EXPECT_TRUE(test, qz_vlan_enter(&trunk20, head, 18, &frame));
}

static void frames_leave_in_their_vlan(struct kunit *test)
{
	struct qz_vlan_frame frame = { .id = 10 }, none = {};

	KUNIT_EXPECT_EQ(test, qz_vlan_leave(&access10, &frame), QZ_VLAN_UNTAGGED);
	KUNIT_EXPECT_EQ(test, qz_vlan_leave(&access20, &frame), QZ_VLAN_STOPS);
	KUNIT_EXPECT_EQ(test, qz_vlan_leave(&trunk_tagged, &frame), QZ_VLAN_TAGGED);
	KUNIT_EXPECT_EQ(test, qz_vlan_leave(&trunk10, &frame), QZ_VLAN_UNTAGGED);
	KUNIT_EXPECT_EQ(test, qz_vlan_leave(NULL, &frame), QZ_VLAN_STOPS);

	KUNIT_EXPECT_EQ(test, qz_vlan_leave(NULL, &none), QZ_VLAN_UNTAGGED);
	KUNIT_EXPECT_EQ(test, qz_vlan_leave(&access10, &none), QZ_VLAN_STOPS);
	KUNIT_EXPECT_EQ(test, qz_vlan_leave(&trunk_tagged, &none), QZ_VLAN_STOPS);
}

/* A second tag never becomes the first one. */
static void nobody_hops_by_two_tags(struct kunit *test)
{
	struct qz_vlan_frame frame;

	KUNIT_EXPECT_TRUE(test, enters(&trunk10, QZ_VLAN_TYPE, 10, 20, &frame));
	KUNIT_EXPECT_TRUE(test, frame.nested);
	KUNIT_EXPECT_EQ(test, qz_vlan_leave(&access10, &frame), QZ_VLAN_STOPS);
	KUNIT_EXPECT_EQ(test, qz_vlan_leave(&trunk10, &frame), QZ_VLAN_TAGGED);
	KUNIT_EXPECT_EQ(test, qz_vlan_leave(&trunk_tagged, &frame), QZ_VLAN_TAGGED);
	KUNIT_EXPECT_TRUE(test, enters(&access10, QZ_VLAN_TYPE, 0, 20, &frame));
	KUNIT_EXPECT_TRUE(test, frame.nested);
	KUNIT_EXPECT_EQ(test, qz_vlan_leave(&trunk10, &frame), QZ_VLAN_TAGGED);
}

static void tags_come_and_go(struct kunit *test)
{
	const struct qz_offload csum = { .csum = true, .csum_start = 34, .csum_offset = 6 };
	const struct qz_offload gso = { .csum = true, .csum_start = 34, .csum_offset = 16,
		.gso = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1000, .ip = 14, .head = 54 };
	struct qz_vlan_frame frame = { .id = 0x123, .priority = 0xa000 };
	struct qz_offload off = csum, nothing = {};
	u8 head[HEAD + QZ_VLAN_TAG], plain[HEAD];

	make_head(plain, 0, 0, 0);
	memcpy(head, plain, HEAD);
	qz_vlan_push(&frame, head, HEAD, &off);
	KUNIT_EXPECT_EQ(test, memcmp(head, plain, 12), 0);
	KUNIT_EXPECT_EQ(test, read16(head + 12), 0x8100);
	KUNIT_EXPECT_EQ(test, read16(head + 14), 0xa123);
	KUNIT_EXPECT_EQ(test, memcmp(head + 16, plain + 12, HEAD - 12), 0);
	KUNIT_EXPECT_EQ(test, off.csum_start, 38);
	KUNIT_EXPECT_EQ(test, off.csum_offset, 6);
	KUNIT_EXPECT_EQ(test, off.head, 0);
	qz_vlan_pop(head, HEAD + QZ_VLAN_TAG, &off);
	KUNIT_EXPECT_EQ(test, memcmp(head, plain, HEAD), 0);
	KUNIT_EXPECT_EQ(test, off.csum_start, 34);

	off = gso;
	qz_vlan_push(&frame, head, HEAD, &off);
	KUNIT_EXPECT_EQ(test, off.csum_start, 38);
	KUNIT_EXPECT_EQ(test, off.ip, 18);
	KUNIT_EXPECT_EQ(test, off.head, 58);
	KUNIT_EXPECT_EQ(test, off.gso_size, 1000);
	qz_vlan_pop(head, HEAD + QZ_VLAN_TAG, &off);
	KUNIT_EXPECT_EQ(test, memcmp(&off, &gso, sizeof(off)), 0);
	qz_vlan_push(&frame, head, HEAD, &nothing);
	KUNIT_EXPECT_EQ(test, nothing.csum_start, 0);
}

/* The shortest frame, and a head that is full. */
static void tags_fit_any_head(struct kunit *test)
{
	struct qz_vlan_frame frame = { .id = 7 };
	u8 head[QZ_OFFLOAD_HEAD + QZ_VLAN_TAG], plain[QZ_OFFLOAD_HEAD];
	struct qz_offload off = {};
	u32 len;

	for (len = 14; len <= QZ_OFFLOAD_HEAD; len++) {
		memset(plain, len, sizeof(plain));
		memcpy(head, plain, len);
		qz_vlan_push(&frame, head, len, &off);
		KUNIT_ASSERT_EQ(test, memcmp(head + 16, plain, len - 12), 0);
		qz_vlan_pop(head, len + QZ_VLAN_TAG, &off);
		KUNIT_ASSERT_EQ(test, memcmp(head, plain, len), 0);
	}
}

static struct kunit_case vlan_cases[] = {
	KUNIT_CASE(bad_vlans_are_refused),
	KUNIT_CASE(an_access_port_sends_no_tags),
	KUNIT_CASE(a_priority_is_no_vlan),
	KUNIT_CASE(a_trunk_sends_in_its_vlans),
	KUNIT_CASE(a_tag_is_not_cut_off),
	KUNIT_CASE(frames_leave_in_their_vlan),
	KUNIT_CASE(nobody_hops_by_two_tags),
	KUNIT_CASE(tags_come_and_go),
	KUNIT_CASE(tags_fit_any_head),
	{}
};

static struct kunit_suite vlan_suite = {
	.name = "queztl_vlan",
	.test_cases = vlan_cases,
};

kunit_test_suite(vlan_suite);
