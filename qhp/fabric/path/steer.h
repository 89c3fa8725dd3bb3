/* SPDX-License-Identifier: GPL-2.0 */
/* Which queue of a receiver gets a frame: see steer.c. */
#ifndef QZ_STEER_H
#define QZ_STEER_H

#include "path/run.h"
#include "pure/flow.h"

void qz_steer_init(void);
struct qz_rxq *qz_steer_flow(struct qz_run *run, struct qz_port *port,
			     struct qz_frame *frame, u32 active);

/* Return: as qz_steer_flow(). */
static inline struct qz_rxq *qz_steer_pick(struct qz_run *run,
					   struct qz_port *port,
					   struct qz_frame *frame)
{
	u32 active = READ_ONCE(port->ctrl.active);

	if (likely(active == 1))
		return port->rxqs;
	return qz_steer_flow(run, port, frame, active);
}

#endif /* QZ_STEER_H */
