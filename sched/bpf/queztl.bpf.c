// SPDX-License-Identifier: GPL-2.0
/*
 * Queztl's scheduler for kernels with sched_ext: a VM is one customer. The
 * policy is sched/policy.c; here is what it needs of sched_ext.
 *
 * A VM is a flow, and has a queue, ordered by its threads' turns. All tasks that
 * are no VM's are one more flow.
 */
#include "state.h"
#include "vm.h"
#include "pick.h"

#define TRIES		4	/* others may empty a queue between a look and a try */
#define LOOKS		64	/* in a queue, for a thread that somebody yields to */

#define PF_VCPU		0x00000001
#define PF_KTHREAD	0x00200000

char _license[] SEC("license") = "GPL";

/* Of preempt_count(): in a handler, or softirqs are off. */
#define INTERRUPTS	0x00ffff00
extern const int __preempt_count __weak __ksym;

/* -- where a thread waits ------------------------------------------------- */
/* A CPU's own kernel thread never waits for a vCPU. */
static bool is_urgent(const struct task_struct *p)
{
	return p->flags & PF_KTHREAD && (nr_cpus == 1 || is_pinned(p));
}

static void wait_in_queue(struct task_struct *p, struct task_ctx *t, struct vm_ctx *vm,
			  u64 enq_flags)
{
	bool limited = is_limited(t, vm);
	u64 slice = qz_flow_slice((void *)&policy, &vm->flow);

	if (limited && !vm->parked_at && is_parked(t->vm, vm))
		vm->parked_at = bpf_ktime_get_ns();
	begins_waiting(t, vm, limited);
	insert_ordered(p, limited ? VCPUS(t->vm) : t->vm, slice, t->thread.turn, enq_flags);
	set_alarm();
}

/* Of a VM with a limit, those that are no vCPUs come first. */
static bool take_of_vm(u32 index)
{
	struct vm_ctx *vm = vm_at(index);
	struct qz_vm_stats *s = stats_at(index);
	u64 since;

	if (!vm || !s)
		return false;
	if (take_first(index)) {
		vm->served = bpf_ktime_get_ns();
		return true;
	}
	found_nobody(index, vm, false);
	if (!vm->flow.limit && !vm->waits[1] || is_parked(index, vm))
		return false;
	since = vm->parked_at;
	if (since && __sync_val_compare_and_swap(&vm->parked_at, since, 0) == since)
		__sync_fetch_and_add(&s->throttled, bpf_ktime_get_ns() - since);
	if (take_first(VCPUS(index))) {
		vm->served = bpf_ktime_get_ns();
		return true;
	}
	found_nobody(index, vm, true);
	return false;
}

/* -- messages ------------------------------------------------------------- */
/* A thread of one VM wakes one of another: a message, or its end. */
static void count_message(struct task_struct *p)
{
	struct task_struct *waker = bpf_get_current_task_btf();
	struct task_ctx *from = thread_of(waker), *to = thread_of(p);
	struct qz_vm_stats *s;
	int *count;

	if (!from || !to || from->vm == HOST || to->vm == HOST || from->vm == to->vm)
		return;
	if (!&__preempt_count)
		return;
	count = bpf_this_cpu_ptr(&__preempt_count);
	if (*count & INTERRUPTS)
		return;
	s = stats_at(from->vm);
	if (s)
		__sync_fetch_and_add(&s->messages, 1);
}

/* -- operations ----------------------------------------------------------- */
SEC("struct_ops/queztl_select_cpu")
s32 BPF_PROG(queztl_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	struct task_ctx *t = thread_of(p);
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &idle);

	if (idle && vm && !(is_limited(t, vm) && is_parked(t->vm, vm)))
		insert(p, SCX(scx_dsq_id_flags, SCX_DSQ_LOCAL),
		       qz_flow_slice((void *)&policy, &vm->flow), 0);
	return cpu;
}

SEC("struct_ops/queztl_runnable")
void BPF_PROG(queztl_runnable, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *t = thread_of(p);
	struct vm_ctx *vm;

	if (!t)
		return;
	if (t->vm == HOST && !(p->flags & PF_KTHREAD))
		enter_vm(p, t, false);
	vm = vm_at(t->vm);
	if (!vm)
		return;
	if (!__sync_fetch_and_add(&vm->runnable, 1)) {
		apply_settings(vm);
		qz_flow_wake((void *)&policy, &vm->flow, atomic64_read(&clock));
	}
	qz_thread_wake((void *)&policy, &vm->flow, &t->thread);
	if (enq_flags & SCX(scx_enq_flags, SCX_ENQ_WAKEUP))
		count_message(p);
}

SEC("struct_ops/queztl_quiescent")
void BPF_PROG(queztl_quiescent, struct task_struct *p, u64 deq_flags)
{
	struct task_ctx *t = thread_of(p);
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;

	if (!vm)
		return;
	ends_waiting(t, vm);
	__sync_fetch_and_sub(&vm->runnable, 1);
}

SEC("struct_ops/queztl_enqueue")
void BPF_PROG(queztl_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 local = SCX(scx_dsq_id_flags, SCX_DSQ_LOCAL);
	struct task_ctx *t = thread_of(p);
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;
	struct qz_vm_stats *s = t ? stats_at(t->vm) : NULL;
	s32 cpu = scx_bpf_task_cpu(p), victim;

	if (!vm || !s) {
		insert(p, SCX(scx_dsq_id_flags, SCX_DSQ_GLOBAL), policy.slice, enq_flags);
		return;
	}
	if (is_urgent(p)) {
		insert(p, local, policy.slice, enq_flags | SCX(scx_enq_flags, SCX_ENQ_PREEMPT));
		return;
	}
	/* It was running, and nobody was found to run instead. */
	if (enq_flags & SCX(scx_enq_flags, SCX_ENQ_LAST) &&
	    !(is_limited(t, vm) && is_parked(t->vm, vm))) {
		insert(p, local, policy.slice, enq_flags);
		scx_bpf_kick_cpu(cpu, 0);
		return;
	}
	if (is_pinned(p) && !is_limited(t, vm)) {
		t->queued = bpf_ktime_get_ns();
		insert_ordered(p, PINNED(cpu), policy.slice, qz_flow_tag(&vm->flow), enq_flags);
	} else {
		wait_in_queue(p, t, vm, enq_flags);
	}
	if (!(enq_flags & SCX(scx_enq_flags, SCX_ENQ_WAKEUP)) || is_parked(t->vm, vm))
		return;
	victim = find_victim(p, t, vm);
	if (victim >= 0) {
		__sync_fetch_and_add(&s->preemptions, 1);
		scx_bpf_kick_cpu(victim, SCX(scx_kick_flags, SCX_KICK_PREEMPT));
	}
}

/* Also when a thread goes on, with a new slice. */
static void start(struct task_struct *p, struct task_ctx *t, struct vm_ctx *vm, u64 slice)
{
	struct cpu_ctx *c = cpu_at(scx_bpf_task_cpu(p));

	t->started = bpf_ktime_get_ns();
	qz_thread_start((void *)&policy, &vm->flow, &t->thread, slice, &clock);
	if (is_limited(t, vm))
		set_alarm();
	if (!c)
		return;
	c->started = t->started;
	c->slice = slice;
	c->turn = t->thread.turn;
	c->vcpu = t->vcpu;
	c->vm = t->vm;
}

static void stop(struct task_ctx *t, struct vm_ctx *vm)
{
	struct qz_vm_stats *s = stats_at(t->vm);
	u64 ran = bpf_ktime_get_ns() - t->started;

	qz_thread_stop(&vm->flow, &t->thread, ran);
	if (!s)
		return;
	__sync_fetch_and_add(&s->used, ran);
	s->tgid = vm->tgid;
	s->threads = vm->threads;
	s->weight = vm->flow.weight;
	s->limit = vm->flow.limit;
}

/* It goes on, unless another flow is behind its own. */
static bool keep(struct task_struct *prev, bool anybody, u32 best, u64 tag)
{
	struct task_ctx *t = prev ? thread_of(prev) : NULL;
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;
	u64 slice;

	if (!vm || !(prev->scx.flags & SCX(scx_ent_flags, SCX_TASK_QUEUED)))
		return false;
	if (anybody && (best == t->vm || !qz_sched_before(qz_flow_tag(&vm->flow), tag)))
		return false;
	if (is_limited(t, vm) && is_parked(t->vm, vm))
		return false;
	slice = qz_flow_slice((void *)&policy, &vm->flow);
	stop(t, vm);
	prev->scx.slice = slice;
	start(prev, t, vm, slice);
	return true;
}

/* The thread that somebody has yielded to on this CPU. */
static bool take_next(struct cpu_ctx *c)
{
	struct task_struct *p;
	s32 next = c->next;
	u32 looks = 0;
	bool taken = false;

	c->next = 0;
	bpf_for_each(scx_dsq, p, c->next_queue, 0) {
		if (p->pid == next) {
			taken = take_this(BPF_FOR_EACH_ITER, p);
			break;
		}
		if (++looks >= LOOKS)
			break;
	}
	return taken;
}

/* Of those that can run on this CPU only, one that has waited for too long. */
static bool take_starving(s32 cpu, struct cpu_ctx *c)
{
	u64 now = bpf_ktime_get_ns();
	struct task_struct *p;
	bool taken = false;
	u32 looks = 0;

	if (now - c->looked < STARVED)
		return false;
	c->looked = now;
	bpf_for_each(scx_dsq, p, PINNED(cpu), 0) {
		struct task_ctx *t = thread_of(p);

		if (t && now - t->queued > STARVED) {
			taken = take_this(BPF_FOR_EACH_ITER, p);
			break;
		}
		if (++looks >= LOOKS)
			break;
	}
	return taken;
}

/* The flow of the first of those that can run on this CPU only. */
static bool first_pinned(s32 cpu, u64 *tag)
{
	struct task_struct *p;
	bool found = false;

	bpf_for_each(scx_dsq, p, PINNED(cpu), 0) {
		struct task_ctx *t = thread_of(p);
		struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;

		if (vm)
			*tag = qz_flow_tag(&vm->flow);
		found = vm;
		break;
	}
	return found;
}

SEC("struct_ops/queztl_dispatch")
void BPF_PROG(queztl_dispatch, s32 cpu, struct task_struct *prev)
{
	struct cpu_ctx *c = cpu_at(cpu);
	u64 pinned_tag = 0;
	u32 try, best = NONE;
	bool pinned;

	if (!c || c->next && take_next(c))
		return;
	pinned = scx_bpf_dsq_nr_queued(PINNED(cpu)) > 0;
	if (pinned && take_starving(cpu, c))
		return;
	pinned = pinned && first_pinned(cpu, &pinned_tag);
	bpf_for(try, 0, TRIES) {
		u64 tag = 0;

		best = choose(&tag, best);
		if (pinned && (best == NONE || !qz_sched_before(tag, pinned_tag))) {
			if (keep(prev, true, NONE, pinned_tag) || take_first(PINNED(cpu)))
				return;
			pinned = false;
			continue;
		}
		if (keep(prev, best != NONE, best, tag) || best == NONE || take_of_vm(best))
			return;
	}
}

SEC("struct_ops/queztl_running")
void BPF_PROG(queztl_running, struct task_struct *p)
{
	struct task_ctx *t = thread_of(p);
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;

	if (!vm)
		return;
	ends_waiting(t, vm);
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
	if (!t || t->vcpu || !p->preempt_notifiers.first)
		return;
	t->vcpu = true;
	if (t->vm == HOST)
		enter_vm(p, t, true);
}

/* Of those that wait, does one preempt what runs here? */
SEC("struct_ops/queztl_tick")
void BPF_PROG(queztl_tick, struct task_struct *p)
{
	struct cpu_ctx *c = cpu_at(scx_bpf_task_cpu(p));
	struct task_ctx *t = thread_of(p);
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL, *next;
	u64 now = bpf_ktime_get_ns(), tag = 0, own;
	u32 best;

	if (!c || !vm)
		return;
	if (!t->vcpu && (p->flags & PF_VCPU || is_named(p))) {
		t->vcpu = true;
		c->vcpu = true;
	}
	if (t->vm == HOST && !(p->flags & PF_KTHREAD) && (t->vcpu || is_of_vm(p))) {
		stop(t, vm);
		enter_vm(p, t, true);
		vm = vm_at(t->vm);
		if (!vm)
			return;
		start(p, t, vm, p->scx.slice);
	}
	apply_settings(vm);
	best = choose(&tag, NONE);
	next = vm_at(best);
	if (next && best != t->vm && running_tag(c, now, &own) && is_behind(next, own))
		p->scx.slice = 0;
}

/*
 * KVM has a lock holder in mind, or the fabric a receiver. Without a name it is
 * sched_yield(): the slice ends, and the caller's turn is after its VM's others.
 */
SEC("struct_ops/queztl_yield")
bool BPF_PROG(queztl_yield, struct task_struct *from, struct task_struct *to)
{
	struct task_ctx *f = thread_of(from), *t = to ? thread_of(to) : NULL;
	struct cpu_ctx *c = cpu_at(scx_bpf_task_cpu(from));
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;
	struct qz_vm_stats *s = f ? stats_at(f->vm) : NULL;

	from->scx.slice = 0;
	if (!to || !f || !s || !c || !vm || !t->waits)
		return false;
	if (t->vm != f->vm &&
	    !qz_flow_may_borrow((void *)&policy, &vm->flow, atomic64_read(&clock)))
		return false;
	if (is_limited(t, vm) && is_parked(t->vm, vm))
		return false;
	c->next_queue = t->waits == 2 ? VCPUS(t->vm) : t->vm;
	c->next = to->pid;
	__sync_fetch_and_add(&s->yields, 1);
	return true;
}

/* A realtime task has the CPU: who waits for it may run elsewhere. */
SEC("struct_ops/queztl_cpu_release")
void BPF_PROG(queztl_cpu_release, s32 cpu, struct scx_cpu_release_args *args)
{
	scx_bpf_reenqueue_local();
}

/* With these, CPUs may come and go. Nothing here depends on which are there. */
SEC("struct_ops/queztl_cpu_online")
void BPF_PROG(queztl_cpu_online, s32 cpu)
{
}

SEC("struct_ops/queztl_cpu_offline")
void BPF_PROG(queztl_cpu_offline, s32 cpu)
{
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

SEC("struct_ops/queztl_exit_task")
void BPF_PROG(queztl_exit_task, struct task_struct *p, struct scx_exit_task_args *args)
{
	struct task_ctx *t = thread_of(p);
	u32 index, pid = p->pid;

	if (!t)
		return;
	index = t->vm;
	if (index != HOST)
		bpf_map_delete_elem(&vcpus, &pid);
	t->vm = HOST;
	release(index);
}

SEC("struct_ops.s/queztl_init")
s32 BPF_PROG(queztl_init)
{
	struct vm_ctx *host = vm_at(HOST);
	struct alarm_ctx *alarm;
	u32 key = 0, i;
	s32 ret = 0;

	alarm = bpf_map_lookup_elem(&alarms, &key);
	if (!host || !alarm)
		return -22;	/* EINVAL */
	bpf_timer_init(&alarm->timer, &alarms, 1 /* CLOCK_MONOTONIC */);
	bpf_timer_set_callback(&alarm->timer, check);
	atomic64_set(&clock, QZ_SCHED_START);
	qz_flow_init(&host->flow, QZ_SCHED_START, host_weight);
	bpf_for(i, 0, QZ_SCHED_VMS) {
		ret = scx_bpf_create_dsq(i, -1);
		if (!ret)
			ret = scx_bpf_create_dsq(VCPUS(i), -1);
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
	.yield		= (void *)queztl_yield,
	.cpu_release	= (void *)queztl_cpu_release,
	.cpu_online	= (void *)queztl_cpu_online,
	.cpu_offline	= (void *)queztl_cpu_offline,
	.init_task	= (void *)queztl_init_task,
	.exit_task	= (void *)queztl_exit_task,
	.init		= (void *)queztl_init,
	.exit		= (void *)queztl_exit,
	.flags		= 2,	/* SCX_OPS_ENQ_LAST; the loader has this kernel's value */
	.timeout_ms	= 30000,
	.name		= "queztl",
};
