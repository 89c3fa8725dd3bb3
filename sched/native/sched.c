// SPDX-License-Identifier: GPL-2.0
/* Starts and stops the scheduler, and remembers how it ended. */

#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/ext_ops.h>
#include <linux/string.h>

#include "module/vm.h"
#include "sched/native/native.h"
#include "sched/native/sched.h"
#include "sched/native/trace.h"

struct qz_policy qz_sched_policy, qz_sched_batch;
struct qz_sched_counts qz_sched_counts;
atomic64_t qz_sched_clock;
u64 qz_sched_check_ns;

/*
 * Taken in process context, never under a lock that sched_ext takes while it
 * calls operations.
 */
static DEFINE_MUTEX(sched_lock);
static bool registered;		/* under sched_lock */

/* Of the last that was started. Written by exit(), before or after start(). */
static struct qz_sched_end ended;
static DEFINE_SPINLOCK(ended_lock);	/* a leaf */
static u64 since_ns;

void qz_sched_ended(const struct scx_exit_info *info)
{
	trace_queztl_sched_end(info->kind, info->reason ?: "", info->msg ?: "");
	spin_lock(&ended_lock);
	ended.kind = info->kind;
	ended.since_ns = ktime_get_boottime_ns();
	strscpy_pad(ended.reason, info->reason ?: "");
	strscpy_pad(ended.message, info->msg ?: "");
	spin_unlock(&ended_lock);
}

static void clear_end(void)
{
	spin_lock(&ended_lock);
	ended = (struct qz_sched_end){};
	spin_unlock(&ended_lock);
}

/* Called with sched_lock held. Also if it has ended by itself. */
static void cleanup(void)
{
	qz_messages_exit();
	qz_check_exit();
	qz_grace_exit();
	qz_guest_exit();
	qz_vm_watch(NULL);
	qz_customers_exit();
	qz_tasks_exit();
	registered = false;
}

static void stop(void)
{
	lockdep_assert_held(&sched_lock);
	scx_native_unregister(&qz_sched_ops);
	cleanup();
}

static int start(void)
{
	int err;

	qz_sched_counts = (struct qz_sched_counts){};
	atomic64_set(&qz_sched_clock, QZ_SCHED_START);
	err = qz_tasks_init();
	if (err)
		return err;
	err = qz_messages_init();
	if (err) {
		qz_tasks_exit();
		return err;
	}
	qz_queues_init();
	qz_guest_init();
	qz_check_init();
	qz_grace_init();
	qz_customers_init();
	qz_vm_watch(qz_customers_changed);
	qz_customers_changed();		/* what came before it watched */
	clear_end();
	err = scx_native_register(&qz_sched_ops);
	if (err) {
		cleanup();
		return err;
	}
	since_ns = ktime_get_boottime_ns();
	registered = true;
	return 0;
}

static bool is_active(void)
{
	bool active;

	spin_lock(&ended_lock);
	active = registered && !ended.kind;
	spin_unlock(&ended_lock);
	return active;
}

/**
 * qz_sched_start - schedule all tasks of this host
 * @slice: how long a thread runs before others are asked, ns
 * @check: how often that is looked after while somebody waits, ns
 * @per_vcpu: a VM has its weight once for each vCPU
 *
 * Context: process, may sleep.
 * Return: 0, -EBUSY if a sched_ext scheduler is active, -EIO if it failed at once
 * (see qz_sched_get()), -ENOMEM, -EOPNOTSUPP if tasks have core scheduling cookies.
 */
int qz_sched_start(u64 slice, u64 check, bool per_vcpu)
{
	int err = -EBUSY;

	mutex_lock(&sched_lock);
	if (!is_active()) {
		if (registered)
			stop();
		qz_sched_policy = (struct qz_policy)QZ_POLICY_DEFAULT;
		qz_sched_policy.slice = slice;
		qz_sched_policy.per_vcpu = per_vcpu;
		qz_sched_batch = qz_sched_policy;
		qz_sched_batch.credit = 0;
		qz_sched_check_ns = check;
		err = start();
	}
	mutex_unlock(&sched_lock);
	return err;
}

/* Context: process, may sleep. Return: 0, -ENOENT if none was started. */
int qz_sched_stop(void)
{
	int err = -ENOENT;

	mutex_lock(&sched_lock);
	if (registered) {
		stop();
		clear_end();
		err = 0;
	}
	mutex_unlock(&sched_lock);
	return err;
}

/* Context: process, may sleep. */
void qz_sched_get(struct qz_sched_status *status)
{
	*status = (struct qz_sched_status){};
	mutex_lock(&sched_lock);
	status->active = is_active();
	spin_lock(&ended_lock);
	status->end = ended;
	spin_unlock(&ended_lock);
	if (registered) {
		status->since_ns = since_ns;
		status->slice = qz_sched_policy.slice;
		status->check = qz_sched_check_ns;
		status->per_vcpu = qz_sched_policy.per_vcpu;
		status->handovers = atomic64_read(&qz_sched_counts.handovers);
		status->preemptions =
			atomic64_read(&qz_sched_counts.preemptions);
		status->yields = atomic64_read(&qz_sched_counts.yields);
		status->directed = atomic64_read(&qz_sched_counts.directed);
		status->checks = atomic64_read(&qz_sched_counts.checks);
		status->starved = atomic64_read(&qz_sched_counts.starved);
	}
	mutex_unlock(&sched_lock);
}

/* The settings of a VM have changed. Context: process, may sleep. */
void qz_sched_changed(void)
{
	mutex_lock(&sched_lock);
	if (registered)
		qz_customers_changed();
	mutex_unlock(&sched_lock);
}

/* The module goes. Nobody calls in any more. */
void qz_sched_exit(void)
{
	qz_sched_stop();
}
