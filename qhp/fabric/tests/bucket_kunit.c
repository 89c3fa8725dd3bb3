// SPDX-License-Identifier: GPL-2.0
/* The token bucket. */

#include <kunit/test.h>

#include "../bucket.c"

#define SECOND	1000000000ULL

static u32 take_all(struct qz_bucket *bucket, u64 now)
{
	u32 n = 0;

	while (n < 1000000 && qz_bucket_take(bucket, now, 1))
		n++;
	return n;
}

static void bucket_holds_a_burst_and_refills(struct kunit *test)
{
	u64 now = 100 * SECOND;
	struct qz_bucket bucket;

	qz_bucket_init(&bucket, 2000, 512);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, now), 512);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, now), 0);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, now + SECOND / 20), 100);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, now + 100 * SECOND), 512);
}

static void bucket_gives_its_rate_over_time(struct kunit *test)
{
	u64 now = SECOND, end = 11 * SECOND;
	struct qz_bucket bucket;
	u32 n = 0;

	qz_bucket_init(&bucket, 2000, 512);
	for (; now < end; now += 123457)
		n += take_all(&bucket, now);
	KUNIT_EXPECT_GE(test, n, 20000);
	KUNIT_EXPECT_LE(test, n, 20000 + 512);
}

/* What is not quite a token is kept: no rounding loses the rest. */
static void parts_of_a_token_add_up(struct kunit *test)
{
	struct qz_bucket bucket;
	u64 now = 100 * SECOND;

	qz_bucket_init(&bucket, 1000, 4);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, now), 4);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, now + 999999), 0);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, now + 1000000), 1);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, now + 2500000), 1);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, now + 3000000), 1);
}

static void bucket_gives_all_or_none(struct kunit *test)
{
	struct qz_bucket bucket;

	qz_bucket_init(&bucket, 2000, 512);
	KUNIT_EXPECT_FALSE(test, qz_bucket_take(&bucket, SECOND, 513));
	KUNIT_EXPECT_TRUE(test, qz_bucket_take(&bucket, SECOND, 500));
	KUNIT_EXPECT_FALSE(test, qz_bucket_take(&bucket, SECOND, 13));
	KUNIT_EXPECT_EQ(test, take_all(&bucket, SECOND), 12);
}

/* Queues of a port run on several CPUs, whose clocks may differ by a little. */
static void a_clock_that_is_behind_gets_nothing(struct kunit *test)
{
	struct qz_bucket bucket;

	qz_bucket_init(&bucket, 2000, 512);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, SECOND), 512);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, SECOND - 1), 0);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, SECOND + SECOND / 20), 100);
}

static struct kunit_case bucket_cases[] = {
	KUNIT_CASE(bucket_holds_a_burst_and_refills),
	KUNIT_CASE(bucket_gives_its_rate_over_time),
	KUNIT_CASE(parts_of_a_token_add_up),
	KUNIT_CASE(bucket_gives_all_or_none),
	KUNIT_CASE(a_clock_that_is_behind_gets_nothing),
	{}
};

static struct kunit_suite bucket_suite = {
	.name = "queztl_bucket",
	.test_cases = bucket_cases,
};

kunit_test_suite(bucket_suite);
