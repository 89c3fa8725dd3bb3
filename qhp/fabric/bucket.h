/* SPDX-License-Identifier: GPL-2.0 */
/* A token bucket; pure. Several threads may take from it at a time, without a lock. */
#ifndef QZ_BUCKET_H
#define QZ_BUCKET_H

#include "module/plain.h"

/**
 * struct qz_bucket - a token bucket
 * @interval_ns: time in which one token comes
 * @burst_ns: time in which an empty bucket fills
 * @empty_ns: when the bucket was, or will be, empty
 *
 * The bucket keeps one time stamp: it holds (now - empty_ns) / interval_ns
 * tokens, and taking some moves empty_ns forward.
 */
struct qz_bucket {
	u64 interval_ns;
	u64 burst_ns;
	u64 empty_ns;
};

void qz_bucket_init(struct qz_bucket *bucket, u32 rate, u32 burst);
bool qz_bucket_take(struct qz_bucket *bucket, u64 now_ns, u32 tokens);

#endif /* QZ_BUCKET_H */
