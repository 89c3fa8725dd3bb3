// SPDX-License-Identifier: GPL-2.0
/*
 * A port's worker: who runs a ring when the sender's thread does not.
 *
 * It is a thread of the VMM, as vhost's workers are: what it does is charged to
 * the VM, it is scheduled and limited with it, and stops when it is stopped. A
 * port without one (virtio_vdpa's, or when the VMM is being killed or has no
 * thread to spare) leaves the work to the fabrics' workqueue.
 *
 * It is a batch task: woken by a kick it does not take the CPU from the sender,
 * which goes on filling its ring until it has nothing more to send or its slice
 * is over. Where a CPU is idle it runs at once all the same.
 *
 * Callers wake the thread in an SRCU section in which they saw it @alive. A VMM
 * that ends it clears @alive and waits for a grace period: from then on nobody
 * sets a bit of @pending, and the thread may be freed. A thread that is killed
 * cannot wait (see give_up()), but stays allocated until the VMM ends it.
 */

#include <linux/err.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/sched/vhost_task.h>
#include <uapi/linux/sched/types.h>

#include "fabric.h"
#include "module/compat.h"

/*
 * Once, in the thread. What the VMM was given otherwise, as real-time priority,
 * stays; so does what the thread is given from now on.
 */
static void become_batch(struct qz_worker *worker)
{
	const struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = SCHED_BATCH,
		.sched_nice = task_nice(current),
	};

	WRITE_ONCE(worker->thread, current);
	if (current->policy == SCHED_NORMAL)
		sched_setattr_nocheck(current, &attr);
}

/*
 * In the thread, which is TASK_INTERRUPTIBLE so that it sleeps when nothing
 * was found: a bit set from now on wakes it.
 *
 * Return: true when there was something to do.
 */
static bool serve(void *data)
{
	struct qz_port *port = data;
	unsigned int i;
	bool did = false;

	if (unlikely(!port->worker.thread)) {
		__set_current_state(TASK_RUNNING);
		become_batch(&port->worker);
		return true;
	}
	for_each_set_bit(i, port->worker.pending, port->nqueues) {
		__set_current_state(TASK_RUNNING);
		clear_bit(i, port->worker.pending);
		smp_mb__after_atomic();	/* before looking at the ring */
		qz_run_work(&port->queues[i]);
		did = true;
		cond_resched();
	}
	return did;
}

/* Process context, may sleep: from here on nobody asks the thread. */
static void leave_alone(struct qz_worker *worker)
{
	WRITE_ONCE(worker->alive, false);
	synchronize_srcu_expedited(&qz_fabric_srcu);
}

/* Of a thread that is no longer alive, and so looks at no bit any more. */
static void pass_on(struct qz_port *port, unsigned int i)
{
	if (test_and_clear_bit(i, port->worker.pending))
		queue_work(qz_fabric_wq, &port->queues[i].work);
}

/*
 * In the thread, when its process is killed: what is left others do. A mutex of
 * the thread is held, which there are kernels that take to wake it, too. So this
 * must not wait for anything that a run may hold: no grace period. Either
 * this sees the bit a caller has set, or he sees that the thread is not alive.
 */
static void give_up(void *data)
{
	struct qz_port *port = data;
	unsigned int i;

	WRITE_ONCE(port->worker.alive, false);
	smp_mb();	/* alive before pending; pairs with ask() */
	for_each_set_bit(i, port->worker.pending, port->nqueues)
		pass_on(port, i);
}

/**
 * qz_worker_start - give a port a thread of the process that is about to use it
 * @port: the port
 *
 * Without memory, or above a limit on threads, the port has none.
 *
 * Context: process, the VMM's, may sleep; one call of this or qz_worker_stop()
 * at a time. Not under port->lock: vhost-vdpa changes a map with the mmap_lock
 * held, which fork's locks are taken around.
 */
void qz_worker_start(struct qz_port *port)
{
	struct qz_worker *worker = &port->worker;
	struct vhost_task *task;
	char name[TASK_COMM_LEN];

	if (worker->task)
		return;
	snprintf(name, sizeof(name), "queztl-%llu", port->id);
	task = vhost_task_create(serve, give_up, port, name);
	if (IS_ERR_OR_NULL(task))	/* NULL before 6.14 */
		return;
	bitmap_zero(worker->pending, QZ_MAX_QUEUES);
	worker->task = task;
	worker->thread = NULL;
	smp_store_release(&worker->alive, true);	/* task before alive */
	vhost_task_start(task);
}

/**
 * qz_worker_stop - end a port's thread, if it has one
 * @port: the port; none of its rings is live
 *
 * Context: process, may sleep; as qz_worker_start().
 */
void qz_worker_stop(struct qz_port *port)
{
	struct qz_worker *worker = &port->worker;

	if (!worker->task)
		return;
	leave_alone(worker);
	vhost_task_stop(worker->task);
	worker->task = NULL;
}

/*
 * Could the thread run, had the caller not its CPU? It may be in mid-run. Any
 * context, in an SRCU section in which it is alive. Without the locks of the
 * scheduler it is a guess, and a wrong one costs time.
 */
static bool waits_here(const struct qz_worker *worker)
{
	struct task_struct *thread = READ_ONCE(worker->thread);

	return thread && task_is_running(thread) &&
	       task_cpu(thread) == raw_smp_processor_id();
}

/* Any context, in an SRCU section in which the thread was seen alive. */
static void ask(struct qz_port *port, unsigned int i)
{
	struct qz_worker *worker = &port->worker;

	/* A full barrier when it sets the bit; pairs with give_up(). */
	if (test_and_set_bit(i, worker->pending))
		return;
	qz_vhost_task_wake(worker->task);
	if (unlikely(!READ_ONCE(worker->alive)))
		pass_on(port, i);
}

/**
 * qz_worker_queue - have a ring run soon, by somebody else
 * @queue: the queue
 *
 * Context: any.
 * Return: true when the port's thread had been asked before, and waits for this
 * CPU.
 */
bool qz_worker_queue(struct qz_queue *queue)
{
	struct qz_worker *worker = &queue->port->worker;
	bool waits = false;
	int idx;

	idx = srcu_read_lock(&qz_fabric_srcu);
	if (smp_load_acquire(&worker->alive)) {	/* as in qz_worker_start() */
		waits = waits_here(worker);
		ask(queue->port, queue->index);
	} else {
		queue_work(qz_fabric_wq, &queue->work);
	}
	srcu_read_unlock(&qz_fabric_srcu, idx);
	return waits;
}

/**
 * qz_worker_hand_over - let a port's thread have this CPU, if it waits for one
 * @port: the port
 *
 * Context: process, may sleep.
 */
void qz_worker_hand_over(struct qz_port *port)
{
	struct qz_worker *worker = &port->worker;
	struct task_struct *thread = NULL;
	int idx;

	idx = srcu_read_lock(&qz_fabric_srcu);
	if (smp_load_acquire(&worker->alive))	/* as in qz_worker_start() */
		thread = READ_ONCE(worker->thread);
	if (thread)	/* not freed before a grace period */
		get_task_struct(thread);
	srcu_read_unlock(&qz_fabric_srcu, idx);
	if (!thread)
		return;
	yield_to(thread, true);
	put_task_struct(thread);
}
