/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * How ring.h accesses memory that a peer shares: in a kernel, and in user space
 * (C and C++).
 *
 * The virt_ variants order accesses even in a guest kernel without SMP, because
 * the peer runs on another CPU of the host.
 */
#ifndef QHP_SHARED_H
#define QHP_SHARED_H

#ifdef __KERNEL__

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/prefetch.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/barrier.h>

#define qhp_read(p)			READ_ONCE(*(p))
#define qhp_write(p, v)			WRITE_ONCE(*(p), v)
/* What each pairs with is said where it is used. */
#define qhp_load_acquire(p)		virt_load_acquire(p)
/* The same. */
#define qhp_store_release(p, v)		virt_store_release(p, v)
/* The same. */
#define qhp_mb()			virt_mb()
#define qhp_prefetch_to_write(p)	prefetchw(p)

#else

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define qhp_read(p)			__atomic_load_n(p, __ATOMIC_RELAXED)
#define qhp_write(p, v)			__atomic_store_n(p, v, __ATOMIC_RELAXED)
#define qhp_load_acquire(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define qhp_store_release(p, v)		__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define qhp_mb()			__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define qhp_prefetch_to_write(p)	__builtin_prefetch(p, 1)

#endif

#endif /* QHP_SHARED_H */
