/* SPDX-License-Identifier: GPL-2.0 */
/* How long an interrupt for sent frames is held back; pure. */
#ifndef QZ_COALESCE_H
#define QZ_COALESCE_H

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

u64 qz_coalesce_begin(struct qz_coalesce *coalesce, u64 now);
bool qz_coalesce_waits(const struct qz_coalesce *coalesce);
void qz_coalesce_answered(struct qz_coalesce *coalesce, u64 now);
bool qz_coalesce_ends(u16 held, u16 num, u32 bytes);

#endif /* QZ_COALESCE_H */
