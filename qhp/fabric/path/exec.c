// SPDX-License-Identifier: GPL-2.0
/*
 * Who executes what a port causes: see exec.h.
 *
 * A worker is a thread of the VMM, like those of vhost: what it does is charged
 * to the VM, and it is scheduled, limited and stopped together with it. It is a
 * batch task: when a kick wakes it, it does not take the CPU from the sender,
 * which continues to fill its ring until it has nothing more to send or its
 * time slice is over. If a CPU is idle, the worker runs there at once all the
 * same.
 *
 * Workers are asked inside the gate while they are @alive. Whoever ends them
 * clears that and waits for the gate: from then on nobody sets a bit or wakes
 * them, and they run no ring. But a thread that is stopped, or gets no CPU,
 * ends only when it continues, and a reset is made with a lock of vDPA held for
 * which administrators wait. So a work item waits for the threads. It is queued
 * only when all of them have seen that they are to end. So threads that are
 * stopped take up no work item, of which there are only so many at a time.
 */

#include <linux/err.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/vhost_task.h>
#include <linux/slab.h>
#include <uapi/linux/sched/types.h>

#include "module/compat.h"
#include "path/port.h"
#include "path/waiter.h"

struct workqueue_struct *qz_exec_wq;

/*
 * Its work may wait for a VM that was stopped at the last moment: as much as
 * possible at once.
 */
static struct workqueue_struct *end_wq;

/*
 * Once, in the thread. Other settings that the VMM was given, such as real-time
 * priority, stay; so does what the thread is given from now on.
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

static void run_vq(struct qz_vq *vq, const bool *alive)
{
	switch (vq->kind) {
	case QZ_TX:
		qz_run_work(qz_to_txq(vq), alive);
		break;
	case QZ_CTRL:
		qz_ctrlq_run(qz_to_ctrlq(vq), alive);
		break;
	case QZ_RX:
		break;
	}
}

static void signal_bit(struct qz_port *port, unsigned int bit)
{
	qz_signal_here(bit == QZ_SIGNAL_CONFIG ? &port->config :
						 &port->vqs[bit]->signal);
}

/*
 * Process context, in the worker. A thread is TASK_INTERRUPTIBLE here, so that
 * it sleeps if nothing is found: a bit that is set from now on wakes it.
 *
 * Return: true if there was something to do.
 */
static bool serve(struct qz_worker *worker)
{
	struct qz_port *port = worker->port;
	unsigned int i;
	bool did = false;

	for_each_set_bit(i, worker->signals, QZ_MAX_QUEUES + 1) {
		__set_current_state(TASK_RUNNING);
		clear_bit(i, worker->signals);
		smp_mb__after_atomic();	/* before the driver looks at the ring */
		signal_bit(port, i);
		did = true;
	}
	for_each_set_bit(i, worker->runs, port->nvqs) {
		__set_current_state(TASK_RUNNING);
		clear_bit(i, worker->runs);
		smp_mb__after_atomic();	/* before looking at the ring */
		run_vq(READ_ONCE(port->vqs[i]), &worker->workers->alive);
		did = true;
		cond_resched();
	}
	return did;
}

/* Process context, in the thread. */
static void leave(struct qz_worker *worker)
{
	struct qz_workers *workers = worker->workers;

	if (worker->leaves)
		return;
	worker->leaves = true;
	if (atomic_dec_and_test(&workers->staying))
		queue_work(end_wq, &workers->end);
}

static bool serve_thread(void *data)
{
	struct qz_worker *worker = data;

	if (unlikely(!worker->thread)) {
		__set_current_state(TASK_RUNNING);
		become_batch(worker);
		return true;
	}
	if (unlikely(!READ_ONCE(worker->workers->alive))) {
		leave(worker);	/* and sleep until it is stopped */
		return false;
	}
	return serve(worker);
}

static void serve_work(struct work_struct *work)
{
	struct qz_worker *worker = container_of(work, struct qz_worker, work);

	if (READ_ONCE(worker->workers->alive))
		serve(worker);
}

/*
 * In the thread, when its process is killed: nobody else does its work, so the
 * port goes down. What the worker was asked for is not done any more, and the
 * rings are no longer live.
 *
 * Context: process, sleeps for the gate. On some kernels a mutex of the thread
 * is held here; nobody who is inside the gate waits for it, as
 * qz_vhost_task_wake() takes none.
 */
static void give_up(void *data)
{
	struct qz_worker *worker = data;
	struct qz_workers *workers = worker->workers;
	struct qz_port *port = workers->port;
	int idx;

	idx = qz_gate_enter();
	if (READ_ONCE(workers->alive)) {	/* else not its own port */
		WRITE_ONCE(workers->alive, false);
		WRITE_ONCE(port->exec.lost, true);
		qz_port_break(port);
	}
	qz_gate_leave(idx);
	qz_gate_wait();
	leave(worker);
}

/* The first worker has the name by which users know the port's thread. */
static int create_thread(struct qz_worker *worker, unsigned int i)
{
	char name[TASK_COMM_LEN];
	struct vhost_task *task;

	if (i)
		snprintf(name, sizeof(name), "queztl-%llu/%u", worker->port->id,
			 i);
	else
		snprintf(name, sizeof(name), "queztl-%llu", worker->port->id);
	task = vhost_task_create(serve_thread, give_up, worker, name);
	if (IS_ERR_OR_NULL(task))	/* NULL before 6.14 */
		return task ? PTR_ERR(task) : -EAGAIN;
	worker->task = task;
	return 0;
}

/*
 * As many threads as possible. If memory is short, or a limit on threads is
 * reached, pairs share those that could be created. A fork fails while a signal
 * is pending. So signals are held back meanwhile, except for SIGKILL, after
 * which no thread may be added: a process that exits, or an execve(), has told
 * those threads to end that it knew of. It also fails while the process is being
 * stopped, frozen or traced, which nobody can hold back; then the port is down
 * until its next reset.
 */
static int create_threads(struct qz_workers *workers)
{
	sigset_t held, old;
	unsigned int i;
	int err = 0;

	siginitsetinv(&held, sigmask(SIGKILL));
	sigprocmask(SIG_SETMASK, &held, &old);
	for (i = 0; i < workers->n && !err; i++)
		err = create_thread(&workers->worker[i], i);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (!err)
		return 0;
	if (i == 1)
		return err;
	workers->n = i - 1;
	return 0;
}

static void put_workers(struct qz_workers *workers)
{
	if (refcount_dec_and_test(&workers->ref))
		kfree(workers);
}

/* Waits for threads of a VM, all of which were seen to run. */
static void end_threads(struct work_struct *work)
{
	struct qz_workers *workers = container_of(work, struct qz_workers, end);
	struct qz_port *port = workers->port;
	struct qz_waiter waiter;
	unsigned int i;

	qz_waiter_begin(&waiter);
	for (i = 0; i < workers->n; i++)
		vhost_task_stop(workers->worker[i].task);
	qz_waiter_end(&waiter);
	complete(&workers->ended);
	put_workers(workers);
	put_device(&port->vdpa.dev);
	module_put(THIS_MODULE);	/* qz_exec_exit() waits for us to return */
}

/* Threads that can run end soon, and then no longer count against a limit. */
static void end_soon(struct qz_workers *workers)
{
	unsigned int i;

	get_device(&workers->port->vdpa.dev);
	__module_get(THIS_MODULE);
	for (i = 0; i < workers->n; i++)
		qz_vhost_task_wake(workers->worker[i].task);
	if (atomic_dec_and_test(&workers->staying))
		queue_work(end_wq, &workers->end);
	wait_for_completion_timeout(&workers->ended,
				    msecs_to_jiffies(QZ_LEAVE_MS));
	put_workers(workers);
}

static struct qz_workers *alloc_workers(struct qz_port *port, unsigned int n)
{
	struct qz_workers *workers;
	unsigned int i;

	workers = kzalloc(struct_size(workers, worker, n), GFP_KERNEL_ACCOUNT);
	if (!workers)
		return NULL;
	workers->port = port;
	refcount_set(&workers->ref, 2);
	INIT_WORK(&workers->end, end_threads);
	init_completion(&workers->ended);
	workers->n = n;
	for (i = 0; i < n; i++) {
		workers->worker[i].workers = workers;
		workers->worker[i].port = port;
		INIT_WORK(&workers->worker[i].work, serve_work);
	}
	return workers;
}

/*
 * One worker for each pair for which the driver has set up a ring to send, and
 * at least one. A VMM may enable its queues only after DRIVER_OK.
 */
static unsigned int count_pairs(const struct qz_port *port)
{
	unsigned int i, n = 0;

	for (i = 0; i < port->ctrl.pairs; i++)
		n += READ_ONCE(port->txqs[i].vq.setup.driver) != 0;
	return max(n, 1U);
}

/**
 * qz_exec_start - give a port workers of the process that is about to use it
 * @port: the port
 * @host: the port is virtio_vdpa's: its workers are work items
 *
 * From now on the port's rings are run by threads of the calling process only.
 *
 * Context: process, the VMM's, may sleep; one call of this or qz_exec_stop() at
 * a time (vDPA's cf_lock). Not under port->lock: vhost-vdpa changes a map with
 * the mmap_lock held, which fork's locks are taken around.
 * Return: 0, or an error if there is no worker; then the port stays down.
 */
int qz_exec_start(struct qz_port *port, bool host)
{
	struct qz_exec *exec = &port->exec;
	struct qz_workers *workers;
	unsigned int i;
	int err = 0;

	if (rcu_access_pointer(exec->workers) || exec->lost)
		return exec->lost ? -EAGAIN : 0;
	workers = alloc_workers(port, count_pairs(port));
	if (!workers)
		err = -ENOMEM;
	else if (!host)
		err = create_threads(workers);
	if (err) {
		kfree(workers);
		WRITE_ONCE(exec->lost, true);
		return err;
	}
	atomic_set(&workers->staying, workers->n + 1);
	workers->alive = true;
	exec->host = host;
	if (!host)
		WRITE_ONCE(exec->owner, get_task_pid(current, PIDTYPE_TGID));
	rcu_assign_pointer(exec->workers, workers);
	for (i = 0; !host && i < workers->n; i++)
		vhost_task_start(workers->worker[i].task);
	return 0;
}

/**
 * qz_exec_stop - end a port's workers, if it has any
 * @port: the port; none of its rings is live
 *
 * When this returns they no longer run any ring of the port, whoever uses it
 * next. Usually the threads have ended as well; if their process is stopped,
 * nobody waits for them longer than QZ_LEAVE_MS.
 *
 * Context: process, may sleep; as qz_exec_start().
 */
void qz_exec_stop(struct qz_port *port)
{
	struct qz_exec *exec = &port->exec;
	struct pid *owner = exec->owner;
	struct qz_workers *workers;
	unsigned int i;

	WRITE_ONCE(exec->lost, false);
	workers = rcu_access_pointer(exec->workers);
	if (!workers)
		return;
	WRITE_ONCE(workers->alive, false);
	WRITE_ONCE(exec->owner, NULL);	/* probes of queztl_wake use it */
	RCU_INIT_POINTER(exec->workers, NULL);
	qz_gate_wait();
	WRITE_ONCE(exec->lost, false);	/* a thread may have been killed */
	put_pid(owner);
	if (!exec->host) {
		end_soon(workers);
		return;
	}
	for (i = 0; i < workers->n; i++)
		cancel_work_sync(&workers->worker[i].work);
	kfree(workers);
}

/*
 * May this thread run the port's rings? Any context. An owner that is no longer
 * one is not mistaken for this process, whose struct pid cannot be reused while
 * it runs.
 */
bool qz_exec_is_own(const struct qz_port *port)
{
	return READ_ONCE(port->exec.owner) == task_tgid(current);
}

/* Inside the gate. Return: the worker of a queue; NULL: nobody may be asked. */
static struct qz_worker *get_worker(const struct qz_port *port,
				    unsigned int pair)
{
	struct qz_workers *workers = qz_gate_dereference(port->exec.workers);

	if (unlikely(!workers || !READ_ONCE(workers->alive)))
		return NULL;
	return &workers->worker[pair % workers->n];
}

/* Inside the gate, any context. */
static void wake(struct qz_worker *worker)
{
	if (worker->task)
		qz_vhost_task_wake(worker->task);
	else
		queue_work(qz_exec_wq, &worker->work);
}

/*
 * Is the worker runnable on this CPU, so that only the caller delays it? It may
 * be in the middle of a run. Any context, inside the gate. Without the locks of
 * the scheduler this is a guess; a wrong one only costs time.
 */
static bool waits_here(const struct qz_worker *worker)
{
	struct task_struct *thread = READ_ONCE(worker->thread);

	return thread && task_is_running(thread) &&
	       task_cpu(thread) == raw_smp_processor_id();
}

/**
 * qz_exec_run - have a ring run soon by its port's worker
 * @vq: the virtqueue
 *
 * Context: any.
 * Return: true if the worker has already been asked, and waits for this CPU.
 */
bool qz_exec_run(struct qz_vq *vq)
{
	struct qz_worker *worker;
	bool waits = false;
	int idx;

	idx = qz_gate_enter();
	worker = get_worker(vq->port, vq->index / 2);
	if (worker) {
		waits = waits_here(worker);
		if (!test_and_set_bit(vq->index, worker->runs))
			wake(worker);
	}
	qz_gate_leave(idx);
	return waits;
}

/**
 * qz_exec_signal - have a driver interrupted by its port's worker
 * @port: the port
 * @bit: of the queue with this number, or QZ_SIGNAL_CONFIG
 *
 * Context: any.
 */
void qz_exec_signal(struct qz_port *port, unsigned int bit)
{
	struct qz_worker *worker;
	int idx;

	idx = qz_gate_enter();
	worker = get_worker(port, bit == QZ_SIGNAL_CONFIG ? 0 : bit / 2);
	if (worker && !test_and_set_bit(bit, worker->signals))
		wake(worker);
	qz_gate_leave(idx);
}

/**
 * qz_exec_hand_off - let a queue's worker have this CPU if it waits for one
 * @txq: the sending queue
 *
 * Context: process, may sleep.
 */
void qz_exec_hand_off(struct qz_txq *txq)
{
	struct task_struct *thread = NULL;
	struct qz_worker *worker;
	int idx;

	idx = qz_gate_enter();
	worker = get_worker(txq->vq.port, txq->vq.index / 2);
	if (worker)
		thread = READ_ONCE(worker->thread);
	if (thread)	/* it ends only after it is no longer alive */
		get_task_struct(thread);
	qz_gate_leave(idx);
	if (!thread)
		return;
	yield_to(thread, true);
	put_task_struct(thread);
}

int qz_exec_init(void)
{
	qz_exec_wq = alloc_workqueue("queztl", WQ_UNBOUND, 0);
	if (!qz_exec_wq)
		return -ENOMEM;
	end_wq = alloc_workqueue("queztl-end", WQ_UNBOUND, WQ_MAX_ACTIVE);
	if (!end_wq) {
		destroy_workqueue(qz_exec_wq);
		return -ENOMEM;
	}
	return 0;
}

void qz_exec_exit(void)
{
	destroy_workqueue(end_wq);
	destroy_workqueue(qz_exec_wq);
}
