/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that the pure parts use from outside. They build in the kernel
 * and, for tests, fuzzers and simulators, in user space.
 */
#ifndef QZ_PLAIN_H
#define QZ_PLAIN_H

#ifdef __KERNEL__

#include <linux/atomic.h>
#include <linux/bitops.h>	/* net/checksum.h lacks this include */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/types.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>
#include <net/checksum.h>
#include <uapi/linux/virtio_net.h>
#include <uapi/linux/virtio_ring.h>

#elif defined(__bpf__)
#include "plain_bpf.h"	/* sched/bpf has it */
#else
#include "plain_user.h"
#endif

#endif /* QZ_PLAIN_H */
