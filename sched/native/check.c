// SPDX-License-Identifier: GPL-2.0
/*
 * Preemption by those who are behind: when they wake up, and while they wait.
 *
 * A slice ends at a tick, which may be 4 ms away. So while somebody waits, a
 * timer looks more often. It also gives limited VMs their time.
 */

#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <linux/sched/ext_ops.h>

#include "module/compat.h"
#include "module/vm.h"
#include "sched/native/native.h"

static struct hrtimer timer;
static atomic_t timer_on;

/* How far the customer has got that runs on a CPU. It may be ending there. */
bool qz_cpu_reached(const struct qz_cpu *cpu, u64 now, u64 *tag)
{
	u32 customer = READ_ONCE(cpu->customer);

	if (customer == QZ_NOBODY)
		return false;
	*tag = qz_flow_reached(&qz_customers[customer].flow,
			       READ_ONCE(cpu->slice),
			       qz_sched_since(now, READ_ONCE(cpu->started)));
	return true;
}

static bool is_behind(u32 customer, s32 cpu, u64 now, u64 *reached)
{
	const struct qz_cpu *c = qz_cpu_of(cpu);

	return READ_ONCE(c->customer) != customer &&
	       qz_cpu_reached(c, now, reached) &&
	       qz_flow_preempts(&qz_sched_policy, &qz_customers[customer].flow,
				*reached);
}

/*
 * The same for a thread of one's own customer, whose tags are equal: its other
 * threads, such as those for disks, would wait for its vCPUs' slices to end.
 */
static bool is_behind_own(const struct qz_task *t, s32 cpu, u64 now,
			  u64 *reached)
{
	const struct qz_cpu *c = qz_cpu_of(cpu);
	u64 slice = READ_ONCE(c->slice);
	u64 ran = qz_sched_since(now, READ_ONCE(c->started));

	if (READ_ONCE(c->customer) != t->customer)
		return false;
	*reached = READ_ONCE(c->turn) - (ran < slice ? slice - ran : 0);
	return qz_sched_before(t->thread.turn + qz_sched_policy.margin,
			       *reached);
}

static s32 find_own(const struct task_struct *task, const struct qz_task *t,
		    u64 now)
{
	u64 furthest = 0, reached;
	s32 cpu, found = -1;

	for_each_cpu_and(cpu, task->cpus_ptr, cpu_online_mask) {
		if (!is_behind_own(t, cpu, now, &reached))
			continue;
		if (found < 0 || qz_sched_before(furthest, reached)) {
			furthest = reached;
			found = cpu;
		}
	}
	return found;
}

/* Of the CPUs that a task may use, the one whose customer is furthest ahead. */
s32 qz_cpu_to_preempt(const struct task_struct *task, const struct qz_task *t)
{
	u64 now = qz_sched_now(), furthest = 0, reached;
	s32 cpu, found = -1;

	if (READ_ONCE(qz_customers[t->customer].batch))
		return -1;
	for_each_cpu_and(cpu, task->cpus_ptr, cpu_online_mask) {
		if (!is_behind(t->customer, cpu, now, &reached))
			continue;
		if (found < 0 || qz_sched_before(furthest, reached)) {
			furthest = reached;
			found = cpu;
		}
	}
	return found < 0 ? find_own(task, t, now) : found;
}

/* Somebody who waits for any CPU, or @cpu, is behind who runs there. */
static bool is_due(const struct qz_choice *choice, s32 cpu, u64 now)
{
	const struct qz_cpu *c = qz_cpu_of(cpu);
	u64 reached;

	if (choice->customer == QZ_NOBODY)
		return false;
	if (choice->starved)
		return READ_ONCE(c->customer) != choice->customer;
	return !READ_ONCE(qz_customers[choice->customer].batch) &&
	       is_behind(choice->customer, cpu, now, &reached);
}

/*
 * Those who were held back may run: an idle CPU does not notice that. Returns
 * whether somebody is still held back.
 */
static bool refill_all(u64 now)
{
	bool held = false, freed = false;
	u32 i;

	for (i = QZ_HOST + 1; i < QZ_SCHED_CUSTOMERS; i++) {
		struct qz_customer *c = &qz_customers[i];

		if (!c->flow.limit || !qz_queue_is_held_back(i))
			continue;
		qz_customer_refill(c, now);
		if (qz_queue_is_held_back(i))
			held = true;
		else
			freed = true;
		if (qz_sched_since(now, READ_ONCE(c->served[QZ_VCPUS])) >
		    QZ_SCHED_PARKED_NS)
			freed = true;
	}
	if (freed)
		for_each_online_cpu(i)
			scx_bpf_kick_cpu(i, SCX_KICK_IDLE);
	return held;
}

static enum hrtimer_restart check(struct hrtimer *hrtimer)
{
	u64 now = qz_sched_now();
	struct qz_choice first, pinned;
	bool waits, held;
	s32 cpu;

	atomic64_inc(&qz_sched_counts.checks);
	held = refill_all(now);
	waits = qz_queues_first(now, NULL, &first);
	for_each_online_cpu(cpu) {
		waits |= qz_queues_first_pinned(cpu, now, &pinned);
		if (is_due(&pinned, cpu, now) || is_due(&first, cpu, now))
			scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
		else if (waits)
			scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
	}
	if (!waits && !held) {
		/* Who is queued from here on starts it again. */
		atomic_set_release(&timer_on, 0);
		if (!qz_queues_first(now, NULL, &first) ||
		    atomic_xchg(&timer_on, 1))
			return HRTIMER_NORESTART;
	}
	hrtimer_forward_now(hrtimer, ns_to_ktime(qz_sched_check_ns));
	return HRTIMER_RESTART;
}

/* Somebody waits; runqueue lock held. */
void qz_check_start(void)
{
	if (atomic_read(&timer_on) || atomic_xchg(&timer_on, 1))
		return;
	hrtimer_start(&timer, ns_to_ktime(qz_sched_check_ns),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

void qz_check_init(void)
{
	atomic_set(&timer_on, 0);
	hrtimer_setup(&timer, check, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
}

/* The scheduler is unregistered: nobody starts it again. */
void qz_check_exit(void)
{
	hrtimer_cancel(&timer);
}
