/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How long a thread waits from its wake-up until it runs, as a histogram; pure.
 * Bucket i counts waits below 2^i us and not below 2^(i-1); the last one has what
 * is longer. QUEZTL_SCHED_WAITS in <linux/queztl.h> is their number.
 */
#ifndef QZ_SCHED_WAITS_H
#define QZ_SCHED_WAITS_H

#include "module/plain.h"

#define QZ_WAITS	16

static inline u32 qz_waits_bucket(u64 ns)
{
	u64 us = ns / NSEC_PER_USEC;
	u32 bits = 0, width;

	if (us >= 1 << (QZ_WAITS - 2))
		return QZ_WAITS - 1;
	for (width = 8; width; width /= 2)
		if (us >> width) {
			us >>= width;
			bits += width;
		}
	return us ? bits + 1 : 0;
}

#endif /* QZ_SCHED_WAITS_H */
