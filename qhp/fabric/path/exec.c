// SPDX-License-Identifier: GPL-2.0
/*
 * Who executes what a port causes: see exec.h.
 *
 * Workers are asked inside the gate while they are @alive: when that has been
 * cleared and the gate was waited for, nobody sets a bit of theirs or wakes
 * them.
 */

#include <linux/err.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "module/compat.h"
#include "path/port.h"
#include "path/worker.h"

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

	if (rcu_access_pointer(exec->workers) || exec->lost)
		return exec->lost ? -EAGAIN : 0;
	workers = qz_workers_create(port, count_pairs(port), host);
	if (IS_ERR(workers)) {
		WRITE_ONCE(exec->lost, true);
		return PTR_ERR(workers);
	}
	exec->host = host;
	if (!host)
		WRITE_ONCE(exec->owner, get_task_pid(current, PIDTYPE_TGID));
	rcu_assign_pointer(exec->workers, workers);
	qz_workers_start(workers);
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
	qz_workers_end(workers);
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

/**
 * qz_exec_waits_here - is a thread runnable, and could have this CPU?
 * @thread: not the caller's
 *
 * Linux's own scheduler queues a thread on a CPU, and a yield does not move it. A
 * sched_ext scheduler may run it on any, wherever it was last.
 *
 * Context: any. Without the locks of the scheduler this is a guess; a wrong one
 * only costs time.
 */
bool qz_exec_waits_here(const struct task_struct *thread)
{
	if (!task_is_running(thread))
		return false;
	return task_cpu(thread) == raw_smp_processor_id() ||
	       (qz_on_sched_ext() && !qz_is_on_cpu(thread));
}

/*
 * Does the worker wait for the caller's CPU? It may be in the middle of a run. Any
 * context, inside the gate.
 */
static bool waits_here(const struct qz_worker *worker)
{
	struct task_struct *thread = READ_ONCE(worker->thread);

	return thread && qz_exec_waits_here(thread);
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
			qz_worker_wake(worker);
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
		qz_worker_wake(worker);
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
