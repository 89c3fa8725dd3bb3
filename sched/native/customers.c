// SPDX-License-Identifier: GPL-2.0
/*
 * Customers: which process a thread is scheduled with.
 *
 * A process gets a customer when it has a VM, from a work item. Once the last VM
 * is gone, its threads leave when they are next queued, or end, and the last one
 * lets the work item free the customer.
 */

#include <linux/irq_work.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>

#include "module/vm.h"
#include "sched/native/native.h"
#include "sched/native/sched.h"

struct qz_customer qz_customers[QZ_SCHED_CUSTOMERS];
u32 qz_customers_end;

/* Who belongs to which customer, and which customers there are; a leaf. */
static DEFINE_RAW_SPINLOCK(customers_lock);

static void update_customers(struct work_struct *work);
static DECLARE_WORK(customers_work, update_customers);

/* The last thread leaves under a runqueue lock, where no work can be queued. */
static void customer_left(struct irq_work *work)
{
	schedule_work(&customers_work);
}

static DEFINE_IRQ_WORK(left_work, customer_left);

const struct qz_policy *qz_customer_policy(const struct qz_customer *c)
{
	return READ_ONCE(c->batch) ? &qz_sched_batch : &qz_sched_policy;
}

/* It, or what it counts for, has changed. Called with customers_lock held. */
static void apply_weight(struct qz_customer *c)
{
	WRITE_ONCE(c->flow.weight,
		   qz_policy_weight(&qz_sched_policy,
				    READ_ONCE(c->proc->cpu.weight), c->vcpus));
}

/*
 * Settings are changed while it runs; each is one word. Called with customers_lock
 * held.
 */
static void apply_settings(struct qz_customer *c)
{
	u32 limit = READ_ONCE(c->proc->cpu.limit);

	apply_weight(c);
	WRITE_ONCE(c->batch, READ_ONCE(c->proc->cpu.batch));
	if (limit == c->flow.limit)
		return;
	/* What it did without a limit, or with another, does not count. */
	atomic64_set(&c->flow.tokens, 0);
	WRITE_ONCE(c->flow.limit, limit);
}

static void update_settings(struct qz_customer *c)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&customers_lock, flags);
	apply_settings(c);
	raw_spin_unlock_irqrestore(&customers_lock, flags);
}

static struct qz_customer *find_free(void)
{
	u32 i;

	for (i = QZ_HOST + 1; i < QZ_SCHED_CUSTOMERS; i++)
		if (!qz_customers[i].proc)
			return &qz_customers[i];
	return NULL;
}

/* A reference on @proc becomes the customer's. */
static bool add_customer(struct qz_vmproc *proc)
{
	struct qz_customer *c = find_free();
	unsigned long flags;

	if (!c)
		return false;
	raw_spin_lock_irqsave(&customers_lock, flags);
	qz_flow_init(&qz_sched_policy, &c->flow, atomic64_read(&qz_sched_clock),
		     QZ_SCHED_WEIGHT);
	c->proc = proc;
	c->pid = pid_nr(proc->tgid);
	c->dead = false;
	apply_settings(c);
	raw_spin_unlock_irqrestore(&customers_lock, flags);
	if (c - qz_customers >= qz_customers_end)
		WRITE_ONCE(qz_customers_end, c - qz_customers + 1);
	/* Pairs with qz_customer_assign(): the customer is complete. */
	smp_store_release(&proc->customer, c - qz_customers);
	return true;
}

/* Returns the reference of a customer that nobody belongs to any more. */
static struct qz_vmproc *del_customer(struct qz_customer *c, bool dead)
{
	struct qz_vmproc *proc = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&customers_lock, flags);
	if (dead && !c->dead) {
		WRITE_ONCE(c->proc->customer, QZ_HOST);
		c->dead = true;
	}
	if (c->dead && !c->tasks)
		swap(proc, c->proc);
	raw_spin_unlock_irqrestore(&customers_lock, flags);
	return proc;
}

/* Those that end last may leave a gap: nobody has to look there any more. */
static void shorten(void)
{
	u32 end = qz_customers_end;

	while (end > QZ_HOST + 1 && !qz_customers[end - 1].proc)
		end--;
	WRITE_ONCE(qz_customers_end, end);
}

/* Work item, or while none can run: may sleep. */
static void update_customers(struct work_struct *work)
{
	struct qz_vmproc *proc;
	u64 id = 0;
	u32 i;

	for (i = QZ_HOST + 1; i < QZ_SCHED_CUSTOMERS; i++) {
		struct qz_customer *c = &qz_customers[i];

		if (!c->proc)
			continue;
		if (!c->dead)
			update_settings(c);
		qz_vmproc_put(del_customer(c, !READ_ONCE(c->proc->visible)));
	}
	while ((proc = qz_vmproc_next(&id))) {
		if (READ_ONCE(proc->customer) || !add_customer(proc))
			qz_vmproc_put(proc);
	}
	shorten();
}

/* VMs came, went, or have other settings; any context that may queue work. */
void qz_customers_changed(void)
{
	schedule_work(&customers_work);
}

/* Called with customers_lock held, while a thread belongs to it. */
static void count_vcpu(struct qz_customer *c, int by)
{
	WRITE_ONCE(c->vcpus, c->vcpus + by);
	apply_weight(c);
}

/* @t was seen where KVM runs a vCPU. Its runqueue lock is held. */
void qz_customer_add_vcpu(struct qz_task *t)
{
	raw_spin_lock(&customers_lock);
	t->vcpu = true;
	if (t->customer != QZ_HOST)
		count_vcpu(&qz_customers[t->customer], 1);
	raw_spin_unlock(&customers_lock);
}

/* Threads of a process that are known to be vCPUs; 0 while it is no customer. */
u32 qz_sched_vcpus(const struct qz_vmproc *proc)
{
	return READ_ONCE(qz_customers[READ_ONCE(proc->customer)].vcpus);
}

/* Called with customers_lock held. */
static void leave(struct qz_task *t)
{
	struct qz_customer *c = &qz_customers[t->customer];

	if (t->customer == QZ_HOST)
		return;
	if (t->vcpu)
		count_vcpu(c, -1);
	if (!--c->tasks && c->dead)
		irq_work_queue(&left_work);
	t->customer = QZ_HOST;
}

void qz_customer_leave(struct qz_task *t)
{
	raw_spin_lock(&customers_lock);
	leave(t);
	raw_spin_unlock(&customers_lock);
}

/* What it had in another customer says nothing here: it begins anew. */
static void enter(struct qz_task *t, u32 index, const struct qz_vmproc *proc)
{
	const struct qz_customer *c;

	raw_spin_lock(&customers_lock);
	leave(t);
	if (index && qz_customers[index].proc == proc &&
	    !qz_customers[index].dead) {
		qz_customers[index].tasks++;
		t->customer = index;
		if (t->vcpu)
			count_vcpu(&qz_customers[index], 1);
	}
	c = &qz_customers[t->customer];
	qz_thread_init(qz_customer_policy(c), &c->flow, &t->thread);
	raw_spin_unlock(&customers_lock);
}

/* @task is about to be queued; its runqueue lock is held. */
void qz_customer_assign(struct qz_task *t, const struct task_struct *task)
{
	struct qz_vmproc *proc = NULL;
	u32 index = QZ_HOST;

	if (!(task->flags & PF_KTHREAD))
		proc = qz_vmproc_find(task->signal->pids[PIDTYPE_TGID]);
	if (proc)
		index = smp_load_acquire(&proc->customer); /* add_customer() */
	if (index != t->customer)
		enter(t, index, proc);
}

/* May sleep. Nobody is scheduled here yet. */
void qz_customers_init(void)
{
	u32 i;

	for (i = 0; i < QZ_SCHED_CUSTOMERS; i++) {
		struct qz_customer *c = &qz_customers[i];

		*c = (struct qz_customer){};
		raw_spin_lock_init(&c->refilling);
	}
	qz_customers_end = QZ_HOST + 1;
	qz_flow_init(&qz_sched_policy, &qz_customers[QZ_HOST].flow,
		     QZ_SCHED_START, QZ_SCHED_WEIGHT);
	update_customers(NULL);
}

/* May sleep. Nobody is scheduled here any more, and exit_task() was called. */
void qz_customers_exit(void)
{
	u32 i;

	irq_work_sync(&left_work);
	cancel_work_sync(&customers_work);
	for (i = QZ_HOST + 1; i < QZ_SCHED_CUSTOMERS; i++)
		if (qz_customers[i].proc)
			qz_vmproc_put(del_customer(&qz_customers[i], true));
}
