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

	qz_bucket_set(&bucket, 2000, 512);
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

	qz_bucket_set(&bucket, 2000, 512);
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

	qz_bucket_set(&bucket, 1000, 4);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, now), 4);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, now + 999999), 0);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, now + 1000000), 1);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, now + 2500000), 1);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, now + 3000000), 1);
}

static void bucket_gives_all_or_none(struct kunit *test)
{
	struct qz_bucket bucket;

	qz_bucket_set(&bucket, 2000, 512);
	KUNIT_EXPECT_FALSE(test, qz_bucket_take(&bucket, SECOND, 513));
	KUNIT_EXPECT_TRUE(test, qz_bucket_take(&bucket, SECOND, 500));
	KUNIT_EXPECT_FALSE(test, qz_bucket_take(&bucket, SECOND, 13));
	KUNIT_EXPECT_EQ(test, take_all(&bucket, SECOND), 12);
}

/* Queues of a port run on several CPUs, whose clocks may differ by a little. */
static void a_clock_that_is_behind_gets_nothing(struct kunit *test)
{
	struct qz_bucket bucket;

	qz_bucket_set(&bucket, 2000, 512);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, SECOND), 512);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, SECOND - 1), 0);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, SECOND + SECOND / 20), 100);
}

/* What is charged is paid back before anything else is given. */
static void debts_are_paid(struct kunit *test)
{
	u64 now = 100 * SECOND, end;
	struct qz_bucket bucket;
	u32 i;

	qz_bucket_set(&bucket, 1000, 10);
	for (i = 0; !qz_bucket_wait(&bucket, now); i++)
		qz_bucket_charge(&bucket, now, 1);
	KUNIT_EXPECT_EQ(test, i, 11);
	KUNIT_EXPECT_EQ(test, qz_bucket_wait(&bucket, now), SECOND / 1000);

	qz_bucket_charge(&bucket, now, 999);
	KUNIT_EXPECT_EQ(test, qz_bucket_wait(&bucket, now), SECOND);
	end = now + SECOND;
	KUNIT_EXPECT_EQ(test, qz_bucket_wait(&bucket, end - 1), 1);
	KUNIT_EXPECT_EQ(test, qz_bucket_wait(&bucket, end), 0);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, end - 1), 0);
	KUNIT_EXPECT_EQ(test, take_all(&bucket, end + SECOND / 1000), 1);
}

/* However large a rate, and however much it is in debt. */
static void rates_are_kept_over_their_range(struct kunit *test)
{
	static const u64 rates[] = { 1, 999, 1000, 12500000000ULL,
				     1000000000000000ULL };
	struct qz_bucket bucket;
	u64 now, bytes;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		qz_bucket_set(&bucket, rates[i], 1);
		now = SECOND;
		for (bytes = 0; bytes < 100 * 65000; bytes += 65000) {
			now += qz_bucket_wait(&bucket, now);
			qz_bucket_charge(&bucket, now, 65000);
		}
		now += qz_bucket_wait(&bucket, now);
		/* of each frame less than a nanosecond is lost */
		KUNIT_EXPECT_LE(test, now - SECOND,
				div64_u64(bytes * SECOND, rates[i]));
		KUNIT_EXPECT_GE(test, now - SECOND + 101,
				div64_u64((bytes - 1) * SECOND, rates[i]));
	}
}

static void without_a_rate_there_is_no_wait(struct kunit *test)
{
	struct qz_bucket bucket = { 0 };

	KUNIT_EXPECT_TRUE(test, qz_bucket_take(&bucket, 1, U32_MAX));
	qz_bucket_charge(&bucket, 1, U32_MAX);
	KUNIT_EXPECT_EQ(test, qz_bucket_wait(&bucket, 1), 0);

	/* and what was owed before is forgotten */
	qz_bucket_set(&bucket, 1000, 1);
	qz_bucket_charge(&bucket, SECOND, 1000000);
	KUNIT_EXPECT_GT(test, qz_bucket_wait(&bucket, SECOND), SECOND);
	qz_bucket_set(&bucket, 0, 1);
	KUNIT_EXPECT_EQ(test, qz_bucket_wait(&bucket, SECOND), 0);
	qz_bucket_set(&bucket, 1000, 1);
	KUNIT_EXPECT_EQ(test, qz_bucket_wait(&bucket, SECOND), 0);
}

static struct kunit_case bucket_cases[] = {
	KUNIT_CASE(bucket_holds_a_burst_and_refills),
	KUNIT_CASE(bucket_gives_its_rate_over_time),
	KUNIT_CASE(parts_of_a_token_add_up),
	KUNIT_CASE(bucket_gives_all_or_none),
	KUNIT_CASE(a_clock_that_is_behind_gets_nothing),
	KUNIT_CASE(debts_are_paid),
	KUNIT_CASE(rates_are_kept_over_their_range),
	KUNIT_CASE(without_a_rate_there_is_no_wait),
	{}
};

static struct kunit_suite bucket_suite = {
	.name = "queztl_bucket",
	.test_cases = bucket_cases,
};

kunit_test_suite(bucket_suite);
