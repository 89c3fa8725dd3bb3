/* SPDX-License-Identifier: GPL-2.0 */
/* The other half of plain.h: definitions of the kernel for user space. */
#ifndef QZ_PLAIN_USER_H
#define QZ_PLAIN_USER_H

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define __force
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define try_cmpxchg64(p, old, new)						\
	__atomic_compare_exchange_n(p, old, new, false, __ATOMIC_SEQ_CST,	\
				    __ATOMIC_SEQ_CST)
typedef struct {
	s64 counter;
} atomic64_t;

#define ATOMIC64_INIT(v)	{ (v) }
#define atomic64_read(a)	__atomic_load_n(&(a)->counter, __ATOMIC_RELAXED)
#define atomic64_set(a, v)	__atomic_store_n(&(a)->counter, v, __ATOMIC_RELAXED)
#define atomic64_add(v, a)	((void)__atomic_fetch_add(&(a)->counter, v, __ATOMIC_RELAXED))
#define atomic64_sub(v, a)	((void)__atomic_fetch_sub(&(a)->counter, v, __ATOMIC_RELAXED))
#define atomic64_try_cmpxchg(a, old, new)	try_cmpxchg64(&(a)->counter, old, new)
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)
#define le16_to_cpu(x)		le16toh(x)
#define le32_to_cpu(x)		le32toh(x)
#define le64_to_cpu(x)		le64toh(x)
#define cpu_to_le16(x)		htole16(x)
#define cpu_to_le32(x)		htole32(x)
#define cpu_to_le64(x)		htole64(x)
#define cpu_to_be32(x)		htobe32(x)
#define noinline		__attribute__((noinline))
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)

#define U32_MAX			UINT32_MAX
#define U64_MAX			UINT64_MAX
#define NSEC_PER_USEC		1000L
#define NSEC_PER_MSEC		1000000L
#define NSEC_PER_SEC		1000000000L
#define div64_u64(n, d)		((u64)(n) / (u64)(d))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define min(a, b)						\
	({ __typeof__(a) min_a = (a); __typeof__(b) min_b = (b);	\
	   min_a < min_b ? min_a : min_b; })
#define max(a, b)						\
	({ __typeof__(a) max_a = (a); __typeof__(b) max_b = (b);	\
	   max_a > max_b ? max_a : max_b; })
#define clamp(v, low, high)					\
	({ __typeof__(v) clamp_v = (v);				\
	   clamp_v < (low) ? (low) : clamp_v > (high) ? (high) : clamp_v; })

/* Defined by the uapi headers of Linux 6.2 and later. */
#ifndef VIRTIO_NET_F_HOST_USO
#define VIRTIO_NET_F_GUEST_USO4	54
#define VIRTIO_NET_F_GUEST_USO6	55
#define VIRTIO_NET_F_HOST_USO	56
#define VIRTIO_NET_HDR_GSO_UDP_L4	5
#endif

/* Internet checksums (RFC 1071), as in net/checksum.h. */
#define CSUM_MANGLED_0		((__sum16)0xffff)

static inline __wsum csum_add(__wsum a, __wsum b)
{
	a += b;
	return a + (a < b);
}

static inline __wsum csum_partial(const void *from, int len, __wsum sum)
{
	const u8 *byte = from;
	u16 word;

	for (; len > 1; len -= 2, byte += 2) {
		memcpy(&word, byte, sizeof(word));
		sum = csum_add(sum, word);
	}
	return len ? csum_add(sum, htole16(*byte)) : sum;
}

static inline __sum16 csum_fold(__wsum sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

#endif /* QZ_PLAIN_USER_H */
