// SPDX-License-Identifier: GPL-2.0
/* The queues in which threads wait, in and out. Whose turn it is: choice.c. */

#include <linux/bitmap.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/ext_ops.h>

#include "module/vm.h"
#include "sched/native/native.h"

static DEFINE_PER_CPU(struct qz_cpu, cpus);

DECLARE_BITMAP(qz_queues_waiting[QZ_QUEUES], QZ_SCHED_CUSTOMERS);

/* How many wait whose bursts are brief. */
static atomic_t brief_waiting;

static u64 dsq_of(u32 customer, enum qz_queue queue)
{
	return queue * QZ_SCHED_CUSTOMERS + customer;
}

static u64 dsq_of_cpu(s32 cpu, bool slow)
{
	return QZ_QUEUES * QZ_SCHED_CUSTOMERS + 2 * cpu + slow;
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

	bitmap_zero(qz_queues_waiting[QZ_OTHERS], QZ_SCHED_CUSTOMERS);
	bitmap_zero(qz_queues_waiting[QZ_VCPUS], QZ_SCHED_CUSTOMERS);
	atomic_set(&brief_waiting, 0);
	for_each_possible_cpu(cpu) {
		struct qz_cpu *c = qz_cpu_of(cpu);

		*c = (struct qz_cpu){
			.number = cpu, .customer = QZ_NOBODY, .next = QZ_NO_DSQ,
			.lent = QZ_NOBODY, .gives = QZ_NOBODY,
		};
		raw_spin_lock_init(&c->lock);
		INIT_LIST_HEAD(&c->pinned);
		INIT_LIST_HEAD(&c->slow);
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
	for_each_possible_cpu(cpu) {
		if (!err)
			err = scx_bpf_create_dsq(dsq_of_cpu(cpu, false), -1);
		if (!err)
			err = scx_bpf_create_dsq(dsq_of_cpu(cpu, true), -1);
	}
	return err;
}

/* -- into a queue --------------------------------------------------------- */
static void set_waiting(struct qz_customer *c, enum qz_queue queue)
{
	u32 index = c - qz_customers;

	/* Who finds the queue empty clears the bit and looks again. */
	smp_mb();
	if (!test_bit(index, qz_queues_waiting[queue]))
		set_bit(index, qz_queues_waiting[queue]);
}

static void hurry(struct qz_task *t, bool held_back)
{
	t->hurries = t->brief && !held_back &&
		     !READ_ONCE(qz_customers[t->customer].batch);
	if (t->hurries)
		atomic_inc(&brief_waiting);
}

/* Somebody waits who is looked after more often. */
bool qz_queues_hurry(void)
{
	return atomic_read(&brief_waiting) > 0;
}

/* Its place among the threads of its VM: those for disks and networks do not spin. */
static u64 place_of(const struct qz_task *t)
{
	bool first = t->grace.in_kernel ||
		     (t->customer != QZ_HOST && t->woken && !t->vcpu);

	return t->thread.turn - (first ? QZ_SCHED_FIRST(&qz_sched_policy) : 0);
}

/* The slice of a vCPU with a limit is decided when it begins to run. */
void qz_queue_add(struct task_struct *task, struct qz_task *t, u64 flags,
		  bool held_back, u64 now)
{
	struct qz_customer *c = &qz_customers[t->customer];

	qz_queue_leave(t);
	t->queue = qz_task_is_limited(task, t) ? QZ_VCPUS : QZ_OTHERS;
	t->waits = true;
	t->waits_as_vcpu = qz_task_is_vcpu(task);
	if (t->waits_as_vcpu)
		atomic_inc(&c->vcpus_waiting);
	hurry(t, held_back);
	if (atomic_inc_return(&c->waiting[t->queue]) == 1)
		WRITE_ONCE(c->served[t->queue], now);
	if (t->queue == QZ_VCPUS)
		t->parked = now;
	scx_bpf_dispatch_vtime(task, dsq_of(t->customer, t->queue),
			       qz_sched_policy.slice, place_of(t), flags);
	set_waiting(c, t->queue);
}

/* Must @t, which comes now, wait until @other has run? */
static bool is_after(const struct qz_task *t, const struct qz_task *other)
{
	return !qz_sched_before(t->pinned_tag, other->pinned_tag) ||
	       qz_sched_since(t->queued, other->queued) >
	       qz_patience(other->customer);
}

/*
 * Who waits for one CPU is put behind those with a smaller tag, and behind who has
 * waited for too long: with a very low weight, a tag is minutes ahead. Its place is
 * then far behind its own tag, by which it is compared with those that come later.
 * Called with cpu->lock held.
 */
static struct list_head *find_place(const struct qz_cpu *cpu, struct qz_task *t)
{
	struct qz_task *other;

	t->pinned_place = t->pinned_tag;
	list_for_each_entry_reverse(other, &cpu->pinned, pinned)
		if (is_after(t, other))
			break;
	if (list_entry_is_head(other, &cpu->pinned, pinned))
		return &other->pinned;
	if (qz_sched_before(t->pinned_place, other->pinned_place))
		t->pinned_place = other->pinned_place;
	/* The queue puts it behind all who have the same place. */
	list_for_each_entry_continue(other, &cpu->pinned, pinned)
		if (qz_sched_before(t->pinned_place, other->pinned_place))
			break;
	return other->pinned.prev;
}

/* Called with cpu->lock held. */
static void add_to_list(struct qz_cpu *cpu, struct qz_task *t)
{
	if (t->slow) {
		cpu->nslow++;
		t->pinned_place = cpu->nth_slow++;
		list_add_tail(&t->pinned, &cpu->slow);
	} else {
		list_add(&t->pinned, find_place(cpu, t));
	}
}

/*
 * The lists have the order of the queues, of which only the first can be taken and
 * nobody can be seen. A CPU's own lock orders them for check.c; those who change
 * them have the runqueue lock.
 */
void qz_queue_add_pinned(struct task_struct *task, struct qz_task *t,
			 u64 flags, u64 now)
{
	struct qz_customer *c = &qz_customers[t->customer];
	struct qz_cpu *cpu = qz_cpu_of(task_cpu(task));

	qz_queue_leave(t);
	hurry(t, false);
	t->pinned_cpu = task_cpu(task);
	t->pinned_tag = qz_flow_tag(&c->flow);
	t->queued = now;
	raw_spin_lock(&cpu->lock);
	add_to_list(cpu, t);
	raw_spin_unlock(&cpu->lock);
	scx_bpf_dispatch_vtime(task, dsq_of_cpu(t->pinned_cpu, t->slow),
			       qz_sched_policy.slice, t->pinned_place, flags);
}

/* It runs, sleeps, is queued anew or ends. */
void qz_queue_leave(struct qz_task *t)
{
	struct qz_cpu *cpu;

	if (t->waits)
		atomic_dec(&qz_customers[t->customer].waiting[t->queue]);
	if (t->waits_as_vcpu)
		atomic_dec(&qz_customers[t->customer].vcpus_waiting);
	if (t->hurries)
		atomic_dec(&brief_waiting);
	t->waits = false;
	t->waits_as_vcpu = false;
	t->hurries = false;
	if (list_empty(&t->pinned))
		return;
	cpu = qz_cpu_of(t->pinned_cpu);
	raw_spin_lock(&cpu->lock);
	list_del_init(&t->pinned);
	cpu->nslow -= t->slow;
	raw_spin_unlock(&cpu->lock);
}

/* -- out of it ------------------------------------------------------------ */
/*
 * sched_ext puts a thread into its queue only after enqueue() has returned, so an
 * empty queue does not mean that nobody waits.
 */
static bool take(u32 customer, enum qz_queue queue, u64 now)
{
	struct qz_customer *c = &qz_customers[customer];

	if (!test_bit(customer, qz_queues_waiting[queue]) ||
	    (queue == QZ_VCPUS && !qz_customer_may_run_vcpus(c, now)))
		return false;
	if (scx_bpf_consume(dsq_of(customer, queue))) {
		WRITE_ONCE(c->served[queue], now);
		return true;
	}
	return false;
}

/* The vCPUs of a customer with a limit and its other threads take turns. */
bool qz_queue_take(const struct qz_choice *choice, u64 now)
{
	struct qz_customer *c = &qz_customers[choice->customer];
	bool vcpus_first = c->turn++ & 1;

	if (!take(choice->customer, vcpus_first ? QZ_VCPUS : QZ_OTHERS, now) &&
	    !take(choice->customer, vcpus_first ? QZ_OTHERS : QZ_VCPUS, now))
		return false;
	if (choice->starved)
		atomic64_inc(&qz_sched_counts.starved);
	return true;
}

bool qz_queue_take_pinned(s32 cpu, bool slow)
{
	return scx_bpf_consume(dsq_of_cpu(cpu, slow));
}

/* Of those that wait for that CPU, it is the first of its queue. */
static bool is_first_pinned(struct qz_cpu *cpu, const struct qz_task *t)
{
	bool first;

	raw_spin_lock(&cpu->lock);
	first = qz_queue_first_pinned(t->slow ? &cpu->slow : &cpu->pinned) == t;
	raw_spin_unlock(&cpu->lock);
	return first;
}

/*
 * The queue of which the first thread is to be let in instead: this one or, of a
 * customer's queue, another of the same customer. QZ_NO_DSQ: others are before it.
 */
static u64 dsq_to_take(struct qz_cpu *cpu, const struct qz_task *t)
{
	if (t->waits)
		return dsq_of(t->customer, t->queue);
	if (!list_empty(&t->pinned) && qz_cpu_of(t->pinned_cpu) == cpu &&
	    is_first_pinned(cpu, t))
		return dsq_of_cpu(t->pinned_cpu, t->slow);
	return QZ_NO_DSQ;
}

/* Could it be let in by who runs there? */
bool qz_queue_can_take(struct qz_cpu *cpu, const struct qz_task *t)
{
	return dsq_to_take(cpu, t) != QZ_NO_DSQ;
}

/* Who runs there lets this thread in, whatever the ranks are, if it may. */
bool qz_queue_set_next(struct qz_cpu *cpu, const struct qz_task *t)
{
	u32 from = READ_ONCE(cpu->customer);
	u64 ran = qz_sched_since(qz_sched_now(), READ_ONCE(cpu->started));
	u64 slice, dsq;

	if (from == QZ_NOBODY)
		return false;
	dsq = dsq_to_take(cpu, t);
	if (dsq == QZ_NO_DSQ)
		return false;
	slice = qz_flow_passes_on(&qz_sched_policy, &qz_customers[from].flow,
				  &qz_customers[t->customer].flow,
				  READ_ONCE(cpu->slice), ran);
	if (!slice)
		return false;
	WRITE_ONCE(cpu->next_slice, slice);
	WRITE_ONCE(cpu->next, dsq);
	return true;
}

/* Return: the customer of the thread that was taken; QZ_NOBODY. */
static u32 take_first_pinned(s32 cpu, bool slow)
{
	struct qz_cpu *c = qz_cpu_of(cpu);
	u32 customer = QZ_NOBODY;
	unsigned long flags;
	struct qz_task *t;

	raw_spin_lock_irqsave(&c->lock, flags);
	t = qz_queue_first_pinned(slow ? &c->slow : &c->pinned);
	if (t)
		customer = t->customer;
	raw_spin_unlock_irqrestore(&c->lock, flags);
	return qz_queue_take_pinned(cpu, slow) ? customer : QZ_NOBODY;
}

/*
 * Who gets it is the first there, because it is the one who has had least, or was in
 * its guest's kernel.
 */
bool qz_queue_take_next(struct qz_cpu *cpu)
{
	u64 next = READ_ONCE(cpu->next);

	if (next == QZ_NO_DSQ)
		return false;
	WRITE_ONCE(cpu->next, QZ_NO_DSQ);
	if (next >= dsq_of_cpu(0, false)) {
		next -= dsq_of_cpu(0, false);
		cpu->lent = take_first_pinned(next / 2, next % 2);
		return cpu->lent != QZ_NOBODY;
	}
	if (!take(next % QZ_SCHED_CUSTOMERS, next / QZ_SCHED_CUSTOMERS,
		  qz_sched_now()))
		return false;
	cpu->lent = next % QZ_SCHED_CUSTOMERS;
	return true;
}

/*
 * Anybody who may run on this CPU, from customer @from on: those who are next can
 * run on other CPUs only, and there may be many of them. Called with the runqueue
 * lock held, like all that takes somebody.
 */
bool qz_queues_take_any(u32 from, u64 now)
{
	u32 i, end = READ_ONCE(qz_customers_end);
	struct qz_choice choice = {};

	for (i = 0; i < end; i++) {
		choice.customer = (from + i) % end;
		if (qz_queue_take(&choice, now))
			return true;
	}
	return false;
}

/*
 * Nobody waits in a queue whose bit is set. The bit stays while its threads come and
 * go all the time: all CPUs look at it.
 */
static void forget(u32 customer, enum qz_queue queue, u64 now)
{
	struct qz_customer *c = &qz_customers[customer];

	if (qz_sched_since(now, READ_ONCE(c->served[queue])) < QZ_SCHED_FORGET_NS)
		return;
	clear_bit(customer, qz_queues_waiting[queue]);
	/* Who is queued from here on sets the bit, or is seen. */
	smp_mb__after_atomic();
	if (atomic_read(&c->waiting[queue]))
		set_waiting(c, queue);
}

/* Does somebody wait there? For a queue whose bit is set, if it may be. */
bool qz_queue_has_waiters(u32 customer, enum qz_queue queue, u64 now)
{
	if (!test_bit(customer, qz_queues_waiting[queue]))
		return false;
	if (atomic_read(&qz_customers[customer].waiting[queue]))
		return true;
	forget(customer, queue, now);
	return false;
}
