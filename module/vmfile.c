// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the KVM VM descriptors of a process.
 *
 * Only a file reference makes it safe to dereference a struct kvm: the file
 * holds the VM.
 */

#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/kvm_host.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/string.h>

#include "compat.h"
#include "vm.h"

struct vmfile_search {
	const struct kvm *kvm;		/* NULL: any */
	bool vcpus;			/* vCPU files as well as VM files */
	const struct module *owner;	/* of KVM's files; NULL: built in */
	struct file *file;
};

/*
 * A vCPU descriptor keeps the VM alive too. KVM does not export a way to
 * recognise the file of a vCPU, but no other anonymous file of KVM has this name.
 * Where KVM is built in, its files have no owner, as a user's on a disk may have.
 */
static bool is_vcpu_of(const struct file *file,
		       const struct vmfile_search *search)
{
	const struct kvm_vcpu *vcpu = file->private_data;

	return search->vcpus && file->f_op->owner == search->owner &&
	       file_inode(file)->i_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       str_has_prefix(file->f_path.dentry->d_name.name, "kvm-vcpu:") &&
	       vcpu->kvm == search->kvm;
}

/* Called under files->file_lock: must not sleep. */
static int match_vmfile(const void *data, struct file *file, unsigned int fd)
{
	struct vmfile_search *search = (struct vmfile_search *)data;

	if (qz_file_is_kvm(file)) {
		if (search->kvm && file->private_data != search->kvm)
			return 0;
	} else if (!is_vcpu_of(file, search)) {
		return 0;
	}
	search->file = get_file(file);
	return fd + 1;
}

/* A thread group's leader may have exited before its threads. */
static int iterate_group(struct task_struct *task, unsigned int fd,
			 struct vmfile_search *search)
{
	struct task_struct *t;
	int ret = 0;
	bool done = false;

	rcu_read_lock();
	for_each_thread(task, t) {
		task_lock(t);
		if (t->files) {
			ret = iterate_fd(t->files, fd, match_vmfile, search);
			done = true;
		}
		task_unlock(t);
		if (done)
			break;
	}
	rcu_read_unlock();
	return ret;
}

/**
 * qz_vmfile_next - find the next KVM VM descriptor of a process
 * @task: any thread of the process
 * @fd: where to start; set to the descriptor after the one found
 *
 * Return: the file, with a reference, or NULL.
 */
struct file *qz_vmfile_next(struct task_struct *task, unsigned int *fd)
{
	struct vmfile_search search = {};

	*fd = iterate_group(task, *fd, &search);
	return search.file;
}

/**
 * qz_vmfile_maker - find the process that created a VM
 * @file: a KVM VM descriptor
 *
 * Return: a thread of the process, with a reference, if the process still holds
 * a descriptor of the VM, else NULL.
 */
struct task_struct *qz_vmfile_maker(struct file *file)
{
	struct kvm *kvm = file->private_data;
	struct vmfile_search search = { .kvm = kvm };
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(find_pid_ns(kvm->userspace_pid, &init_pid_ns),
			PIDTYPE_PID);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	if (!task)
		return NULL;
	iterate_group(task, 0, &search);
	if (search.file) {
		fput(search.file);
		return task;
	}
	put_task_struct(task);
	return NULL;
}

/**
 * qz_vm_hold - keep a VM alive for a moment
 * @vm: the VM
 *
 * While the returned file is held, vm->kvm may be dereferenced.
 *
 * Return: a file of the VM or of one of its vCPUs, with a reference, or NULL if
 * the VM no longer exists or its process no longer has such a descriptor.
 */
struct file *qz_vm_hold(const struct qz_vm *vm)
{
	struct vmfile_search search = {
		.kvm = vm->kvm, .vcpus = true, .owner = vm->owner,
	};
	struct task_struct *task;

	if (!qz_vm_live(vm))
		return NULL;
	task = get_pid_task(vm->tgid, PIDTYPE_TGID);
	if (!task)
		return NULL;
	iterate_group(task, 0, &search);
	put_task_struct(task);
	/*
	 * Between the two checks the VM may have been destroyed, and its
	 * memory reused as the struct kvm of another VM. Then it is marked
	 * gone by now.
	 */
	if (search.file && !qz_vm_live(vm)) {
		fput(search.file);
		return NULL;
	}
	return search.file;
}
