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

#include <linux/types.h>

#include "module/limits.h"

struct pid;
struct qz_port;
struct qz_txq;
struct qz_vq;
struct qz_workers;
struct task_struct;

/* A port's configuration, for qz_exec_signal(): no queue has this number. */
#define QZ_SIGNAL_CONFIG	QZ_MAX_QUEUES

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
bool qz_exec_waits_here(const struct task_struct *thread);

#endif /* QZ_EXEC_H */
