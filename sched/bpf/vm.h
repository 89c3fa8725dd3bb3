/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who belongs to which VM. A VM is a process that has a vCPU, or one that is in
 * the map "settings". A vCPU is a thread that was seen in a guest by the tick,
 * that stopped running inside KVM_RUN, or that is in the map "vcpus".
 *
 * A thread stays in its VM until it ends, and the VM ends with its last thread.
 * So an index is not used again while anything refers to it, and a process that
 * has the PID of an earlier one begins anew.
 */
#ifndef QZ_SCHED_BPF_VM_H
#define QZ_SCHED_BPF_VM_H

#include "state.h"

#define LEAST_LIMIT	10	/* 1000ths of a CPU */
#define RACES		16	/* lost so often, give up until the next time */

/*
 * With many vCPUs the limit cannot be as low as one likes: each of them is to
 * run within seconds, or sched_ext would see a task that starves.
 */
static u32 least_limit(u32 nthreads)
{
	return nthreads / 8 > LEAST_LIMIT ? nthreads / 8 : LEAST_LIMIT;
}

/* Called when a VM begins, at its ticks, and when it was idle. */
static void apply_settings(struct vm_ctx *vm)
{
	u32 tgid = vm->tgid, least;
	struct qz_setting *setting = tgid ? bpf_map_lookup_elem(&settings, &tgid) : NULL;

	if (!tgid)
		return;
	vm->weight = setting && setting->weight && setting->weight <= 10000 ?
		setting->weight : QZ_SCHED_WEIGHT;
	vm->flow.weight = qz_policy_weight(loaded_policy(), vm->weight, READ_ONCE(vm->vcpus));
	if (!setting)
		return;
	least = least_limit(READ_ONCE(vm->threads));
	vm->flow.limit = setting->limit && setting->limit < least ? least : setting->limit;
}

/* A VM's slot, with one thread that holds it. */
static u32 make_vm(u32 tgid)
{
	u32 index;

	bpf_for(index, 1, QZ_SCHED_VMS) {
		struct vm_ctx *vm = vm_at(index);

		if (!vm)
			break;
		if (READ_ONCE(vm->tgid) || __sync_val_compare_and_swap(&vm->tgid, 0, tgid))
			continue;
		qz_flow_init(loaded_policy(), &vm->flow, atomic64_read(&clock), QZ_SCHED_WEIGHT);
		vm->runnable = 0;
		vm->served = bpf_ktime_get_ns();
		vm->parked_at = 0;
		vm->waits = 0;
		vm->vcpus_wait = 0;
		vm->vcpus = 0;
		vm->threads = 1;
		apply_settings(vm);
		if (!bpf_map_update_elem(&indices, &tgid, &index, BPF_NOEXIST)) {
			use_word_of(index);
			return index;
		}
		vm->threads = 0;
		vm->tgid = 0;	/* another thread was faster */
		break;
	}
	return HOST;	/* also if there is no more room */
}

static bool hold(struct vm_ctx *vm)
{
	u32 i;

	bpf_for(i, 0, RACES) {
		u32 old = READ_ONCE(vm->threads);

		if (!old)
			return false;
		if (__sync_val_compare_and_swap(&vm->threads, old, old + 1) == old)
			return true;
	}
	return false;
}

/* A thread of it ends. */
static void release(u32 index, bool vcpu)
{
	struct vm_ctx *vm = vm_at(index);
	struct qz_vm_stats *s = stats_at(index);
	u32 tgid;

	if (!vm || !s || index == HOST)
		return;
	if (vcpu)
		__sync_fetch_and_sub(&vm->vcpus, 1);
	if (__sync_fetch_and_sub(&vm->threads, 1) != 1)
		return;
	tgid = vm->tgid;
	__builtin_memset(s, 0, sizeof(*s));
	bpf_map_delete_elem(&settings, &tgid);
	bpf_map_delete_elem(&indices, &tgid);
	WRITE_ONCE(vm->tgid, 0);
}

/* Does user space say that this is a vCPU? */
static bool is_named(const struct task_struct *p)
{
	u32 pid = p->pid, *tgid = bpf_map_lookup_elem(&vcpus, &pid);

	return tgid && *tgid == p->tgid;
}

/* The VM that a process is, held; HOST if it is none. */
static u32 find_vm(u32 tgid)
{
	u32 *index = bpf_map_lookup_elem(&indices, &tgid);
	struct vm_ctx *vm;

	if (!index)
		return bpf_map_lookup_elem(&settings, &tgid) ? make_vm(tgid) : HOST;
	vm = vm_at(*index);
	return vm && hold(vm) ? *index : HOST;
}

/* Has somebody said so, or another thread of this process been seen in a guest? */
static bool is_of_vm(const struct task_struct *p)
{
	u32 tgid = p->tgid;

	return bpf_map_lookup_elem(&indices, &tgid) || bpf_map_lookup_elem(&settings, &tgid);
}

/* A thread was seen to be a vCPU. Its runqueue lock is held. */
static void see_vcpu(struct task_ctx *t)
{
	struct vm_ctx *vm = vm_at(t->vm);

	t->vcpu = true;
	if (vm && t->vm != HOST)
		__sync_fetch_and_add(&vm->vcpus, 1);
}

/* A thread of the host's is a VM's from now on. It is not running. */
static void enter_vm(struct task_struct *p, struct task_ctx *t, bool is_counted)
{
	struct vm_ctx *host = vm_at(HOST), *vm;
	u32 index = find_vm(p->tgid);

	if (index == HOST && t->vcpu)
		index = make_vm(p->tgid);
	vm = vm_at(index);
	if (index == HOST || !vm || !host)
		return;
	if (is_counted) {
		__sync_fetch_and_sub(&host->runnable, 1);
		__sync_fetch_and_add(&vm->runnable, 1);
	}
	t->vm = index;
	if (t->vcpu || is_named(p))
		see_vcpu(t);
	qz_thread_init(loaded_policy(), &vm->flow, &t->thread);
}

#endif /* QZ_SCHED_BPF_VM_H */
