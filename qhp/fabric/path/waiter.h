/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Waiting for a VM, in a work item that nobody waits for.
 *
 * A VM may take as long as it likes: its process is stopped, gets no CPU, or
 * does not close what it should close. A task that sleeps for minutes is
 * reported as hung, which panics some hosts, and a tenant must not be able to
 * cause that. So a task that may have to wait is woken now and then, and finds
 * that it still has to wait.
 */
#ifndef QZ_WAITER_H
#define QZ_WAITER_H

#include <linux/workqueue.h>

/**
 * struct qz_waiter - a task that may have to wait; on its stack
 * @alarm: wakes it
 * @task: the task
 */
struct qz_waiter {
	struct delayed_work alarm;
	struct task_struct *task;
};

void qz_waiter_begin(struct qz_waiter *waiter);
void qz_waiter_end(struct qz_waiter *waiter);

#endif /* QZ_WAITER_H */
