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

/* @now_ns: a monotonic clock's, larger than burst_ns at the first call. */
bool qz_bucket_take(struct qz_bucket *bucket, u64 now_ns)
{
	if (now_ns - bucket->empty_ns > bucket->burst_ns)
		bucket->empty_ns = now_ns - bucket->burst_ns;
	if (now_ns - bucket->empty_ns < bucket->interval_ns)
		return false;
	bucket->empty_ns += bucket->interval_ns;
	return true;
}
