// SPDX-License-Identifier: GPL-2.0
/*
 * Copies of frames for who captures a port. The thread that serves the sender's ring
 * makes them, as it makes those for the receivers, and pays for them from its slice.
 * It waits for nobody and wakes nobody: the reader looks by itself.
 *
 * The copy is of the sender's memory a moment after the frame was delivered. Only
 * the headers that the fabric has read (qz_frame.head) are sure to be the same.
 *
 * Context of everything here: process or softirq, inside a slice (see run.c).
 */

#include <linux/timekeeping.h>

#include "path/capture.h"
#include "path/run.h"

static struct qz_record *reserve(struct qz_capture *capture, u32 bytes, u32 *lost)
{
	struct qz_record *record;

	spin_lock(&capture->lock);
	record = qz_recording_reserve(&capture->rec, bytes, lost);
	spin_unlock(&capture->lock);
	return record;
}

/* If the sender's memory is gone, the rest of the bytes are zeros. */
static void copy_frame(u8 *to, const struct qz_frame *frame, u32 len)
{
	u32 head = min(len, frame->head_len);
	struct qz_cursor rest;

	memcpy(to, frame->head, head);
	if (len == head)
		return;
	rest = frame->rest;
	if (!qz_cursor_read(&rest, to + head, len - head))
		memset(to + head, 0, len - head);
}

static void record_frame(struct qz_run *run, struct qz_capture *capture,
			 const struct qz_frame *frame, u16 flags, u16 drop)
{
	struct queztl_capture_record *head;
	struct qz_record *record;
	u32 len, size, lost;

	len = min(frame->len, capture->snaplen);
	size = ALIGN(sizeof(*head) + len, QZ_RECORD_ALIGN);
	run->work -= QZ_WORK_STEP;
	record = reserve(capture, size, &lost);
	if (!record)
		return;
	run->work -= len / QZ_WORK_BYTES;
	if (frame->off.csum)
		flags |= QUEZTL_CAPTURE_NEEDS_CSUM;
	head = (struct queztl_capture_record *)record->data;
	*head = (struct queztl_capture_record){
		.time = ktime_get_real_ns(),
		.bytes = frame->len,
		.captured = len,
		.lost = lost,
		.flags = flags,
		.drop = drop,
		.gso_size = frame->off.gso == VIRTIO_NET_HDR_GSO_NONE ?
			    0 : frame->off.gso_size,
	};
	copy_frame((u8 *)(head + 1), frame, len);
	memset((u8 *)(head + 1) + len, 0, size - sizeof(*head) - len);
	qz_recording_commit(record);
}

/**
 * qz_capture_sent - record a frame that a port with QZ_PORT_CAPTURED has sent
 * @run: the run; no receiver's queue is locked afterwards
 * @frame: the frame; its head is valid unless it is empty
 * @reason: why it was dropped, or QUEZTL_DROP_REASONS
 *
 * Call it when nothing will be delivered of the frame any more.
 */
void qz_capture_sent(struct qz_run *run, const struct qz_frame *frame, int reason)
{
	struct qz_capture *capture = qz_gate_dereference(run->port->capture);
	bool dropped = reason != QUEZTL_DROP_REASONS;

	if (!capture || !frame->head_len || reason == QUEZTL_DROP_BAD_RING)
		return;
	qz_receive_end(run);
	record_frame(run, capture, frame, QUEZTL_CAPTURE_SENT |
		     (dropped ? QUEZTL_CAPTURE_DROPPED : 0),
		     dropped ? reason : 0);
}

/**
 * qz_capture_received - record a frame that was delivered
 * @run: the sender's run
 * @capture: the receiver's
 * @frame: the frame
 *
 * The lock of the receiver's queue may be held.
 */
void qz_capture_received(struct qz_run *run, struct qz_capture *capture,
			 const struct qz_frame *frame)
{
	record_frame(run, capture, frame, 0, 0);
}
