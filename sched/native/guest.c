// SPDX-License-Identifier: GPL-2.0
/* What KVM knows of the guest of a thread that stopped. */

#include <linux/kvm_host.h>
#include <linux/preempt.h>
#ifdef CONFIG_ARM64
#include <asm/kvm_emulate.h>
#endif

#include "sched/native/native.h"

/* In a process that holds a VM, only KVM has preempt notifiers: one in each vCPU. */
static const struct kvm_vcpu *vcpu_of(const struct task_struct *task)
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
