// SPDX-License-Identifier: GPL-2.0
/*
 * Queztl's scheduler for kernels with sched_ext: a VM is one customer. The
 * policy is sched/policy.c; here is what it needs of sched_ext.
 *
 * A VM is a process that has a vCPU (a thread that was seen in a guest), or one
 * that user space has put into the map "settings". It is a flow, and has a
 * queue, ordered by its threads' turns. All other tasks are one more flow.
 */
#include "plain_bpf.h"
#include "queztl.h"

/* The policy's functions, as this file's own: the verifier follows calls. */
#pragma clang attribute push(__attribute__((internal_linkage)), apply_to = function)
#include "sched/policy.h"
#include "../policy.c"
#pragma clang attribute pop

#define HOST		0
#define NONE		QZ_SCHED_VMS
#define PINNED(cpu)	(0x10000 + (cpu))	/* queue of a CPU's pinned threads */
#define TRIES		4

#define PF_VCPU		0x00000001
#define PF_KTHREAD	0x00200000

char _license[] SEC("license") = "GPL";

const volatile u32 nr_cpus = 1;
const volatile u64 check_ns = NSEC_PER_MSEC;	/* 0: at ticks only */
const volatile struct qz_policy policy = QZ_POLICY_DEFAULT;

struct vm_ctx {
	struct qz_flow flow;
	u32 runnable;
	u32 tgid;
	u64 preemptions;
};

struct task_ctx {
	struct qz_thread thread;
	u64 started;
	u32 vm;
	bool vcpu;
};

/* What runs on a CPU. */
struct cpu_ctx {
	u32 vm;
	u64 started;
	u64 slice;
	u64 pinned;	/* tag of the flow of who waits in its own queue */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, QZ_SCHED_VMS);
	__type(key, u32);
	__type(value, struct vm_ctx);
} vms SEC(".maps");

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

struct alarm_ctx {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct alarm_ctx);
} alarms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_ctx);
} threads SEC(".maps");

static struct cpu_ctx cpus[QZ_SCHED_CPUS];
static atomic64_t clock;
static u64 waiting[QZ_SCHED_VMS / 64];	/* VMs whose queue may hold somebody */
static u32 nr_vms = 1;
static u32 alarm_on;

static struct vm_ctx *vm_at(u32 index)
{
	return bpf_map_lookup_elem(&vms, &index);
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

static void set_waiting(u32 vm, bool on)
{
	u64 bit = 1ull << (vm % 64);

	if (vm >= QZ_SCHED_VMS)
		return;
	if (on)
		__sync_fetch_and_or(&waiting[vm / 64], bit);
	else
		__sync_fetch_and_and(&waiting[vm / 64], ~bit);
}

/* -- who belongs to which VM ---------------------------------------------- */
static u32 make_vm(u32 tgid)
{
	struct qz_setting *setting = bpf_map_lookup_elem(&settings, &tgid);
	u32 index = __sync_fetch_and_add(&nr_vms, 1);
	struct vm_ctx *vm = vm_at(index);

	if (!vm)
		return HOST;	/* no more room: it is scheduled with the host's */
	qz_flow_init(&vm->flow, atomic64_read(&clock),
		     setting && setting->weight ? setting->weight : QZ_SCHED_WEIGHT);
	vm->flow.limit = setting ? setting->limit : 0;
	vm->tgid = tgid;
	if (bpf_map_update_elem(&indices, &tgid, &index, BPF_NOEXIST))
		return HOST;
	return index;
}

/* The VM of a task that is about to be queued. */
static u32 find_vm(struct task_struct *p)
{
	u32 tgid = p->tgid, *index;

	index = bpf_map_lookup_elem(&indices, &tgid);
	if (index)
		return *index;
	if (p->flags & PF_KTHREAD)
		return HOST;
	return bpf_map_lookup_elem(&settings, &tgid) ? make_vm(tgid) : HOST;
}

/* -- preemption ----------------------------------------------------------- */
/* How far the flow on a CPU has got, without what is left of its slice. */
static bool running_tag(const struct cpu_ctx *c, u64 now, u64 *tag)
{
	struct vm_ctx *vm = vm_at(c->vm);

	if (!vm || c->vm == NONE)
		return false;
	*tag = qz_flow_reached(&vm->flow, c->slice, now - c->started);
	return true;
}

static bool is_behind(struct vm_ctx *vm, u64 tag)
{
	return qz_flow_preempts((void *)&policy, &vm->flow, tag);
}

/* The CPU whose flow is furthest ahead of this one, or -1. */
static s32 find_victim(struct task_struct *p, u32 index, struct vm_ctx *vm)
{
	u64 now = bpf_ktime_get_ns(), furthest = 0, tag;
	s32 found = -1;
	u32 i;

	bpf_for(i, 0, nr_cpus) {
		struct cpu_ctx *c = cpu_at(i);

		if (!c || c->vm == index || !bpf_cpumask_test_cpu(i, p->cpus_ptr))
			continue;
		if (!running_tag(c, now, &tag) || !is_behind(vm, tag))
			continue;
		if (found < 0 || qz_sched_before(furthest, tag)) {
			furthest = tag;
			found = i;
		}
	}
	return found;
}

/* The VM with the smallest tag of those that wait. */
static u32 choose(u64 *tag)
{
	u32 best = NONE, i;

	bpf_for(i, 0, QZ_SCHED_VMS) {
		struct vm_ctx *vm;

		if (i >= QZ_SCHED_VMS || i >= nr_vms)
			break;
		if (!(waiting[i / 64] >> (i % 64) & 1))
			continue;
		vm = vm_at(i);
		if (vm && (best == NONE || qz_sched_before(qz_flow_tag(&vm->flow), *tag))) {
			best = i;
			*tag = qz_flow_tag(&vm->flow);
		}
	}
	return best;
}

/*
 * A slice ends at a tick, which may be 4 ms away. So while somebody waits, look
 * more often whether he is behind those that run.
 */
static int check(void *map, u32 *key, struct alarm_ctx *alarm)
{
	u64 now = bpf_ktime_get_ns(), tag, running;
	u32 best = choose(&tag), i;
	struct vm_ctx *vm = vm_at(best);

	if (!vm) {
		WRITE_ONCE(alarm_on, 0);
		return 0;
	}
	bpf_for(i, 0, nr_cpus) {
		struct cpu_ctx *c = cpu_at(i);

		if (c && c->vm != best && running_tag(c, now, &running) &&
		    is_behind(vm, running))
			scx_bpf_kick_cpu(i, SCX_KICK_PREEMPT);
	}
	bpf_timer_start(&alarm->timer, check_ns, 0);
	return 0;
}

static void set_alarm(void)
{
	struct alarm_ctx *alarm;
	u32 key = 0;

	if (!check_ns || READ_ONCE(alarm_on) || __sync_lock_test_and_set(&alarm_on, 1))
		return;
	alarm = bpf_map_lookup_elem(&alarms, &key);
	if (alarm)
		bpf_timer_start(&alarm->timer, check_ns, 0);
}

static bool is_pinned(const struct task_struct *p)
{
	return nr_cpus > 1 && (p->nr_cpus_allowed == 1 || p->migration_disabled);
}

/* -- operations ----------------------------------------------------------- */
SEC("struct_ops/queztl_select_cpu")
s32 BPF_PROG(queztl_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, policy.slice, 0);
	return cpu;
}

SEC("struct_ops/queztl_runnable")
void BPF_PROG(queztl_runnable, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *t = thread_of(p);
	struct vm_ctx *vm;

	if (!t)
		return;
	t->vm = find_vm(p);
	vm = vm_at(t->vm);
	if (!vm)
		return;
	if (!__sync_fetch_and_add(&vm->runnable, 1))
		qz_flow_wake((void *)&policy, &vm->flow, atomic64_read(&clock));
	qz_thread_wake((void *)&policy, &vm->flow, &t->thread);
}

SEC("struct_ops/queztl_quiescent")
void BPF_PROG(queztl_quiescent, struct task_struct *p, u64 deq_flags)
{
	struct task_ctx *t = thread_of(p);
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;

	if (vm)
		__sync_fetch_and_sub(&vm->runnable, 1);
}

SEC("struct_ops/queztl_enqueue")
void BPF_PROG(queztl_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *t = thread_of(p);
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;
	s32 cpu = scx_bpf_task_cpu(p), victim;
	struct cpu_ctx *c = cpu_at(cpu);

	if (!vm || !c) {
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, policy.slice, enq_flags);
		return;
	}
	/* A CPU's own kernel threads never wait for a vCPU. */
	if (p->flags & PF_KTHREAD && (nr_cpus == 1 || is_pinned(p))) {
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, policy.slice,
				   enq_flags | SCX_ENQ_PREEMPT);
		return;
	}
	if (is_pinned(p)) {
		u64 tag = qz_flow_tag(&vm->flow);

		if (!scx_bpf_dsq_nr_queued(PINNED(cpu)) ||
		    qz_sched_before(tag, c->pinned))
			c->pinned = tag;
		scx_bpf_dsq_insert_vtime(p, PINNED(cpu), policy.slice, tag, enq_flags);
	} else {
		scx_bpf_dsq_insert_vtime(p, t->vm, policy.slice, t->thread.turn,
					 enq_flags);
		set_waiting(t->vm, true);
		set_alarm();
	}
	if (!(enq_flags & SCX_ENQ_WAKEUP))
		return;
	victim = find_victim(p, t->vm, vm);
	if (victim >= 0) {
		__sync_fetch_and_add(&vm->preemptions, 1);
		scx_bpf_kick_cpu(victim, SCX_KICK_PREEMPT);
	}
}

/* Somebody may have been queued since the queue was found empty. */
static bool take_from(u32 vm)
{
	if (scx_bpf_dsq_move_to_local(vm))
		return true;
	set_waiting(vm, false);
	if (scx_bpf_dsq_nr_queued(vm))
		set_waiting(vm, true);
	return false;
}

static void start(struct task_struct *p, struct task_ctx *t, struct vm_ctx *vm, u64 slice)
{
	struct cpu_ctx *c = cpu_at(scx_bpf_task_cpu(p));

	t->started = bpf_ktime_get_ns();
	qz_thread_start((void *)&policy, &vm->flow, &t->thread, slice, &clock);
	if (!c)
		return;
	c->started = t->started;
	c->slice = slice;
	c->vm = t->vm;
}

static void stop(struct task_ctx *t, struct vm_ctx *vm)
{
	qz_thread_stop(&vm->flow, &t->thread, bpf_ktime_get_ns() - t->started);
}

/* It goes on, unless another flow is behind its own. */
static bool keep(struct task_struct *prev, bool anybody, u32 best, u64 tag)
{
	struct task_ctx *t = prev ? thread_of(prev) : NULL;
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;

	if (!vm || !(prev->scx.flags & SCX_TASK_QUEUED))
		return false;
	if (anybody && (best == t->vm || !qz_sched_before(qz_flow_tag(&vm->flow), tag)))
		return false;
	stop(t, vm);
	prev->scx.slice = policy.slice;
	start(prev, t, vm, policy.slice);
	return true;
}

SEC("struct_ops/queztl_dispatch")
void BPF_PROG(queztl_dispatch, s32 cpu, struct task_struct *prev)
{
	struct cpu_ctx *c = cpu_at(cpu);
	u32 try;

	if (!c)
		return;
	bpf_for(try, 0, TRIES) {
		u64 tag = 0;
		u32 best = choose(&tag);
		bool pinned = scx_bpf_dsq_nr_queued(PINNED(cpu)) > 0;

		if (pinned && (best == NONE || !qz_sched_before(tag, c->pinned))) {
			best = NONE;
			tag = c->pinned;
		} else {
			pinned = false;
		}
		if (keep(prev, pinned || best != NONE, best, tag))
			return;
		if (pinned ? scx_bpf_dsq_move_to_local(PINNED(cpu)) :
		    best != NONE && take_from(best))
			return;
	}
}

SEC("struct_ops/queztl_running")
void BPF_PROG(queztl_running, struct task_struct *p)
{
	struct task_ctx *t = thread_of(p);
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;

	if (vm)
		start(p, t, vm, p->scx.slice);
}

SEC("struct_ops/queztl_stopping")
void BPF_PROG(queztl_stopping, struct task_struct *p, bool runnable)
{
	struct task_ctx *t = thread_of(p);
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;
	struct cpu_ctx *c = cpu_at(scx_bpf_task_cpu(p));

	if (vm)
		stop(t, vm);
	if (c)
		c->vm = NONE;
}

/* Of those that wait, does one preempt what runs here? */
SEC("struct_ops/queztl_tick")
void BPF_PROG(queztl_tick, struct task_struct *p)
{
	struct cpu_ctx *c = cpu_at(scx_bpf_task_cpu(p));
	struct task_ctx *t = thread_of(p);
	u64 now = bpf_ktime_get_ns(), tag = 0, own;
	struct vm_ctx *vm;
	u32 best;

	if (!c || !t)
		return;
	if (p->flags & PF_VCPU && t->vm == HOST) {
		t->vcpu = true;
		make_vm(p->tgid);	/* from its next wake-up on */
	}
	best = choose(&tag);
	vm = vm_at(best);
	if (vm && best != t->vm && running_tag(c, now, &own) && is_behind(vm, own))
		p->scx.slice = 0;
}

SEC("struct_ops/queztl_init_task")
s32 BPF_PROG(queztl_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	struct task_ctx *t = bpf_task_storage_get(&threads, p, NULL,
						BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!t)
		return -12;	/* ENOMEM */
	t->thread.turn = QZ_SCHED_START;
	t->vm = HOST;
	return 0;
}

SEC("struct_ops.s/queztl_init")
s32 BPF_PROG(queztl_init)
{
	u32 key = 0, i;
	struct alarm_ctx *alarm = bpf_map_lookup_elem(&alarms, &key);
	struct vm_ctx *host = vm_at(HOST);
	s32 ret = 0;

	if (!host || !alarm)
		return -22;	/* EINVAL */
	bpf_timer_init(&alarm->timer, &alarms, 1 /* CLOCK_MONOTONIC */);
	bpf_timer_set_callback(&alarm->timer, check);
	atomic64_set(&clock, QZ_SCHED_START);
	qz_flow_init(&host->flow, QZ_SCHED_START, QZ_SCHED_WEIGHT);
	bpf_for(i, 0, QZ_SCHED_VMS) {
		ret = scx_bpf_create_dsq(i, -1);
		if (ret)
			return ret;
	}
	bpf_for(i, 0, nr_cpus) {
		struct cpu_ctx *c = cpu_at(i);

		if (c)
			c->vm = NONE;
		ret = scx_bpf_create_dsq(PINNED(i), -1);
		if (ret)
			return ret;
	}
	return 0;
}

struct {
	int kind;
	char reason[128];
	char message[256];
} ended;

SEC("struct_ops/queztl_exit")
void BPF_PROG(queztl_exit, struct scx_exit_info *info)
{
	bpf_probe_read_kernel_str(ended.reason, sizeof(ended.reason), info->reason);
	bpf_probe_read_kernel_str(ended.message, sizeof(ended.message), info->msg);
	ended.kind = info->kind;
}

SEC(".struct_ops.link")
struct sched_ext_ops queztl = {
	.select_cpu	= (void *)queztl_select_cpu,
	.enqueue	= (void *)queztl_enqueue,
	.dispatch	= (void *)queztl_dispatch,
	.runnable	= (void *)queztl_runnable,
	.running	= (void *)queztl_running,
	.stopping	= (void *)queztl_stopping,
	.quiescent	= (void *)queztl_quiescent,
	.tick		= (void *)queztl_tick,
	.init_task	= (void *)queztl_init_task,
	.init		= (void *)queztl_init,
	.exit		= (void *)queztl_exit,
	.timeout_ms	= 5000,
	.name		= "queztl",
};
