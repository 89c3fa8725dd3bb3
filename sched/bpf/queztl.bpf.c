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
#include "queue.h"
#include "sched/waits.h"

#define TRIES		32	/* VMs that are next, but have nobody for this CPU */
#define BRIEF		(500 * NSEC_PER_USEC)

#define PF_VCPU		0x00000001
#define PF_KTHREAD	0x00200000

char _license[] SEC("license") = "GPL";

/* Of preempt_count(): in a handler, or softirqs are off. */
#define INTERRUPTS	0x00ffff00
extern const int __preempt_count __weak __ksym;

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

	if (idle && vm && !is_held_back(t, vm))
		insert(p, SCX(scx_dsq_id_flags, SCX_DSQ_LOCAL), policy.slice, 0);
	return cpu;
}

/* With hyperthreads, a scheduler of sched_ext and cookies can hang the host. */
static bool has_cookie(const struct task_struct *p)
{
	return bpf_core_field_exists(p->core_cookie) && p->core_cookie;
}

static void refuse_cookie(const struct task_struct *p)
{
	static char message[] = "a task has a core scheduling cookie";
	unsigned long long none = 0;	/* 6.12 takes no NULL */

	if (has_cookie(p))
		scx_bpf_error_bstr(message, &none, sizeof(none));
}

SEC("struct_ops/queztl_runnable")
void BPF_PROG(queztl_runnable, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *t = thread_of(p);
	struct vm_ctx *vm;

	if (!t)
		return;
	refuse_cookie(p);
	if (t->vm == HOST && !(p->flags & PF_KTHREAD))
		enter_vm(p, t, false);
	vm = vm_at(t->vm);
	if (!vm)
		return;
	if (!__sync_fetch_and_add(&vm->runnable, 1)) {
		apply_settings(vm);
		qz_flow_wake(loaded_policy(), &vm->flow, atomic64_read(&clock));
	}
	if (!t->old)
		qz_thread_init(loaded_policy(), &vm->flow, &t->thread);
	t->old = true;
	qz_thread_wake(loaded_policy(), &vm->flow, &t->thread);
	t->woken = 0;
	if (!(enq_flags & SCX(scx_enq_flags, SCX_ENQ_WAKEUP)))
		return;
	t->woken = bpf_ktime_get_ns();
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

/* A CPU's own kernel thread never waits for a vCPU, unless it computes. */
static bool is_urgent(const struct task_struct *p, u64 enq_flags)
{
	return p->flags & PF_KTHREAD && enq_flags & SCX(scx_enq_flags, SCX_ENQ_WAKEUP) &&
	       (nr_cpus == 1 || is_pinned(p));
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
	if (is_urgent(p, enq_flags)) {
		insert(p, local, policy.slice, enq_flags | SCX(scx_enq_flags, SCX_ENQ_PREEMPT));
		return;
	}
	/* It was running, and nobody was found to run instead. */
	if (enq_flags & SCX(scx_enq_flags, SCX_ENQ_LAST) && !is_held_back(t, vm)) {
		insert(p, local, policy.slice, enq_flags);
		scx_bpf_kick_cpu(cpu, 0);
		return;
	}
	if (is_pinned(p) && !is_limited(t, vm))
		wait_for_cpu(cpu, p, t, vm, enq_flags);
	else
		wait_in_queue(p, t, vm, enq_flags);
	set_alarm_for(t, vm, enq_flags & SCX(scx_enq_flags, SCX_ENQ_WAKEUP));
	if (!(enq_flags & SCX(scx_enq_flags, SCX_ENQ_WAKEUP)) || is_held_back(t, vm))
		return;
	victim = find_victim(p, t, vm);
	if (victim >= 0) {
		__sync_fetch_and_add(&s->preemptions, 1);
		scx_bpf_kick_cpu(victim, SCX(scx_kick_flags, SCX_KICK_PREEMPT));
	}
}

/*
 * A VM was chosen on a CPU, and nobody has let it in. Others may be due before it,
 * who can use other CPUs only. Not static, so that it is verified once.
 */
__attribute__((noinline)) int advance(s32 cpu, u32 index)
{
	u64 least = READ_ONCE(least_waiting), pinned = READ_ONCE(least_pinned.tag);
	struct cpu_ctx *c = cpu_at(cpu);
	struct vm_ctx *vm = vm_at(index);

	if (!c || !vm)
		return 0;
	/* Those who wait for this CPU have been compared when it was chosen. */
	if (pinned && READ_ONCE(least_pinned.cpu) != cpu && (!least || qz_sched_before(pinned, least)))
		least = pinned;
	if (qz_price_next(loaded_policy(), &c->price, qz_flow_tag(&vm->flow), least))
		qz_clock_advance(&clock, &vm->flow);
	return 0;
}

/* Without branches, each of which 6.12 follows wherever start() is. */
static u32 discount_of(s32 cpu)
{
	return cpus[cpu & (QZ_SCHED_CPUS - 1)].price.discount;
}

/* Also when a thread goes on, with a new slice. */
static void start(struct task_struct *p, struct task_ctx *t, struct vm_ctx *vm, u64 slice)
{
	struct cpu_ctx *c;

	t->started = bpf_ktime_get_ns();
	t->charged = p->se.sum_exec_runtime;
	t->thread.discount = discount_of(scx_bpf_task_cpu(p));
	qz_thread_start(loaded_policy(), &vm->flow, &t->thread, slice, atomic64_read(&clock));
	if (is_limited(t, vm) || slice < policy.slice)
		set_alarm(t->started + slice);
	c = cpu_at(scx_bpf_task_cpu(p));	/* further up, 6.12 would forget what it knows of it */
	if (!c)
		return;
	c->started = t->started;
	c->slice = slice;
	c->turn = t->thread.turn;
	c->vcpu = t->vcpu;
	c->given = false;
	c->vm = t->vm;
}

/* It was taken because it starves. */
static void give(struct cpu_ctx *c, struct task_ctx *t, struct vm_ctx *vm)
{
	qz_thread_give(loaded_policy(), &vm->flow, &t->thread);
	c->turn = t->thread.turn;
	c->given = true;
	set_alarm(t->started + c->slice);
}

/* What the kernel says that it ran, from one switch to the next: no gap is free. */
static void stop(const struct task_struct *p, struct task_ctx *t, struct vm_ctx *vm)
{
	struct qz_vm_stats *s = stats_at(t->vm);
	u64 ran = p->se.sum_exec_runtime - t->charged;

	qz_thread_stop(&vm->flow, &t->thread, ran, atomic64_read(&clock));
	t->burst += ran;
	if (t->burst >= BRIEF)
		t->brief = false;
	if (!s)
		return;
	__sync_fetch_and_add(&s->used, ran);
	s->tgid = vm->tgid;
	s->threads = vm->threads;
	s->weight = vm->weight;
	s->limit = vm->flow.limit;
	s->vcpus = vm->vcpus;
}

/* It goes on, unless another flow is behind its own. */
static bool keep(struct task_struct *prev, const struct choice *next)
{
	struct task_ctx *t = prev ? thread_of(prev) : NULL;
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;

	if (!vm || !(prev->scx.flags & SCX(scx_ent_flags, SCX_TASK_QUEUED)))
		return false;
	if (next->vm != NONE &&
	    (next->starved || next->vm == t->vm ||
	     !qz_sched_before(qz_flow_tag(&vm->flow), next->rank)))
		return false;
	if (is_held_back(t, vm))
		return false;
	stop(prev, t, vm);
	prev->scx.slice = slice_of(t, vm);
	advance(scx_bpf_task_cpu(prev), t->vm);
	start(prev, t, vm, prev->scx.slice);
	return true;
}

static bool take_choice(struct cpu_ctx *c, const struct choice *best)
{
	if (!take_of_vm(best->vm))
		return false;
	if (best->starved)
		c->gives = best->vm;
	return true;
}

SEC("struct_ops/queztl_dispatch")
void BPF_PROG(queztl_dispatch, s32 cpu, struct task_struct *prev)
{
	struct choice best, last = nobody, pinned;
	struct cpu_ctx *c = cpu_at(cpu);
	u32 try;

	if (!c)
		return;
	/* Who was taken before may have left again. */
	c->lent = 0;
	c->gives = NONE;
	if (c->next && take_next(c) || take_starving(cpu))
		return;
	choose_pinned(&pinned, cpu, c);
	bpf_for(try, 0, TRIES) {
		choose(&best, &last);
		last = best;
		if (pinned.vm != NONE && (best.vm == NONE ||
		    !best.starved && !qz_sched_before(best.rank, pinned.rank))) {
			if (keep(prev, &pinned) || take_first(PINNED(cpu)))
				return;
			pinned.vm = NONE;
			if (best.vm == NONE)
				return;
		}
		if (keep(prev, &best) || best.vm == NONE || take_choice(c, &best))
			return;
	}
	if (!take_any(best.vm))
		keep(prev, &nobody);
}

/* It runs, and a wake-up is over. */
static void count_wait(struct task_ctx *t)
{
	struct qz_vm_stats *s = stats_at(t->vm);

	_Static_assert(QZ_WAITS == QZ_SCHED_WAITS, "both are one array");
	if (t->woken && t->vm != HOST && s)
		__sync_fetch_and_add(&s->waits[qz_waits_bucket(bpf_ktime_get_ns() - t->woken) &
					       (QZ_WAITS - 1)], 1);
	t->woken = 0;
}

SEC("struct_ops/queztl_running")
void BPF_PROG(queztl_running, struct task_struct *p)
{
	struct cpu_ctx *c = cpu_at(scx_bpf_task_cpu(p));
	struct task_ctx *t = thread_of(p);
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;
	u64 slice = p->scx.slice;
	bool given;

	if (!c || !vm)
		return;
	ends_waiting(t, vm);
	given = c->gives == t->vm;
	/* One that ends, or was not scheduled here before, may have more. */
	if (is_limited(t, vm) || slice > policy.slice)
		slice = slice_of(t, vm);
	if (c->lent == p->pid && c->next_slice < slice)
		slice = c->next_slice;
	if (given && slice > QZ_SCHED_SHORT)
		slice = QZ_SCHED_SHORT;
	if (c->lent != p->pid && !given)
		advance(scx_bpf_task_cpu(p), t->vm);
	c->lent = 0;
	c->gives = NONE;
	p->scx.slice = slice;
	t->burst = 0;
	start(p, t, vm, slice);
	if (given)
		give(c, t, vm);
	count_wait(t);
}

SEC("struct_ops/queztl_stopping")
void BPF_PROG(queztl_stopping, struct task_struct *p, bool runnable)
{
	struct task_ctx *t = thread_of(p);
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;
	struct cpu_ctx *c = cpu_at(scx_bpf_task_cpu(p));

	if (vm) {
		stop(p, t, vm);
		if (!runnable && t->burst < BRIEF)
			t->brief = true;
	}
	if (c)
		c->vm = NONE;
	if (!t || t->vcpu || !p->preempt_notifiers.first)
		return;
	see_vcpu(t);
	if (t->vm == HOST)
		enter_vm(p, t, true);
}

/* Of those that wait, does one preempt what runs here? */
SEC("struct_ops/queztl_tick")
void BPF_PROG(queztl_tick, struct task_struct *p)
{
	struct cpu_ctx *c = cpu_at(scx_bpf_task_cpu(p));
	struct task_ctx *t = thread_of(p);
	struct vm_ctx *vm = t ? vm_at(t->vm) : NULL;
	u64 now = bpf_ktime_get_ns(), reached;
	struct choice best, none = nobody;

	if (!c || !vm)
		return;
	if (!t->vcpu && (p->flags & PF_VCPU || is_named(p))) {
		see_vcpu(t);
		c->vcpu = true;
	}
	if (t->vm == HOST && !(p->flags & PF_KTHREAD) && (t->vcpu || is_of_vm(p))) {
		stop(p, t, vm);
		enter_vm(p, t, true);
		vm = vm_at(t->vm);
		if (!vm)
			return;
		start(p, t, vm, p->scx.slice);
	}
	apply_settings(vm);
	choose(&best, &none);
	if (best.vm != t->vm && running_tag(c, now, &reached) && is_behind(c, &best, reached))
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

	if (!to)
		from->scx.slice = 0;
	if (!to || !f || !s || !c || !vm || !t->waits)
		return false;
	if (t->vm != f->vm &&
	    !qz_flow_may_borrow(loaded_policy(), &vm->flow, atomic64_read(&clock)))
		return false;
	if (is_held_back(t, vm) || !set_next(c, to, t))
		return false;
	from->scx.slice = 0;
	__sync_fetch_and_add(&s->yields, 1);
	return true;
}

/*
 * A realtime task has the CPU: who waits for it may run elsewhere. Kernels from 7.0
 * on want a tracepoint for that; the loader leaves out what the kernel does not.
 */
SEC("tp_btf/sched_switch")
int BPF_PROG(queztl_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	switch (next->policy) {
	case 1:		/* SCHED_FIFO */
	case 2:		/* SCHED_RR */
	case 6:		/* SCHED_DEADLINE */
		scx_bpf_reenqueue_local___v2___anywhere();
	}
	return 0;
}

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
	if (has_cookie(p))
		return -95;	/* EOPNOTSUPP */
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
	release(index, t->vcpu);
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
	bpf_timer_set_callback(&alarm->timer, ring);
	atomic64_set(&clock, QZ_SCHED_START);
	host->weight = host_weight;
	qz_flow_init(loaded_policy(), &host->flow, QZ_SCHED_START, host_weight);
	bpf_for(i, 0, QZ_SCHED_VMS) {
		ret = scx_bpf_create_dsq(i, -1);
		if (!ret)
			ret = scx_bpf_create_dsq(VCPUS(i), -1);
		if (ret)
			return ret;
	}
	bpf_for(i, 0, nr_cpus) {
		struct cpu_ctx *c = cpu_at(i);

		if (c) {
			c->vm = NONE;
			c->gives = NONE;
		}
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
	WRITE_ONCE(over, true);
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
