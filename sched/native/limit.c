// SPDX-License-Identifier: GPL-2.0
/* The limit of a VM's vCPUs: what it has left, and what becomes of who is over it. */

#include <linux/sched.h>

#include "sched/native/native.h"

bool qz_task_is_limited(const struct task_struct *task,
			const struct qz_task *t)
{
	return qz_task_is_vcpu(task) &&
	       READ_ONCE(qz_customers[t->customer].flow.limit);
}

static void refill(struct qz_customer *c, u64 now)
{
	unsigned long flags;

	if (qz_sched_since(now, READ_ONCE(c->flow.refilled)) <
	    qz_sched_policy.refill)
		return;
	if (!raw_spin_trylock_irqsave(&c->refilling, flags))
		return;
	qz_flow_refill(qz_customer_policy(c), &c->flow, now,
		       atomic64_read(&qz_sched_clock));
	raw_spin_unlock_irqrestore(&c->refilling, flags);
}

/* Is its limit used up? Gives it what it is due first. Any context. */
bool qz_customer_is_parked(struct qz_customer *c, u64 now)
{
	if (!READ_ONCE(c->flow.limit))
		return false;
	refill(c, now);
	return qz_flow_is_parked(&c->flow);
}

/* When it is given more. */
u64 qz_customer_refills(const struct qz_customer *c)
{
	return READ_ONCE(c->flow.refilled) + qz_sched_policy.refill;
}

/*
 * A VM's other threads may use all that its limit allows, and more. Its vCPUs run
 * once in a while nevertheless: they may hold locks that others wait for, and have to
 * run in order to end.
 */
static bool is_overdue(const struct qz_customer *c, u64 now)
{
	u64 since = qz_sched_since(now, READ_ONCE(c->served[QZ_VCPUS]));

	return since > QZ_SCHED_PARKED_NS ||
	       since * atomic_read(&c->waiting[QZ_VCPUS]) > QZ_SCHED_ROUND_NS;
}

/* May one of the vCPUs that wait run now? */
bool qz_customer_may_run_vcpus(struct qz_customer *c, u64 now)
{
	return !qz_customer_is_parked(c, now) || is_overdue(c, now);
}
