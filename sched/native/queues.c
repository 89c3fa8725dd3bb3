// SPDX-License-Identifier: GPL-2.0
/* Who waits, and whose turn it is. */

#include <linux/bitmap.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/ext_ops.h>

#include "module/vm.h"
#include "sched/native/native.h"

static DEFINE_PER_CPU(struct qz_cpu, cpus);

/* Customers whose queue may hold somebody. Set too often, never too seldom. */
static DECLARE_BITMAP(waiting[QZ_QUEUES], QZ_SCHED_CUSTOMERS);

static u64 dsq_of(u32 customer, enum qz_queue queue)
{
	return queue * QZ_SCHED_CUSTOMERS + customer;
}

static u64 dsq_of_cpu(s32 cpu)
{
	return QZ_QUEUES * QZ_SCHED_CUSTOMERS + cpu;
}

struct qz_cpu *qz_cpu_of(s32 cpu)
{
	return per_cpu_ptr(&cpus, cpu);
}

bool qz_task_is_pinned(const struct task_struct *task)
{
	return num_possible_cpus() > 1 &&
	       (task->nr_cpus_allowed == 1 || task->migration_disabled);
}

/* Before anybody is scheduled here. */
void qz_queues_init(void)
{
	s32 cpu;

	bitmap_zero(waiting[QZ_OTHERS], QZ_SCHED_CUSTOMERS);
	bitmap_zero(waiting[QZ_VCPUS], QZ_SCHED_CUSTOMERS);
	for_each_possible_cpu(cpu) {
		struct qz_cpu *c = qz_cpu_of(cpu);

		*c = (struct qz_cpu){
			.customer = QZ_NOBODY, .next = QZ_NOBODY,
		};
		raw_spin_lock_init(&c->lock);
		INIT_LIST_HEAD(&c->pinned);
	}
}

/* From ops.init(); may sleep. If it fails, sched_ext destroys what exists. */
int qz_queues_create(void)
{
	int err = 0;
	u64 dsq;
	s32 cpu;

	for (dsq = 0; !err && dsq < QZ_QUEUES * QZ_SCHED_CUSTOMERS; dsq++)
		err = scx_bpf_create_dsq(dsq, -1);
	for_each_possible_cpu(cpu)
		if (!err)
			err = scx_bpf_create_dsq(dsq_of_cpu(cpu), -1);
	return err;
}

/*
 * Time that its limit allows is added in steps, also while nobody waits. Any
 * context.
 */
void qz_customer_refill(struct qz_customer *c, u64 now)
{
	unsigned long flags;

	if (!c->flow.limit ||
	    qz_sched_since(now, c->flow.refilled) < qz_sched_policy.refill)
		return;
	if (!raw_spin_trylock_irqsave(&c->refilling, flags))
		return;
	qz_flow_refill(&qz_sched_policy, &c->flow, now,
		       atomic64_read(&qz_sched_clock));
	raw_spin_unlock_irqrestore(&c->refilling, flags);
}

/* It is where KVM runs a vCPU, whether that runs or sleeps. */
static bool is_vcpu(const struct task_struct *task)
{
	return !hlist_empty(&task->preempt_notifiers);
}

static enum qz_queue queue_of(const struct task_struct *task,
			      const struct qz_customer *c)
{
	return READ_ONCE(c->flow.limit) && is_vcpu(task) ? QZ_VCPUS : QZ_OTHERS;
}

static void set_waiting(struct qz_customer *c, enum qz_queue queue)
{
	u32 index = c - qz_customers;

	/* Who finds the queue empty clears the bit and looks again. */
	smp_mb();
	if (test_bit(index, waiting[queue]))
		return;
	WRITE_ONCE(c->served[queue], qz_sched_now());
	set_bit(index, waiting[queue]);
}

void qz_queue_add(struct task_struct *task, struct qz_task *t, u64 flags)
{
	struct qz_customer *c = &qz_customers[t->customer];
	enum qz_queue queue = queue_of(task, c);

	qz_queue_leave(t);
	t->waits = true;
	t->queue = queue;
	atomic_inc(&c->waiting[queue]);
	if (queue == QZ_VCPUS) {
		t->parked = qz_sched_now();
		qz_customer_refill(c, t->parked);
	}
	scx_bpf_dispatch_vtime(task, dsq_of(t->customer, queue),
			       qz_flow_slice(&qz_sched_policy, &c->flow),
			       t->thread.turn, flags);
	set_waiting(c, queue);
}

/*
 * Who waits for one CPU is put behind those with a smaller tag, and behind who has
 * waited for too long: with a very low weight, a tag is minutes ahead.
 */
static struct list_head *find_place(const struct qz_cpu *cpu, struct qz_task *t)
{
	struct qz_task *other;

	list_for_each_entry_reverse(other, &cpu->pinned, pinned) {
		if (!qz_sched_before(t->pinned_tag, other->pinned_tag))
			break;
		if (qz_sched_since(t->queued, other->queued) >
		    QZ_SCHED_STARVED_NS) {
			t->pinned_tag = other->pinned_tag;
			break;
		}
	}
	return &other->pinned;
}

/*
 * The list has the order of the queue, of which only the first can be taken and
 * nobody can be seen. A CPU's own lock orders it for check.c; those who change it
 * have the runqueue lock.
 */
void qz_queue_add_pinned(struct task_struct *task, struct qz_task *t, u64 flags)
{
	struct qz_customer *c = &qz_customers[t->customer];
	struct qz_cpu *cpu = qz_cpu_of(task_cpu(task));

	qz_queue_leave(t);
	t->pinned_cpu = task_cpu(task);
	t->pinned_tag = qz_flow_tag(&c->flow);
	t->queued = qz_sched_now();
	raw_spin_lock(&cpu->lock);
	list_add(&t->pinned, find_place(cpu, t));
	raw_spin_unlock(&cpu->lock);
	scx_bpf_dispatch_vtime(task, dsq_of_cpu(t->pinned_cpu),
			       qz_flow_slice(&qz_sched_policy, &c->flow),
			       t->pinned_tag, flags);
}

/* It runs, sleeps, is queued anew or ends. */
void qz_queue_leave(struct qz_task *t)
{
	struct qz_cpu *cpu;

	if (t->waits)
		atomic_dec(&qz_customers[t->customer].waiting[t->queue]);
	t->waits = false;
	if (list_empty(&t->pinned))
		return;
	cpu = qz_cpu_of(t->pinned_cpu);
	raw_spin_lock(&cpu->lock);
	list_del_init(&t->pinned);
	raw_spin_unlock(&cpu->lock);
}

/*
 * sched_ext puts a thread into its queue only after enqueue() has returned, so an
 * empty queue does not mean that nobody waits.
 */
bool qz_queue_take(const struct qz_choice *choice)
{
	struct qz_customer *c = &qz_customers[choice->customer];
	u64 dsq = dsq_of(choice->customer, choice->queue);

	if (scx_bpf_consume(dsq)) {
		WRITE_ONCE(c->served[choice->queue], qz_sched_now());
		c->turn++;
		if (choice->starved)
			atomic64_inc(&qz_sched_counts.starved);
		return true;
	}
	if (atomic_read(&c->waiting[choice->queue]))
		return false;
	clear_bit(choice->customer, waiting[choice->queue]);
	/* Who is queued from here on sets the bit, or is seen. */
	smp_mb__after_atomic();
	if (atomic_read(&c->waiting[choice->queue]))
		set_waiting(c, choice->queue);
	return false;
}

bool qz_queue_take_pinned(s32 cpu)
{
	return scx_bpf_consume(dsq_of_cpu(cpu));
}

/* Its vCPUs wait, and its limit holds them back. */
bool qz_queue_is_held_back(u32 customer)
{
	const struct qz_customer *c = &qz_customers[customer];

	return test_bit(customer, waiting[QZ_VCPUS]) &&
	       qz_flow_is_parked(&c->flow);
}

static bool may_serve(const struct qz_customer *c, enum qz_queue queue, u64 now,
		      bool *starved)
{
	u64 since = qz_sched_since(now, READ_ONCE(c->served[queue]));

	*starved = since > QZ_SCHED_STARVED_NS;
	return queue == QZ_OTHERS || !qz_flow_is_parked(&c->flow) ||
	       since > QZ_SCHED_PARKED_NS;
}

static bool was_tried(const struct qz_tried *tried, u32 customer,
		      enum qz_queue queue)
{
	unsigned int i;

	for (i = 0; tried && i < tried->n; i++)
		if (tried->customer[i] == customer && tried->queue[i] == queue)
			return true;
	return false;
}

static void consider(u32 index, enum qz_queue queue, u64 now,
		     const struct qz_tried *tried, struct qz_choice *best)
{
	const struct qz_customer *c = &qz_customers[index];
	u64 tag = qz_flow_tag(&c->flow);
	bool starved;

	if (!may_serve(c, queue, now, &starved) || (best->starved && !starved))
		return;
	if (was_tried(tried, index, queue))
		return;
	if (best->customer == index)
		/* Two queues of one customer take turns. */
		best->queue = starved != best->starved || c->turn & 1 ?
			      queue : best->queue;
	else if (best->customer == QZ_NOBODY || starved != best->starved ||
		 qz_sched_before(tag, best->tag))
		best->queue = queue;
	else
		return;
	best->customer = index;
	best->starved = starved;
	best->tag = tag;
}

/*
 * Of those that wait, the one with the smallest tag, but for those that had nobody
 * for this CPU. One pass over 1024 bits, and a few instructions for each who waits.
 */
bool qz_queues_first(u64 now, const struct qz_tried *tried,
		     struct qz_choice *choice)
{
	unsigned int i;

	*choice = (struct qz_choice){ .customer = QZ_NOBODY };
	for_each_set_bit(i, waiting[QZ_OTHERS], QZ_SCHED_CUSTOMERS) {
		consider(i, QZ_OTHERS, now, tried, choice);
		if (test_bit(i, waiting[QZ_VCPUS]))
			consider(i, QZ_VCPUS, now, tried, choice);
	}
	for_each_andnot_bit(i, waiting[QZ_VCPUS], waiting[QZ_OTHERS],
			    QZ_SCHED_CUSTOMERS)
		consider(i, QZ_VCPUS, now, tried, choice);
	return choice->customer != QZ_NOBODY;
}

/* The same of the threads that wait for one CPU. */
bool qz_queues_first_pinned(s32 cpu, u64 now, struct qz_choice *choice)
{
	struct qz_cpu *c = qz_cpu_of(cpu);
	unsigned long flags;
	struct qz_task *t;

	*choice = (struct qz_choice){ .customer = QZ_NOBODY };
	raw_spin_lock_irqsave(&c->lock, flags);
	t = list_first_entry_or_null(&c->pinned, struct qz_task, pinned);
	if (t) {
		choice->customer = t->customer;
		choice->tag = qz_flow_tag(&qz_customers[t->customer].flow);
		choice->starved = qz_sched_since(now, t->queued) >
				  QZ_SCHED_STARVED_NS;
	}
	raw_spin_unlock_irqrestore(&c->lock, flags);
	return t;
}

/*
 * Anybody who may run on this CPU, from customer @first on: those who are next can
 * run on other CPUs only, and there may be many of them.
 */
bool qz_queues_take_any(u64 now, u32 first)
{
	struct qz_choice choice;
	unsigned int i;
	bool starved;

	for (choice.queue = 0; choice.queue < QZ_QUEUES; choice.queue++) {
		for_each_set_bit_wrap(i, waiting[choice.queue],
				      QZ_SCHED_CUSTOMERS, first) {
			choice = (struct qz_choice){
				.customer = i, .queue = choice.queue,
			};
			if (may_serve(&qz_customers[i], choice.queue, now,
				      &starved) && qz_queue_take(&choice))
				return true;
		}
	}
	return false;
}
