/* SPDX-License-Identifier: GPL-2.0 */
/* A port's workers: threads of its process, or work items of the host. */
#ifndef QZ_WORKER_H
#define QZ_WORKER_H

#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>

#include "path/exec.h"

struct vhost_task;

/**
 * struct qz_worker - runs rings where the sender's thread does not
 * @workers: the port's workers, of which it is one
 * @port: its port
 * @task: a thread of the VMM; NULL if it is a work item
 * @thread: the same thread, once it has started
 * @leaves: it has seen that it is to end; only the thread knows
 * @work: the work item of a port of the host
 * @runs: queues it has to run, by index
 * @signals: queues whose driver it has to interrupt, and QZ_SIGNAL_CONFIG
 */
struct qz_worker {
	struct qz_workers *workers;
	struct qz_port *port;
	struct vhost_task *task;
	struct task_struct *thread;
	bool leaves;
	struct work_struct work;
	DECLARE_BITMAP(runs, QZ_MAX_QUEUES);
	DECLARE_BITMAP(signals, QZ_MAX_QUEUES + 1);
};

/**
 * struct qz_workers - a port's workers
 * @alive: they may be asked, and may run rings; read inside the gate
 * @port: the port; they hold a reference on it while they are being ended
 * @ref: one each for whoever ends them and for @end
 * @staying: threads that have not seen that they are to end, and one for whoever
 *	ends them
 * @end: waits for the threads to end; queued when nobody is @staying
 * @ended: completed when they have ended
 * @n: number of workers
 * @worker: the workers; that of a queue pair is the one with the pair's number
 *	modulo @n
 */
struct qz_workers {
	bool alive;
	struct qz_port *port;
	refcount_t ref;
	atomic_t staying;
	struct work_struct end;
	struct completion ended;
	u16 n;
	struct qz_worker worker[] __counted_by(n);
};

struct qz_workers *qz_workers_create(struct qz_port *port, unsigned int n,
				     bool host);
void qz_workers_start(struct qz_workers *workers);
void qz_workers_end(struct qz_workers *workers);
void qz_worker_wake(struct qz_worker *worker);
int qz_workers_init(void);
void qz_workers_exit(void);

#endif /* QZ_WORKER_H */
