/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the BPF scheduler knows: of each VM, thread and CPU, and which VMs have
 * somebody waiting.
 */
#ifndef QZ_SCHED_BPF_STATE_H
#define QZ_SCHED_BPF_STATE_H

#include "plain_bpf.h"
#include "queztl.h"

/* The policy's functions, as this file's own: the verifier follows calls. */
#pragma clang attribute push(__attribute__((internal_linkage)), apply_to = function)
#include "sched/policy.h"
#include "../policy.c"
#pragma clang attribute pop

#define HOST		0		/* index of all tasks that are no VM's */
#define NONE		QZ_SCHED_VMS
#define WORDS		(QZ_SCHED_VMS / 64)

/*
 * Queues. That of a VM has its index. The vCPUs of a VM with a limit have one of
 * their own, from which nobody is taken while the limit is used up. A CPU's is
 * for threads that can run nowhere else.
 */
#define VCPUS(vm)	(0x10000 + (vm))
#define PINNED(cpu)	(0x20000 + (cpu))

const volatile u32 nr_cpus = 1;
const volatile u32 host_weight = QZ_SCHED_WEIGHT;
const volatile u64 check_ns = NSEC_PER_MSEC;	/* 0: at ticks only */
const volatile u64 brief_check_ns = 250 * NSEC_PER_USEC;
const volatile struct qz_policy policy = QZ_POLICY_DEFAULT;

/*
 * For the policy's functions, to which it is not volatile: clang must not know
 * whose address this is, or takes the initializer for what the loader has set.
 */
static __always_inline const struct qz_policy *loaded_policy(void)
{
	const struct qz_policy *loaded = (const void *)&policy;

	asm volatile("" : "+r"(loaded));
	return loaded;
}

struct vm_ctx {
	struct qz_flow flow;
	u32 tgid;	/* 0: free */
	u32 threads;	/* whose task_ctx has its index; with the last it ends */
	u32 vcpus;	/* of these */
	u32 weight;	/* as it was given, not what it counts for */
	u32 runnable;	/* of these */
	u32 waits;	/* of these, in the VM's queue */
	u32 vcpus_wait;	/* in the queue of its vCPUs */
	u32 turn;	/* which of these two queues is next */
	u32 refilling;	/* a lock that nobody waits for */
	u64 served;	/* when one of these was taken, or began to wait for all others */
	u64 parked_at;	/* since then a vCPU waits for the limit; 0: none does */
};

enum queue { NO_QUEUE, VM_QUEUE, VCPU_QUEUE, PINNED_QUEUE };

struct task_ctx {
	struct qz_thread thread;
	u64 started;
	u64 charged;	/* its CPU time then */
	u64 queued;	/* when it began to wait for one CPU only */
	s32 cpu;	/* that CPU */
	u64 woken;	/* since then it has something to run, and has not run; 0 */
	u32 vm;
	bool vcpu;
	bool old;	/* it has been runnable before */
	bool brief;	/* it blocks soon after it has begun to run, as who sends messages does */
	u64 burst;	/* so long it has run since, in however many slices */
	bool hurries;	/* it is counted in brief_waiting */
	u8 waits;	/* enum queue */
};

/* What runs on a CPU. */
struct cpu_ctx {
	u32 vm;		/* NONE: idle, or a task of another class */
	bool vcpu;
	u64 started;
	u64 slice;
	u64 turn;	/* of the thread, with its slice */
	u32 pinned;	/* threads that wait for this CPU only */
	u64 looked;	/* when it looked for those of them that starve */
	s32 next;	/* the thread that who runs here lets in; 0: none */
	u64 next_queue;	/* where it waits */
	u64 next_slice;	/* for how long it is let in */
	s32 lent;	/* it was taken for that, and has not begun */
	u32 gives;	/* of this VM one was taken that starves, and has not begun; NONE */
	bool given;	/* who runs was taken for that: nobody preempts it */
	struct qz_price price;	/* of time here */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, QZ_SCHED_VMS);
	__type(key, u32);
	__type(value, struct vm_ctx);
} vms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, QZ_SCHED_VMS);
	__type(key, u32);
	__type(value, struct qz_vm_stats);
} stats SEC(".maps");

/* Index of a VM by tgid. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, QZ_SCHED_VMS);
	__type(key, u32);
	__type(value, u32);
} indices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, QZ_SCHED_VMS);
	__type(key, u32);
	__type(value, struct qz_setting);
} settings SEC(".maps");

/* The tgid of a vCPU's thread. Not needed, but then nobody has to be seen first. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, QZ_SCHED_VCPUS);
	__type(key, u32);
	__type(value, u32);
} vcpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_ctx);
} threads SEC(".maps");

static struct cpu_ctx cpus[QZ_SCHED_CPUS];
static atomic64_t clock;

/*
 * The smallest tags a moment ago, for qz_price_next(): of VMs with somebody in
 * their queue, when one was last chosen of all, and of those with threads that wait
 * for one CPU only, when the alarm last rang. 0: nobody waited.
 */
static u64 least_waiting;
static struct least {
	u64 tag;
	u32 cpu;
} least_pinned;

/*
 * VMs with somebody in their queue, and the same of the queues of their vCPUs.
 * A bit may be set for nobody: who finds that out clears it.
 */
static u64 waiting[WORDS], waiting_vcpus[WORDS];
static u32 words = 1;	/* so many of these words were ever used */

static struct vm_ctx *vm_at(u32 index)
{
	return bpf_map_lookup_elem(&vms, &index);
}

static struct qz_vm_stats *stats_at(u32 index)
{
	return bpf_map_lookup_elem(&stats, &index);
}

static struct cpu_ctx *cpu_at(s32 cpu)
{
	u32 index = cpu;

	/* The mask is for the verifier. */
	return index < QZ_SCHED_CPUS ? &cpus[index & (QZ_SCHED_CPUS - 1)] : NULL;
}

static struct task_ctx *thread_of(struct task_struct *p)
{
	return bpf_task_storage_get(&threads, p, NULL, 0);
}

/* -- who waits ------------------------------------------------------------ */
/*
 * What ops.enqueue inserts is in the queue only after it has returned. So a
 * queue that is empty says nothing, and those that wait are counted.
 */
static void set_bit_of(u64 *map, u32 vm, bool on)
{
	u64 bit = 1ull << (vm % 64), *word = &map[vm / 64 & (WORDS - 1)];

	if (on)
		__sync_fetch_and_or(word, bit);
	else
		__sync_fetch_and_and(word, ~bit);
}

/* How many wait whose bursts are brief: they are looked after more often. */
static u32 brief_waiting;

static u32 *waits_in(struct vm_ctx *vm, u8 queue)
{
	return queue == VCPU_QUEUE ? &vm->vcpus_wait : &vm->waits;
}

static void hurry(struct task_ctx *t, bool held_back)
{
	t->hurries = t->brief && !held_back;
	if (t->hurries)
		__sync_fetch_and_add(&brief_waiting, 1);
}

/* Called with the lock of the thread's runqueue, as are the next two. */
static void ends_waiting(struct task_ctx *t, struct vm_ctx *vm)
{
	struct cpu_ctx *c = cpu_at(t->cpu);

	if (t->waits == PINNED_QUEUE && c)
		__sync_fetch_and_sub(&c->pinned, 1);
	else if (t->waits)
		__sync_fetch_and_sub(waits_in(vm, t->waits), 1);
	if (t->hurries)
		__sync_fetch_and_sub(&brief_waiting, 1);
	t->waits = NO_QUEUE;
	t->hurries = false;
}

/* In its VM's queue, or in that of the vCPUs. */
static void begins_waiting(struct task_ctx *t, struct vm_ctx *vm, u8 queue)
{
	bool limited = queue == VCPU_QUEUE;

	ends_waiting(t, vm);
	t->waits = queue;
	hurry(t, queue == VCPU_QUEUE && qz_flow_is_parked(&vm->flow));
	if (!__sync_fetch_and_add(waits_in(vm, queue), 1) &&
	    !READ_ONCE(*waits_in(vm, limited ? VM_QUEUE : VCPU_QUEUE)))
		vm->served = bpf_ktime_get_ns();
	set_bit_of(limited ? waiting_vcpus : waiting, t->vm, true);
}

static void begins_waiting_for(s32 cpu, struct task_ctx *t, struct vm_ctx *vm)
{
	struct cpu_ctx *c = cpu_at(cpu);

	ends_waiting(t, vm);
	if (!c)
		return;
	t->waits = PINNED_QUEUE;
	t->cpu = cpu;
	t->queued = bpf_ktime_get_ns();
	hurry(t, false);
	__sync_fetch_and_add(&c->pinned, 1);
}

/* Nobody was found in a queue. Who begins to wait now sets the bit after this. */
static void found_nobody(u32 index, struct vm_ctx *vm, u8 queue)
{
	u64 *map = queue == VCPU_QUEUE ? waiting_vcpus : waiting;

	if (READ_ONCE(*waits_in(vm, queue)))
		return;
	set_bit_of(map, index, false);
	if (READ_ONCE(*waits_in(vm, queue)))
		set_bit_of(map, index, true);
}

/* Called before anybody of that VM waits. It only grows. */
static void use_word_of(u32 vm)
{
	u32 i;

	bpf_for(i, 0, WORDS) {
		u32 old = READ_ONCE(words), new = vm / 64 + 1;

		if (old >= new || __sync_val_compare_and_swap(&words, old, new) == old)
			break;
	}
}

/*
 * Can a thread run on its CPU only? A BPF program's start disables migration of
 * the thread that it runs in, which therefore does not count.
 */
static bool is_pinned(const struct task_struct *p)
{
	if (nr_cpus == 1)
		return false;
	if (p->nr_cpus_allowed == 1 || p->migration_disabled > 1)
		return true;
	return p->migration_disabled && bpf_get_current_task_btf() != p;
}

#endif /* QZ_SCHED_BPF_STATE_H */
