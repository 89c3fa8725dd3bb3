/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The registry of virtual machines.
 *
 * A VM is identified by its struct kvm and by the process that holds it. The
 * registry holds no reference on either, so it never keeps the memory of a dead
 * VM. vm->kvm is only an identity to compare. It may be dereferenced only while
 * qz_vm_hold() keeps the VM alive.
 *
 * Lock order: qz_vms.xa_lock is taken under no other lock, and only trace
 * buffers are used under it. It is taken in process context, in one case
 * (uevent.c) from inside kvm_destroy_vm().
 */
#ifndef QZ_VM_H
#define QZ_VM_H

#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct file;
struct kvm;
struct module;
struct pid;
struct task_struct;

/* "PID-FD", the name of a VM in KVM's debugfs and uevents. */
#define QZ_VM_KEY_LEN	28

/**
 * struct qz_vm - a virtual machine
 * @ref: references: one by the registry, one by each VM descriptor
 * @id: id of the VM, never reused
 * @kvm: KVM's structure, only to compare, but see qz_vm_hold()
 * @owner: the module that KVM's files belong to, only to compare
 * @tgid: the process that holds the VM
 * @maker: the thread that created the VM, as recorded by KVM
 * @uid: effective user of the process when the VM was detected
 * @seen_ns: CLOCK_BOOTTIME when the VM was detected
 * @gone: KVM destroyed the VM; written under the registry's lock, never cleared
 * @hidden: detached; written under the registry's lock
 * @marked: used by a rescan, under the registry's lock
 * @key: KVM's name of the VM, empty without debugfs
 * @comm: name of the process
 */
struct qz_vm {
	refcount_t ref;
	u64 id;
	struct kvm *kvm;
	const struct module *owner;
	struct pid *tgid;
	pid_t maker;
	kuid_t uid;
	u64 seen_ns;
	bool gone;
	bool hidden;
	bool marked;
	char key[QZ_VM_KEY_LEN];
	char comm[16];
};

/* vm.c: the registry */
struct qz_vm *qz_vm_add(struct file *file, struct task_struct *task);
struct qz_vm *qz_vm_get(u64 id);
struct qz_vm *qz_vm_next(u64 id);
void qz_vm_put(struct qz_vm *vm);
bool qz_vm_live(const struct qz_vm *vm);
void qz_vm_show(struct qz_vm *vm);
int qz_vm_hide(struct qz_vm *vm);
bool qz_vm_known(const char *key);
void qz_vm_gone_key(const char *key);
void qz_vm_mark_all(void);
void qz_vm_gone_marked(void);
unsigned int qz_vm_count(void);
void qz_vm_exit(void);

/* vmfile.c: from a process to its KVM descriptors */
struct file *qz_vmfile_next(struct task_struct *task, unsigned int *fd);
struct task_struct *qz_vmfile_maker(struct file *file);
struct file *qz_vm_hold(const struct qz_vm *vm);

/* vmscan.c: from KVM's announcements to the registry */
void qz_vmscan_created(int pid, const char *key);
void qz_vmscan_resync(void);
void qz_vmscan_init(void);
void qz_vmscan_exit(void);

/* uevent.c: KVM's announcements */
int qz_uevent_init(void);
void qz_uevent_exit(void);

#endif /* QZ_VM_H */
