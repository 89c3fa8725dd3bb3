/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who executes what a port causes.
 *
 * A port's rings are run by threads of its own process: by the thread that
 * kicks, on its way back to the guest, or by the port's workers, which are also
 * threads of that process, one for each queue pair. No other process's thread
 * runs them, whoever signals the kick eventfd, and what is run is charged to
 * the cgroup of the port's process. A port without a worker is down.
 *
 * A port of virtio_vdpa is the host's own: its workers are work items.
 */
#ifndef QZ_EXEC_H
#define QZ_EXEC_H

#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>

#include "module/limits.h"

struct qz_port;
struct qz_txq;
struct qz_vq;
struct vhost_task;

extern struct workqueue_struct *qz_exec_wq;

/* The bit of a port's configuration in &qz_worker.signals. */
#define QZ_SIGNAL_CONFIG	QZ_MAX_QUEUES

struct qz_workers;

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

/**
 * struct qz_exec - who executes what a port causes
 * @owner: the process whose threads may run the rings; a reference; NULL: none
 * @host: the port is the host's own
 * @lost: no worker could be created, or the workers were killed
 * @workers: the port's workers; read inside the gate
 */
struct qz_exec {
	struct pid *owner;
	bool host;
	bool lost;
	struct qz_workers __rcu *workers;
};

int qz_exec_start(struct qz_port *port, bool host);
void qz_exec_stop(struct qz_port *port);
bool qz_exec_is_own(const struct qz_port *port);
bool qz_exec_run(struct qz_vq *vq);
void qz_exec_signal(struct qz_port *port, unsigned int bit);
void qz_exec_hand_off(struct qz_txq *txq);
int qz_exec_init(void);
void qz_exec_exit(void);

#endif /* QZ_EXEC_H */
