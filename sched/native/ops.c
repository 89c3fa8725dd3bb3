// SPDX-License-Identifier: GPL-2.0
/* The operations that sched_ext calls: from the wake-up of a thread to its end. */

#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/ext_ops.h>

#include "module/vm.h"
#include "sched/native/native.h"
#include "sched/native/trace.h"
#include "sched/waits.h"

#define TRIES	32	/* customers that are next, but have nobody for this CPU */

static struct qz_customer *customer_of(const struct qz_task *t)
{
	return &qz_customers[t->customer];
}

/* One of its threads does, or is about to. */
static bool somebody_waits(const struct qz_customer *c)
{
	return atomic_read(&c->waiting[QZ_OTHERS]) ||
	       atomic_read(&c->waiting[QZ_VCPUS]);
}

/* For how long it may run that begins to, or goes on. */
static u64 slice_of(const struct task_struct *p, const struct qz_task *t)
{
	const struct qz_customer *c = customer_of(t);

	if (!qz_task_is_limited(p, t))
		return qz_sched_policy.slice;
	return qz_flow_slice(&qz_sched_policy, &c->flow,
			     1 + atomic_read(&c->waiting[QZ_VCPUS]));
}

/* Its limit holds it back. */
static bool is_held_back(const struct task_struct *p, const struct qz_task *t,
			 u64 now)
{
	return qz_task_is_limited(p, t) &&
	       qz_customer_is_parked(customer_of(t), now);
}

/* In the thread that wakes it up, with pi_lock held. */
static s32 op_select_cpu(struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	struct qz_task *t = qz_task_of(p);
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &idle);

	if (!t)
		return cpu;
	if (idle && !is_held_back(p, t, qz_sched_now()))
		scx_bpf_dispatch(p, SCX_DSQ_LOCAL, qz_sched_policy.slice, 0);
	return cpu;
}

static void refuse_cookie(const struct task_struct *p)
{
#ifdef CONFIG_SCHED_CORE
	if (p->core_cookie)
		scx_native_error(&qz_sched_ops,
				 "%s[%d] has a core scheduling cookie",
				 p->comm, p->pid);
#endif
}

/*
 * In the thread that wakes it up, too, if it is one. Unlike select_cpu(), it is
 * called for a thread that has no other CPU to choose, as each on a host of one.
 */
static void op_runnable(struct task_struct *p, u64 enq_flags)
{
	struct qz_task *t = qz_task_of(p);
	const struct qz_policy *policy;
	struct qz_customer *c;

	if (!t)
		return;
	refuse_cookie(p);
	qz_customer_assign(t, p);
	c = customer_of(t);
	policy = qz_customer_policy(c);
	if (atomic_inc_return(&c->runnable) == 1)
		qz_flow_wake(policy, &c->flow, atomic64_read(&qz_sched_clock));
	if (!t->old)
		qz_thread_init(policy, &c->flow, &t->thread);
	t->old = true;
	t->woken = enq_flags & SCX_ENQ_WAKEUP ? qz_sched_now() : 0;
	if (t->woken)
		qz_messages_woken(t);
	qz_thread_wake(policy, &c->flow, &t->thread);
}

static void op_quiescent(struct task_struct *p, u64 deq_flags)
{
	struct qz_task *t = qz_task_of(p);

	if (!t)
		return;
	qz_queue_leave(t);
	t->parked = 0;
	atomic_dec(&customer_of(t)->runnable);
}

static void preempt_another(struct task_struct *p, const struct qz_task *t,
			    u64 now)
{
	s32 cpu = qz_cpu_to_preempt(p, t, now);

	if (cpu < 0)
		return;
	atomic64_inc(&qz_sched_counts.preemptions);
	if (t->customer != QZ_HOST)
		atomic64_inc(&customer_of(t)->proc->stats.preemptions);
	scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
}

/* It was preempted, and a CPU may have become idle in the meantime. */
static void use_idle_cpu(const struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, 0);
}

static void op_enqueue(struct task_struct *p, u64 enq_flags)
{
	struct qz_task *t = qz_task_of(p);
	bool wakeup = enq_flags & SCX_ENQ_WAKEUP, held_back;
	u64 now;

	if (!t) {
		scx_bpf_dispatch(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, enq_flags);
		return;
	}
	/* A CPU's own kernel threads never wait for a vCPU. */
	if (p->flags & PF_KTHREAD && wakeup &&
	    (num_possible_cpus() == 1 || qz_task_is_pinned(p))) {
		scx_bpf_dispatch(p, SCX_DSQ_LOCAL, qz_sched_policy.slice,
				 enq_flags | SCX_ENQ_PREEMPT);
		return;
	}
	now = wakeup ? t->woken : qz_sched_now();
	held_back = is_held_back(p, t, now);
	t->grace.in_kernel = false;
	/* Nobody else wants the CPU. */
	if (enq_flags & SCX_ENQ_LAST && !held_back) {
		scx_bpf_dispatch(p, SCX_DSQ_LOCAL, qz_sched_policy.slice,
				 enq_flags);
		return;
	}
	if (qz_task_is_pinned(p) && !qz_task_is_limited(p, t)) {
		qz_queue_add_pinned(p, t, enq_flags, now);
	} else {
		qz_grace_note(p, t, held_back, now);
		qz_queue_add(p, t, enq_flags, held_back, now);
	}
	qz_check_task(p, t, held_back, now);
	t->held_back = held_back;
	if (held_back) {
		trace_queztl_sched_park(customer_of(t)->pid, p->pid,
					-atomic64_read(&customer_of(t)->flow.tokens));
		return;
	}
	if (wakeup)
		preempt_another(p, t, now);
	else
		use_idle_cpu(p);
}

/* Also when it goes on, with a new slice. */
static void start(struct task_struct *p, struct qz_task *t, u64 slice)
{
	struct qz_cpu *cpu = qz_cpu_of(task_cpu(p));
	struct qz_customer *c = customer_of(t);
	bool limited = qz_task_is_limited(p, t);

	t->started = qz_sched_now();
	t->charged = p->se.sum_exec_runtime;
	t->thread.discount = cpu->price.discount;
	qz_thread_start(qz_customer_policy(c), &c->flow, &t->thread, slice,
			atomic64_read(&qz_sched_clock));
	WRITE_ONCE(cpu->started, t->started);
	WRITE_ONCE(cpu->slice, slice);
	WRITE_ONCE(cpu->turn, t->thread.turn);
	WRITE_ONCE(cpu->limited, limited);
	WRITE_ONCE(cpu->given, false);
	WRITE_ONCE(cpu->brief, t->brief);
	WRITE_ONCE(cpu->in_grace, t->grace.active);
	WRITE_ONCE(cpu->customer, t->customer);
	t->grace.yielded = false;
	cpu->asked = false;
	if (t->grace.active)
		qz_grace_arm(cpu);
	else if (limited || slice < qz_sched_policy.slice)
		qz_check_at(t->started + slice);
}

/* It has just started, and was taken because it starves. */
static void give(struct qz_cpu *cpu, struct qz_task *t)
{
	qz_thread_give(&qz_sched_policy, &customer_of(t)->flow, &t->thread);
	WRITE_ONCE(cpu->turn, t->thread.turn);
	WRITE_ONCE(cpu->given, true);
	qz_check_at(t->started + cpu->slice);
}

/* What the kernel says that it ran, from one switch to the next: no gap is free. */
static void stop(const struct task_struct *p, struct qz_task *t)
{
	u64 ran = p->se.sum_exec_runtime - t->charged;
	struct qz_customer *c = customer_of(t);

	if (!t->vcpu && qz_task_is_vcpu(p))
		qz_customer_add_vcpu(t);
	t->burst += ran;
	if (t->burst >= QZ_SCHED_BRIEF_NS)
		t->brief = false;
	qz_grace_stop(t, ran);
	qz_thread_stop(&c->flow, &t->thread, ran,
		       atomic64_read(&qz_sched_clock));
	if (t->customer != QZ_HOST)
		atomic64_add(ran, &c->proc->stats.used);
}

/* It runs, and a wake-up is over. */
static void count_wait(struct qz_task *t)
{
	u64 wait = qz_sched_since(t->started, t->woken);

	static_assert(QZ_WAITS == QUEZTL_SCHED_WAITS);
	if (t->woken && t->customer != QZ_HOST)
		atomic64_inc(&customer_of(t)->proc->stats.waits[qz_waits_bucket(wait)]);
	t->woken = 0;
}

/* The guest may have had a lock when its vCPU lost the CPU. */
static void count_preempted(const struct task_struct *p, const struct qz_task *t)
{
	struct qz_vmproc *proc = qz_customer_proc(t->customer);
	enum qz_preempted how = proc ? qz_guest_preempted(p) : QZ_NOT_PREEMPTED;

	if (how == QZ_NOT_PREEMPTED)
		return;
	atomic64_inc(&proc->stats.preempted);
	if (how == QZ_PREEMPTED_IN_KERNEL)
		atomic64_inc(&proc->stats.preempted_kernel);
}

/* Its wait in the queue that a limit holds back is over. */
static void unpark(const struct task_struct *p, const struct qz_task *t)
{
	u64 waited = qz_sched_since(t->started, t->parked);

	if (t->customer == QZ_HOST)
		return;
	atomic64_add(waited, &customer_of(t)->proc->stats.throttled);
	if (t->held_back)
		trace_queztl_sched_unpark(customer_of(t)->pid, p->pid, waited);
}

/* The tag of one who waited at the last check; 0: nobody, or it sleeps now. */
static u64 tag_behind(u32 customer)
{
	const struct qz_customer *c = &qz_customers[customer];

	if (customer == QZ_NOBODY || !atomic_read(&c->runnable))
		return 0;
	return qz_flow_tag(&c->flow);
}

/*
 * The smallest tag of those who wait, or did a moment ago, and whose turn it would
 * have been on this CPU; 0: nobody's. On a host where all may run on all CPUs there
 * is never anybody, and that costs a few instructions.
 */
static u64 least_tag(const struct qz_cpu *cpu)
{
	u64 least = cpu->asked ? cpu->least :
				 tag_behind(READ_ONCE(qz_sched_behind));
	u64 pinned = tag_behind(READ_ONCE(qz_sched_behind_pinned));

	if (pinned)
		qz_sched_keep_earlier(&least, pinned);
	return least;
}

/*
 * Who has this tag was chosen, and nobody has let it in. Others may be due before
 * it, who can use other CPUs only.
 */
static void advance(struct qz_cpu *cpu, u64 tag)
{
	u64 least = least_tag(cpu);

	if ((!least && !cpu->price.lasting) ||
	    qz_price_next(&qz_sched_policy, &cpu->price, tag, least))
		qz_clock_raise(&qz_sched_clock, tag);
}

/*
 * For what it was chosen. Who waited for one CPU has its place there by the tag that
 * its customer had then, and other threads of that may have run since.
 */
static u64 chosen_tag(const struct qz_task *t)
{
	u64 tag = qz_flow_tag(&customer_of(t)->flow);

	return !list_empty(&t->pinned) && qz_sched_before(t->pinned_tag, tag) ?
	       t->pinned_tag : tag;
}

static void op_running(struct task_struct *p)
{
	struct qz_cpu *cpu = qz_cpu_of(task_cpu(p));
	struct qz_task *t = qz_task_of(p);
	bool given;
	u64 tag;

	if (!t)
		return;
	tag = chosen_tag(t);
	qz_queue_leave(t);
	given = cpu->gives == t->customer;
	/* One that ends, or was not scheduled here before, may have more. */
	p->scx.slice = min(p->scx.slice, slice_of(p, t));
	if (given)
		p->scx.slice = min_t(u64, p->scx.slice, QZ_SCHED_SHORT);
	if (cpu->lent == t->customer)
		p->scx.slice = min(p->scx.slice, READ_ONCE(cpu->next_slice));
	else if (!given)
		advance(cpu, tag);
	if (!given && qz_grace_resumes(t))
		p->scx.slice = min(p->scx.slice,
				   t->grace.left + qz_grace_extend(p, t));
	else
		t->grace.used = 0;
	t->grace.in_kernel = false;
	t->burst = 0;
	cpu->lent = QZ_NOBODY;
	cpu->gives = QZ_NOBODY;
	t->slow = given && t->customer != QZ_HOST;
	start(p, t, p->scx.slice);
	if (given)
		give(cpu, t);
	count_wait(t);
	count_preempted(p, t);
	if (t->parked)
		unpark(p, t);
	t->parked = 0;
}

static void op_stopping(struct task_struct *p, bool runnable)
{
	struct qz_cpu *cpu = qz_cpu_of(task_cpu(p));
	struct qz_task *t = qz_task_of(p);

	WRITE_ONCE(cpu->customer, QZ_NOBODY);
	if (!t)
		return;
	stop(p, t);
	if (!runnable && t->burst < QZ_SCHED_BRIEF_NS)
		t->brief = true;
}

/*
 * Its VM's turn is not over, but another thread of that is next. Of those that wait
 * for one CPU, the first may be of a VM whose turn is over; a limited VM's other
 * threads come earlier than its vCPUs.
 */
static bool is_for_own(const struct qz_task *t, const struct qz_choice *next)
{
	return next->customer == t->customer && !next->starved && !next->pinned &&
	       next->rank == qz_flow_tag(&customer_of(t)->flow);
}

/* It goes on, unless another is behind it. */
static bool keep(struct task_struct *prev, const struct qz_choice *next,
		 u64 now)
{
	struct qz_task *t = prev ? qz_task_of(prev) : NULL;
	bool own;

	if (!t || !(prev->scx.flags & SCX_TASK_QUEUED))
		return false;
	own = is_for_own(t, next);
	if (next->customer != QZ_NOBODY &&
	    (own ? !qz_grace_is_due(prev, t) :
		   next->starved || next->customer == t->customer ||
		   !qz_sched_before(qz_flow_tag(&customer_of(t)->flow), next->rank)))
		return false;
	if (is_held_back(prev, t, now))
		return false;
	stop(prev, t);
	if (own) {
		prev->scx.slice = qz_grace_extend(prev, t);
	} else {
		t->grace.used = 0;
		prev->scx.slice = slice_of(prev, t);
		advance(qz_cpu_of(task_cpu(prev)),
			qz_flow_tag(&customer_of(t)->flow));
	}
	start(prev, t, prev->scx.slice);
	return true;
}

/* Of one customer, those who wait for this CPU and the others take turns. */
static bool pinned_is_next(struct qz_cpu *cpu, const struct qz_choice *pinned,
			   const struct qz_choice *first)
{
	if (pinned->customer == QZ_NOBODY ||
	    pinned->customer != first->customer ||
	    pinned->starved != first->starved)
		return qz_choice_is_before(pinned, first);
	cpu->pinned_turn = !cpu->pinned_turn;
	return cpu->pinned_turn;
}

/* So that customers take turns. */
static u32 customer_after(const struct task_struct *prev)
{
	const struct qz_task *t = prev ? qz_task_of(prev) : NULL;

	return t ? (t->customer + 1) % QZ_SCHED_CUSTOMERS : QZ_HOST;
}

/* It was taken from a queue. */
static void note_choice(struct qz_cpu *cpu, const struct qz_choice *choice)
{
	if (choice->starved)
		cpu->gives = choice->customer;
}

static bool take_pinned(s32 cpu, const struct qz_choice *pinned)
{
	if (!qz_queue_take_pinned(cpu, pinned->slow))
		return false;
	note_choice(qz_cpu_of(cpu), pinned);
	return true;
}

static bool take_first(struct qz_cpu *cpu, const struct qz_choice *first, u64 now)
{
	if (!qz_queue_take(first, now))
		return false;
	note_choice(cpu, first);
	return true;
}

static void op_dispatch(s32 cpu, struct task_struct *prev)
{
	struct qz_cpu *c = qz_cpu_of(cpu);
	struct qz_choice first, last, pinned, nobody = { .customer = QZ_NOBODY };
	u64 now = qz_sched_now();
	unsigned int i;

	c->asked = true;
	c->least = 0;
	/* Who was taken before may have left again. */
	c->lent = QZ_NOBODY;
	c->gives = QZ_NOBODY;
	if (qz_queue_take_next(c))
		return;
	qz_queues_first_pinned(cpu, now, &pinned);
	for (i = 0; i < TRIES; i++) {
		qz_queues_first(now, i ? &last : NULL, &first);
		last = first;
		if (pinned_is_next(c, &pinned, &first)) {
			if (keep(prev, &pinned, now) || take_pinned(cpu, &pinned))
				return;
			pinned = nobody;
		}
		if (keep(prev, &first, now) || first.customer == QZ_NOBODY ||
		    take_first(c, &first, now))
			return;
		if (!c->least && !first.starved &&
		    somebody_waits(&qz_customers[first.customer]))
			c->least = first.rank;
	}
	/* There was nobody for this CPU, or not among the first. */
	if (!qz_queues_take_any(customer_after(prev), now))
		keep(prev, &nobody, now);
}

static enum qz_yield answer_yield(const struct task_struct *from,
				  const struct qz_task *f,
				  const struct task_struct *to,
				  const struct qz_task *t)
{
	u64 clock = atomic64_read(&qz_sched_clock);

	if (!f || !t || !qz_queue_can_take(qz_cpu_of(task_cpu(from)), t))
		return QZ_YIELD_NOT_WAITING;
	if (is_held_back(to, t, qz_sched_now()))
		return QZ_YIELD_HELD_BACK;
	if (!cpumask_test_cpu(task_cpu(from), to->cpus_ptr))
		return QZ_YIELD_CPU;
	if (f->customer != t->customer &&
	    !qz_flow_may_borrow(&qz_sched_policy, &customer_of(t)->flow, clock))
		return QZ_YIELD_AHEAD;
	if (!qz_queue_set_next(qz_cpu_of(task_cpu(from)), t))
		return QZ_YIELD_SLICE_OVER;
	return QZ_YIELD_GRANTED;
}

/*
 * From sched_yield(), or from yield_to() with the runqueue locks of both. Return:
 * whether @to will run instead.
 */
static bool op_yield(struct task_struct *from, struct task_struct *to)
{
	struct qz_task *f = qz_task_of(from), *t = to ? qz_task_of(to) : NULL;
	enum qz_yield answer;

	if (f)
		f->grace.yielded = true;
	if (!to) {
		from->scx.slice = 0;
		atomic64_inc(&qz_sched_counts.yields);
		if (f && f->customer != QZ_HOST)
			atomic64_inc(&customer_of(f)->proc->stats.yields);
		return false;
	}
	answer = answer_yield(from, f, to, t);
	trace_queztl_sched_yield_to(from->pid, to->pid, answer);
	if (answer != QZ_YIELD_GRANTED)
		return false;
	from->scx.slice = 0;
	atomic64_inc(&qz_sched_counts.directed);
	if (f->customer != QZ_HOST)
		atomic64_inc(&customer_of(f)->proc->stats.yields);
	return true;
}

/* A realtime task took the CPU: what waits there can run elsewhere. */
static void op_cpu_release(s32 cpu, struct scx_cpu_release_args *args)
{
	scx_bpf_reenqueue_local();
}

/* Without these two a CPU that goes or comes ends the scheduler. */
static void op_cpu_online(s32 cpu)
{
}

static void op_cpu_offline(s32 cpu)
{
}

static s32 op_init_task(struct task_struct *p, struct scx_init_task_args *args)
{
#ifdef CONFIG_SCHED_CORE
	if (p->core_cookie)
		return -EOPNOTSUPP;
#endif
	return qz_task_add(p);
}

static void op_exit_task(struct task_struct *p, struct scx_exit_task_args *args)
{
	qz_task_del(p);
}

static s32 op_init(void)
{
	return qz_queues_create();
}

static void op_exit(struct scx_exit_info *info)
{
	qz_sched_ended(info);
}

struct sched_ext_ops qz_sched_ops = {
	.select_cpu	= op_select_cpu,
	.runnable	= op_runnable,
	.enqueue	= op_enqueue,
	.dispatch	= op_dispatch,
	.running	= op_running,
	.stopping	= op_stopping,
	.quiescent	= op_quiescent,
	.yield		= op_yield,
	.cpu_release	= op_cpu_release,
	.cpu_online	= op_cpu_online,
	.cpu_offline	= op_cpu_offline,
	.init_task	= op_init_task,
	.exit_task	= op_exit_task,
	.init		= op_init,
	.exit		= op_exit,
	.flags		= SCX_OPS_ENQ_LAST,
	.timeout_ms	= QZ_SCHED_STALL_MS,
	.name		= "queztl",
};
