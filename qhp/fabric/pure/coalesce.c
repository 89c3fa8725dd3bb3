// SPDX-License-Identifier: GPL-2.0
/*
 * How long an interrupt for sent frames is held back: see coalesce.h.
 *
 * How long an answer takes is learnt from the traffic: the time from the first
 * frame whose interrupt is held back to the next frame received, averaged over
 * about eight. If none came the estimate is halved, so that one-way traffic is
 * soon held back as little as possible.
 */

#include "module/limits.h"
#include "coalesce.h"

/* A hold begins with a frame. Return: its maximum length in nanoseconds. */
u64 qz_coalesce_begin(struct qz_coalesce *coalesce, u64 now)
{
	u64 answer = READ_ONCE(coalesce->answer);

	if (qz_coalesce_waits(coalesce)) {
		answer /= 2;
		WRITE_ONCE(coalesce->answer, answer);
	}
	WRITE_ONCE(coalesce->sent, now);
	return clamp(4 * answer, (u64)QZ_HOLD_MIN_NS, (u64)QZ_HOLD_MAX_NS);
}

bool qz_coalesce_waits(const struct qz_coalesce *coalesce)
{
	return READ_ONCE(coalesce->sent);
}

/* A frame was received. */
void qz_coalesce_answered(struct qz_coalesce *coalesce, u64 now)
{
	u64 sent = READ_ONCE(coalesce->sent);
	u64 answer = READ_ONCE(coalesce->answer);

	if (!sent)
		return;
	answer -= answer / 8;
	answer += min(now - sent, (u64)QZ_HOLD_MAX_NS) / 8;
	WRITE_ONCE(coalesce->answer, answer);
	WRITE_ONCE(coalesce->sent, 0);
}

/* Do so many frames and bytes in a ring of @num entries end the hold? */
bool qz_coalesce_ends(u16 held, u16 num, u32 bytes)
{
	return held >= min(QZ_HOLD_FRAMES, DIV_ROUND_UP(num, 4)) ||
	       bytes >= QZ_HOLD_BYTES;
}
