// SPDX-License-Identifier: GPL-2.0
/* Of those who wait, whose turn it is. */

#include <linux/bitmap.h>
#include <linux/minmax.h>

#include "sched/native/native.h"

static bool is_starved(const struct qz_customer *c, enum qz_queue queue, u64 now)
{
	u64 since = qz_sched_since(now, READ_ONCE(c->served[queue]));

	return since > qz_patience(c - qz_customers) ||
	       since * atomic_read(&c->waiting[queue]) >
	       QZ_SCHED_STARVED_ROUND_NS;
}

/* Of two who wait, the one who is next; nobody is last. */
bool qz_choice_is_before(const struct qz_choice *a, const struct qz_choice *b)
{
	if (b->customer == QZ_NOBODY || a->customer == QZ_NOBODY)
		return a->customer != QZ_NOBODY;
	if (a->starved != b->starved)
		return a->starved;
	return a->rank == b->rank ? a->customer < b->customer :
				    qz_sched_before(a->rank, b->rank);
}

/* If it comes after one and before the other, it replaces that. */
static void consider(u32 index, u64 now, const struct qz_choice *after,
		     struct qz_choice *best)
{
	struct qz_customer *c = &qz_customers[index];
	bool others = qz_queue_has_waiters(index, QZ_OTHERS, now);
	bool vcpus = qz_queue_has_waiters(index, QZ_VCPUS, now) &&
		     qz_customer_may_run_vcpus(c, now);
	struct qz_choice this = { .customer = index };

	if (!others && !vcpus)
		return;
	this.starved = (others && is_starved(c, QZ_OTHERS, now)) ||
		       (vcpus && is_starved(c, QZ_VCPUS, now));
	this.rank = qz_flow_rank(qz_customer_policy(c), &c->flow, !others);
	if (qz_choice_is_before(&this, best) &&
	    (!after || qz_choice_is_before(after, &this)))
		*best = this;
}

/*
 * Of those that wait, who is next, or who is next after a given one. One pass over
 * a bit for each customer, and a few instructions for each who waits.
 */
void qz_queues_first(u64 now, const struct qz_choice *after,
		     struct qz_choice *choice)
{
	unsigned int i, end = READ_ONCE(qz_customers_end);

	*choice = (struct qz_choice){ .customer = QZ_NOBODY };
	for_each_or_bit(i, qz_queues_waiting[QZ_OTHERS],
			qz_queues_waiting[QZ_VCPUS], end)
		consider(i, now, after, choice);
}

/* If it is before the other, it replaces that. */
static void consider_pinned(const struct qz_task *t, u64 now, u64 patience,
			    struct qz_choice *best)
{
	const struct qz_customer *c = &qz_customers[t->customer];
	struct qz_choice this = {
		.customer = t->customer,
		.pinned = true,
		.slow = t->slow,
		.starved = qz_sched_since(now, t->queued) > patience,
		.rank = qz_flow_rank(qz_customer_policy(c), &c->flow, false),
	};

	if (qz_choice_is_before(&this, best))
		*best = this;
}

/* If there are many, each of them waits for longer, as they do elsewhere. */
static u64 patience_of_slow(const struct qz_cpu *cpu, const struct qz_task *t)
{
	return clamp_t(u64, cpu->nslow * (u64)QZ_SCHED_STARVED_EACH_NS,
		       qz_patience(t->customer), QZ_SCHED_STARVED_ROUND_NS);
}

/* The same of the threads that wait for one CPU. */
void qz_queues_first_pinned(s32 cpu, u64 now, struct qz_choice *choice)
{
	struct qz_cpu *c = qz_cpu_of(cpu);
	unsigned long flags;
	struct qz_task *t;

	*choice = (struct qz_choice){ .customer = QZ_NOBODY };
	/* The CPU itself is sure of that; a check that comes too early comes again. */
	if (list_empty(&c->pinned) && list_empty(&c->slow))
		return;
	raw_spin_lock_irqsave(&c->lock, flags);
	t = qz_queue_first_pinned(&c->pinned);
	if (t)
		consider_pinned(t, now, qz_patience(t->customer), choice);
	t = qz_queue_first_pinned(&c->slow);
	if (t)
		consider_pinned(t, now, patience_of_slow(c, t), choice);
	raw_spin_unlock_irqrestore(&c->lock, flags);
}

/* When somebody who waits has to be looked after again; 0: nobody waits. */
u64 qz_queues_next_check(u64 now)
{
	unsigned int i, end = READ_ONCE(qz_customers_end);
	u64 next = 0;

	for_each_or_bit(i, qz_queues_waiting[QZ_OTHERS],
			qz_queues_waiting[QZ_VCPUS], end) {
		struct qz_customer *c = &qz_customers[i];
		bool vcpus = atomic_read(&c->waiting[QZ_VCPUS]);

		if (vcpus && qz_customer_is_parked(c, now))
			qz_sched_keep_earlier(&next, qz_customer_refills(c));
		else if (vcpus)
			qz_sched_keep_earlier(&next, qz_check_next(now));
		if (atomic_read(&c->waiting[QZ_OTHERS]))
			qz_sched_keep_earlier(&next, qz_check_next(now));
	}
	return next;
}
