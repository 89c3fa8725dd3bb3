/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fabric wakes up receivers of what it has delivered, and has announced each
 * delivery by queztl_wake (trace.h). Who counts messages must not count such a
 * wake-up as one more.
 */
#ifndef QZ_WAKING_H
#define QZ_WAKING_H

#include <linux/percpu.h>

/* This CPU is doing so, with softirqs off: what it wakes up has a message. */
DECLARE_PER_CPU(bool, qz_waking);

/*
 * This CPU rings the bell of a channel, in an interrupt that the current thread has
 * caused: what is woken up has a message of that thread.
 */
DECLARE_PER_CPU(bool, qz_ringing);

#endif /* QZ_WAKING_H */
