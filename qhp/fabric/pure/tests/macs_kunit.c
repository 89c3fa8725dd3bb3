// SPDX-License-Identifier: GPL-2.0
/* Addresses that ports use beside their own. */

#include <kunit/test.h>

#include "../macs.c"

#define NOW	1000

static struct qz_macs *new_table(struct kunit *test)
{
	struct qz_macs *macs = kunit_kzalloc(test, sizeof(*macs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, macs);
	macs->seed = 12345;
	return macs;
}

static u64 key(u64 i)
{
	return 0x525400000000ULL + i;
}

static void an_address_is_learnt_and_found(struct kunit *test)
{
	struct qz_macs *macs = new_table(test);

	KUNIT_EXPECT_EQ(test, qz_macs_find(macs, key(1), NOW), 0);
	KUNIT_EXPECT_FALSE(test, qz_macs_refresh(macs, key(1), 3, NOW));
	KUNIT_EXPECT_TRUE(test, qz_macs_learn(macs, key(1), 3, false, NOW));
	KUNIT_EXPECT_EQ(test, qz_macs_find(macs, key(1), NOW), 3);
	KUNIT_EXPECT_EQ(test, qz_macs_find(macs, key(2), NOW), 0);
	KUNIT_EXPECT_TRUE(test, qz_macs_refresh(macs, key(1), 3, NOW));
	KUNIT_EXPECT_FALSE(test, qz_macs_refresh(macs, key(1), 4, NOW));
	KUNIT_EXPECT_EQ(test, macs->used[3], 1);
}

/* The user of an address keeps it for as long as it sends. */
static void an_address_is_not_taken_from_its_user(struct kunit *test)
{
	struct qz_macs *macs = new_table(test);
	u32 later = NOW + QZ_MACS_AGE;

	KUNIT_EXPECT_TRUE(test, qz_macs_learn(macs, key(1), 3, false, NOW));
	KUNIT_EXPECT_FALSE(test, qz_macs_learn(macs, key(1), 4, false, NOW));
	KUNIT_EXPECT_FALSE(test, qz_macs_learn(macs, key(1), 4, false, later));
	KUNIT_EXPECT_EQ(test, qz_macs_find(macs, key(1), later), 3);
	KUNIT_EXPECT_EQ(test, qz_macs_find(macs, key(1), later + 1), 0);
	KUNIT_EXPECT_TRUE(test, qz_macs_refresh(macs, key(1), 3, later));
	KUNIT_EXPECT_EQ(test, qz_macs_find(macs, key(1), later + 1), 3);
	later += QZ_MACS_AGE + 1;
	KUNIT_EXPECT_TRUE(test, qz_macs_learn(macs, key(1), 4, false, later));
	KUNIT_EXPECT_EQ(test, qz_macs_find(macs, key(1), later), 4);
	KUNIT_EXPECT_EQ(test, macs->used[3], 0);
	KUNIT_EXPECT_EQ(test, macs->used[4], 1);
}

/* Whoever was given an address gets it, as the routers that share one do. */
static void a_listed_address_moves_to_who_sends(struct kunit *test)
{
	struct qz_macs *macs = new_table(test);

	KUNIT_EXPECT_TRUE(test, qz_macs_learn(macs, key(1), 5, false, NOW));
	KUNIT_EXPECT_TRUE(test, qz_macs_learn(macs, key(1), 3, true, NOW));
	KUNIT_EXPECT_EQ(test, qz_macs_find(macs, key(1), NOW + 1000000), 3);
	KUNIT_EXPECT_FALSE(test, qz_macs_learn(macs, key(1), 5, false, NOW + 1000000));
	KUNIT_EXPECT_TRUE(test, qz_macs_refresh(macs, key(1), 3, NOW + 5));
	KUNIT_EXPECT_EQ(test, set_of(macs, key(1))->seen, 0);	/* it stays listed */
	KUNIT_EXPECT_TRUE(test, qz_macs_learn(macs, key(1), 4, true, NOW));
	KUNIT_EXPECT_EQ(test, qz_macs_find(macs, key(1), NOW), 4);
}

/* However many addresses a user sends from, it has no more than its number. */
static void a_user_has_a_bounded_number(struct kunit *test)
{
	struct qz_macs *macs = new_table(test);
	u32 i, found = 0;

	for (i = 0; i < 20 * QZ_MACS_MAX; i++) {
		qz_macs_learn(macs, key(i), 1, false, NOW + i / 100);
		KUNIT_ASSERT_LE(test, macs->used[1], QZ_MACS_MAX);
	}
	for (i = 0; i < 20 * QZ_MACS_MAX; i++)
		found += qz_macs_find(macs, key(i), NOW + 60) == 1;
	KUNIT_EXPECT_EQ(test, found, macs->used[1]);
	KUNIT_EXPECT_GT(test, found, QZ_MACS_MAX / 2);
	/* others are not affected */
	KUNIT_EXPECT_TRUE(test, qz_macs_learn(macs, key(1 << 20), 2, false, NOW));
}

/* The whole table in use: nobody loses an address to another one. */
static void a_full_set_takes_nobodys(struct kunit *test)
{
	struct qz_macs *macs = new_table(test);
	u64 keys[QZ_MACS_WAYS + 1], k = 0;
	u32 n = 0, i;

	while (n < QZ_MACS_WAYS + 1)
		if (set_of(macs, key(++k)) == macs->slots)
			keys[n++] = key(k);
	for (i = 0; i < QZ_MACS_WAYS; i++)
		KUNIT_ASSERT_TRUE(test, qz_macs_learn(macs, keys[i], 1, false, NOW + i));
	KUNIT_EXPECT_FALSE(test, qz_macs_learn(macs, keys[i], 2, false, NOW));
	for (i = 0; i < QZ_MACS_WAYS; i++)
		KUNIT_EXPECT_EQ(test, qz_macs_find(macs, keys[i], NOW + 9), 1);
	/* its own oldest one goes */
	KUNIT_EXPECT_TRUE(test, qz_macs_learn(macs, keys[i], 1, false, NOW + i));
	KUNIT_EXPECT_EQ(test, qz_macs_find(macs, keys[0], NOW + 9), 0);
	KUNIT_EXPECT_EQ(test, qz_macs_find(macs, keys[1], NOW + 9), 1);
}

static void a_user_is_forgotten(struct kunit *test)
{
	struct qz_macs *macs = new_table(test);
	u32 i;
	u64 k;

	for (i = 0; i < 100; i++)
		KUNIT_ASSERT_TRUE(test, qz_macs_learn(macs, key(i), 1 + i % 2, i % 3, NOW));
	qz_macs_forget(macs, 1, 0, QZ_MACS_SLOTS / 2);
	qz_macs_forget(macs, 1, QZ_MACS_SLOTS / 2, QZ_MACS_SLOTS);
	KUNIT_EXPECT_EQ(test, macs->used[1], 0);
	KUNIT_EXPECT_EQ(test, macs->used[2], 50);
	for (i = 0, k = 0; (k = qz_macs_next(macs, 2, k, NOW)); i++)
		KUNIT_EXPECT_EQ(test, k, key(2 * i + 1));
	KUNIT_EXPECT_EQ(test, i, 50);
	KUNIT_EXPECT_EQ(test, qz_macs_next(macs, 1, 0, NOW), 0);
}

static struct kunit_case macs_cases[] = {
	KUNIT_CASE(an_address_is_learnt_and_found),
	KUNIT_CASE(an_address_is_not_taken_from_its_user),
	KUNIT_CASE(a_listed_address_moves_to_who_sends),
	KUNIT_CASE(a_user_has_a_bounded_number),
	KUNIT_CASE(a_full_set_takes_nobodys),
	KUNIT_CASE(a_user_is_forgotten),
	{}
};

static struct kunit_suite macs_suite = {
	.name = "queztl_macs",
	.test_cases = macs_cases,
};

kunit_test_suite(macs_suite);
