// SPDX-License-Identifier: GPL-2.0
/*
 * Who executes what a port causes: see exec.h.
 *
 * A worker is a thread of the VMM, as vhost's are: what it does is charged to
 * the VM, it is scheduled and limited with it, and stops when it is stopped. It
 * is a batch task: woken by a kick it does not take the CPU from the sender,
 * which goes on filling its ring until it has nothing more to send or its slice
 * is over. Where a CPU is idle it runs at once all the same.
 *
 * Workers are asked inside the gate while they are @alive. Whoever ends them
 * clears that and waits for the gate: from then on nobody sets a bit or wakes
 * them.
 */

#include <linux/err.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/vhost_task.h>
#include <linux/slab.h>
#include <uapi/linux/sched/types.h>

#include "module/compat.h"
#include "path/port.h"

struct workqueue_struct *qz_exec_wq;

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

static void run_vq(struct qz_vq *vq)
{
	switch (vq->kind) {
	case QZ_TX:
		qz_run_work(qz_to_txq(vq));
		break;
	case QZ_CTRL:
		qz_ctrlq_run(qz_to_ctrlq(vq));
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
 * it sleeps when nothing was found: a bit set from now on wakes it.
 *
 * Return: true when there was something to do.
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
		run_vq(READ_ONCE(port->vqs[i]));
		did = true;
		cond_resched();
	}
	return did;
}

static bool serve_thread(void *data)
{
	struct qz_worker *worker = data;

	if (unlikely(!worker->thread)) {
		__set_current_state(TASK_RUNNING);
		become_batch(worker);
		return true;
	}
	return serve(worker);
}

static void serve_work(struct work_struct *work)
{
	serve(container_of(work, struct qz_worker, work));
}

/*
 * In the thread, when its process is killed: nobody else does its work, so the
 * port is down. What was asked for is not done any more; the rings are live no
 * longer.
 *
 * Context: process, sleeps for the gate. There are kernels that hold a mutex of
 * the thread here; nobody who is inside the gate waits for it, as
 * qz_vhost_task_wake() takes none.
 */
static void give_up(void *data)
{
	struct qz_port *port = ((struct qz_worker *)data)->port;
	struct qz_exec *exec = &port->exec;
	struct qz_workers *workers = rcu_access_pointer(exec->workers);

	WRITE_ONCE(workers->alive, false);
	WRITE_ONCE(exec->lost, true);
	qz_port_break(port);
	qz_gate_wait();
}

/* The first worker has the name that users know the port's thread by. */
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
 * As many threads as there can be. Without memory, or above a limit on threads,
 * pairs share those there are. A fork fails while a signal is pending: they are
 * held back meanwhile.
 */
static int create_threads(struct qz_workers *workers)
{
	sigset_t all, old;
	unsigned int i;
	int err = 0;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
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

static struct qz_workers *alloc_workers(struct qz_port *port, unsigned int n)
{
	struct qz_workers *workers;
	unsigned int i;

	workers = kzalloc(struct_size(workers, worker, n), GFP_KERNEL_ACCOUNT);
	if (!workers)
		return NULL;
	workers->n = n;
	for (i = 0; i < n; i++) {
		workers->worker[i].port = port;
		INIT_WORK(&workers->worker[i].work, serve_work);
	}
	return workers;
}

/*
 * A worker for each pair whose driver has set up a ring to send, and one at
 * least. A VMM may enable its queues only after DRIVER_OK.
 */
static unsigned int count_pairs(const struct qz_port *port)
{
	unsigned int i, n = 0;

	for (i = 0; i < port->ctrl.pairs; i++)
		n += READ_ONCE(port->txqs[i].vq.setup.driver) != 0;
	return max(n, 1U);
}

/**
 * qz_exec_start - give a port workers: of the process that is about to use it
 * @port: the port
 * @host: it is virtio_vdpa's: work items
 *
 * From here on the port's rings are run by threads of the calling process only.
 *
 * Context: process, the VMM's, may sleep; one call of this or qz_exec_stop() at
 * a time (vDPA's cf_lock). Not under port->lock: vhost-vdpa changes a map with
 * the mmap_lock held, which fork's locks are taken around.
 * Return: 0; an error when there is no worker: the port stays down then.
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
 * qz_exec_stop - end a port's workers, if it has some
 * @port: the port; none of its rings is live
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
	WRITE_ONCE(exec->owner, NULL);	/* probes of queztl_wake have it */
	qz_gate_wait();
	for (i = 0; i < workers->n; i++) {
		if (workers->worker[i].task)
			vhost_task_stop(workers->worker[i].task);
		else
			cancel_work_sync(&workers->worker[i].work);
	}
	RCU_INIT_POINTER(exec->workers, NULL);
	qz_gate_wait();
	kfree(workers);
	put_pid(owner);
	WRITE_ONCE(exec->lost, false);	/* a thread may have been killed */
}

/*
 * May this thread run the port's rings? Any context. What was the owner a moment
 * ago is not mistaken for this process: its pid is in use as long as it runs.
 */
bool qz_exec_is_own(const struct qz_port *port)
{
	return READ_ONCE(port->exec.owner) == task_tgid(current);
}

/* Inside the gate. Return: who runs a queue; NULL: nobody may be asked. */
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
 * Is the worker runnable here, delayed only by the caller? It may be in mid-run.
 * Any context, inside the gate. Without the locks of the scheduler it is a
 * guess, and a wrong one costs time.
 */
static bool waits_here(const struct qz_worker *worker)
{
	struct task_struct *thread = READ_ONCE(worker->thread);

	return thread && task_is_running(thread) &&
	       task_cpu(thread) == raw_smp_processor_id();
}

/**
 * qz_exec_run - have a ring run soon, by its port's worker
 * @vq: the virtqueue
 *
 * Context: any.
 * Return: true when the worker had been asked before, and waits for this CPU.
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
 * qz_exec_hand_off - let a queue's worker have this CPU, if it waits for one
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
	if (thread)	/* it ends after it is alive no longer */
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
	return qz_exec_wq ? 0 : -ENOMEM;
}

void qz_exec_exit(void)
{
	destroy_workqueue(qz_exec_wq);
}
