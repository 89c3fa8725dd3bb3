// SPDX-License-Identifier: GPL-2.0
/*
 * The processes that hold VMs, found by any of their threads, in any context.
 *
 * A process is in the table while a VM of it is registered. Two processes never
 * have the same struct pid, which the table holds, so a new process with the
 * number of an old one is not mistaken for it.
 */

#include <linux/hashtable.h>
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "vm.h"

#define PROC_BITS	8

/* Changed under the registry's lock, read under RCU. */
static DEFINE_HASHTABLE(procs, PROC_BITS);

/* Called when a process gets its first visible VM or loses the last one. */
static void (*procs_changed)(void);	/* under the registry's lock */

struct qz_vmproc *qz_vmproc_alloc(struct pid *tgid)
{
	struct qz_vmproc *proc = kzalloc(sizeof(*proc), GFP_KERNEL_ACCOUNT);

	if (!proc)
		return NULL;
	refcount_set(&proc->ref, 1);
	proc->tgid = get_pid(tgid);
	proc->cpu.weight = QZ_VM_WEIGHT;
	raw_spin_lock_init(&proc->partners_lock);
	return proc;
}

void qz_vmproc_put(struct qz_vmproc *proc)
{
	if (!proc || !refcount_dec_and_test(&proc->ref))
		return;
	put_pid(proc->tgid);
	kfree_rcu(proc, rcu);
}

/**
 * qz_vmproc_find - find a process that holds VMs
 * @tgid: the pid of its thread group
 *
 * Context: any, under RCU (or with interrupts off); what is found is valid that
 * long.
 * Return: the process, or NULL if none of its VMs is registered and visible.
 */
struct qz_vmproc *qz_vmproc_find(const struct pid *tgid)
{
	struct qz_vmproc *proc;

	hash_for_each_possible_rcu_notrace(procs, proc, node,
					   (unsigned long)tgid)
		if (proc->tgid == tgid)
			return READ_ONCE(proc->visible) ? proc : NULL;
	return NULL;
}

/* Called with the registry's lock held. */
static struct qz_vmproc *find_locked(const struct pid *tgid)
{
	struct qz_vmproc *proc;

	hash_for_each_possible(procs, proc, node, (unsigned long)tgid)
		if (proc->tgid == tgid)
			return proc;
	return NULL;
}

/*
 * A VM is registered: it joins the others of its process, and brings @proc in
 * case it is the first. Called with the registry's lock held.
 */
struct qz_vmproc *qz_vmproc_join(struct qz_vmproc *proc)
{
	struct qz_vmproc *known = find_locked(proc->tgid);

	if (known) {
		refcount_inc(&known->ref);
		qz_vmproc_put(proc);
		proc = known;
	} else {
		hash_add_rcu(procs, &proc->node, (unsigned long)proc->tgid);
	}
	proc->members++;
	return proc;
}

/* The VM's reference stays. Called with the registry's lock held. */
void qz_vmproc_leave(struct qz_vmproc *proc)
{
	if (!--proc->members)
		hash_del_rcu(&proc->node);
}

/* A VM becomes visible (1) or no longer is (-1). With the registry's lock. */
void qz_vmproc_show(struct qz_vmproc *proc, int by)
{
	unsigned int before = proc->visible;

	WRITE_ONCE(proc->visible, before + by);
	if (procs_changed && (!before || !proc->visible))
		procs_changed();
}

/* With the registry's lock; @changed must not sleep. */
void qz_vmproc_set_watch(void (*changed)(void))
{
	procs_changed = changed;
}
