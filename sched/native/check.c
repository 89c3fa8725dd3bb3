// SPDX-License-Identifier: GPL-2.0
/*
 * Preemption by those who are behind: when they wake up, and while they wait.
 *
 * A slice ends at a tick, which may be 4 ms away, and an idle CPU has no tick. So
 * while somebody waits, or runs with a limit, an alarm looks after them. It is set
 * for when the next of them may have to be helped.
 */

#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <linux/sched/ext_ops.h>

#include "module/compat.h"
#include "module/vm.h"
#include "sched/native/native.h"
#include "sched/native/trace.h"

static struct hrtimer timer;

/*
 * When it rings; 0: it is off. The lock makes this and the timer one, and is taken
 * under runqueue locks. Who sets the alarm makes himself seen first, and ring()
 * looks after it has written 0. So either he finds 0, or ring() finds him, also if
 * what it writes is over a time that he has just set: the timer may be late for
 * nobody whom ring() does not count again.
 */
static u64 alarm_at;
static DEFINE_RAW_SPINLOCK(alarm_lock);

u32 qz_sched_behind = QZ_NOBODY, qz_sched_behind_pinned = QZ_NOBODY;

/* It rings then, or earlier. Called with interrupts off. */
void qz_check_at(u64 at)
{
	u64 old;

	smp_mb();	/* see above */
	old = READ_ONCE(alarm_at);
	if (old && !qz_sched_before(at, old))
		return;
	raw_spin_lock(&alarm_lock);
	if (!alarm_at || qz_sched_before(at, alarm_at)) {
		WRITE_ONCE(alarm_at, at);
		hrtimer_start(&timer, ns_to_ktime(at),
			      HRTIMER_MODE_ABS_PINNED_HARD);
	}
	raw_spin_unlock(&alarm_lock);
}

/*
 * When those that wait are looked after, at the latest. Who usually blocks soon may
 * not wait for the end of a slice. With nobody like that it is at the ends of slices,
 * see slice_ends(): who computes takes no slice from another who does.
 */
u64 qz_check_next(u64 now)
{
	return now + (qz_queues_hurry() ?
		      min_t(u64, QZ_SCHED_HURRY_NS, qz_sched_check_ns) :
		      qz_sched_policy.slice);
}

/*
 * For one that begins to wait; runqueue lock held. If its slice is over, the next one
 * begins there. Else it may be the first to wait, and nobody has looked when the
 * slices end that others have. Where who runs usually blocks soon, that need not be
 * looked at so soon: two that only talk to each other would pay for a ring each time.
 */
void qz_check_task(const struct task_struct *task, const struct qz_task *t,
		   bool held_back, u64 now)
{
	u64 soon = now + min(qz_sched_check_ns, qz_sched_policy.slice);
	u64 next;

	if (held_back)
		next = qz_customer_refills(&qz_customers[t->customer]);
	else if (task == current)
		next = qz_check_next(now);
	else if (READ_ONCE(qz_cpu_of(task_cpu(task))->brief))
		next = soon;
	else
		next = min(qz_check_next(now), soon);
	qz_check_at(next);
}

/*
 * How far the customer has got that runs on a CPU. It may be ending there. Whose
 * slice is given has it to the end, or many that wake up could keep it from running.
 */
static bool has_reached(const struct qz_cpu *cpu, u64 now, u64 *tag)
{
	u32 customer = READ_ONCE(cpu->customer);

	if (customer == QZ_NOBODY || READ_ONCE(cpu->given))
		return false;
	*tag = qz_flow_reached(&qz_customers[customer].flow,
			       READ_ONCE(cpu->slice),
			       qz_sched_since(now, READ_ONCE(cpu->started)),
			       READ_ONCE(cpu->price.discount));
	return true;
}

static bool is_behind(const struct task_struct *task, const struct qz_task *t,
		      const struct qz_cpu *cpu, u64 now, u64 *reached)
{
	return READ_ONCE(cpu->customer) != t->customer &&
	       has_reached(cpu, now, reached) &&
	       qz_flow_preempts(&qz_sched_policy,
				&qz_customers[t->customer].flow,
				qz_task_is_vcpu(task), *reached,
				READ_ONCE(cpu->price.discount));
}

static bool is_behind_own(const struct qz_task *t, const struct qz_cpu *cpu,
			  u64 now)
{
	return READ_ONCE(cpu->customer) == t->customer &&
	       qz_thread_preempts(&qz_sched_policy, &t->thread,
				  READ_ONCE(cpu->turn), READ_ONCE(cpu->slice),
				  qz_sched_since(now, READ_ONCE(cpu->started)));
}

static void trace_preemption(const struct task_struct *task,
			     const struct qz_task *t, s32 cpu, u64 now)
{
	const struct qz_cpu *c = qz_cpu_of(cpu);
	u32 over = READ_ONCE(c->customer);
	u64 reached;
	s64 lag;

	if (!trace_queztl_sched_preempt_enabled() || !has_reached(c, now, &reached))
		return;
	if (over == t->customer)
		lag = qz_thread_lag(&t->thread, READ_ONCE(c->turn),
				    READ_ONCE(c->slice),
				    qz_sched_since(now, READ_ONCE(c->started)));
	else
		lag = reached - qz_flow_rank(&qz_sched_policy,
					     &qz_customers[t->customer].flow,
					     qz_task_is_vcpu(task));
	trace_queztl_sched_preempt(qz_customers[t->customer].pid, task->pid,
				   cpu, qz_customers[over].pid, lag);
}

/*
 * Of the CPUs that a task may use, the one whose customer is furthest ahead; if
 * there is none, one with another thread of its own, which lets this one in;
 * or -1.
 */
s32 qz_cpu_to_preempt(const struct task_struct *task, const struct qz_task *t,
		      u64 now)
{
	u64 furthest = 0, reached;
	s32 cpu, found = -1, own = -1;

	if (READ_ONCE(qz_customers[t->customer].batch))
		return -1;
	for_each_cpu_and(cpu, task->cpus_ptr, cpu_online_mask) {
		const struct qz_cpu *c = qz_cpu_of(cpu);

		if (own < 0 && is_behind_own(t, c, now))
			own = cpu;
		if (!is_behind(task, t, c, now, &reached))
			continue;
		if (found < 0 || qz_sched_before(furthest, reached)) {
			furthest = reached;
			found = cpu;
		}
	}
	if (found < 0 && own >= 0) {
		qz_queue_set_next(qz_cpu_of(own), t);
		found = own;
	}
	if (found >= 0)
		trace_preemption(task, t, found, now);
	return found;
}

/*
 * Somebody who waits for any CPU, or this one, is behind who runs there, and need
 * not wait for the end of the slice.
 */
static bool is_due(const struct qz_choice *choice, const struct qz_cpu *cpu,
		   u64 now)
{
	const struct qz_customer *c = &qz_customers[choice->customer];
	u64 reached;

	if (choice->customer == QZ_NOBODY ||
	    choice->customer == READ_ONCE(cpu->customer))
		return false;
	if (choice->starved)
		return !READ_ONCE(cpu->given);
	return qz_queues_hurry() && !READ_ONCE(c->batch) &&
	       has_reached(cpu, now, &reached) &&
	       qz_sched_before(choice->rank +
			       qz_flow_margin(&qz_sched_policy, &c->flow,
					      READ_ONCE(cpu->price.discount)),
			       reached);
}

/*
 * The slice is over, and somebody waits, or it is that of a vCPU with a limit, or a
 * given one. If it is not over, that is looked after. A little earlier will do, so
 * that slices that end at about the same time, on many CPUs, end with one ring, and
 * so do the next ones.
 */
static bool slice_ends(const struct qz_cpu *cpu, bool waits, u64 now, u64 *next)
{
	u64 slice = READ_ONCE(cpu->slice);
	u64 end = READ_ONCE(cpu->started) + slice - slice / 16;

	if (READ_ONCE(cpu->in_grace))
		return false;
	if (!waits && !READ_ONCE(cpu->limited) && !READ_ONCE(cpu->given))
		return false;
	if (!qz_sched_before(now, end))
		return true;
	qz_sched_keep_earlier(next, end);
	return false;
}

/*
 * Looks at one CPU; first, if any, is who is next of all. Of those who wait for one
 * CPU and do not starve, behind is the one who is next.
 */
static void check_cpu(s32 cpu, const struct qz_choice *first, u64 now,
		      u64 *next, struct qz_choice *behind)
{
	const struct qz_cpu *c = qz_cpu_of(cpu);
	struct qz_choice pinned;
	bool waits;

	qz_queues_first_pinned(cpu, now, &pinned);
	if (pinned.customer != QZ_NOBODY)
		qz_sched_keep_earlier(next, qz_check_next(now));
	waits = first->customer != QZ_NOBODY || pinned.customer != QZ_NOBODY;
	if (!pinned.starved && qz_choice_is_before(&pinned, behind))
		*behind = pinned;
	if (READ_ONCE(c->customer) == QZ_NOBODY) {
		if (waits)
			scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
		return;
	}
	if (slice_ends(c, waits, now, next) || is_due(&pinned, c, now) ||
	    is_due(first, c, now))
		scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
}

/* Whose tag is the smallest. What is not known of who starves, stays. */
static void note_behind(u32 *behind, const struct qz_choice *choice)
{
	if (!choice->starved && *behind != choice->customer)
		WRITE_ONCE(*behind, choice->customer);
}

static enum hrtimer_restart ring(struct hrtimer *hrtimer)
{
	struct qz_choice first, pinned = { .customer = QZ_NOBODY };
	u64 now, next;
	s32 cpu;

	atomic64_inc(&qz_sched_counts.checks);
	raw_spin_lock(&alarm_lock);
	WRITE_ONCE(alarm_at, 0);
	raw_spin_unlock(&alarm_lock);
	smp_mb();	/* see alarm_at */
	now = qz_sched_now();
	qz_queues_first(now, NULL, &first);
	next = qz_queues_next_check(now);
	for_each_online_cpu(cpu)
		check_cpu(cpu, &first, now, &next, &pinned);
	note_behind(&qz_sched_behind, &first);
	note_behind(&qz_sched_behind_pinned, &pinned);
	if (next)
		qz_check_at(next);
	return HRTIMER_NORESTART;	/* or it is set already */
}

void qz_check_init(void)
{
	alarm_at = 0;
	qz_sched_behind = QZ_NOBODY;
	qz_sched_behind_pinned = QZ_NOBODY;
	hrtimer_setup(&timer, ring, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_PINNED_HARD);
}

/* The scheduler is unregistered: only the timer itself sets it again. */
void qz_check_exit(void)
{
	hrtimer_cancel(&timer);
}
