// SPDX-License-Identifier: GPL-2.0
/* A token bucket: see bucket.h. */

#include "bucket.h"

/* Time in which so many tokens are added, rounded down. */
static u64 cost(u64 rate, u32 tokens)
{
	return div64_u64((u64)tokens * NSEC_PER_SEC, rate);
}

/**
 * qz_bucket_set - set the rate and the size of a bucket, and fill it
 * @bucket: the bucket; others may be taking from it
 * @rate: tokens per second; 0: no limit
 * @burst: tokens it holds, not 0
 *
 * A thread that takes at the same time may see the new rate with the old burst.
 */
void qz_bucket_set(struct qz_bucket *bucket, u64 rate, u32 burst)
{
	WRITE_ONCE(bucket->rate, rate);
	WRITE_ONCE(bucket->burst_ns, rate ? cost(rate, burst) : 0);
	WRITE_ONCE(bucket->empty_ns, 0);
}

/* Since when the bucket has been filling; at most burst_ns ago. */
static u64 filling_since(const struct qz_bucket *bucket, u64 now, u64 empty)
{
	u64 burst = READ_ONCE(bucket->burst_ns);

	/* now < empty: it is in debt, or another CPU's clock is ahead. */
	return (s64)(now - empty) > (s64)burst ? now - burst : empty;
}

/**
 * qz_bucket_take - take tokens if the bucket has all of them
 * @bucket: the bucket
 * @now_ns: a monotonic clock's time, larger than burst_ns at the first call
 * @tokens: number of tokens; the bucket never has more than the burst
 *
 * Return: whether they were taken.
 */
bool qz_bucket_take(struct qz_bucket *bucket, u64 now_ns, u32 tokens)
{
	u64 rate = READ_ONCE(bucket->rate), empty, from, ns;

	if (!rate)
		return true;
	ns = cost(rate, tokens);
	empty = READ_ONCE(bucket->empty_ns);
	do {
		from = filling_since(bucket, now_ns, empty);
		if ((s64)(now_ns - from) < (s64)ns)
			return false;
	} while (!try_cmpxchg64(&bucket->empty_ns, &empty, from + ns));
	return true;
}

/* Return: nanoseconds until the bucket is out of debt, 0 if it is in none. */
u64 qz_bucket_wait(const struct qz_bucket *bucket, u64 now_ns)
{
	s64 debt = READ_ONCE(bucket->empty_ns) - now_ns;

	return READ_ONCE(bucket->rate) && debt > 0 ? debt : 0;
}

/**
 * qz_bucket_charge - take tokens even if the bucket gets into debt
 * @bucket: the bucket
 * @now_ns: as for qz_bucket_take()
 * @tokens: number of tokens
 */
void qz_bucket_charge(struct qz_bucket *bucket, u64 now_ns, u32 tokens)
{
	u64 rate = READ_ONCE(bucket->rate), empty, from, ns;

	if (!rate)
		return;
	ns = cost(rate, tokens);
	empty = READ_ONCE(bucket->empty_ns);
	do {
		from = filling_since(bucket, now_ns, empty);
	} while (!try_cmpxchg64(&bucket->empty_ns, &empty, from + ns));
}
