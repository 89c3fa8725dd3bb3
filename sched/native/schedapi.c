// SPDX-License-Identifier: GPL-2.0
/* The calls for the scheduler. */

#include <linux/capability.h>
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "uapi/linux/queztl.h"
#include "module/ioctl.h"
#include "module/vm.h"
#include "sched/native/sched.h"
#include "sched/native/schedapi.h"

#define SLICE_US	3000
#define SLICE_US_MIN	500
#define SLICE_US_MAX	20000
#define CHECK_US	1000
#define CHECK_US_MIN	250
#define CHECK_US_MAX	20000

#define WEIGHT_MAX	10000
#define LIMIT_MIN	10
#define LIMIT_MAX	1000000

#define VM_SETTINGS	(QUEZTL_VM_WEIGHT | QUEZTL_VM_LIMIT | QUEZTL_VM_MODE)

u64 qz_sched_features(void)
{
	return QUEZTL_F_SCHED;
}

static bool is_within(u32 value, u32 min, u32 max)
{
	return value >= min && value <= max;
}

int qz_schedapi_start(struct qz_call *call)
{
	const struct queztl_sched_start_args *start = call->arg;
	u32 slice = start->slice_us ?: SLICE_US;
	u32 check = start->check_us ?: CHECK_US;

	if (!capable(CAP_SYS_NICE))
		return -EPERM;
	if (!is_within(slice, SLICE_US_MIN, SLICE_US_MAX) ||
	    !is_within(check, CHECK_US_MIN, CHECK_US_MAX) ||
	    start->mode & ~QUEZTL_SCHED_PER_VCPU)
		return -EINVAL;
	return qz_sched_start(slice * NSEC_PER_USEC, check * NSEC_PER_USEC,
			      start->mode & QUEZTL_SCHED_PER_VCPU);
}

int qz_schedapi_stop(struct qz_call *call)
{
	if (!capable(CAP_SYS_NICE))
		return -EPERM;
	return qz_sched_stop();
}

int qz_schedapi_info(struct qz_call *call)
{
	struct queztl_sched *info = call->arg;
	struct qz_sched_status status;

	if (info->reserved)
		return -EINVAL;
	qz_sched_get(&status);
	memset_after(info, 0, flags);
	info->state = status.active ? QUEZTL_SCHED_ON :
		      status.end.kind ? QUEZTL_SCHED_FAILED : QUEZTL_SCHED_OFF;
	info->kind = status.end.kind;
	info->since_ns = status.end.kind ? status.end.since_ns :
			 status.since_ns;
	info->slice_us = div_u64(status.slice, NSEC_PER_USEC);
	info->check_us = div_u64(status.check, NSEC_PER_USEC);
	info->mode = status.per_vcpu ? QUEZTL_SCHED_PER_VCPU : 0;
	info->handovers = status.handovers;
	info->preemptions = status.preemptions;
	info->yields = status.yields;
	info->directed_yields = status.directed;
	info->checks = status.checks;
	info->starved = status.starved;
	strscpy_pad(info->reason, status.end.reason);
	strscpy_pad(info->message, status.end.message);
	return 0;
}

static int check_settings(const struct queztl_vm_sched *vm)
{
	if (vm->reserved || vm->set & ~VM_SETTINGS)
		return -EINVAL;
	if (vm->set & QUEZTL_VM_WEIGHT && !is_within(vm->weight, 1, WEIGHT_MAX))
		return -EINVAL;
	if (vm->set & QUEZTL_VM_LIMIT && vm->limit &&
	    !is_within(vm->limit, LIMIT_MIN, LIMIT_MAX))
		return -EINVAL;
	if (vm->set & QUEZTL_VM_MODE && vm->mode & ~QUEZTL_VM_BATCH)
		return -EINVAL;
	return 0;
}

int qz_schedapi_vm_set(struct qz_call *call)
{
	const struct queztl_vm_sched *arg = call->arg;
	struct qz_vm_cpu *cpu;
	struct qz_vm *vm;
	int err;

	if (!capable(CAP_SYS_NICE))
		return -EPERM;
	err = check_settings(arg);
	if (err)
		return err;
	vm = qz_vm_get(arg->id);
	if (!vm)
		return -ENOENT;
	cpu = &vm->proc->cpu;
	if (arg->set & QUEZTL_VM_WEIGHT)
		WRITE_ONCE(cpu->weight, arg->weight);
	if (arg->set & QUEZTL_VM_LIMIT)
		WRITE_ONCE(cpu->limit, arg->limit);
	if (arg->set & QUEZTL_VM_MODE)
		WRITE_ONCE(cpu->batch, arg->mode & QUEZTL_VM_BATCH);
	qz_sched_changed();
	qz_vm_put(vm);
	return 0;
}

static void get_partners(struct qz_vmproc *proc, struct queztl_vm_sched *arg)
{
	unsigned long flags;
	u32 i;

	static_assert(QZ_PARTNERS == QUEZTL_SCHED_PARTNERS);
	raw_spin_lock_irqsave(&proc->partners_lock, flags);
	for (i = 0; i < QUEZTL_SCHED_PARTNERS; i++) {
		const struct qz_partner *p = &proc->partners.partner[i];

		arg->partners[i] = (struct queztl_sched_partner){
			.id = p->id, .sent = p->sent, .received = p->received,
		};
	}
	raw_spin_unlock_irqrestore(&proc->partners_lock, flags);
}

int qz_schedapi_vm_get(struct qz_call *call)
{
	const struct qz_vm_cpu_stats *stats;
	struct queztl_vm_sched *arg = call->arg;
	struct qz_vm *vm;
	u32 i;

	if (arg->reserved)
		return -EINVAL;
	vm = qz_vm_get(arg->id);
	if (!vm)
		return -ENOENT;
	arg->set = VM_SETTINGS;
	arg->weight = READ_ONCE(vm->proc->cpu.weight);
	arg->limit = READ_ONCE(vm->proc->cpu.limit);
	arg->mode = READ_ONCE(vm->proc->cpu.batch) ? QUEZTL_VM_BATCH : 0;
	stats = &vm->proc->stats;
	arg->used_ns = atomic64_read(&stats->used);
	arg->throttled_ns = atomic64_read(&stats->throttled);
	arg->handovers_sent = atomic64_read(&stats->sent);
	arg->handovers_received = atomic64_read(&stats->received);
	arg->preemptions = atomic64_read(&stats->preemptions);
	arg->yields = atomic64_read(&stats->yields);
	for (i = 0; i < QUEZTL_SCHED_WAITS; i++)
		arg->waits[i] = atomic64_read(&stats->waits[i]);
	arg->vcpus = qz_sched_vcpus(vm->proc);
	arg->preempted = atomic64_read(&stats->preempted);
	arg->preempted_kernel = atomic64_read(&stats->preempted_kernel);
	get_partners(vm->proc, arg);
	qz_vm_put(vm);
	return 0;
}
