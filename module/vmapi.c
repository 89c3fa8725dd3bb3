// SPDX-License-Identifier: GPL-2.0
/* The calls for VMs, and the VM descriptor. */

#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/task.h>
#include <linux/uidgid.h>

#include "uapi/linux/queztl.h"
#include "compat.h"
#include "ioctl.h"
#include "vm.h"

static int vm_release(struct inode *inode, struct file *file)
{
	qz_vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner		= THIS_MODULE,
	.release	= vm_release,
	.unlocked_ioctl	= qz_vm_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.llseek		= noop_llseek,
};

/* The file takes over the reference on @vm. */
static int prepare_vm_fd(struct qz_call *call, struct qz_vm *vm)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto err_put;
	file = anon_inode_getfile("[queztl-vm]", &vm_fops, vm, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto err_put;
	}
	call->fd = fd;
	call->publish = file;
	return 0;

err_put:
	qz_vm_put(vm);
	return fd;
}

static bool may_control(const struct qz_vm *vm)
{
	return uid_eq(current_euid(), vm->uid) || capable(CAP_SYS_PTRACE);
}

int qz_vmapi_next(struct qz_call *call)
{
	struct queztl_vm_next_args *next = call->arg;
	struct qz_vm *vm;

	vm = qz_vm_next(next->id);
	if (!vm)
		return -ENOENT;
	next->id = vm->id;
	qz_vm_put(vm);
	return 0;
}

/* The VM belongs to the process that created it, if that still holds it. */
static struct qz_vm *attach_vm(struct file *file)
{
	struct task_struct *task = qz_vmfile_maker(file);
	struct qz_vm *vm;

	vm = task ? qz_vm_add(file, task) : ERR_PTR(-ESRCH);
	if (task)
		put_task_struct(task);
	return vm == ERR_PTR(-ESRCH) ? qz_vm_add(file, current) : vm;
}

/* A detached VM is registered, but made visible only when nothing can fail. */
static void show_attached(struct qz_call *call)
{
	qz_vm_show(call->publish->private_data);
}

int qz_vmapi_attach(struct qz_call *call)
{
	struct queztl_vm_attach_args *attach = call->arg;
	struct qz_vm *vm;
	struct file *file;
	int err;

	file = fget(attach->kvm_fd);
	if (!file)
		return -EBADF;
	vm = qz_file_is_kvm(file) ? attach_vm(file) : ERR_PTR(-EINVAL);
	fput(file);
	if (IS_ERR(vm))
		return PTR_ERR(vm);

	attach->id = vm->id;
	err = prepare_vm_fd(call, vm);
	attach->vm_fd = call->fd;
	call->commit = show_attached;
	return err;
}

int qz_vmapi_open(struct qz_call *call)
{
	struct queztl_vm_open_args *open = call->arg;
	struct qz_vm *vm;
	int err;

	if (open->reserved)
		return -EINVAL;
	vm = qz_vm_get(open->id);
	if (!vm)
		return -ENOENT;
	if (!may_control(vm)) {
		qz_vm_put(vm);
		return -EPERM;
	}
	err = prepare_vm_fd(call, vm);
	open->vm_fd = call->fd;
	return err;
}

int qz_vmapi_info(struct qz_call *call)
{
	const struct qz_vm *vm = call->file->private_data;
	struct queztl_vm *info = call->arg;
	struct file *hold;

	if (info->reserved)
		return -EINVAL;
	if (!qz_vm_live(vm))
		return -ENOENT;
	info->id = vm->id;
	info->pid = pid_vnr(vm->tgid);
	info->uid = from_kuid_munged(current_user_ns(), vm->uid);
	info->seen_ns = vm->seen_ns;
	memcpy(info->comm, vm->comm, sizeof(info->comm));
	info->vcpus = 0;

	hold = qz_vm_hold(vm);
	if (hold) {
		info->vcpus = atomic_read(&vm->kvm->online_vcpus);
		fput(hold);
	}
	return 0;
}

int qz_vmapi_vcpu(struct qz_call *call)
{
	const struct qz_vm *vm = call->file->private_data;
	struct queztl_vcpu *arg = call->arg;
	struct kvm_vcpu *vcpu = NULL;
	struct file *hold;
	int err = -ENOENT;

	hold = qz_vm_hold(vm);
	if (!hold)
		return -ENOENT;
	if (arg->index <= INT_MAX)	/* KVM relies on that */
		vcpu = kvm_get_vcpu(vm->kvm, arg->index);
	if (vcpu) {
		arg->tid = qz_vcpu_tid(vcpu);
		err = 0;
	}
	fput(hold);
	return err;
}

static void add_vcpu_stats(struct queztl_vm_stats *sum,
			   const struct kvm_vcpu_stat *stat)
{
	sum->exits += READ_ONCE(stat->exits);
	sum->signal_exits += READ_ONCE(stat->signal_exits);
#ifdef CONFIG_X86
	sum->halt_exits += READ_ONCE(stat->halt_exits);
	sum->mmio_exits += READ_ONCE(stat->mmio_exits);
	sum->io_exits += READ_ONCE(stat->io_exits);
	sum->irq_injections += READ_ONCE(stat->irq_injections);
	sum->insn_emulations += READ_ONCE(stat->insn_emulation);
#elif defined(CONFIG_ARM64)
	/* KVM counts neither injections nor emulations; there is no port I/O. */
	sum->halt_exits += READ_ONCE(stat->wfi_exit_stat);
	sum->mmio_exits += READ_ONCE(stat->mmio_exit_user);
#endif
}

int qz_vmapi_stats(struct qz_call *call)
{
	const struct qz_vm *vm = call->file->private_data;
	struct queztl_vm_stats *stats = call->arg;
	struct kvm_vcpu *vcpu;
	struct file *hold;
	unsigned long i;

	hold = qz_vm_hold(vm);
	if (!hold)
		return -ENOENT;
	memset_after(stats, 0, flags);
	kvm_for_each_vcpu(i, vcpu, vm->kvm)
		add_vcpu_stats(stats, &vcpu->stat);
	fput(hold);
	return 0;
}

int qz_vmapi_detach(struct qz_call *call)
{
	struct qz_vm *vm = call->file->private_data;

	if (!may_control(vm))
		return -EPERM;
	return qz_vm_hide(vm);
}
