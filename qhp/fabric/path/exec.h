/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who executes what a port causes.
 *
 * A port's rings are run by threads of its own process: by the thread that
 * kicks, on its way back to the guest, or by the port's workers, which are
 * threads of that process, too, one for each queue pair. Nobody else's thread
 * runs them, whoever signals the kick eventfd, and what is run is charged to
 * that process's cgroup. A port without a worker is down.
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
 * @workers: those it is one of
 * @port: its port
 * @task: a thread of the VMM; NULL: a work item
 * @thread: the same, once it has begun
 * @work: the work item of a port of the host
 * @runs: queues it is to run, by index
 * @signals: queues whose driver it is to interrupt; and QZ_SIGNAL_CONFIG
 */
struct qz_worker {
	struct qz_workers *workers;
	struct qz_port *port;
	struct vhost_task *task;
	struct task_struct *thread;
	struct work_struct work;
	DECLARE_BITMAP(runs, QZ_MAX_QUEUES);
	DECLARE_BITMAP(signals, QZ_MAX_QUEUES + 1);
};

/**
 * struct qz_workers - a port's workers
 * @alive: they may be asked, and may run rings; read inside the gate
 * @port: the port, which they have a reference on from their end on
 * @ref: whoever ends them, and @end
 * @end: waits for the threads to end
 * @ended: they have
 * @n: how many
 * @worker: the workers; a pair's is the one with its number modulo @n
 */
struct qz_workers {
	bool alive;
	struct qz_port *port;
	refcount_t ref;
	struct work_struct end;
	struct completion ended;
	u16 n;
	struct qz_worker worker[] __counted_by(n);
};

/**
 * struct qz_exec - who executes what a port causes
 * @owner: the process whose threads may; a reference; NULL: none
 * @host: the port is the host's own
 * @lost: there could be no worker, or it was killed
 * @workers: its workers; read inside the gate
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
