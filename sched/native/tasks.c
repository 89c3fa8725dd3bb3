// SPDX-License-Identifier: GPL-2.0
/*
 * From a task to what the scheduler knows of it. A task's entry is added and
 * removed while no operation for that task runs, so only the chains need RCU.
 */

#include <linux/hash.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "sched/native/native.h"

#define BUCKET_BITS	12

struct bucket {
	struct hlist_head head;
	raw_spinlock_t lock;
};

static struct bucket *buckets;
static LLIST_HEAD(garbage);

/*
 * An entry is removed under a runqueue lock. What frees memory may wake up
 * somebody, and so has to wait until that lock is released.
 */
static void free_garbage(struct irq_work *work)
{
	struct llist_node *list = llist_del_all(&garbage);
	struct qz_task *t, *next;

	llist_for_each_entry_safe(t, next, list, garbage)
		kfree_rcu(t, rcu);
}

static DEFINE_IRQ_WORK(garbage_work, free_garbage);

static struct bucket *bucket_of(const struct task_struct *task)
{
	return &buckets[hash_ptr(task, BUCKET_BITS)];
}

/* The policy's and the scheduler's operations run with interrupts off. */
struct qz_task *qz_task_of(const struct task_struct *task)
{
	struct bucket *bucket = bucket_of(task);
	struct qz_task *t;

	hlist_for_each_entry_rcu(t, &bucket->head, hash, irqs_disabled())
		if (t->task == task)
			return t;
	return NULL;
}

/* May sleep. */
int qz_task_add(struct task_struct *task)
{
	struct bucket *bucket = bucket_of(task);
	struct qz_task *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);
	unsigned long flags;

	if (!t)
		return -ENOMEM;
	t->task = task;
	t->thread.turn = QZ_SCHED_START;
	t->customer = QZ_HOST;
	INIT_LIST_HEAD(&t->pinned);
	raw_spin_lock_irqsave(&bucket->lock, flags);
	hlist_add_head_rcu(&t->hash, &bucket->head);
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	return 0;
}

void qz_task_del(struct task_struct *task)
{
	struct bucket *bucket = bucket_of(task);
	struct qz_task *t;
	unsigned long flags;

	local_irq_save(flags);
	t = qz_task_of(task);
	if (t) {
		qz_queue_leave(t);
		qz_customer_leave(t);
		raw_spin_lock(&bucket->lock);
		hlist_del_rcu(&t->hash);
		raw_spin_unlock(&bucket->lock);
		if (llist_add(&t->garbage, &garbage))
			irq_work_queue(&garbage_work);
	}
	local_irq_restore(flags);
}

int qz_tasks_init(void)
{
	unsigned int i;

	buckets = kvcalloc(1 << BUCKET_BITS, sizeof(*buckets), GFP_KERNEL);
	if (!buckets)
		return -ENOMEM;
	for (i = 0; i < 1 << BUCKET_BITS; i++)
		raw_spin_lock_init(&buckets[i].lock);
	return 0;
}

/* The scheduler is unregistered: exit_task() was called for every task. */
void qz_tasks_exit(void)
{
	irq_work_sync(&garbage_work);
	kvfree(buckets);
	buckets = NULL;
}
