/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How CPU time is divided between VMs; pure. The simulator, the BPF scheduler
 * and the module have this same policy and differ in what surrounds it.
 *
 * A VM is one flow, whatever the number of its vCPUs, or if so asked has its
 * weight once for each of them. A flow has a tag, the weighted time that it has
 * been charged, and the flow with the smallest tag is next (start-time fair
 * queueing: Goyal, Vin, Cheng, SIGCOMM 1996). A slice is charged when it begins,
 * and what is left of it comes back, so that vCPUs that run at the same time see
 * each other.
 *
 * The clock is the tag of the flow that was chosen last because it was next, not
 * because another yielded to it. Tags stay in a window around it:
 *
 *     clock - CREDIT  ............  clock  ............  clock + LOAN
 *
 * A VM that has slept is at most CREDIT behind, however long it slept: so much
 * it may take before the others. A VM to which another yields may be ahead by
 * at most LOAN. Both are CPU time, so their length in tags depends on the
 * weight. A VM that has used more than its share stays ahead until the clock
 * has caught up, also if it sleeps. A thread to which one of its own VM yields
 * has what is left of that one's slice, so the VM neither gains nor loses.
 *
 * VMs that may use some CPUs only would make tags meaningless: where few share a
 * CPU they move faster. There, time is cheaper: a CPU's price falls while who is
 * chosen on it is ahead of others, who wait but may not use it, and rises again.
 *
 * Nothing here takes a lock or loops. A tag is changed by atomic operations,
 * because the vCPUs of a VM start and stop on several CPUs at once.
 */
#ifndef QZ_SCHED_POLICY_H
#define QZ_SCHED_POLICY_H

#include "module/plain.h"

#define QZ_SCHED_WEIGHT		100	/* the usual weight, as of cpu.weight */
#define QZ_SCHED_HEAVIEST	1000000	/* so that 10 us are a difference of tags for any flow */
/* Least slice of a limited flow, and the slice of one that starves. */
#define QZ_SCHED_SHORT		(500 * NSEC_PER_USEC)
#define QZ_SCHED_START		(1000ULL * NSEC_PER_SEC)	/* a clock begins with this */

/**
 * struct qz_policy - what can be tuned, in ns of CPU time
 * @slice: how long a thread runs before others are asked
 * @credit: how far a flow that slept may be behind the clock
 * @loan: how far ahead of it a flow may be that is yielded to
 * @margin: by how much more than the running flow one that wakes up must be
 *	behind to preempt it
 * @refill: a limited flow gets its time in steps of this length (wall clock)
 * @per_vcpu: a VM has its weight once for each vCPU, see qz_policy_weight()
 */
struct qz_policy {
	u64 slice;
	u64 credit;
	u64 loan;
	u64 margin;
	u64 refill;
	bool per_vcpu;
};

#define QZ_POLICY_DEFAULT {			\
	.slice	= 3 * NSEC_PER_MSEC,		\
	.credit	= 6 * NSEC_PER_MSEC,		\
	.loan	= 3 * NSEC_PER_MSEC,		\
	.margin	= 125 * NSEC_PER_USEC,		\
	.refill	= 10 * NSEC_PER_MSEC,		\
}

/**
 * struct qz_flow - a VM, or all other tasks of the host together
 * @tag: weighted time it has been charged, ns at the usual weight
 * @turn: how far the threads chosen so far had got (see qz_thread)
 * @used: CPU time, ns
 * @weight: its share of a contended machine, relative to that of others, see
 *	qz_policy_weight()
 * @limit: CPU time per 1000 ns of wall clock; 0: as much as there is
 * @tokens: CPU time that the limit leaves, ns, without what is charged to those
 *	that run; negative: it has run too long
 * @held: the clock, when the limit last held back a thread
 * @refilled: when @tokens was last increased, ns
 */
struct qz_flow {
	atomic64_t tag;
	atomic64_t turn;
	atomic64_t used;
	u32 weight;
	u32 limit;
	atomic64_t tokens;
	u64 held;
	u64 refilled;
};

/**
 * struct qz_thread - a thread of a flow
 * @turn: CPU time it has had, ns, or what it would have had if it had not
 *	slept; in a flow the thread with the smallest is next
 * @slice: what it was charged when it started, ns; 0 while it does not run
 * @given: so much of that its flow is not charged for
 * @advance: by how much the tag of its flow was advanced for that
 * @discount: of the CPU that it was started on, see qz_price_next()
 */
struct qz_thread {
	u64 turn;
	u64 slice;
	u64 given;
	u64 advance;
	u32 discount;
};

/**
 * struct qz_price - by how much less time costs on a CPU than elsewhere
 * @lasting: what is left when nobody is ahead, in parts of QZ_SCHED_PRICE
 * @discount: for the slice that begins, in the same parts
 */
struct qz_price {
	u32 lasting;
	u32 discount;
};

/* Is @a before @b? For tags and turns, which may wrap. */
static inline bool qz_sched_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

/* CPU time as a difference of tags. */
static inline u64 qz_flow_weigh(const struct qz_flow *flow, u64 ns)
{
	return div64_u64(ns * QZ_SCHED_WEIGHT, flow->weight);
}

#define QZ_SCHED_PRICE		65536	/* of time on a CPU, without a discount */

/* Time on a CPU that is cheaper. */
static inline u64 qz_sched_discounted(u64 ns, u32 discount)
{
	return ns * (QZ_SCHED_PRICE - discount) / QZ_SCHED_PRICE;
}

/* How far a flow has got. */
static inline u64 qz_flow_tag(const struct qz_flow *flow)
{
	return atomic64_read(&flow->tag);
}

u32 qz_policy_weight(const struct qz_policy *policy, u32 weight, u32 vcpus);
bool qz_price_next(const struct qz_policy *policy, struct qz_price *price,
		   u64 tag, u64 least);

/* By how much less a flow must have than who has a CPU, to preempt that. */
static inline u64 qz_flow_margin(const struct qz_policy *policy,
				 const struct qz_flow *flow, u32 discount)
{
	return qz_flow_weigh(flow, qz_sched_discounted(policy->margin, discount));
}

void qz_clock_raise(atomic64_t *clock, u64 tag);
void qz_clock_advance(atomic64_t *clock, const struct qz_flow *flow);
void qz_flow_init(const struct qz_policy *policy, struct qz_flow *flow,
		  u64 clock, u32 weight);
void qz_flow_wake(const struct qz_policy *policy, struct qz_flow *flow,
		  u64 clock);
void qz_thread_init(const struct qz_policy *policy, const struct qz_flow *flow,
		    struct qz_thread *thread);
void qz_thread_wake(const struct qz_policy *policy, const struct qz_flow *flow,
		    struct qz_thread *thread);
u64 qz_flow_slice(const struct qz_policy *policy, const struct qz_flow *flow,
		  u32 nthreads);
void qz_thread_start(const struct qz_policy *policy, struct qz_flow *flow,
		     struct qz_thread *thread, u64 slice, u64 clock);
void qz_thread_give(const struct qz_policy *policy, struct qz_flow *flow,
		    struct qz_thread *thread);
void qz_thread_stop(struct qz_flow *flow, struct qz_thread *thread, u64 ran,
		    u64 clock);
u64 qz_flow_reached(const struct qz_flow *flow, u64 slice, u64 ran,
		    u32 discount);
u64 qz_flow_rank(const struct qz_policy *policy, const struct qz_flow *flow,
		 bool vcpu);
bool qz_flow_preempts(const struct qz_policy *policy,
		      const struct qz_flow *flow, bool vcpu, u64 reached,
		      u32 discount);
s64 qz_thread_lag(const struct qz_thread *thread, u64 turn, u64 slice, u64 ran);
bool qz_thread_preempts(const struct qz_policy *policy,
			const struct qz_thread *thread, u64 turn, u64 slice,
			u64 ran);
u64 qz_flow_passes_on(const struct qz_policy *policy, const struct qz_flow *flow,
		      const struct qz_flow *to, u64 slice, u64 ran);
bool qz_flow_may_borrow(const struct qz_policy *policy,
			const struct qz_flow *flow, u64 clock);
void qz_flow_refill(const struct qz_policy *policy, struct qz_flow *flow,
		    u64 now, u64 clock);
bool qz_flow_is_parked(const struct qz_flow *flow);

#endif /* QZ_SCHED_POLICY_H */
