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
		qz_flow_refill((void *)&policy, &vm->flow, now, atomic64_read(&clock));
		WRITE_ONCE(vm->refilling, 0);
	}
	return qz_flow_is_parked(&vm->flow);
}

static bool is_limited(const struct task_ctx *t, const struct vm_ctx *vm)
{
	return t->vcpu && vm->flow.limit;
}

/* -- the VM that is next -------------------------------------------------- */
static bool may_run(u32 index, struct vm_ctx *vm)
{
	u64 bit = 1ull << (index % 64);

	return waiting[index / 64 & (WORDS - 1)] & bit || !is_parked(index, vm);
}

/*
 * A VM with a very low weight has a tag that is far ahead. Whatever the weights
 * are, it is served so often, or sched_ext would see threads that starve.
 */
#define STARVED		(100 * NSEC_PER_MSEC)
#define LONG_AGO	(1ull << 40)

static u64 rank(const struct vm_ctx *vm, u64 now)
{
	u64 tag = qz_flow_tag(&vm->flow);

	return (s64)(now - vm->served) > STARVED ? tag - LONG_AGO : tag;
}

/* The VM with the smallest tag of those that wait, but one, and that tag. */
static u32 choose(u64 *tag, u32 but)
{
	u64 now = bpf_ktime_get_ns();
	u32 best = NONE, word, bit;

	bpf_for(word, 0, WORDS) {
		u64 any = waiting[word & (WORDS - 1)] | waiting_vcpus[word & (WORDS - 1)];

		if (!any)
			continue;
		bpf_for(bit, 0, 64) {
			u32 index = word * 64 + bit;
			struct vm_ctx *vm;

			if (!(any >> bit & 1) || index == but)
				continue;
			vm = vm_at(index);
			if (!vm || best != NONE && !qz_sched_before(rank(vm, now), *tag))
				continue;
			if (!may_run(index, vm))
				continue;
			best = index;
			*tag = rank(vm, now);
		}
	}
	return best;
}

/* -- preemption ----------------------------------------------------------- */
/* How far the flow on a CPU has got, without what is left of its slice. */
static bool running_tag(const struct cpu_ctx *c, u64 now, u64 *tag)
{
	struct vm_ctx *vm = vm_at(c->vm);

	if (!vm || c->vm == NONE)
		return false;
	*tag = qz_flow_reached(&vm->flow, c->slice, now - c->started);
	return true;
}

static bool is_behind(struct vm_ctx *vm, u64 tag)
{
	return qz_flow_preempts((void *)&policy, &vm->flow, tag);
}

/*
 * In a VM, a thread that has had less preempts one that has had more: a thread
 * for a disk does not wait for the slices of its own vCPUs.
 */
static bool sibling_is_behind(const struct cpu_ctx *c, const struct task_ctx *t, u64 now)
{
	u64 ran = now - c->started, left = ran < c->slice ? c->slice - ran : 0;

	return qz_sched_before(t->thread.turn + policy.margin, c->turn - left);
}

/*
 * The CPU whose flow is furthest ahead of this one; if there is none, one with
 * another thread of this VM; or -1.
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
		if (!running_tag(c, now, &tag) || !is_behind(vm, tag))
			continue;
		if (found < 0 || qz_sched_before(furthest, tag)) {
			furthest = tag;
			found = i;
		}
	}
	return found >= 0 ? found : sibling;
}

/* -- the alarm ------------------------------------------------------------ */
/*
 * A slice ends at a tick, which may be 4 ms away, and an idle CPU has no tick.
 * So while somebody waits, or runs with a limit, an alarm looks more often.
 */
struct alarm_ctx {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct alarm_ctx);
} alarms SEC(".maps");

static u32 alarm_on;

static u64 alarm_period(void)
{
	return check_ns ? check_ns : policy.refill;
}

static void set_alarm(void)
{
	struct alarm_ctx *alarm;
	u32 key = 0;

	if (READ_ONCE(alarm_on) || __sync_lock_test_and_set(&alarm_on, 1))
		return;
	alarm = bpf_map_lookup_elem(&alarms, &key);
	if (alarm)
		bpf_timer_start(&alarm->timer, alarm_period(), 0);
}

/* Does anybody wait for something that no other event will end? */
static bool anybody_waits(void)
{
	u32 word;

	bpf_for(word, 0, WORDS)
		if (waiting[word & (WORDS - 1)] | waiting_vcpus[word & (WORDS - 1)])
			return true;
	return false;
}

/* Looks at one CPU; best, if any, is the VM that is next. Says if a limit runs. */
static bool check_cpu(u32 cpu, u32 best, struct vm_ctx *vm, u64 now)
{
	struct cpu_ctx *c = cpu_at(cpu);
	struct vm_ctx *runs = c ? vm_at(c->vm) : NULL;
	bool limited;
	u64 reached;

	if (!c)
		return false;
	if (c->vm == NONE) {
		if (vm)
			scx_bpf_kick_cpu(cpu, SCX(scx_kick_flags, SCX_KICK_IDLE));
		return false;
	}
	limited = runs && runs->flow.limit && c->vcpu;
	if (limited && now - c->started >= c->slice ||
	    vm && c->vm != best && running_tag(c, now, &reached) && is_behind(vm, reached))
		scx_bpf_kick_cpu(cpu, SCX(scx_kick_flags, SCX_KICK_PREEMPT));
	return limited;
}

static int check(void *map, u32 *key, struct alarm_ctx *alarm)
{
	u64 now = bpf_ktime_get_ns(), tag;
	u32 best = choose(&tag, NONE), i;
	struct vm_ctx *vm = vm_at(best);
	bool again;

	/* Who begins to wait from here on sets it again, or is seen below. */
	__sync_lock_test_and_set(&alarm_on, 0);	/* orders memory, too */
	again = anybody_waits();
	bpf_for(i, 0, nr_cpus)
		again |= check_cpu(i, best, vm, now);
	if (again && !__sync_lock_test_and_set(&alarm_on, 1))
		bpf_timer_start(&alarm->timer, alarm_period(), 0);
	return 0;
}

#endif /* QZ_SCHED_BPF_PICK_H */
