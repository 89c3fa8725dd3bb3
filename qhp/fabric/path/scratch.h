/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A CPU's memory for work on rings: buffers that are parsed, the frame on its
 * way.
 *
 * A thread that is inside the gate with softirqs off has exclusive use of the
 * memory of its CPU: it is not preempted, and no softirq interrupts it. So
 * queues need no such memory of their own, and it is always local.
 */
#ifndef QZ_SCRATCH_H
#define QZ_SCRATCH_H

#include <linux/percpu.h>

#include "module/limits.h"
#include "path/frame.h"
#include "pure/ctrl.h"

/**
 * struct qz_scratch - a CPU's memory for work on rings
 * @frame: the frame on its way
 * @bufs: buffers of its receiver that are being filled
 * @out: the sender's buffer, or that of a command
 * @in: the receiver's buffers
 * @out_segs: segments of @out
 * @in_segs: segments of @in
 * @bounce: bytes that are being summed
 * @command: a driver's command
 *
 * Indirect tables have a place of their own: a per-CPU object is 32 KiB at most.
 */
struct qz_scratch {
	struct qz_frame frame;
	struct qz_buffers bufs;
	struct qz_chain out;
	struct qz_chain in;
	struct qz_seg out_segs[QZ_CHAIN_MAX];
	struct qz_seg in_segs[QZ_RX_SEGS];
	u8 bounce[QZ_BOUNCE_BYTES];
	u8 command[QZ_CTRL_BYTES];
};

extern struct qz_scratch __percpu *qz_scratch;

/* Inside the gate, softirqs off. */
static inline struct qz_scratch *qz_scratch_get(void)
{
	return this_cpu_ptr(qz_scratch);
}

int qz_scratch_init(void);
void qz_scratch_exit(void);

#endif /* QZ_SCRATCH_H */
