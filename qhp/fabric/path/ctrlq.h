/* SPDX-License-Identifier: GPL-2.0 */
/* A control queue. */
#ifndef QZ_CTRLQ_H
#define QZ_CTRLQ_H

#include "path/vq.h"
#include "pure/ctrl.h"

/**
 * struct qz_kept - what a driver had set by command when its port was reset
 * @at: where its control ring stopped; 0: nothing is kept
 * @ctrl: its state
 */
struct qz_kept {
	u16 at;
	struct qz_ctrl ctrl;
};

/**
 * struct qz_ctrlq - a control queue
 * @vq: the virtqueue
 * @commands: number of commands carried out; owned with the ring
 * @kicks: number of kicks by the driver
 * @kept: for a driver that continues after a reset; guarded by port->lock
 */
struct qz_ctrlq {
	struct qz_vq vq;
	u64 commands;
	atomic64_t kicks;
	struct qz_kept kept;
};

static inline struct qz_ctrlq *qz_to_ctrlq(struct qz_vq *vq)
{
	return container_of(vq, struct qz_ctrlq, vq);
}

/* ctrlq.c */
void qz_ctrlq_run(struct qz_ctrlq *ctrlq, const bool *alive);
void qz_ctrlq_run_slice(struct qz_ctrlq *ctrlq);

/* kick.c */
void qz_ctrlq_kick(struct qz_ctrlq *ctrlq);

#endif /* QZ_CTRLQ_H */
