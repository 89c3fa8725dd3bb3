/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between the kernels that Queztl builds for. Kbuild searches a
 * kernel's headers and its list of exports, and defines QZ_HAVE_*: a version
 * number does not tell what a distribution has changed.
 */
#ifndef QZ_COMPAT_H
#define QZ_COMPAT_H

#include <linux/device.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/magic.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/vhost_task.h>
#include <linux/string.h>
#include <linux/vdpa.h>
#include <linux/workqueue.h>

#ifdef CONFIG_PREEMPT_RT
#error "The gate relies on softirqs off being preemption off: no PREEMPT_RT"
#endif

#ifndef QZ_HAVE_HRTIMER_SETUP
static inline void
hrtimer_setup(struct hrtimer *timer,
	      enum hrtimer_restart (*function)(struct hrtimer *),
	      clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

/* Kernels that have the new name warn about users of the old one. */
#ifdef QZ_HAVE_SYSTEM_PERCPU_WQ
#define qz_system_wq	system_percpu_wq
#else
#define qz_system_wq	system_wq
#endif

/*
 * vDPA devices may bring their own mapping of buffers. A port has none: its
 * buffers are mapped by the DMA API, on the port's own device.
 */
#ifdef QZ_HAVE_VDPA_MAP
#define qz_vdpa_alloc(type, member, parent, ops, ngroups, nas, name)	\
	vdpa_alloc_device(type, member, parent, ops, NULL, ngroups, nas, \
			  name, false)
#else
#define qz_vdpa_alloc(type, member, parent, ops, ngroups, nas, name)	\
	vdpa_alloc_device(type, member, parent, ops, ngroups, nas, name, false)
#endif

static inline void qz_vdpa_set_dma_dev(struct vdpa_device *vdpa,
				       struct device *dev)
{
#ifdef QZ_HAVE_VDPA_MAP
	vdpa->vmap.dma_dev = dev;
#else
	vdpa->dma_dev = dev;
#endif
}

/*
 * Only CPUs access a port's buffers. On systems where not every device snoops
 * their caches (arm64), rings would otherwise be mapped uncached, and buffers
 * flushed.
 */
static inline void qz_set_dma_coherent(struct device *dev)
{
#ifdef QZ_HAVE_DEV_SET_DMA_COHERENT
	dev_set_dma_coherent(dev);
#elif defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_DEVICE) || \
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU) || \
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU_ALL)
	dev->dma_coherent = true;
#endif
}

/*
 * Any context. In some kernels vhost_task_wake() takes a mutex to check whether
 * the thread still exists; those have a variant for callers who know that it
 * has not been freed.
 */
static inline void qz_vhost_task_wake(struct vhost_task *task)
{
#ifdef QZ_HAVE___VHOST_TASK_WAKE
	__vhost_task_wake(task);
#else
	vhost_task_wake(task);
#endif
}

/*
 * Newer kernels export file_is_kvm() only to KVM's own modules. The names of
 * anonymous inodes are given only by kernel code, and this name only by KVM.
 */
#ifdef QZ_HAVE_FILE_IS_KVM
#define qz_file_is_kvm(file)	file_is_kvm(file)
#else
static inline bool qz_file_is_kvm(const struct file *file)
{
	return file_inode(file)->i_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       !strcmp(file->f_path.dentry->d_name.name, "kvm-vm");
}
#endif

/*
 * Does a sched_ext scheduler schedule this thread, Queztl's or another? No kernel
 * exports that, but the bit says which class has it on a runqueue. Process context.
 */
static inline bool qz_on_sched_ext(void)
{
#ifdef CONFIG_SCHED_CLASS_EXT
	return READ_ONCE(current->scx.flags) & SCX_TASK_QUEUED;
#else
	return false;
#endif
}

/* Does it run, or is it just beginning or ceasing to? */
static inline bool qz_is_on_cpu(const struct task_struct *task)
{
#ifdef CONFIG_SMP
	return READ_ONCE(task->on_cpu);
#else
	return task == current;
#endif
}

/* A macro, so that only its users have to include all of KVM. */
#ifdef QZ_HAVE_VCPU_PID_LOCK
#define qz_vcpu_tid(vcpu)						\
({									\
	pid_t tid_;							\
									\
	read_lock(&(vcpu)->pid_lock);					\
	tid_ = pid_vnr((vcpu)->pid);					\
	read_unlock(&(vcpu)->pid_lock);					\
	tid_;								\
})
#else
#define qz_vcpu_tid(vcpu)						\
({									\
	pid_t tid_;							\
									\
	rcu_read_lock();						\
	tid_ = pid_vnr(rcu_dereference((vcpu)->pid));			\
	rcu_read_unlock();						\
	tid_;								\
})
#endif

#endif /* QZ_COMPAT_H */
