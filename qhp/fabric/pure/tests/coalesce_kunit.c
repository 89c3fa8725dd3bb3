// SPDX-License-Identifier: GPL-2.0
/* How long an interrupt for sent frames is held back. */

#include <kunit/test.h>

#include "../coalesce.c"

#define US	NSEC_PER_USEC
#define MS	NSEC_PER_MSEC

static const struct qz_coalesce_wish none;

/* So many requests, each answered after @answer. Returns the last hold. */
static u64 ping(struct qz_coalesce *coalesce, u64 answer, int times)
{
	u64 now = NSEC_PER_SEC, hold = 0;

	for (; times; times--, now += 10 * MS) {
		hold = qz_coalesce_begin(coalesce, &none, now);
		qz_coalesce_answered(coalesce, now + answer);
	}
	return hold;
}

static void nothing_learnt_holds_shortest(struct kunit *test)
{
	struct qz_coalesce coalesce = {};

	KUNIT_EXPECT_EQ(test, qz_coalesce_begin(&coalesce, &none, 1), QZ_HOLD_MIN_NS);
}

static void hold_becomes_four_times_an_answer(struct kunit *test)
{
	struct qz_coalesce coalesce = {};
	u64 hold = ping(&coalesce, 500 * US, 100);

	KUNIT_EXPECT_LE(test, hold, 2000 * US);
	KUNIT_EXPECT_GE(test, hold, 1990 * US);
}

/* Eight answers make most of the estimate, not one. */
static void one_slow_answer_changes_little(struct kunit *test)
{
	struct qz_coalesce coalesce = {};
	u64 before = ping(&coalesce, 100 * US, 100);
	u64 after;

	ping(&coalesce, 200 * US, 1);
	after = ping(&coalesce, 100 * US, 1);
	KUNIT_EXPECT_GT(test, after, before);
	KUNIT_EXPECT_LT(test, after, before * 5 / 4);
}

static void hold_is_bounded(struct kunit *test)
{
	struct qz_coalesce coalesce = {};

	KUNIT_EXPECT_EQ(test, ping(&coalesce, 1, 100), QZ_HOLD_MIN_NS);
	KUNIT_EXPECT_EQ(test, ping(&coalesce, 100 * NSEC_PER_SEC, 100),
			QZ_HOLD_MAX_NS);
	/* One such answer does not stand for a thousand quick ones. */
	KUNIT_EXPECT_LE(test, coalesce.answer, QZ_HOLD_MAX_NS);
}

static void one_way_traffic_is_soon_held_shortest(struct kunit *test)
{
	struct qz_coalesce coalesce = {};
	u64 now = 100 * NSEC_PER_SEC;
	u64 hold, before = ping(&coalesce, MS, 100);
	int i;

	KUNIT_EXPECT_EQ(test, qz_coalesce_begin(&coalesce, &none, now), before);
	hold = qz_coalesce_begin(&coalesce, &none, now + 1);	/* no answer came */
	KUNIT_EXPECT_EQ(test, hold, before / 2);
	for (i = 0; i < 8; i++)
		hold = qz_coalesce_begin(&coalesce, &none, now + i);
	KUNIT_EXPECT_EQ(test, hold, QZ_HOLD_MIN_NS);
}

static void a_frame_nobody_waits_for_teaches_nothing(struct kunit *test)
{
	struct qz_coalesce coalesce = {};
	u64 answer;

	ping(&coalesce, MS, 10);
	answer = coalesce.answer;
	KUNIT_EXPECT_FALSE(test, qz_coalesce_waits(&coalesce));
	qz_coalesce_answered(&coalesce, 200 * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, coalesce.answer, answer);
}

/* A request is answered once; further frames are no answers to it. */
static void first_frame_back_is_the_answer(struct kunit *test)
{
	struct qz_coalesce coalesce = {};

	qz_coalesce_begin(&coalesce, &none, MS);
	KUNIT_EXPECT_TRUE(test, qz_coalesce_waits(&coalesce));
	qz_coalesce_answered(&coalesce, 2 * MS);
	KUNIT_EXPECT_EQ(test, coalesce.answer, MS / 8);
	qz_coalesce_answered(&coalesce, 9 * MS);
	KUNIT_EXPECT_EQ(test, coalesce.answer, MS / 8);
}

static void frames_and_bytes_end_a_hold(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, qz_coalesce_ends(&none, 1, 1024, 0));
	KUNIT_EXPECT_FALSE(test, qz_coalesce_ends(&none, QZ_HOLD_FRAMES - 1, 1024, 0));
	KUNIT_EXPECT_TRUE(test, qz_coalesce_ends(&none, QZ_HOLD_FRAMES, 1024, 0));
	KUNIT_EXPECT_FALSE(test, qz_coalesce_ends(&none, 1, 1024, QZ_HOLD_BYTES - 1));
	KUNIT_EXPECT_TRUE(test, qz_coalesce_ends(&none, 1, 1024, QZ_HOLD_BYTES));
}

/* A quarter of a small ring, so that it never runs empty for us. */
static void small_rings_wait_less(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, qz_coalesce_ends(&none, 3, 16, 0));
	KUNIT_EXPECT_TRUE(test, qz_coalesce_ends(&none, 4, 16, 0));
	KUNIT_EXPECT_FALSE(test, qz_coalesce_ends(&none, 0, 1, 0));
	KUNIT_EXPECT_TRUE(test, qz_coalesce_ends(&none, 1, 1, 0));
	KUNIT_EXPECT_TRUE(test, qz_coalesce_ends(&none, 1, 2, 0));
}

static void expect_wish(struct kunit *test, u32 frames, u32 usecs,
			u32 want_frames, u64 want_ns)
{
	struct qz_coalesce_wish wish = qz_coalesce_wish(frames, usecs);
	struct qz_coalesce coalesce = {};

	KUNIT_EXPECT_FALSE(test, qz_coalesce_ends(&wish, want_frames - 1, 1024,
						  U32_MAX));
	KUNIT_EXPECT_TRUE(test, qz_coalesce_ends(&wish, want_frames, 1024, 0));
	KUNIT_EXPECT_EQ(test, qz_coalesce_begin(&coalesce, &wish, 1), want_ns);
	ping(&coalesce, MS, 100);	/* what is learnt does not matter */
	KUNIT_EXPECT_EQ(test, qz_coalesce_begin(&coalesce, &wish, 1), want_ns);
}

static void drivers_ask_within_bounds(struct kunit *test)
{
	expect_wish(test, 0, 0, 1, QZ_HOLD_MAX_NS);
	expect_wish(test, 1, 0, 1, QZ_HOLD_MAX_NS);
	expect_wish(test, 40, 0, 40, QZ_HOLD_MAX_NS);
	expect_wish(test, 40, 200, 40, 200 * US);
	expect_wish(test, 0, 200, 256, 200 * US);
	expect_wish(test, U32_MAX, U32_MAX, 256, QZ_HOLD_MAX_NS);
	expect_wish(test, 2, 1, 2, QZ_HOLD_MIN_NS);
}

static struct kunit_case coalesce_cases[] = {
	KUNIT_CASE(nothing_learnt_holds_shortest),
	KUNIT_CASE(hold_becomes_four_times_an_answer),
	KUNIT_CASE(one_slow_answer_changes_little),
	KUNIT_CASE(hold_is_bounded),
	KUNIT_CASE(one_way_traffic_is_soon_held_shortest),
	KUNIT_CASE(a_frame_nobody_waits_for_teaches_nothing),
	KUNIT_CASE(first_frame_back_is_the_answer),
	KUNIT_CASE(frames_and_bytes_end_a_hold),
	KUNIT_CASE(small_rings_wait_less),
	KUNIT_CASE(drivers_ask_within_bounds),
	{}
};

static struct kunit_suite coalesce_suite = {
	.name = "queztl_coalesce",
	.test_cases = coalesce_cases,
};

kunit_test_suite(coalesce_suite);
