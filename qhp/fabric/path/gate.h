/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gate: what the data path reads stays valid while it is inside.
 *
 * Nobody is preempted inside the gate, and what is done there is bounded
 * (QZ_SLICE_WORK in limits.h). So waiting for everybody to leave takes well
 * below a millisecond, whatever a VM does: a thread that is throttled, frozen
 * or starved is never inside, and one gate serves all tenants.
 */
#ifndef QZ_GATE_H
#define QZ_GATE_H

#include <linux/bottom_half.h>
#include <linux/preempt.h>
#include <linux/srcu.h>

extern struct srcu_struct qz_gate;

/* Context: any. */
static inline int qz_gate_enter(void)
	__acquires(&qz_gate)
{
	preempt_disable();
	return srcu_read_lock(&qz_gate);
}

static inline void qz_gate_leave(int idx)
	__releases(&qz_gate)
{
	srcu_read_unlock(&qz_gate, idx);
	preempt_enable();
}

/* With softirqs off as well, to work on rings. Process or softirq. */
static inline int qz_gate_enter_bh(void)
	__acquires(&qz_gate)
{
	local_bh_disable();
	return srcu_read_lock(&qz_gate);
}

static inline void qz_gate_leave_bh(int idx)
	__releases(&qz_gate)
{
	srcu_read_unlock(&qz_gate, idx);
	local_bh_enable();
}

/* gate.c */
void qz_gate_wait(void);
int qz_gate_init(void);
void qz_gate_exit(void);

/* qz_gate_wait() without waiting: @fn is called later. Any context. */
static inline void qz_gate_call(struct rcu_head *head, rcu_callback_t fn)
{
	preempt_disable();	/* see qz_gate_wait() */
	call_srcu(&qz_gate, head, fn);
	preempt_enable();
}

/* To read inside the gate what rcu_assign_pointer() published. */
#define qz_gate_dereference(p)	srcu_dereference(p, &qz_gate)

#endif /* QZ_GATE_H */
