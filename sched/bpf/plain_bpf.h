/* SPDX-License-Identifier: GPL-2.0 */
/* What the policy uses from outside, for BPF: the other half of module/plain.h. */
#ifndef QZ_PLAIN_BPF_H
#define QZ_PLAIN_BPF_H

#include "kernel.h"

#define NSEC_PER_USEC		1000L
#define NSEC_PER_MSEC		1000000L
#define NSEC_PER_SEC		1000000000L
#define div64_u64(n, d)		((u64)(n) / (u64)(d))
#define min_t(type, a, b)	((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define max_t(type, a, b)	((type)(a) > (type)(b) ? (type)(a) : (type)(b))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define READ_ONCE(x)		(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile typeof(x) *)&(x) = (v))

#define atomic64_read(a)	READ_ONCE((a)->counter)
#define atomic64_set(a, v)	WRITE_ONCE((a)->counter, v)
#define atomic64_add(v, a)	((void)__sync_fetch_and_add(&(a)->counter, v))
#define atomic64_sub(v, a)	((void)__sync_fetch_and_add(&(a)->counter, -(v)))
#define atomic64_try_cmpxchg(a, old, new)				\
	({ s64 cmp_old = *(old);					\
	   s64 cmp_was = __sync_val_compare_and_swap(&(a)->counter,	\
						     cmp_old, new);	\
	   *(old) = cmp_was;						\
	   cmp_was == cmp_old; })

#endif /* QZ_PLAIN_BPF_H */
