// SPDX-License-Identifier: GPL-2.0
/* The lookup of a driver's addresses. */

#include <kunit/test.h>
#include <linux/vhost_types.h>

#include "../extent.c"

#define RO	VHOST_ACCESS_RO
#define WO	VHOST_ACCESS_WO
#define RW	VHOST_ACCESS_RW

/* Where the kernel sees extent n; nobody looks at what is there. */
#define KVA(n)	((u8 *)(((n) + 1) * 0x100000UL))

/* Two that touch, a gap, and one up to the very end. */
static const struct qz_extent extents[] = {
	{ 0x1000, 0x1fff, KVA(0), RW },
	{ 0x2000, 0x4fff, KVA(1), RO },
	{ 0x8000, 0x8fff, KVA(2), WO },
	{ 0xfffffffffffff000, U64_MAX, KVA(3), RW },
};

static void *find(u64 addr, u32 *len, u32 perm)
{
	u32 hint = 0;

	return qz_extent_find(extents, ARRAY_SIZE(extents), addr, len, perm,
			      &hint);
}

static void *find_byte(u64 addr)
{
	u32 len = 1;

	return find(addr, &len, RW);
}

static void edges_belong_to_their_extent(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, find_byte(0xfff));
	KUNIT_EXPECT_PTR_EQ(test, find_byte(0x1000), KVA(0));
	KUNIT_EXPECT_PTR_EQ(test, find_byte(0x1fff), KVA(0) + 0xfff);
	KUNIT_EXPECT_PTR_EQ(test, find_byte(0x2000), KVA(1));
	KUNIT_EXPECT_PTR_EQ(test, find_byte(0x4fff), KVA(1) + 0x2fff);
}

static void gaps_are_not_mapped(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, find_byte(0));
	KUNIT_EXPECT_NULL(test, find_byte(0x5000));
	KUNIT_EXPECT_NULL(test, find_byte(0x7fff));
	KUNIT_EXPECT_NULL(test, find_byte(0x9000));
	KUNIT_EXPECT_NULL(test, find_byte(0xffffffffffffefff));
}

static void last_address_of_all_is_found(struct kunit *test)
{
	u32 len = 2;

	KUNIT_EXPECT_PTR_EQ(test, find(U64_MAX, &len, RW), KVA(3) + 0xfff);
	KUNIT_EXPECT_EQ(test, len, 1);
}

static void length_ends_with_the_extent(struct kunit *test)
{
	u32 len = 0x1000;

	KUNIT_EXPECT_NOT_NULL(test, find(0x1000, &len, RO));
	KUNIT_EXPECT_EQ(test, len, 0x1000);	/* all of it */
	len = 0x1001;
	KUNIT_EXPECT_NOT_NULL(test, find(0x1000, &len, RO));
	KUNIT_EXPECT_EQ(test, len, 0x1000);	/* one too many */
	len = U32_MAX;
	KUNIT_EXPECT_NOT_NULL(test, find(0x4ff0, &len, RO));
	KUNIT_EXPECT_EQ(test, len, 16);
	len = 7;
	KUNIT_EXPECT_NOT_NULL(test, find(0x4ff0, &len, RO));
	KUNIT_EXPECT_EQ(test, len, 7);
}

/* In an extent of 2^32 bytes and more no length wraps. */
static void length_in_a_huge_extent_is_as_asked(struct kunit *test)
{
	const u64 start = 0xfffffffe00000000;
	const struct qz_extent huge = { start, U64_MAX, KVA(0), RW };
	u32 len = U32_MAX, hint = 0;

	KUNIT_EXPECT_NOT_NULL(test, qz_extent_find(&huge, 1, start, &len, RW,
						   &hint));
	KUNIT_EXPECT_EQ(test, len, U32_MAX);
	KUNIT_EXPECT_NOT_NULL(test, qz_extent_find(&huge, 1, 0xffffffff00000001,
						   &len, RW, &hint));
	KUNIT_EXPECT_EQ(test, len, U32_MAX);	/* just up to its end */
	KUNIT_EXPECT_NOT_NULL(test, qz_extent_find(&huge, 1, 0xffffffff00000002,
						   &len, RW, &hint));
	KUNIT_EXPECT_EQ(test, len, U32_MAX - 1);
}

static void permission_is_asked_for(struct kunit *test)
{
	u32 len = 1;

	KUNIT_EXPECT_NOT_NULL(test, find(0x1000, &len, RO));
	KUNIT_EXPECT_NOT_NULL(test, find(0x1000, &len, WO));
	KUNIT_EXPECT_NOT_NULL(test, find(0x2000, &len, RO));
	KUNIT_EXPECT_NULL(test, find(0x2000, &len, WO));
	KUNIT_EXPECT_NULL(test, find(0x8000, &len, RO));
	KUNIT_EXPECT_NOT_NULL(test, find(0x8000, &len, WO));
	KUNIT_EXPECT_EQ(test, len, 1);
}

/* A hint only saves the search: a wrong one changes nothing. */
static void any_hint_will_do(struct kunit *test)
{
	static const u32 hints[] = { 0, 1, 2, 3, 4, 5, U32_MAX };
	u32 i, hint, len = 1;

	for (i = 0; i < ARRAY_SIZE(hints); i++) {
		hint = hints[i];
		KUNIT_EXPECT_PTR_EQ(test, qz_extent_find(extents, 4, 0x8010, &len,
							 WO, &hint),
				    KVA(2) + 0x10);
		KUNIT_EXPECT_EQ(test, hint, 2);
		hint = hints[i];
		KUNIT_EXPECT_NULL(test, qz_extent_find(extents, 4, 0x6000, &len,
						       WO, &hint));
	}
}

static void nothing_is_mapped_by_an_empty_table(struct kunit *test)
{
	u32 len = 1, hint = 0;

	KUNIT_EXPECT_NULL(test, qz_extent_find(extents, 0, 0x1000, &len, RW,
					       &hint));
}

/* Every address of tables of any length is found where it should be. */
static void every_extent_of_a_table_is_found(struct kunit *test)
{
	struct qz_extent *many;
	u32 n, i, hint, len = 1;

	many = kunit_kcalloc(test, 33, sizeof(*many), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, many);
	for (i = 0; i < 33; i++)
		many[i] = (struct qz_extent){ 0x2000 * i, 0x2000 * i + 0xfff,
					      KVA(0), RW };
	for (n = 1; n <= 33; n++) {
		for (i = 0; i < 33; i++) {
			hint = U32_MAX;
			KUNIT_ASSERT_EQ(test, i < n,
					!!qz_extent_find(many, n, 0x2000 * i,
							 &len, RW, &hint));
			KUNIT_ASSERT_EQ(test, hint, i < n ? i : U32_MAX);
		}
	}
}

static struct kunit_case extent_cases[] = {
	KUNIT_CASE(edges_belong_to_their_extent),
	KUNIT_CASE(gaps_are_not_mapped),
	KUNIT_CASE(last_address_of_all_is_found),
	KUNIT_CASE(length_ends_with_the_extent),
	KUNIT_CASE(length_in_a_huge_extent_is_as_asked),
	KUNIT_CASE(permission_is_asked_for),
	KUNIT_CASE(any_hint_will_do),
	KUNIT_CASE(nothing_is_mapped_by_an_empty_table),
	KUNIT_CASE(every_extent_of_a_table_is_found),
	{}
};

static struct kunit_suite extent_suite = {
	.name = "queztl_extent",
	.test_cases = extent_cases,
};

kunit_test_suite(extent_suite);
