// SPDX-License-Identifier: GPL-2.0
/* A token bucket: see bucket.h. */

#include "bucket.h"

/**
 * qz_bucket_init - a full bucket
 * @bucket: the bucket
 * @rate: tokens per second, not 0
 * @burst: tokens it holds, not 0
 */
void qz_bucket_init(struct qz_bucket *bucket, u32 rate, u32 burst)
{
	bucket->interval_ns = 1000000000 / rate;
	bucket->burst_ns = bucket->interval_ns * burst;
	bucket->empty_ns = 0;
}

/**
 * qz_bucket_take - take tokens, if all of them are there
 * @bucket: the bucket
 * @now_ns: a monotonic clock's, larger than burst_ns at the first call
 * @tokens: how many; more than the burst are never there
 *
 * Return: whether they were.
 */
bool qz_bucket_take(struct qz_bucket *bucket, u64 now_ns, u32 tokens)
{
	s64 cost = bucket->interval_ns * tokens, have;
	u64 empty = READ_ONCE(bucket->empty_ns), from;

	do {
		from = empty;
		have = now_ns - from;	/* below 0: another CPU's clock is ahead */
		if (have > (s64)bucket->burst_ns) {
			have = bucket->burst_ns;
			from = now_ns - have;
		}
		if (have < cost)
			return false;
	} while (!try_cmpxchg64(&bucket->empty_ns, &empty, from + cost));
	return true;
}
