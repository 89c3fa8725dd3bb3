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
	u64 cost = bucket->interval_ns * tokens;

	if (now_ns - bucket->empty_ns > bucket->burst_ns)
		bucket->empty_ns = now_ns - bucket->burst_ns;
	if (now_ns - bucket->empty_ns < cost)
		return false;
	bucket->empty_ns += cost;
	return true;
}
