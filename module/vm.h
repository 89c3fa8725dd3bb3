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

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "uapi/linux/queztl.h"
#include "module/partners.h"

struct file;
struct kvm;
struct module;
struct pid;
struct task_struct;

/* "PID-FD", the name of a VM in KVM's debugfs and uevents. */
#define QZ_VM_KEY_LEN	28

/* The weight of a VM that was given none, as cpu.weight has it. */
#define QZ_VM_WEIGHT	100

/**
 * struct qz_vm_cpu - what the VMs of a process are entitled to
 * @weight: share of CPU time relative to others', 1 to 10000
 * @limit: CPU time of their vCPUs per 1000 of wall clock; 0: no limit
 * @batch: throughput matters to them, latency does not
 */
struct qz_vm_cpu {
	u32 weight;
	u32 limit;
	bool batch;
};

/**
 * struct qz_vm_cpu_stats - what they got, while a scheduler of ours ran; ns
 * @used: CPU time of all threads of the process
 * @throttled: vCPUs waited in a queue that the limit holds back
 * @sent: messages to other VMs
 * @received: messages from other VMs
 * @preemptions: others that they preempted when they woke up
 * @yields: they gave up a CPU
 * @preempted: a vCPU lost the CPU though it could run on
 * @preempted_kernel: of these, in kernel mode of the guest
 * @waits: wake-ups by how long it took until they ran, see sched/waits.h
 */
struct qz_vm_cpu_stats {
	atomic64_t used;
	atomic64_t throttled;
	atomic64_t sent;
	atomic64_t received;
	atomic64_t preemptions;
	atomic64_t yields;
	atomic64_t preempted;
	atomic64_t preempted_kernel;
	atomic64_t waits[QUEZTL_SCHED_WAITS];
};

/**
 * struct qz_vmproc - a process that holds VMs
 * @node: in the table of processes
 * @ref: references: one by each VM of it, others by who asks
 * @tgid: the process, with a reference
 * @id: of its first VM, by which others know it
 * @members: registered VMs of it; under the registry's lock
 * @visible: those that are not detached; written under the registry's lock
 * @cpu: what it is entitled to; each member is read and written as one word
 * @stats: what it got
 * @partners_lock: guards @partners; a leaf, taken with interrupts off
 * @partners: with whom it exchanges messages, by @id
 * @customer: the scheduler's number for it, 0 if it has none
 * @rcu: to free it
 */
struct qz_vmproc {
	struct hlist_node node;
	refcount_t ref;
	struct pid *tgid;
	u64 id;
	unsigned int members;
	unsigned int visible;
	struct qz_vm_cpu cpu;
	struct qz_vm_cpu_stats stats;
	raw_spinlock_t partners_lock;
	struct qz_partners partners;
	u32 customer;
	struct rcu_head rcu;
};

/**
 * struct qz_vm - a virtual machine
 * @ref: references: one by the registry, one by each VM descriptor
 * @id: id of the VM, never reused
 * @kvm: KVM's structure, only to compare, but see qz_vm_hold()
 * @owner: the module that KVM's files belong to, only to compare
 * @tgid: the process that holds the VM
 * @proc: the same, with its other VMs; a reference
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
	struct qz_vmproc *proc;
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
void qz_vm_watch(void (*changed)(void));
struct qz_vmproc *qz_vmproc_next(u64 *id);

/* vmproc.c: from a thread to its VMs */
struct qz_vmproc *qz_vmproc_alloc(struct pid *tgid);
void qz_vmproc_put(struct qz_vmproc *proc);
struct qz_vmproc *qz_vmproc_find(const struct pid *tgid);
struct qz_vmproc *qz_vmproc_join(struct qz_vmproc *proc);
void qz_vmproc_leave(struct qz_vmproc *proc);
void qz_vmproc_show(struct qz_vmproc *proc, int by);
void qz_vmproc_set_watch(void (*changed)(void));

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
