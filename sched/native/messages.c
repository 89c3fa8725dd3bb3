// SPDX-License-Identifier: GPL-2.0
/*
 * Messages between VMs. One is what the fabric puts into a receiver's ring at a
 * time, whether that is woken up, polls, or waits for a CPU; or a wake-up of a VM's
 * thread by a thread of another VM, unless the fabric makes it for what it has
 * delivered. A doorbell of a channel is such a wake-up.
 */

#include <linux/sched.h>
#include <linux/tracepoint.h>

#include "module/trace.h"
#include "module/vm.h"
#include "module/waking.h"
#include "sched/native/native.h"

static void count_partner(struct qz_vmproc *proc, u64 id, bool sent)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&proc->partners_lock, flags);
	qz_partners_count(&proc->partners, id, sent);
	raw_spin_unlock_irqrestore(&proc->partners_lock, flags);
}

/* Either may be NULL, the host. Under RCU, in any context. */
static void count_message(struct qz_vmproc *from, struct qz_vmproc *to)
{
	if (!from || !to || from == to)
		return;
	atomic64_inc(&qz_sched_counts.handovers);
	atomic64_inc(&from->stats.sent);
	atomic64_inc(&to->stats.received);
	count_partner(from, to->id, true);
	count_partner(to, from->id, false);
}

/**
 * qz_messages_woken - a thread is woken up
 * @to: the thread
 *
 * Context: in the thread that wakes it up, or in an interrupt, whose wake-ups count only
 * if the current thread has caused it; runqueue lock of @to.
 */
void qz_messages_woken(const struct qz_task *to)
{
	const struct qz_task *from;

	if (to->customer == QZ_HOST || this_cpu_read(qz_waking) ||
	    (!in_task() && !this_cpu_read(qz_ringing)))
		return;
	from = qz_task_of(current);
	if (from)
		count_message(qz_customer_proc(READ_ONCE(from->customer)),
			      qz_customer_proc(to->customer));
}

static struct qz_vmproc *find_proc(const struct pid *tgid)
{
	return tgid ? qz_vmproc_find(tgid) : NULL;
}

/* Probe of queztl_wake. Preemption is off, so this is under RCU. */
static void count_delivery(void *data, u64 from_port, struct pid *from,
			   u64 to_port, struct pid *to)
{
	count_message(find_proc(from), find_proc(to));
}

/* May sleep. */
int qz_messages_init(void)
{
	return register_trace_queztl_wake(count_delivery, NULL);
}

/* May sleep. When it returns nobody is in the probe. */
void qz_messages_exit(void)
{
	unregister_trace_queztl_wake(count_delivery, NULL);
	tracepoint_synchronize_unregister();
}
