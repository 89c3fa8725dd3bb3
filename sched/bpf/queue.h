/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a thread waits, and who is taken from there: in ops.enqueue() and
 * ops.dispatch(), with a runqueue lock held and interrupts off.
 */
#ifndef QZ_SCHED_BPF_QUEUE_H
#define QZ_SCHED_BPF_QUEUE_H

#include "alarm.h"

#define LOOKS		64	/* in a queue, for one thread */

/* Its slice is what slice_of() says when it begins to run. */
static void wait_in_queue(struct task_struct *p, struct task_ctx *t, struct vm_ctx *vm,
			  u64 enq_flags)
{
	bool limited = is_limited(t, vm);

	if (limited && !vm->parked_at && is_parked(t->vm, vm))
		vm->parked_at = bpf_ktime_get_ns();
	begins_waiting(t, vm, limited ? VCPU_QUEUE : VM_QUEUE);
	insert_ordered(p, limited ? VCPUS(t->vm) : t->vm, policy.slice, t->thread.turn, enq_flags);
}

static void wait_for_cpu(s32 cpu, struct task_struct *p, struct task_ctx *t, struct vm_ctx *vm,
			 u64 enq_flags)
{
	begins_waiting_for(cpu, t, vm);
	insert_ordered(p, PINNED(cpu), policy.slice, qz_flow_tag(&vm->flow), enq_flags);
}

static bool take_other(u32 index, struct vm_ctx *vm)
{
	if (take_first(index))
		return true;
	found_nobody(index, vm, VM_QUEUE);
	return false;
}

static bool take_vcpu(u32 index, struct vm_ctx *vm)
{
	u64 now = bpf_ktime_get_ns(), since = vm->parked_at;
	struct qz_vm_stats *s = stats_at(index);

	if (!s || !vm->vcpus_wait || is_parked(index, vm) && !is_overdue(vm, now))
		return false;
	if (since && __sync_val_compare_and_swap(&vm->parked_at, since, 0) == since)
		__sync_fetch_and_add(&s->throttled, now - since);
	if (take_first(VCPUS(index)))
		return true;
	found_nobody(index, vm, VCPU_QUEUE);
	return false;
}

/* The vCPUs of a VM with a limit and its other threads take turns. Verified once, as choose(). */
__attribute__((noinline)) bool take_of_vm(u32 index)
{
	struct vm_ctx *vm = vm_at(index);
	bool taken;

	if (!vm)
		return false;
	if (vm->vcpus_wait && vm->turn++ & 1)
		taken = take_vcpu(index, vm) || take_other(index, vm);
	else
		taken = take_other(index, vm) || take_vcpu(index, vm);
	if (taken)
		vm->served = bpf_ktime_get_ns();
	return taken;
}

/*
 * Of any VM from @from on: those that are next have nobody for this CPU, and there
 * may be many of them.
 */
static bool take_any(u32 from)
{
	bool taken = false;
	u32 word, i;

	bpf_for(word, 0, WORDS) {
		u32 at = (from / 64 + word) & (WORDS - 1);
		u64 any = waiting[at] | waiting_vcpus[at];

		bpf_for(i, 0, 64) {
			if (taken || !any)
				break;
			taken = take_of_vm(at * 64 + first_bit(any));
			any &= any - 1;
		}
		if (taken)
			break;
	}
	return taken;
}

/* The thread that another has let in on this CPU. */
static bool take_next(struct cpu_ctx *c)
{
	struct task_struct *p;
	s32 next = c->next;
	u32 looks = 0;
	bool taken = false;

	c->next = 0;
	bpf_for_each(scx_dsq, p, c->next_queue, 0) {
		if (p->pid == next) {
			taken = take_this(BPF_FOR_EACH_ITER, p);
			break;
		}
		if (++looks >= LOOKS)
			break;
	}
	if (taken)
		c->lent = next;
	return taken;
}

/*
 * Of those that can run on this CPU only, one that has waited for too long. It is
 * looked for more often if there are so many that each must have its turn, among
 * all: those with small tags may be many. Verified once.
 */
__attribute__((noinline)) bool take_starving(s32 cpu)
{
	struct cpu_ctx *c = cpu_at(cpu);
	u64 now = bpf_ktime_get_ns(), since;
	struct task_struct *p;
	bool taken = false;

	if (!c || !READ_ONCE(c->pinned))
		return false;
	since = now - c->looked;
	if (since < HOST_STARVED && since * READ_ONCE(c->pinned) < STARVED_ROUND)
		return false;
	c->looked = now;
	bpf_for_each(scx_dsq, p, PINNED(cpu), 0) {
		struct task_ctx *t = thread_of(p);

		if (t && now - t->queued > patience(t->vm)) {
			c->gives = t->vm;
			taken = take_this(BPF_FOR_EACH_ITER, p);
			break;
		}
	}
	return taken;
}

#endif /* QZ_SCHED_BPF_QUEUE_H */
