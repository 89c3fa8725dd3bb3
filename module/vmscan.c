// SPDX-License-Identifier: GPL-2.0
/*
 * Turns KVM's announcements into entries of the registry.
 *
 * An announcement names the creating thread and is sent just before the VM's
 * descriptor is installed. So a work item searches that process, and again a
 * little later if it finds nothing yet. If announcements were lost, and when
 * the module is loaded, all processes are searched.
 */

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "limits.h"
#include "vm.h"

struct newborn {
	struct list_head list;
	int pid;
	char key[QZ_VM_KEY_LEN];
	unsigned int tries;
};

static LIST_HEAD(newborns);
static bool resync;
static DEFINE_SPINLOCK(newborns_lock);	/* newborns, resync; a leaf */

static void scan_newborns(struct work_struct *work);
static DECLARE_DELAYED_WORK(newborns_work, scan_newborns);

/* Registers every VM that the process holds. Returns false without memory. */
static bool scan_process(struct task_struct *task)
{
	unsigned int fd = 0;
	struct file *file;
	struct qz_vm *vm;
	bool all = true;

	while ((file = qz_vmfile_next(task, &fd))) {
		vm = qz_vm_add(file, task);
		fput(file);
		if (!IS_ERR(vm))
			qz_vm_put(vm);
		else if (PTR_ERR(vm) == -ENOMEM)
			all = false;
		cond_resched();
	}
	return all;
}

static struct task_struct *get_process(int *nr)
{
	struct task_struct *task = NULL;
	struct pid *pid;

	rcu_read_lock();
	while ((pid = find_ge_pid(*nr, &init_pid_ns))) {
		*nr = pid_nr(pid) + 1;
		task = pid_task(pid, PIDTYPE_TGID);
		if (task) {
			get_task_struct(task);
			break;
		}
	}
	rcu_read_unlock();
	return task;
}

static bool scan_all(void)
{
	struct task_struct *task;
	bool all = true;
	int nr = 1;

	while ((task = get_process(&nr))) {
		all &= scan_process(task);
		put_task_struct(task);
		cond_resched();
	}
	return all;
}

static void scan_later(void)
{
	spin_lock(&newborns_lock);
	resync = true;
	spin_unlock(&newborns_lock);
	schedule_delayed_work(&newborns_work,
			      msecs_to_jiffies(QZ_VM_RESCAN_MS));
}

static void scan_again(void)
{
	qz_vm_mark_all();
	if (!scan_all())
		scan_later();
	qz_vm_gone_marked();
}

/*
 * KVM had no memory to announce a destruction if the process of a VM is gone,
 * or exists but no longer holds the VM. Of living processes only this one is
 * checked.
 */
static bool is_orphan(const struct qz_vm *vm, struct task_struct *task)
{
	struct file *file;

	if (!pid_has_task(vm->tgid, PIDTYPE_TGID))
		return true;
	if (vm->tgid != task_tgid(task))
		return false;
	file = qz_vm_hold(vm);
	if (file)
		fput(file);
	return !file;
}

/* Each new VM is an occasion to remove those whose destruction was missed. */
static bool any_orphan(struct task_struct *task)
{
	bool found = false;
	struct qz_vm *vm;
	u64 id = 0;

	while (!found && (vm = qz_vm_next(id))) {
		id = vm->id;
		found = is_orphan(vm, task);
		qz_vm_put(vm);
		cond_resched();
	}
	return found;
}

/* Returns true if there is nothing more to wait for. */
static bool scan_newborn(struct newborn *newborn)
{
	struct task_struct *task;
	struct pid *pid;

	pid = find_get_pid(newborn->pid);
	task = get_pid_task(pid, PIDTYPE_PID);
	put_pid(pid);
	if (!task)
		return true;
	scan_process(task);
	if (any_orphan(task))
		qz_vmscan_resync();
	put_task_struct(task);
	return qz_vm_known(newborn->key) || ++newborn->tries >= QZ_VM_TRIES;
}

/* Work item: process context, may sleep. */
static void scan_newborns(struct work_struct *work)
{
	struct newborn *newborn, *next;
	unsigned int tries = UINT_MAX;
	LIST_HEAD(list);
	bool again;

	spin_lock(&newborns_lock);
	list_splice_init(&newborns, &list);
	again = resync;
	resync = false;
	spin_unlock(&newborns_lock);

	if (again)
		scan_again();
	list_for_each_entry_safe(newborn, next, &list, list) {
		if (!scan_newborn(newborn)) {
			tries = min(tries, newborn->tries);
			continue;
		}
		list_del(&newborn->list);
		kfree(newborn);
	}
	if (list_empty(&list))
		return;

	spin_lock(&newborns_lock);
	list_splice(&list, &newborns);
	spin_unlock(&newborns_lock);
	schedule_delayed_work(&newborns_work, msecs_to_jiffies(1 << (tries - 1)));
}

/* Request a rescan instead of a search of one process; must not sleep. */
void qz_vmscan_resync(void)
{
	spin_lock(&newborns_lock);
	resync = true;
	spin_unlock(&newborns_lock);
	mod_delayed_work(qz_system_wq, &newborns_work, 0);
}

/* Thread @pid has created a VM that KVM names @key; must not sleep. */
void qz_vmscan_created(int pid, const char *key)
{
	struct newborn *newborn;

	newborn = kzalloc(sizeof(*newborn), GFP_NOWAIT);
	if (!newborn) {
		qz_vmscan_resync();
		return;
	}
	newborn->pid = pid;
	strscpy(newborn->key, key);
	spin_lock(&newborns_lock);
	list_add_tail(&newborn->list, &newborns);
	spin_unlock(&newborns_lock);
	mod_delayed_work(qz_system_wq, &newborns_work, 0);
}

/* Called when the module is loaded, for VMs that already run. May sleep. */
void qz_vmscan_init(void)
{
	if (!scan_all())
		scan_later();
}

/* Called when no announcement can arrive any more. */
void qz_vmscan_exit(void)
{
	struct newborn *newborn, *next;

	cancel_delayed_work_sync(&newborns_work);
	list_for_each_entry_safe(newborn, next, &newborns, list) {
		list_del(&newborn->list);
		kfree(newborn);
	}
}
