// SPDX-License-Identifier: GPL-2.0
/*
 * How long an interrupt for sent frames is held back: see coalesce.h.
 *
 * How long an answer takes is learnt from the traffic: the time from the first
 * frame whose interrupt is held back to the next frame received, averaged over
 * about eight. If none came the estimate is halved, so that one-way traffic is
 * soon held back as little as possible.
 */

#include "coalesce.h"

/*
 * A hold begins with a frame. It is learnt how long answers take, whatever the
 * driver asks for.
 *
 * Return: its maximum length in nanoseconds.
 */
u64 qz_coalesce_begin(struct qz_coalesce *coalesce,
		      const struct qz_coalesce_wish *wish, u64 now)
{
	u32 wanted = READ_ONCE(wish->ns);
	u64 answer = READ_ONCE(coalesce->answer);

	if (qz_coalesce_waits(coalesce)) {
		answer /= 2;
		WRITE_ONCE(coalesce->answer, answer);
	}
	WRITE_ONCE(coalesce->sent, now);
	if (wanted)
		return wanted;
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

/*
 * Do so many frames and bytes in a ring of @num entries end the hold? The bytes
 * are for sockets that wait for space; a driver that asks has no such limit.
 */
bool qz_coalesce_ends(const struct qz_coalesce_wish *wish, u16 held, u16 num,
		      u32 bytes)
{
	u32 most = DIV_ROUND_UP(num, 4);
	u32 wanted = READ_ONCE(wish->frames);

	if (wanted)
		return held >= min(wanted, most);
	return held >= min(QZ_HOLD_FRAMES, most) || bytes >= QZ_HOLD_BYTES;
}
