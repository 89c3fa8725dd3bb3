/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A token bucket; pure. Several threads may take from it at a time, without a
 * lock.
 */
#ifndef QZ_BUCKET_H
#define QZ_BUCKET_H

#include "module/plain.h"

/**
 * struct qz_bucket - a token bucket
 * @rate: tokens that are added per second; 0: no limit
 * @burst_ns: time in which an empty bucket fills
 * @empty_ns: when the bucket was, or will be, empty
 *
 * The bucket keeps one time stamp: it holds (now - empty_ns) * rate tokens, and
 * taking some moves empty_ns forward. Below 0 it is in debt.
 */
struct qz_bucket {
	u64 rate;
	u64 burst_ns;
	u64 empty_ns;
};

void qz_bucket_set(struct qz_bucket *bucket, u64 rate, u32 burst);
bool qz_bucket_take(struct qz_bucket *bucket, u64 now_ns, u32 tokens);
u64 qz_bucket_wait(const struct qz_bucket *bucket, u64 now_ns);
void qz_bucket_charge(struct qz_bucket *bucket, u64 now_ns, u32 tokens);

#endif /* QZ_BUCKET_H */
