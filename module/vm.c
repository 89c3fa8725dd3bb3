// SPDX-License-Identifier: GPL-2.0
/* The registry of virtual machines: see vm.h. */

#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/kvm_host.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/xarray.h>

#include "limits.h"
#include "trace.h"
#include "vm.h"

/* By id. xa_lock also protects gone, hidden and marked of every entry. */
static DEFINE_XARRAY_FLAGS(qz_vms, XA_FLAGS_ALLOC1);
static u64 qz_vm_last_id;
static unsigned int qz_vms_visible;

static void free_vm(struct qz_vm *vm)
{
	qz_vmproc_put(vm->proc);
	put_pid(vm->tgid);
	kfree(vm);
}

void qz_vm_put(struct qz_vm *vm)
{
	if (vm && refcount_dec_and_test(&vm->ref))
		free_vm(vm);
}

static const char *key_of(const struct kvm *kvm)
{
	if (IS_ERR_OR_NULL(kvm->debugfs_dentry))
		return "";
	return kvm->debugfs_dentry->d_name.name;
}

/*
 * May sleep. @file is a KVM VM, so its struct kvm lives as long as the file. The
 * process may have ended and been reaped.
 */
static struct qz_vm *alloc_vm(struct file *file, struct task_struct *task)
{
	struct kvm *kvm = file->private_data;
	struct qz_vm *vm;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	vm->tgid = get_task_pid(task, PIDTYPE_TGID);
	if (!vm->tgid) {
		kfree(vm);
		return ERR_PTR(-ESRCH);
	}
	vm->proc = qz_vmproc_alloc(vm->tgid);
	if (!vm->proc) {
		free_vm(vm);
		return ERR_PTR(-ENOMEM);
	}
	refcount_set(&vm->ref, 2);	/* for the registry and the caller */
	vm->kvm = kvm;
	vm->owner = file->f_op->owner;
	vm->maker = kvm->userspace_pid;
	vm->uid = task_cred_xxx(task, euid);
	vm->seen_ns = ktime_get_boottime_ns();
	rcu_read_lock();	/* an execve() may replace the leader */
	get_task_comm(vm->comm, task->group_leader);
	rcu_read_unlock();
	strscpy(vm->key, key_of(kvm));
	return vm;
}

/* Called with xa_lock held. */
static struct qz_vm *find_kvm(const struct kvm *kvm)
{
	struct qz_vm *vm;
	unsigned long id;

	xa_for_each(&qz_vms, id, vm)
		if (vm->kvm == kvm)
			return vm;
	return NULL;
}

/*
 * Its destruction was not announced: another VM, which is held, is there now.
 */
static bool is_stale(const struct qz_vm *vm, const struct kvm *kvm)
{
	return vm->maker != kvm->userspace_pid ||
	       strncmp(vm->key, key_of(kvm), sizeof(vm->key) - 1);
}

/* Called with xa_lock held. The caller gets the registry's reference. */
static void unlink_vm(struct qz_vm *vm)
{
	vm->gone = true;
	__xa_erase(&qz_vms, vm->id);
	if (!vm->hidden) {
		qz_vms_visible--;
		qz_vmproc_show(vm->proc, -1);
	}
	qz_vmproc_leave(vm->proc);
	trace_queztl_vm_detach(vm->id, pid_nr(vm->tgid), false);
}

/* Called with xa_lock held. */
static void show_vm(struct qz_vm *vm)
{
	vm->hidden = false;
	qz_vms_visible++;
	qz_vmproc_show(vm->proc, 1);
	trace_queztl_vm_attach(vm->id, pid_nr(vm->tgid));
}

/*
 * Called with xa_lock held. Returns the VM if it is registered, with a
 * reference.
 */
static struct qz_vm *get_known(const struct kvm *kvm)
{
	struct qz_vm *vm = find_kvm(kvm);

	if (!vm)
		return NULL;
	if (is_stale(vm, kvm)) {
		unlink_vm(vm);
		qz_vm_put(vm);
		return NULL;
	}
	refcount_inc(&vm->ref);
	vm->marked = false;
	return vm;
}

/* Called with xa_lock held, which is dropped to allocate. */
static int link_vm(struct qz_vm *vm)
{
	int err;

	if (qz_vms_visible >= QZ_MAX_VMS)
		return -ENOSPC;
	vm->id = qz_vm_last_id + 1;
	err = __xa_insert(&qz_vms, vm->id, vm, GFP_KERNEL);
	/* Another add may have taken the id while the lock was dropped. */
	if (err)
		return err == -EBUSY ? -EAGAIN : err;
	qz_vm_last_id = vm->id;
	vm->proc->id = vm->id;	/* stays if it is the first of its process */
	vm->proc = qz_vmproc_join(vm->proc);
	show_vm(vm);
	return 0;
}

/**
 * qz_vm_add - register the VM behind a KVM descriptor
 * @file: a file for which qz_file_is_kvm() is true; held by the caller
 * @task: the process that holds the file
 *
 * A VM that is registered already needs no memory, so a rescan without memory
 * does not lose it.
 *
 * Context: process, may sleep.
 * Return: the VM, registered before or now, with a reference; ERR_PTR(-ESRCH) if
 * the process is gone, -ENOMEM, -ENOSPC.
 */
struct qz_vm *qz_vm_add(struct file *file, struct task_struct *task)
{
	const struct kvm *kvm = file->private_data;
	struct qz_vm *vm, *known;
	int err;

	xa_lock(&qz_vms);
	known = get_known(kvm);
	xa_unlock(&qz_vms);
	if (known)
		return known;
	vm = alloc_vm(file, task);
	if (IS_ERR(vm))
		return vm;

	do {
		xa_lock(&qz_vms);
		known = get_known(kvm);
		err = known ? 0 : link_vm(vm);
		xa_unlock(&qz_vms);
	} while (err == -EAGAIN);

	if (!known && !err)
		return vm;
	free_vm(vm);
	return known ?: ERR_PTR(err);
}

/*
 * Returns the VM with this id if it is visible, with a reference. Process
 * context.
 */
struct qz_vm *qz_vm_get(u64 id)
{
	struct qz_vm *vm;

	xa_lock(&qz_vms);
	vm = xa_load(&qz_vms, id);
	if (vm && vm->hidden)
		vm = NULL;
	if (vm)
		refcount_inc(&vm->ref);
	xa_unlock(&qz_vms);
	return vm;
}

/* Returns the visible VM with the next larger id, with a reference. */
struct qz_vm *qz_vm_next(u64 id)
{
	unsigned long index = id;
	struct qz_vm *vm;

	xa_lock(&qz_vms);
	do {
		vm = xa_find_after(&qz_vms, &index, ULONG_MAX, XA_PRESENT);
	} while (vm && vm->hidden);
	if (vm)
		refcount_inc(&vm->ref);
	xa_unlock(&qz_vms);
	return vm;
}

bool qz_vm_live(const struct qz_vm *vm)
{
	bool live;

	xa_lock(&qz_vms);
	live = !vm->gone && !vm->hidden;
	xa_unlock(&qz_vms);
	return live;
}

/* The VM is attached again. */
void qz_vm_show(struct qz_vm *vm)
{
	xa_lock(&qz_vms);
	if (!vm->gone && vm->hidden)
		show_vm(vm);
	xa_unlock(&qz_vms);
}

/* Detach. The entry is kept, so that a rescan does not bring the VM back. */
int qz_vm_hide(struct qz_vm *vm)
{
	int err = -ENOENT;

	xa_lock(&qz_vms);
	if (!vm->gone && !vm->hidden) {
		vm->hidden = true;
		qz_vms_visible--;
		qz_vmproc_show(vm->proc, -1);
		trace_queztl_vm_detach(vm->id, pid_nr(vm->tgid), true);
		err = 0;
	}
	xa_unlock(&qz_vms);
	return err;
}

/* Called with xa_lock held. */
static struct qz_vm *find_key(const char *key)
{
	struct qz_vm *vm;
	unsigned long id;

	if (!*key)
		return NULL;
	xa_for_each(&qz_vms, id, vm)
		if (!strcmp(vm->key, key))
			return vm;
	return NULL;
}

bool qz_vm_known(const char *key)
{
	bool known;

	xa_lock(&qz_vms);
	known = find_key(key);
	xa_unlock(&qz_vms);
	return known;
}

/*
 * KVM destroys the VM with this name. Called from inside kvm_destroy_vm(),
 * during the netlink broadcast: must not sleep.
 */
void qz_vm_gone_key(const char *key)
{
	struct qz_vm *vm;

	xa_lock(&qz_vms);
	vm = find_key(key);
	if (vm)
		unlink_vm(vm);
	xa_unlock(&qz_vms);
	qz_vm_put(vm);
}

/* A rescan: mark all, add what is found, then remove what is still marked. */
void qz_vm_mark_all(void)
{
	struct qz_vm *vm;
	unsigned long id;

	xa_lock(&qz_vms);
	xa_for_each(&qz_vms, id, vm)
		vm->marked = true;
	xa_unlock(&qz_vms);
}

void qz_vm_gone_marked(void)
{
	struct qz_vm *vm;
	unsigned long id;

	xa_for_each(&qz_vms, id, vm) {
		xa_lock(&qz_vms);
		vm = xa_load(&qz_vms, id);
		if (vm && vm->marked)
			unlink_vm(vm);
		else
			vm = NULL;
		xa_unlock(&qz_vms);
		qz_vm_put(vm);
	}
}

/*
 * The process of the visible VM with the next larger id, with a reference. A
 * process with several VMs is returned several times.
 */
struct qz_vmproc *qz_vmproc_next(u64 *id)
{
	struct qz_vm *vm = qz_vm_next(*id);
	struct qz_vmproc *proc;

	if (!vm)
		return NULL;
	*id = vm->id;
	proc = vm->proc;
	refcount_inc(&proc->ref);
	qz_vm_put(vm);
	return proc;
}

/*
 * Have @changed called when processes get VMs or lose them: it must not sleep.
 * Nobody calls it any more once it was replaced by NULL.
 */
void qz_vm_watch(void (*changed)(void))
{
	xa_lock(&qz_vms);
	qz_vmproc_set_watch(changed);
	xa_unlock(&qz_vms);
}

unsigned int qz_vm_count(void)
{
	return READ_ONCE(qz_vms_visible);
}

/* Called when no announcement, scan or call can happen any more. */
void qz_vm_exit(void)
{
	struct qz_vm *vm;
	unsigned long id;

	xa_for_each(&qz_vms, id, vm) {
		xa_lock(&qz_vms);
		unlink_vm(vm);
		xa_unlock(&qz_vms);
		qz_vm_put(vm);
	}
	xa_destroy(&qz_vms);
}
