// SPDX-License-Identifier: GPL-2.0
/* What KVM knows of the guest of a thread that stops, or has stopped. */

#include <linux/kvm_host.h>
#include <linux/preempt.h>
#ifdef CONFIG_ARM64
#include <asm/kvm_emulate.h>
#endif

#include "sched/native/native.h"

#ifdef CONFIG_X86
/* KVM's; NULL: it is no part of the kernel, or was not loaded at the start. */
static bool (*in_kernel)(struct kvm_vcpu *vcpu);

/* In process context. KVM stays while the scheduler is on. */
void qz_guest_init(void)
{
	in_kernel = symbol_get(kvm_vcpu_loaded_in_kernel);
}

/* In process context, when the scheduler is off. */
void qz_guest_exit(void)
{
	if (in_kernel)
		symbol_put(kvm_vcpu_loaded_in_kernel);
	in_kernel = NULL;
}

static bool is_in_kernel(struct kvm_vcpu *vcpu)
{
	return in_kernel && in_kernel(vcpu);
}
#else
void qz_guest_init(void)
{
}

void qz_guest_exit(void)
{
}

static bool is_in_kernel(struct kvm_vcpu *vcpu)
{
	return vcpu_mode_priv(vcpu);
}
#endif

/* In a process that holds a VM, only KVM has preempt notifiers: one in each vCPU. */
static struct kvm_vcpu *vcpu_of(const struct task_struct *task)
{
	const struct preempt_notifier *notifier =
		hlist_entry(task->preempt_notifiers.first,
			    struct preempt_notifier, link);

	return container_of(notifier, struct kvm_vcpu, preempt_notifier);
}

static bool was_in_kernel(const struct kvm_vcpu *vcpu)
{
#ifdef CONFIG_X86
	return READ_ONCE(vcpu->arch.preempted_in_kernel);
#else
	return vcpu_mode_priv(vcpu);
#endif
}

/*
 * KVM notes that a vCPU was preempted when its thread is switched out, and forgets
 * it when the thread is switched in. So this is for one that is about to be: of a
 * VM's process, with its runqueue lock held, from running().
 */
enum qz_preempted qz_guest_preempted(const struct task_struct *task)
{
	const struct kvm_vcpu *vcpu;

	if (!qz_task_is_vcpu(task))
		return QZ_NOT_PREEMPTED;
	vcpu = vcpu_of(task);
	if (!READ_ONCE(vcpu->preempted))
		return QZ_NOT_PREEMPTED;
	return was_in_kernel(vcpu) ? QZ_PREEMPTED_IN_KERNEL : QZ_PREEMPTED;
}

/*
 * The same before it is switched out: of the thread that runs on this CPU, with its
 * runqueue lock held, from dispatch() or when it is queued. While KVM has its preempt
 * notifier, the vCPU is loaded. Outside KVM_RUN its guest holds up nobody.
 */
bool qz_guest_in_kernel(const struct task_struct *task)
{
	struct kvm_vcpu *vcpu;

	if (task != current || !qz_task_is_vcpu(task))
		return false;
	vcpu = vcpu_of(task);
	return vcpu->wants_to_run && is_in_kernel(vcpu);
}
