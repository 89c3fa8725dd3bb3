// SPDX-License-Identifier: GPL-2.0
/* How long an interrupt for sent frames is held back. */

#include <kunit/test.h>

#include "../patience.c"

#define US	NSEC_PER_USEC
#define MS	NSEC_PER_MSEC

/* So many requests, each answered after @answer. Returns the last hold. */
static u64 ping(struct qz_patience *patience, u64 answer, int times)
{
	u64 now = NSEC_PER_SEC, hold = 0;

	for (; times; times--, now += 10 * MS) {
		hold = qz_patience_begin(patience, now);
		qz_patience_answered(patience, now + answer);
	}
	return hold;
}

static void nothing_learnt_holds_shortest(struct kunit *test)
{
	struct qz_patience patience = {};

	KUNIT_EXPECT_EQ(test, qz_patience_begin(&patience, 1), QZ_HOLD_MIN_NS);
}

static void hold_becomes_four_times_an_answer(struct kunit *test)
{
	struct qz_patience patience = {};
	u64 hold = ping(&patience, 500 * US, 100);

	KUNIT_EXPECT_LE(test, hold, 2000 * US);
	KUNIT_EXPECT_GE(test, hold, 1990 * US);
}

/* Eight answers make most of the estimate, not one. */
static void one_slow_answer_changes_little(struct kunit *test)
{
	struct qz_patience patience = {};
	u64 before = ping(&patience, 100 * US, 100);
	u64 after;

	ping(&patience, 200 * US, 1);
	after = ping(&patience, 100 * US, 1);
	KUNIT_EXPECT_GT(test, after, before);
	KUNIT_EXPECT_LT(test, after, before * 5 / 4);
}

static void hold_is_bounded(struct kunit *test)
{
	struct qz_patience patience = {};

	KUNIT_EXPECT_EQ(test, ping(&patience, 1, 100), QZ_HOLD_MIN_NS);
	KUNIT_EXPECT_EQ(test, ping(&patience, 100 * NSEC_PER_SEC, 100),
			QZ_HOLD_MAX_NS);
	/* One such answer does not stand for a thousand quick ones. */
	KUNIT_EXPECT_LE(test, patience.answer, QZ_HOLD_MAX_NS);
}

static void one_way_traffic_is_soon_held_shortest(struct kunit *test)
{
	struct qz_patience patience = {};
	u64 now = 100 * NSEC_PER_SEC;
	u64 hold, before = ping(&patience, MS, 100);
	int i;

	KUNIT_EXPECT_EQ(test, qz_patience_begin(&patience, now), before);
	hold = qz_patience_begin(&patience, now + 1);	/* no answer came */
	KUNIT_EXPECT_EQ(test, hold, before / 2);
	for (i = 0; i < 8; i++)
		hold = qz_patience_begin(&patience, now + i);
	KUNIT_EXPECT_EQ(test, hold, QZ_HOLD_MIN_NS);
}

static void a_frame_nobody_waits_for_teaches_nothing(struct kunit *test)
{
	struct qz_patience patience = {};
	u64 answer;

	ping(&patience, MS, 10);
	answer = patience.answer;
	KUNIT_EXPECT_FALSE(test, qz_patience_waits(&patience));
	qz_patience_answered(&patience, 200 * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, patience.answer, answer);
}

/* A request is answered once; further frames are no answers to it. */
static void first_frame_back_is_the_answer(struct kunit *test)
{
	struct qz_patience patience = {};

	qz_patience_begin(&patience, MS);
	KUNIT_EXPECT_TRUE(test, qz_patience_waits(&patience));
	qz_patience_answered(&patience, 2 * MS);
	KUNIT_EXPECT_EQ(test, patience.answer, MS / 8);
	qz_patience_answered(&patience, 9 * MS);
	KUNIT_EXPECT_EQ(test, patience.answer, MS / 8);
}

static void frames_and_bytes_end_a_hold(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, qz_patience_ends(1, 1024, 0));
	KUNIT_EXPECT_FALSE(test, qz_patience_ends(QZ_HOLD_FRAMES - 1, 1024, 0));
	KUNIT_EXPECT_TRUE(test, qz_patience_ends(QZ_HOLD_FRAMES, 1024, 0));
	KUNIT_EXPECT_FALSE(test, qz_patience_ends(1, 1024, QZ_HOLD_BYTES - 1));
	KUNIT_EXPECT_TRUE(test, qz_patience_ends(1, 1024, QZ_HOLD_BYTES));
}

/* A quarter of a small ring, so that it never runs empty for us. */
static void small_rings_wait_less(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, qz_patience_ends(3, 16, 0));
	KUNIT_EXPECT_TRUE(test, qz_patience_ends(4, 16, 0));
	KUNIT_EXPECT_FALSE(test, qz_patience_ends(0, 1, 0));
	KUNIT_EXPECT_TRUE(test, qz_patience_ends(1, 1, 0));
	KUNIT_EXPECT_TRUE(test, qz_patience_ends(1, 2, 0));
}

static struct kunit_case patience_cases[] = {
	KUNIT_CASE(nothing_learnt_holds_shortest),
	KUNIT_CASE(hold_becomes_four_times_an_answer),
	KUNIT_CASE(one_slow_answer_changes_little),
	KUNIT_CASE(hold_is_bounded),
	KUNIT_CASE(one_way_traffic_is_soon_held_shortest),
	KUNIT_CASE(a_frame_nobody_waits_for_teaches_nothing),
	KUNIT_CASE(first_frame_back_is_the_answer),
	KUNIT_CASE(frames_and_bytes_end_a_hold),
	KUNIT_CASE(small_rings_wait_less),
	{}
};

static struct kunit_suite patience_suite = {
	.name = "queztl_patience",
	.test_cases = patience_cases,
};

kunit_test_suite(patience_suite);
