// SPDX-License-Identifier: GPL-2.0
/* Waiting for a VM: see waiter.h. */

#include <linux/sched.h>

#include "path/waiter.h"

/* Process context. */
static void let_look(struct work_struct *work)
{
	struct qz_waiter *waiter =
		container_of(work, struct qz_waiter, alarm.work);

	wake_up_process(waiter->task);
	schedule_delayed_work(&waiter->alarm, HZ);
}

/*
 * From now until qz_waiter_end() the current task may wait, in loops that check
 * whether they still have to, as all of the kernel's own do. Process context,
 * as is qz_waiter_end().
 */
void qz_waiter_begin(struct qz_waiter *waiter)
{
	waiter->task = current;
	INIT_DELAYED_WORK_ONSTACK(&waiter->alarm, let_look);
	schedule_delayed_work(&waiter->alarm, HZ);
}

void qz_waiter_end(struct qz_waiter *waiter)
{
	cancel_delayed_work_sync(&waiter->alarm);
	destroy_delayed_work_on_stack(&waiter->alarm);
}
