/* SPDX-License-Identifier: GPL-2.0 */
/* Which VM is next, which CPU it may take, and whose limit is used up. */
#ifndef QZ_SCHED_BPF_PICK_H
#define QZ_SCHED_BPF_PICK_H

#include "state.h"

/* -- limits --------------------------------------------------------------- */
/* Is the limit of a VM used up? Gives it what it is due first. */
static bool is_parked(u32 index, struct vm_ctx *vm)
{
	u64 now;

	if (!vm->flow.limit)
		return false;
	now = bpf_ktime_get_ns();
	if (now - READ_ONCE(vm->flow.refilled) >= policy.refill &&
	    !__sync_lock_test_and_set(&vm->refilling, 1)) {
		qz_flow_refill(loaded_policy(), &vm->flow, now, atomic64_read(&clock));
		WRITE_ONCE(vm->refilling, 0);
	}
	return qz_flow_is_parked(&vm->flow);
}

static bool is_limited(const struct task_ctx *t, const struct vm_ctx *vm)
{
	return t->vcpu && vm->flow.limit;
}

/* Its limit holds it back. */
static bool is_held_back(const struct task_ctx *t, struct vm_ctx *vm)
{
	return is_limited(t, vm) && is_parked(t->vm, vm);
}

/* For how long a thread may run that begins to, or goes on. */
static u64 slice_of(const struct task_ctx *t, const struct vm_ctx *vm)
{
	if (!is_limited(t, vm))
		return policy.slice;
	return qz_flow_slice(loaded_policy(), &vm->flow, 1 + READ_ONCE(vm->vcpus_wait));
}

/* -- the VM that is next -------------------------------------------------- */
/*
 * A VM with a very low weight has a tag that is far ahead. Whatever the weights
 * are, it gets a short slice so often, and the host's own tasks, which are the
 * administrator's, more often. With many threads it gets more of them: sched_ext
 * ends a scheduler that lets one of them wait for 30 s.
 */
#define STARVED		(1 * NSEC_PER_SEC)
#define HOST_STARVED	(100 * NSEC_PER_MSEC)
#define STARVED_ROUND	(20 * NSEC_PER_SEC)

/* So do vCPUs that a limit holds back. */
#define HELD_BACK	(100 * NSEC_PER_MSEC)
#define ROUND		(10 * NSEC_PER_SEC)

/* A VM of which somebody waits. */
struct choice {
	u64 rank;	/* see qz_flow_rank() */
	u32 vm;		/* NONE: nobody waits */
	u32 starved;	/* it has waited for too long, and is before all that have not */
	u64 least;	/* smallest rank of all that can run and do not starve; 0 */
};

static u64 patience(u32 vm)
{
	return vm == HOST ? HOST_STARVED : STARVED;
}

static bool is_starved(u32 index, const struct vm_ctx *vm, u64 now)
{
	u64 since = now - vm->served;

	if ((s64)since < 0)
		return false;
	return since > patience(index) ||
	       since * (READ_ONCE(vm->waits) + READ_ONCE(vm->vcpus_wait)) > STARVED_ROUND;
}

static bool is_before(const struct choice *a, const struct choice *b)
{
	if (a->starved != b->starved)
		return a->starved;
	return a->rank == b->rank ? a->vm < b->vm : qz_sched_before(a->rank, b->rank);
}

/*
 * The VM's other threads may use all that the limit allows, and more. Its vCPUs
 * run now and then nevertheless, more often if there are so many that one of them
 * would wait for longer than a round: they may hold locks that others wait for,
 * and have to run in order to end.
 */
static bool is_overdue(const struct vm_ctx *vm, u64 now)
{
	u64 since = vm->parked_at;

	if (!since || (s64)(now - since) < 0)
		return false;
	return now - since > HELD_BACK || (now - since) * READ_ONCE(vm->vcpus_wait) > ROUND;
}

/*
 * Who starves does not count: a realtime task may have its only CPU, and all others
 * would be ahead of it for as long as that goes on.
 */
static void note_least(const struct choice *this, const struct vm_ctx *vm, struct choice *best)
{
	if (this->starved)
		return;
	if (!READ_ONCE(vm->waits) && (!READ_ONCE(vm->vcpus_wait) || qz_flow_is_parked(&vm->flow)))
		return;
	if (!best->least || qz_sched_before(this->rank, best->least))
		best->least = this->rank;
}

/*
 * If it can run and comes after one and before the other, it replaces that. Not
 * static, so that it is verified once: 6.12 would follow each of its ways for each
 * of its callers, and in a loop for each round.
 */
__attribute__((noinline)) int consider(u32 index, u64 now, const struct choice *after,
				       struct choice *best)
{
	u64 bit = 1ull << (index % 64);
	bool vcpu = !(waiting[index / 64 & (WORDS - 1)] & bit);
	struct vm_ctx *vm = vm_at(index);
	struct choice this = { .vm = index };

	if (!vm || !after || !best)
		return 0;
	this.rank = qz_flow_rank(loaded_policy(), &vm->flow, vcpu);
	this.starved = is_starved(index, vm, now);
	note_least(&this, vm, best);
	if (after->vm != NONE && !is_before(after, &this) || best->vm != NONE && !is_before(&this, best))
		return 0;
	if (vcpu && is_parked(index, vm) && !is_overdue(vm, now))
		return 0;
	best->rank = this.rank;
	best->vm = this.vm;
	best->starved = this.starved;
	return 0;
}

/* Number of the lowest bit that is set; there is one. Verified once, too. */
__attribute__((noinline)) u32 first_bit(u64 word)
{
	u32 bit = 0, width;

	for (width = 32; width; width /= 2)
		if (!(word & ((1ull << width) - 1))) {
			word >>= width;
			bit += width;
		}
	return bit;
}

/* The VM that is next of those that wait; of those after a given one, or all. Verified once, too. */
__attribute__((noinline)) int choose(struct choice *best, const struct choice *after)
{
	u64 now = bpf_ktime_get_ns();
	u32 word, i;

	if (!best || !after)
		return 0;
	*best = (struct choice){ .vm = NONE };
	bpf_for(word, 0, READ_ONCE(words)) {
		u64 any = waiting[word & (WORDS - 1)] | waiting_vcpus[word & (WORDS - 1)];

		bpf_for(i, 0, 64) {
			if (!any)
				break;
			consider(word * 64 + first_bit(any), now, after, best);
			any &= any - 1;
		}
	}
	/* Where nobody waits, CPUs need not take this cache line from each other. */
	if (after->vm == NONE && READ_ONCE(least_waiting) != best->least)
		WRITE_ONCE(least_waiting, best->least);
	return 0;
}

static const struct choice nobody = { .vm = NONE };

/* Who is first of those that can run on this CPU only. */
static void choose_pinned(struct choice *first, s32 cpu, const struct cpu_ctx *c)
{
	struct task_struct *p;

	*first = nobody;
	if (!READ_ONCE(c->pinned))
		return;
	bpf_for_each(scx_dsq, p, PINNED(cpu), 0) {
		struct task_ctx *t = thread_of(p);
		struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;

		if (vm) {
			first->vm = t->vm;
			first->rank = qz_flow_tag(&vm->flow);
		}
		break;
	}
}

/* -- preemption ----------------------------------------------------------- */
/*
 * How far the flow on a CPU has got, without what is left of its slice. Whose slice
 * is given has it to the end, or many that wake up could keep it from running.
 */
static bool running_tag(const struct cpu_ctx *c, u64 now, u64 *tag)
{
	struct vm_ctx *vm = vm_at(c->vm);

	if (!vm || c->vm == NONE || c->given)
		return false;
	*tag = qz_flow_reached(&vm->flow, c->slice, now - c->started, c->price.discount);
	return true;
}

/* Does who waits take this CPU, before its slice ends, from one that has got so far there? */
static bool is_behind(const struct cpu_ctx *c, const struct choice *choice, u64 reached)
{
	struct vm_ctx *vm = vm_at(choice->vm);

	if (!vm || choice->vm == NONE)
		return false;
	return choice->starved ||
	       READ_ONCE(brief_waiting) &&
	       qz_sched_before(choice->rank + qz_flow_margin(loaded_policy(), &vm->flow, c->price.discount),
			       reached);
}

/* In a VM, a thread that has had less preempts one that has had more. */
static bool sibling_is_behind(const struct cpu_ctx *c, const struct task_ctx *t, u64 now)
{
	return qz_thread_preempts(loaded_policy(), &t->thread, c->turn, c->slice,
				  now - c->started);
}

/* Who runs there lets this thread in, and nobody else. Returns whether it does. */
static bool set_next(struct cpu_ctx *c, struct task_struct *p, const struct task_ctx *t)
{
	struct vm_ctx *from = vm_at(c->vm), *to = vm_at(t->vm);
	u64 slice;

	if (t->waits == PINNED_QUEUE || !from || !to)
		return false;
	slice = qz_flow_passes_on(loaded_policy(), &from->flow, &to->flow, c->slice,
				  bpf_ktime_get_ns() - c->started);
	if (!slice)
		return false;
	c->next_queue = t->waits == VCPU_QUEUE ? VCPUS(t->vm) : t->vm;
	c->next_slice = slice;
	WRITE_ONCE(c->next, p->pid);
	return true;
}

/*
 * The CPU whose flow is furthest ahead of this one; if there is none, one with
 * another thread of this VM, which lets this one in; or -1.
 */
static s32 find_victim(struct task_struct *p, const struct task_ctx *t, struct vm_ctx *vm)
{
	u64 now = bpf_ktime_get_ns(), furthest = 0, tag;
	s32 found = -1, sibling = -1;
	u32 i;

	bpf_for(i, 0, nr_cpus) {
		struct cpu_ctx *c = cpu_at(i);

		if (!c || c->vm == NONE || !bpf_cpumask_test_cpu(i, p->cpus_ptr))
			continue;
		if (c->vm == t->vm) {
			if (sibling < 0 && sibling_is_behind(c, t, now))
				sibling = i;
			continue;
		}
		if (!running_tag(c, now, &tag) ||
		    !qz_flow_preempts(loaded_policy(), &vm->flow, t->vcpu, tag, c->price.discount))
			continue;
		if (found < 0 || qz_sched_before(furthest, tag)) {
			furthest = tag;
			found = i;
		}
	}
	if (found < 0) {
		struct cpu_ctx *c = cpu_at(sibling);

		if (c)
			set_next(c, p, t);
		return sibling;
	}
	return found;
}

#endif /* QZ_SCHED_BPF_PICK_H */
