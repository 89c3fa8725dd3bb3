/* SPDX-License-Identifier: GPL-2.0 */
/* What a port sends and receives, copied for the administrator. */
#ifndef QZ_CAPTURE_H
#define QZ_CAPTURE_H

#include <linux/spinlock.h>

#include "pure/recording.h"

struct qz_frame;
struct qz_run;

/**
 * struct qz_capture - a capture in progress
 * @rec: the recording; each record is a &struct queztl_capture_record and the first
 *	bytes of a frame
 * @lock: serialises the reservation of records; BH off; a leaf
 * @snaplen: number of a frame's first bytes to keep
 */
struct qz_capture {
	struct qz_recording rec;
	spinlock_t lock;	/* see above */
	u32 snaplen;
};

void qz_capture_sent(struct qz_run *run, const struct qz_frame *frame, int reason);
void qz_capture_received(struct qz_run *run, struct qz_capture *capture,
			 const struct qz_frame *frame);

#endif /* QZ_CAPTURE_H */
