// SPDX-License-Identifier: GPL-2.0
/* The gate: see gate.h. */

#include <linux/workqueue.h>

#include "path/gate.h"

DEFINE_SRCU(qz_gate);

static struct workqueue_struct *gate_wq;

/* Process context. */
static void wait_here(struct work_struct *work)
{
	synchronize_srcu_expedited(&qz_gate);
}

/**
 * qz_gate_wait - wait until all who are inside have left
 *
 * Whoever starts a grace period of SRCU is itself a reader for a moment, and
 * may be preempted then. A thread of a VM that is throttled at that point would
 * stay inside until it gets a CPU again, and everybody else would wait for it.
 * So a thread of the kernel does it.
 *
 * Context: process, sleeps briefly.
 */
void qz_gate_wait(void)
{
	struct work_struct work;

	INIT_WORK_ONSTACK(&work, wait_here);
	queue_work(gate_wq, &work);
	flush_work(&work);
	destroy_work_on_stack(&work);
}

int qz_gate_init(void)
{
	gate_wq = alloc_workqueue("queztl-gate", WQ_UNBOUND, WQ_MAX_ACTIVE);
	return gate_wq ? 0 : -ENOMEM;
}

void qz_gate_exit(void)
{
	srcu_barrier(&qz_gate);	/* until what was retired is freed */
	destroy_workqueue(gate_wq);
}
