/* SPDX-License-Identifier: GPL-2.0 */
/* A control queue. */
#ifndef QZ_CTRLQ_H
#define QZ_CTRLQ_H

#include "path/vq.h"

/**
 * struct qz_ctrlq - a control queue
 * @vq: the virtqueue
 * @commands: number of commands carried out; owned with the ring
 * @kicks: number of kicks by the driver
 */
struct qz_ctrlq {
	struct qz_vq vq;
	u64 commands;
	atomic64_t kicks;
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
