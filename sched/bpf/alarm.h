/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A slice ends at a tick, which may be 4 ms away, and an idle CPU has no tick.
 * So while somebody waits, or runs with a limit, an alarm looks after them. It is
 * set for when the next of them may have to be helped.
 */
#ifndef QZ_SCHED_BPF_ALARM_H
#define QZ_SCHED_BPF_ALARM_H

#include "pick.h"

#define BPF_F_TIMER_ABS	1

struct alarm_ctx {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct alarm_ctx);
} alarms SEC(".maps");

static u64 alarm_at;	/* when it rings; 0: it is off */
static bool over;	/* the scheduler has ended */

/* It rings then, or earlier. */
static void set_alarm(u64 at)
{
	u64 old = READ_ONCE(alarm_at);
	struct alarm_ctx *alarm;
	u32 key = 0;

	if (old && !qz_sched_before(at, old))
		return;
	alarm = bpf_map_lookup_elem(&alarms, &key);
	if (!alarm)
		return;
	WRITE_ONCE(alarm_at, at);
	bpf_timer_start(&alarm->timer, at, BPF_F_TIMER_ABS);
}

/*
 * When those that wait are looked after, at the latest. Who usually blocks soon may
 * not wait for the end of a slice. With nobody like that it is at the ends of slices:
 * who computes takes no slice from another who does.
 */
static u64 next_check(u64 now)
{
	if (!check_ns)
		return now + policy.refill;
	if (READ_ONCE(brief_waiting))
		return now + (brief_check_ns < check_ns ? brief_check_ns : check_ns);
	return now + policy.slice;
}

/*
 * For one that begins to wait. Who wakes up may be the first to wait, and nobody
 * knows when the slices end that others have.
 */
static void set_alarm_for(struct task_ctx *t, struct vm_ctx *vm, bool wakeup)
{
	u64 now = bpf_ktime_get_ns();

	if (is_held_back(t, vm))
		set_alarm(READ_ONCE(vm->flow.refilled) + policy.refill);
	else if (wakeup && check_ns && !READ_ONCE(brief_waiting))
		set_alarm(now + check_ns);
	else
		set_alarm(next_check(now));
}

static void keep_earlier(u64 *at, u64 other)
{
	if (!*at || qz_sched_before(other, *at))
		*at = other;
}

/* When somebody who waits has to be looked after again; 0: nobody waits. */
static u64 next_of_waiting(u64 now)
{
	u64 next = 0;
	u32 word, i;

	bpf_for(word, 0, READ_ONCE(words)) {
		u64 limited = waiting_vcpus[word & (WORDS - 1)];

		if (waiting[word & (WORDS - 1)])
			keep_earlier(&next, next_check(now));
		bpf_for(i, 0, 64) {
			u32 index = word * 64 + first_bit(limited);
			struct vm_ctx *vm = limited ? vm_at(index) : NULL;

			if (!vm)
				break;
			if (is_parked(index, vm))
				keep_earlier(&next, READ_ONCE(vm->flow.refilled) + policy.refill);
			else
				keep_earlier(&next, next_check(now));
			limited &= limited - 1;
		}
	}
	return next;
}

/* Who cannot run because a task of another class has the CPU does not count. */
static void note_pinned(u32 cpu, const struct choice *pinned, struct least *least)
{
	if (pinned->vm == NONE || least->tag && !qz_sched_before(pinned->rank, least->tag))
		return;
	least->tag = pinned->rank;
	least->cpu = cpu;
}

/* Looks at one CPU; best, if any, is who is next of all. */
static void check_cpu(u32 cpu, const struct choice *best, u64 now, u64 *next, struct least *least)
{
	struct cpu_ctx *c = cpu_at(cpu);
	struct choice pinned;
	struct vm_ctx *runs;
	u64 reached, end;
	bool ends = false, waits;

	if (!c)
		return;
	bpf_rcu_read_lock();	/* a timer of 6.12 does not have it */
	choose_pinned(&pinned, cpu, c);
	bpf_rcu_read_unlock();
	if (pinned.vm != NONE)
		keep_earlier(next, next_check(now));
	waits = best->vm != NONE || pinned.vm != NONE;
	if (c->vm == NONE) {
		if (waits)
			scx_bpf_kick_cpu(cpu, SCX(scx_kick_flags, SCX_KICK_IDLE));
		return;
	}
	runs = vm_at(c->vm);
	if (!runs)
		return;
	note_pinned(cpu, &pinned, least);
	end = c->started + c->slice;
	if (c->given || waits && check_ns || runs->flow.limit && c->vcpu) {
		ends = !qz_sched_before(now, end);
		if (!ends)
			keep_earlier(next, end);
	}
	if (running_tag(c, now, &reached))
		ends |= best->vm != c->vm && is_behind(c, best, reached) ||
			pinned.vm != c->vm && is_behind(c, &pinned, reached);
	if (ends)
		scx_bpf_kick_cpu(cpu, SCX(scx_kick_flags, SCX_KICK_PREEMPT));
}

/* In a softirq; no runqueue lock is held. */
static int ring(void *map, u32 *key, struct alarm_ctx *alarm)
{
	u64 now = bpf_ktime_get_ns(), next;
	struct choice best, none = nobody;
	struct least least = {};
	u32 i;

	/* What it would look at is not kept up to date any more. */
	if (READ_ONCE(over))
		return 0;
	/* Who begins to wait from here on sets it again, or is seen below. */
	__sync_lock_test_and_set(&alarm_at, 0);	/* orders memory, too */
	choose(&best, &none);
	next = next_of_waiting(now);
	bpf_for(i, 0, nr_cpus)
		check_cpu(i, &best, now, &next, &least);
	WRITE_ONCE(least_pinned.tag, least.tag);
	WRITE_ONCE(least_pinned.cpu, least.cpu);
	if (next)
		set_alarm(next);
	return 0;
}

#endif /* QZ_SCHED_BPF_ALARM_H */
