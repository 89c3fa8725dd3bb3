// SPDX-License-Identifier: GPL-2.0
/*
 * The threads that run a port's rings: see worker.h.
 *
 * A worker is a thread of the VMM, like those of vhost: what it does is charged
 * to the VM, and it is scheduled, limited and stopped together with it. It is a
 * batch task: when a kick wakes it, it does not take the CPU from the sender,
 * which continues to fill its ring until it has nothing more to send or its
 * time slice is over. If a CPU is idle, the worker runs there at once all the
 * same.
 *
 * Whoever ends workers clears @alive and waits for the gate: from then on they
 * run no ring. But a thread that is stopped, or gets no CPU, ends only when it
 * continues, and a reset is made with a lock of vDPA held for which
 * administrators wait. So a work item waits for the threads. It is queued only
 * when all of them have seen that they are to end. So threads that are stopped
 * take up no work item, of which there are only so many at a time.
 */

#include <linux/err.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/vhost_task.h>
#include <linux/slab.h>
#include <uapi/linux/sched/types.h>

#include "module/compat.h"
#include "path/port.h"
#include "path/waiter.h"
#include "path/worker.h"

/* For workers of the host's own ports. */
static struct workqueue_struct *host_wq;

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
	if (bit != QZ_SIGNAL_CONFIG) {
		qz_signal_here(&port->vqs[bit]->signal);
		return;
	}
	qz_signal_here(&port->config);
	qz_complain_here(port);
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
		qz_port_break(port, QZ_BREAK_SILENT);
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
	module_put(THIS_MODULE);	/* qz_workers_exit() waits for us to return */
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

/**
 * qz_workers_create - make workers for a port
 * @port: the port
 * @n: how many; there may be fewer if memory is short
 * @host: they are to be work items, not threads of the calling process
 *
 * Context: process, may sleep.
 * Return: the workers, which nobody may ask before qz_workers_start(); or an
 * ERR_PTR() if there would be none.
 */
struct qz_workers *qz_workers_create(struct qz_port *port, unsigned int n,
				     bool host)
{
	struct qz_workers *workers = alloc_workers(port, n);
	int err;

	if (!workers)
		return ERR_PTR(-ENOMEM);
	err = host ? 0 : create_threads(workers);
	if (err) {
		kfree(workers);
		return ERR_PTR(err);
	}
	atomic_set(&workers->staying, workers->n + 1);
	workers->alive = true;
	return workers;
}

/* Once, when the port has them. Process context. */
void qz_workers_start(struct qz_workers *workers)
{
	unsigned int i;

	for (i = 0; i < workers->n; i++)
		if (workers->worker[i].task)
			vhost_task_start(workers->worker[i].task);
}

/**
 * qz_workers_end - end workers, and free them when they have ended
 * @workers: the workers; they are no longer @alive, nor anybody's who is inside
 *	the gate
 *
 * Usually threads have ended when this returns; if their process is stopped,
 * nobody waits for them longer than QZ_LEAVE_MS.
 *
 * Context: process, may sleep.
 */
void qz_workers_end(struct qz_workers *workers)
{
	unsigned int i;

	if (workers->worker[0].task) {
		end_soon(workers);
		return;
	}
	for (i = 0; i < workers->n; i++)
		cancel_work_sync(&workers->worker[i].work);
	kfree(workers);
}

/* Inside the gate, of workers that are @alive. Any context. */
void qz_worker_wake(struct qz_worker *worker)
{
	if (worker->task)
		qz_vhost_task_wake(worker->task);
	else
		queue_work(host_wq, &worker->work);
}

int qz_workers_init(void)
{
	host_wq = alloc_workqueue("queztl", WQ_UNBOUND, 0);
	if (!host_wq)
		return -ENOMEM;
	end_wq = alloc_workqueue("queztl-end", WQ_UNBOUND, WQ_MAX_ACTIVE);
	if (!end_wq) {
		destroy_workqueue(host_wq);
		return -ENOMEM;
	}
	return 0;
}

void qz_workers_exit(void)
{
	destroy_workqueue(end_wq);
	destroy_workqueue(host_wq);
}
