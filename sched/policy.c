// SPDX-License-Identifier: GPL-2.0
/* How CPU time is divided between VMs; pure. See policy.h. */
#include "sched/policy.h"

#define SAVED	2	/* steps of its limit that a VM may save */
#define CHEAPEST	(QZ_SCHED_PRICE / 64)	/* credit and loan are worth so much more there */
#define LEARNS		64	/* so many choices change a price by a factor of e */
#define AT_ONCE		4	/* so many slices ahead, time costs next to nothing */
/*
 * And that it may owe. What is not repaid is a way round the limit: vCPUs whose
 * exits the VMM handles are not held back meanwhile.
 */
#define OWED	10

/*
 * Never backwards. If another CPU changes it at the same time it has raised it
 * or charged it, and the next to look tries again.
 */
static void raise_to(atomic64_t *tag, u64 least)
{
	s64 old = atomic64_read(tag);

	if (qz_sched_before(old, least))
		atomic64_try_cmpxchg(tag, &old, least);
}

/**
 * qz_policy_weight - what a VM's weight counts for
 * @policy: the policy
 * @weight: what it was given, 1 to 10000, as cpu.weight
 * @vcpus: threads that are known to be its vCPUs
 *
 * Return: weight of its flow.
 */
u32 qz_policy_weight(const struct qz_policy *policy, u32 weight, u32 vcpus)
{
	u64 all = (u64)weight * max_t(u32, vcpus, 1);

	return policy->per_vcpu ? min_t(u64, all, QZ_SCHED_HEAVIEST) : weight;
}

/**
 * qz_price_next - a VM was chosen on a CPU, which sets the price of time there
 * @policy: the policy
 * @price: of that CPU
 * @tag: for which it was chosen
 * @least: the smallest tag of all VMs that wait, or waited a moment ago; 0: nobody
 *
 * If it is ahead of who waits, that one may not use this CPU. Then time here gets
 * cheaper at once, by how far it is ahead, and a little for good: in the end all tags
 * move at the speed of those where most VMs share a CPU, and nobody is ahead. That
 * counts for a VM with threads on both, which would otherwise be kept from the one
 * by what it has on the other. With nobody ahead the price rises again.
 *
 * Return: whether the clock may follow this VM. If not, it would take from those who
 * wait what they are due.
 */
bool qz_price_next(const struct qz_policy *policy, struct qz_price *price,
		   u64 tag, u64 least)
{
	u32 rest = QZ_SCHED_PRICE - price->lasting, step = rest / LEARNS + 1;
	u64 most = AT_ONCE * policy->slice, lead = 0;

	/* Those who share all CPUs are never in step; that is no reason. */
	if (least && !price->lasting)
		least += policy->slice;
	if (least && qz_sched_before(least, tag))
		lead = min_t(u64, tag - least, most);
	if (!lead)
		price->lasting -= min_t(u32, step, price->lasting);
	else if (rest > CHEAPEST + step)
		price->lasting += step;
	price->discount = price->lasting;
	if (lead) {
		rest = QZ_SCHED_PRICE - price->lasting - CHEAPEST;
		price->discount += div64_u64(rest * lead, most);
	}
	return !lead;
}

/**
 * qz_clock_raise - a VM was chosen for a tag that it had when it began to wait
 * @clock: the clock
 * @tag: that tag
 *
 * Other threads of the VM may have run meanwhile. Its tag is then further ahead, and
 * others, who wait, are due before it.
 */
void qz_clock_raise(atomic64_t *clock, u64 tag)
{
	raise_to(clock, tag);
}

/**
 * qz_clock_advance - a VM was chosen because it is next
 * @clock: the clock
 * @flow: the VM
 *
 * Not if another has yielded to it. Else two that yield to each other would take
 * the clock along, and never be ahead of it.
 */
void qz_clock_advance(atomic64_t *clock, const struct qz_flow *flow)
{
	qz_clock_raise(clock, qz_flow_tag(flow));
}

/**
 * qz_flow_init - a VM begins
 * @policy: the policy
 * @flow: to be filled, all of it
 * @clock: the clock
 * @weight: see qz_policy_weight(); not 0
 *
 * It comes after those that are there, by a slice. Otherwise VMs that follow one
 * another, each for a moment, would keep all others from the CPU.
 */
void qz_flow_init(const struct qz_policy *policy, struct qz_flow *flow,
		  u64 clock, u32 weight)
{
	/* Who still looks at the VM that was here before divides by this: it is never 0. */
	flow->weight = weight;
	flow->limit = 0;
	flow->held = 0;
	flow->refilled = 0;
	atomic64_set(&flow->used, 0);
	atomic64_set(&flow->tokens, 0);
	atomic64_set(&flow->tag, clock + qz_flow_weigh(flow, policy->slice));
	atomic64_set(&flow->turn, QZ_SCHED_START);
}

/**
 * qz_flow_wake - a VM that had nothing to run has something
 * @policy: the policy
 * @flow: the VM
 * @clock: the clock
 *
 * Also for a VM with fewer vCPUs than its share has CPUs, which falls behind
 * although it always runs: it must not save that up.
 */
void qz_flow_wake(const struct qz_policy *policy, struct qz_flow *flow,
		  u64 clock)
{
	raise_to(&flow->tag, clock - qz_flow_weigh(flow, policy->credit));
}

/**
 * qz_thread_init - a thread begins
 * @policy: the policy
 * @flow: its VM
 * @thread: the thread
 *
 * As a VM does: it comes after the VM's other threads, by a slice.
 */
void qz_thread_init(const struct qz_policy *policy, const struct qz_flow *flow,
		    struct qz_thread *thread)
{
	thread->turn = atomic64_read(&flow->turn) + policy->slice;
	thread->slice = 0;
	thread->given = 0;
	thread->advance = 0;
	thread->discount = 0;
}

/**
 * qz_thread_wake - a thread has something to run
 * @policy: the policy
 * @flow: its VM
 * @thread: the thread
 *
 * Also for one that begins to run: others of the VM may get on faster, on CPUs
 * that this one must not use. Who wakes up has their turn, less the credit, and
 * would otherwise wait until this one has caught up.
 */
void qz_thread_wake(const struct qz_policy *policy, const struct qz_flow *flow,
		    struct qz_thread *thread)
{
	u64 least = atomic64_read(&flow->turn) - policy->credit;

	if (qz_sched_before(thread->turn, least))
		thread->turn = least;
}

/**
 * qz_flow_slice - for how long a thread of a VM may run at a time
 * @policy: the policy
 * @flow: the VM
 * @nthreads: vCPUs that want to run now, this one included
 *
 * What is left of a limit until the next refill is divided between the vCPUs
 * that are waiting for it, so that each of them runs in each period, twice if it
 * can: then none is always the last, and next time the first.
 *
 * Return: ns.
 */
u64 qz_flow_slice(const struct qz_policy *policy, const struct qz_flow *flow,
		  u32 nthreads)
{
	s64 tokens = atomic64_read(&flow->tokens);
	u64 slice;

	if (!flow->limit)
		return policy->slice;
	slice = tokens > 0 ? div64_u64(tokens, 2 * max_t(u32, nthreads, 1)) : 0;
	return min_t(u64, policy->slice, max_t(u64, slice, QZ_SCHED_SHORT));
}

/* Charge its limit; from @clock on, if that uses it up, it is held back. */
static void take_tokens(struct qz_flow *flow, s64 ns, u64 clock)
{
	bool had = atomic64_read(&flow->tokens) > 0;

	if (!flow->limit)
		return;
	atomic64_sub(ns, &flow->tokens);
	if (had && atomic64_read(&flow->tokens) <= 0)
		flow->held = clock;
}

/* What its flow's tag is moved by for time of a thread. */
static u64 charge(const struct qz_flow *flow, const struct qz_thread *thread,
		  u64 ns)
{
	return qz_flow_weigh(flow, qz_sched_discounted(ns, thread->discount));
}

/**
 * qz_thread_start - a thread was chosen and begins to run
 * @policy: the policy
 * @flow: its VM
 * @thread: the thread
 * @slice: for so long at most, ns
 * @clock: the clock
 */
void qz_thread_start(const struct qz_policy *policy, struct qz_flow *flow,
		     struct qz_thread *thread, u64 slice, u64 clock)
{
	qz_flow_wake(policy, flow, clock);
	qz_thread_wake(policy, flow, thread);
	raise_to(&flow->turn, thread->turn);
	thread->turn += slice;
	thread->slice = slice;
	thread->given = 0;
	thread->advance = charge(flow, thread, slice);
	atomic64_add(thread->advance, &flow->tag);
	take_tokens(flow, slice, clock);
}

/**
 * qz_thread_give - a thread that has just started need not pay for its slice
 * @policy: the policy
 * @flow: its VM
 * @thread: the thread
 *
 * Whatever the weights are, a VM that waits for too long gets a short slice. That
 * is given. If it were charged, its tag would be ever further ahead, and the VM
 * not get its own share either, also when its weight becomes greater. The clock
 * must not follow its tag: that would take from all others what they are due. All
 * other threads of the VM are next: who is behind them by its turn would be given
 * many such slices before one of them is.
 */
void qz_thread_give(const struct qz_policy *policy, struct qz_flow *flow,
		    struct qz_thread *thread)
{
	thread->turn = atomic64_read(&flow->turn) + policy->slice + thread->slice;
	thread->given = thread->slice;
	atomic64_sub(thread->advance, &flow->tag);
	thread->advance = 0;
}

/**
 * qz_thread_stop - a thread stops running
 * @flow: its VM
 * @thread: the thread
 * @ran: since it started, ns; may be more than its slice
 * @clock: the clock
 *
 * The weight may have become less meanwhile. What comes back of the slice is no
 * more than what was charged, or a VM would gain by having vCPUs for a moment.
 */
void qz_thread_stop(struct qz_flow *flow, struct qz_thread *thread, u64 ran,
		    u64 clock)
{
	u64 slice = thread->slice, given = min_t(u64, ran, thread->given);

	thread->turn += ran - slice;
	thread->slice = 0;
	thread->given = 0;
	atomic64_add(charge(flow, thread, ran - given) - thread->advance,
		     &flow->tag);
	thread->advance = 0;
	atomic64_add(ran, &flow->used);
	take_tokens(flow, ran - slice, clock);
}

/**
 * qz_flow_reached - how far a VM has got that runs on a CPU
 * @flow: the VM
 * @slice: what its thread there was charged when it started, ns
 * @ran: since then, ns
 * @discount: of that CPU
 *
 * Return: its tag, without what is left of that slice.
 */
u64 qz_flow_reached(const struct qz_flow *flow, u64 slice, u64 ran,
		    u32 discount)
{
	u64 left = ran < slice ? slice - ran : 0;

	return qz_flow_tag(flow) -
	       qz_flow_weigh(flow, qz_sched_discounted(left, discount));
}

/**
 * qz_flow_rank - where a VM stands among those that wait
 * @policy: the policy
 * @flow: the VM
 * @vcpu: the thread that waits is a vCPU
 *
 * While a VM is held back by its limit it loses its place (see qz_flow_refill),
 * and its other threads, such as those for disks, must not lose theirs. So these
 * have the credit of a VM that has slept.
 *
 * Return: a tag; the smallest is next.
 */
u64 qz_flow_rank(const struct qz_policy *policy, const struct qz_flow *flow,
		 bool vcpu)
{
	u64 tag = qz_flow_tag(flow);

	return flow->limit && !vcpu ?
	       tag - qz_flow_weigh(flow, policy->credit) : tag;
}

/**
 * qz_flow_preempts - does a VM that waits take a CPU from another?
 * @policy: the policy
 * @flow: the VM that has something to run
 * @vcpu: that is a vCPU
 * @reached: how far the other has got, see qz_flow_reached()
 * @discount: of the CPU that it has
 *
 * The margin keeps two VMs from taking the CPU from each other for nothing.
 */
bool qz_flow_preempts(const struct qz_policy *policy,
		      const struct qz_flow *flow, bool vcpu, u64 reached,
		      u32 discount)
{
	return qz_sched_before(qz_flow_rank(policy, flow, vcpu) +
			       qz_flow_margin(policy, flow, discount), reached);
}

/**
 * qz_thread_lag - by how much less a thread has had than one of its VM that runs
 * @thread: the thread
 * @turn: of the one that runs
 * @slice: what that was charged when it started, ns
 * @ran: for how long it has run, ns
 *
 * Return: ns, may be negative.
 */
s64 qz_thread_lag(const struct qz_thread *thread, u64 turn, u64 slice, u64 ran)
{
	return turn - (ran < slice ? slice - ran : 0) - thread->turn;
}

/**
 * qz_thread_preempts - does a thread take a CPU from another of its VM?
 * @policy: the policy
 * @thread: the one that has something to run
 * @turn: of the one that runs
 * @slice: what that was charged when it started, ns
 * @ran: for how long it has run, ns
 *
 * If it has had less by more than a slice, as one that sleeps most of the time has:
 * a thread for a disk need not wait for the slices of its own VM's vCPUs. But two
 * vCPUs that wake each other, because they wait for each other's locks, would do
 * little else if each of these took the CPU from who may have the next lock.
 */
bool qz_thread_preempts(const struct qz_policy *policy,
			const struct qz_thread *thread, u64 turn, u64 slice,
			u64 ran)
{
	return qz_thread_lag(thread, turn, slice, ran) > (s64)policy->slice;
}

/**
 * qz_flow_passes_on - for how long does a thread run that another lets in?
 * @policy: the policy
 * @flow: the VM of the one that runs
 * @to: the VM of the one that is let in
 * @slice: what the one that runs was charged when it started, ns
 * @ran: for how long it has run, ns
 *
 * In a VM, threads could let each other in for ever, each with a slice of its own.
 *
 * Return: ns; 0: it is not let in.
 */
u64 qz_flow_passes_on(const struct qz_policy *policy, const struct qz_flow *flow,
		      const struct qz_flow *to, u64 slice, u64 ran)
{
	if (flow != to)
		return policy->slice;
	return ran < slice ? slice - ran : 0;
}

/**
 * qz_flow_may_borrow - may a VM run because another yields to it?
 * @policy: the policy
 * @flow: the VM
 * @clock: the clock
 */
bool qz_flow_may_borrow(const struct qz_policy *policy,
			const struct qz_flow *flow, u64 clock)
{
	return qz_sched_before(qz_flow_tag(flow),
			       clock + qz_flow_weigh(flow, policy->loan));
}

/* The clock has advanced while the VM was held back. */
static void keep_place(const struct qz_policy *policy, struct qz_flow *flow,
		       u64 clock)
{
	u64 most = clock + qz_flow_weigh(flow, policy->credit);
	u64 tag = qz_flow_tag(flow) + (clock - flow->held);

	raise_to(&flow->tag, qz_sched_before(tag, most) ? tag : most);
}

/**
 * qz_flow_refill - give a limited VM the time that its limit allows
 * @policy: the policy
 * @flow: the VM
 * @now: wall clock, ns
 * @clock: the clock
 *
 * It cannot save what it does not use, but for two steps, nor owe more than ten,
 * such as for threads that the limit does not hold back. While it was held
 * back, time stood still for it: its place among the others is what it was, but
 * no further ahead of them than a VM that has slept is behind. The caller sees to
 * it that only one CPU does this at a time.
 */
void qz_flow_refill(const struct qz_policy *policy, struct qz_flow *flow,
		    u64 now, u64 clock)
{
	u64 since = min_t(u64, now - flow->refilled, NSEC_PER_SEC);
	s64 step = div64_u64(policy->refill * flow->limit, 1000);
	s64 tokens, more;

	/* Another CPU's look at the clock may be later than this one's. */
	if (!flow->limit ||
	    qz_sched_before(now, flow->refilled + policy->refill))
		return;
	tokens = atomic64_read(&flow->tokens);
	if (tokens <= 0 && flow->refilled)
		keep_place(policy, flow, clock);
	flow->held = clock;
	flow->refilled = now;
	more = min(SAVED * step - tokens,
		   (s64)div64_u64(since * flow->limit, 1000));
	atomic64_add(max(more, step - OWED * step - tokens), &flow->tokens);
}

/**
 * qz_flow_is_parked - has a VM used up what its limit allows?
 * @flow: the VM
 *
 * Then its vCPUs wait. Its other threads, such as those for disks, run and are
 * charged.
 */
bool qz_flow_is_parked(const struct qz_flow *flow)
{
	return flow->limit && atomic64_read(&flow->tokens) <= 0;
}
