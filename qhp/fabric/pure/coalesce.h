/* SPDX-License-Identifier: GPL-2.0 */
/* How long an interrupt for sent frames is held back; pure. */
#ifndef QZ_COALESCE_H
#define QZ_COALESCE_H

#include "module/limits.h"
#include "module/plain.h"

/**
 * struct qz_coalesce - how long answers take, as learnt from the traffic
 * @sent: when something was sent that has not been answered, 0 if nothing
 * @answer: how long an answer usually takes, nanoseconds
 *
 * Written by senders and receivers without a lock: it is a guess, and a lost
 * update makes it a little worse.
 */
struct qz_coalesce {
	u64 sent;
	u64 answer;
};

/**
 * struct qz_coalesce_wish - what a driver asks for (VIRTIO_NET_F_NOTF_COAL)
 * @frames: number of frames that end a hold; 0: it asks for nothing
 * @ns: maximum length of a hold, nanoseconds; 0: as learnt from the traffic
 *
 * Others read it without a lock while it is written: each of the two is within
 * bounds.
 */
struct qz_coalesce_wish {
	u32 frames;
	u32 ns;
};

/**
 * qz_coalesce_wish - what a driver asks for, within bounds
 * @frames: number of frames after which it wants an interrupt; 0 or 1: each
 * @usecs: time after which it wants one, microseconds; 0: @frames decide
 *
 * A hold ends by its frames or by its time, whichever is first. If neither is
 * given there is none. No hold is longer than QZ_HOLD_MAX_NS or, as a timer takes
 * time of the host, shorter than QZ_HOLD_MIN_NS.
 *
 * Return: the wish.
 */
static inline struct qz_coalesce_wish qz_coalesce_wish(u32 frames, u32 usecs)
{
	u64 ns = usecs ? (u64)usecs * NSEC_PER_USEC : QZ_HOLD_MAX_NS;

	return (struct qz_coalesce_wish){
		.frames = frames || !usecs ? max(frames, 1U) : QZ_RING_MAX,
		.ns = clamp(ns, (u64)QZ_HOLD_MIN_NS, (u64)QZ_HOLD_MAX_NS),
	};
}

u64 qz_coalesce_begin(struct qz_coalesce *coalesce,
		      const struct qz_coalesce_wish *wish, u64 now);
bool qz_coalesce_waits(const struct qz_coalesce *coalesce);
void qz_coalesce_answered(struct qz_coalesce *coalesce, u64 now);
bool qz_coalesce_ends(const struct qz_coalesce_wish *wish, u16 held, u16 num,
		      u32 bytes);

#endif /* QZ_COALESCE_H */
