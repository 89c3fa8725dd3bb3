// SPDX-License-Identifier: GPL-2.0
/*
 * Grace for a vCPU whose guest is in its kernel when the slice ends.
 *
 * It may hold a spinlock, and then the VM's other vCPUs could only spin until it has
 * run again. So before one of those gets the CPU, and provided no other thread of the
 * VM wants it, the vCPU may stay until its guest has left the kernel. KVM is asked
 * every QZ_SCHED_GRACE_NS, and after QZ_SCHED_GRACES_NS the grace is over. Other VMs
 * wait for none of this: if one of them is next, the vCPU leaves at once, and is the
 * first of its own VM later.
 *
 * All of this runs with the runqueue lock of the thread's CPU held, unless stated
 * otherwise.
 */

#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <linux/sched/ext_ops.h>

#include "module/compat.h"
#include "sched/native/native.h"
#include "sched/native/trace.h"

/* At least one vCPU of the VM waits, and nothing but vCPUs. */
static bool only_vcpus_wait(const struct qz_customer *c)
{
	int vcpus = atomic_read(&c->vcpus_waiting);

	return vcpus && vcpus == atomic_read(&c->waiting[QZ_OTHERS]) +
				 atomic_read(&c->waiting[QZ_VCPUS]);
}

/* A vCPU that yields is spinning, so it holds up nobody. */
static bool is_eligible(const struct task_struct *p, const struct qz_task *t)
{
	return t->customer != QZ_HOST && !t->grace.yielded &&
	       t->grace.used < QZ_SCHED_GRACES_NS && qz_guest_in_kernel(p);
}

/* The running thread's slice is over, and its own VM is next. */
bool qz_grace_is_due(const struct task_struct *p, const struct qz_task *t)
{
	return only_vcpus_wait(&qz_customers[t->customer]) && is_eligible(p, t);
}

/*
 * The thread loses the CPU, for whatever reason, and is about to be queued. It keeps
 * the rest of its slice if it is going to be the first of its VM.
 */
void qz_grace_note(const struct task_struct *p, struct qz_task *t, bool held_back,
		   u64 now)
{
	const struct qz_cpu *cpu = qz_cpu_of(task_cpu(p));
	u64 slice = cpu->slice, ran = qz_sched_since(now, t->started);

	t->grace.in_kernel = !held_back && !cpu->given && is_eligible(p, t);
	if (t->grace.in_kernel)
		t->grace.left = ran < slice ? slice - ran : 0;
}

/* The thread runs again after qz_grace_note(): does it go on as it did then? */
bool qz_grace_resumes(const struct qz_task *t)
{
	return t->grace.in_kernel && only_vcpus_wait(&qz_customers[t->customer]);
}

/* Return: for how long the thread may go on, ns. */
u64 qz_grace_extend(const struct task_struct *p, struct qz_task *t)
{
	t->grace.active = true;
	t->grace.used += QZ_SCHED_GRACE_NS;
	trace_queztl_sched_go_on(qz_customers[t->customer].pid, p->pid,
				 t->grace.used);
	return QZ_SCHED_GRACE_NS;
}

/* The thread stops after @ran ns. What it did not use of its grace remains. */
void qz_grace_stop(struct qz_task *t, u64 ran)
{
	if (t->grace.active && ran < t->thread.slice)
		t->grace.used -= min_t(u64, t->thread.slice - ran,
				       QZ_SCHED_GRACE_NS);
	t->grace.active = false;
}

/* In hard interrupt context on that CPU, or on another one if it went offline. */
static enum hrtimer_restart ring(struct hrtimer *timer)
{
	struct qz_cpu *cpu = container_of(timer, struct qz_cpu, grace);

	if (READ_ONCE(cpu->in_grace))
		scx_bpf_kick_cpu(cpu->number, SCX_KICK_PREEMPT);
	return HRTIMER_NORESTART;
}

/*
 * A thread with grace begins to run on this CPU, and is called back when its slice
 * is over. check.c's timer would do as well, but it looks at all CPUs, and other VMs
 * must not pay for this one.
 */
void qz_grace_arm(struct qz_cpu *cpu)
{
	hrtimer_start(&cpu->grace, ns_to_ktime(READ_ONCE(cpu->slice)),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

/* In process context, before the scheduler is registered. */
void qz_grace_init(void)
{
	s32 cpu;

	for_each_possible_cpu(cpu)
		hrtimer_setup(&qz_cpu_of(cpu)->grace, ring, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL_PINNED_HARD);
}

/* In process context, after the scheduler was unregistered: nobody arms a timer. */
void qz_grace_exit(void)
{
	s32 cpu;

	for_each_possible_cpu(cpu)
		hrtimer_cancel(&qz_cpu_of(cpu)->grace);
}
