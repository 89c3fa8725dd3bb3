// SPDX-License-Identifier: GPL-2.0
/*
 * Queztl's scheduler as sched_ext would run it: a queue per VM, ordered by the
 * threads' turns; the policy is sched/policy.c.
 */
#include <stdlib.h>

#include "sched/sim/sim.h"

struct shared {
	struct qz_policy policy;
	atomic64_t clock;
	struct sim_task *next[SIM_CPUS];	/* somebody lets it in */
	u64 lent[SIM_CPUS];			/* for so long */
	struct qz_price price[SIM_CPUS];
};

static void begin(struct sim *sim)
{
	struct shared *all = calloc(1, sizeof(*all));

	if (!all)
		abort();
	all->policy = (struct qz_policy)QZ_POLICY_DEFAULT;
	if (sim->slice)
		all->policy.slice = sim->slice;
	all->policy.per_vcpu = sim->per_vcpu;
	atomic64_set(&all->clock, QZ_SCHED_START);
	for (int i = 0; i < sim->nvms; i++) {
		struct sim_vm *vm = &sim->vms[i];

		qz_flow_init(&all->policy, &vm->flow, QZ_SCHED_START,
			     qz_policy_weight(&all->policy, vm->weight, vm->nvcpus));
		vm->flow.limit = vm->limit;
	}
	for (int i = 0; i < sim->ntasks; i++)
		qz_thread_init(&all->policy, &sim->tasks[i].vm->flow,
			       &sim->tasks[i].thread);
	sim->private = all;
}

static void queue(struct sim_task *task)
{
	task->state = SIM_QUEUED;
	task->vm->nqueued++;
}

/* How far the flow has got whose thread has a CPU. */
static u64 reached(struct sim *sim, const struct sim_cpu *c)
{
	return qz_flow_reached(&c->task->vm->flow, c->task->thread.slice,
			       sim->now - c->started, c->task->thread.discount);
}

static bool may_use(const struct sim_task *task, int cpu)
{
	return cpu >= task->from && cpu <= task->to;
}

/* Would this flow take the CPU now? */
static bool preempts(struct sim *sim, const struct qz_flow *flow, bool vcpu,
		     int cpu)
{
	struct shared *all = sim->private;
	struct sim_cpu *c = &sim->cpus[cpu];

	return c->task && &c->task->vm->flow != flow &&
	       qz_flow_preempts(&all->policy, flow, vcpu, reached(sim, c),
				c->task->thread.discount);
}

/* Who runs there lets this one in, and nobody else. */
static void let_in(struct sim *sim, int cpu, struct sim_task *task)
{
	const struct sim_cpu *c = &sim->cpus[cpu];
	struct shared *all = sim->private;

	all->lent[cpu] = qz_flow_passes_on(&all->policy, &c->task->vm->flow,
					   &task->vm->flow, c->task->thread.slice,
					   sim->now - c->started);
	if (all->lent[cpu])
		all->next[cpu] = task;
}

/* Does one of the same VM run there, which has had more? */
static bool preempts_own(struct sim *sim, const struct sim_task *task, int cpu)
{
	struct shared *all = sim->private;
	struct sim_cpu *c = &sim->cpus[cpu];

	return c->task && c->task->vm == task->vm &&
	       qz_thread_preempts(&all->policy, &task->thread,
				  c->task->thread.turn, c->task->thread.slice,
				  sim->now - c->started);
}

/*
 * The CPU whose flow is furthest ahead, if this one preempts it. If there is only
 * one of the same VM, its thread gives way to this one, and to nobody else.
 */
static int victim(struct sim *sim, struct sim_task *task)
{
	u64 furthest = 0;
	int found = -1, own = -1;

	for (int cpu = 0; cpu < sim->ncpus; cpu++) {
		struct sim_cpu *c = &sim->cpus[cpu];

		if (!may_use(task, cpu))
			continue;
		if (!c->resched && preempts_own(sim, task, cpu))
			own = cpu;
		if (c->resched || !preempts(sim, &task->vm->flow, task->vcpu, cpu))
			continue;
		if (found < 0 || qz_sched_before(furthest, reached(sim, c))) {
			furthest = reached(sim, c);
			found = cpu;
		}
	}
	if (found < 0 && own >= 0)
		let_in(sim, own, task);
	return found < 0 ? own : found;
}

static int idle_cpu(struct sim *sim, const struct sim_task *task)
{
	int near = task->cpu, cpu;

	for (int i = 0; i < sim->ncpus; i++) {
		cpu = sim_idle_cpu(sim, near + i);
		if (cpu < 0 || may_use(task, cpu))
			return cpu;
	}
	return -1;
}

static void woken(struct sim *sim, struct sim_task *task, int waker)
{
	struct shared *all = sim->private;
	struct sim_vm *vm = task->vm;
	int cpu;

	(void)waker;
	if (!vm->nqueued && !vm->nrunning)
		qz_flow_wake(&all->policy, &vm->flow, atomic64_read(&all->clock));
	qz_thread_wake(&all->policy, &vm->flow, &task->thread);
	queue(task);
	cpu = idle_cpu(sim, task);
	if (cpu < 0)
		cpu = victim(sim, task);
	if (cpu >= 0)
		sim_resched(sim, cpu);
}

static void stop(struct sim *sim, int cpu, struct sim_task *task)
{
	struct shared *all = sim->private;

	task->vm->nrunning--;
	qz_thread_stop(&task->vm->flow, &task->thread,
		       sim->now - sim->cpus[cpu].started,
		       atomic64_read(&all->clock));
}

static void put(struct sim *sim, int cpu, struct sim_task *task)
{
	stop(sim, cpu, task);
	queue(task);
}

static bool is_parked(const struct sim_task *task)
{
	return task->vcpu && qz_flow_is_parked(&task->vm->flow);
}

static u64 rank(const struct shared *all, const struct sim_task *task)
{
	return qz_flow_rank(&all->policy, &task->vm->flow, task->vcpu);
}

/* Who was let in, if it still can run. */
static struct sim_task *take_next(struct sim *sim, int cpu)
{
	struct shared *all = sim->private;
	struct sim_task *next = all->next[cpu];

	all->next[cpu] = NULL;
	return next && next->state == SIM_QUEUED && !is_parked(next) ? next : NULL;
}

#define ANY_CPU	(-1)

/* The thread that is next in the VM whose turn it is. */
static struct sim_task *choose(struct sim *sim, int cpu)
{
	struct shared *all = sim->private;
	struct sim_task *best = NULL;

	for (int i = 0; i < sim->ntasks; i++) {
		struct sim_task *task = &sim->tasks[i];

		if (task->state != SIM_QUEUED || is_parked(task) ||
		    (cpu != ANY_CPU && !may_use(task, cpu)))
			continue;
		if (!best || (best->vm == task->vm ?
		    qz_sched_before(task->thread.turn, best->thread.turn) :
		    qz_sched_before(rank(all, task), rank(all, best))))
			best = task;
	}
	return best;
}

/* Somebody still waits: another CPU that idles can take it. */
static void call_idle(struct sim *sim, int cpu)
{
	for (int i = 1; i < sim->ncpus; i++) {
		int idle = sim_idle_cpu(sim, cpu + i);

		if (idle >= 0 && idle != cpu && choose(sim, idle)) {
			sim_resched(sim, idle);
			return;
		}
	}
}

/* vCPUs of a VM that could run, but for the one just chosen. */
static u32 waiting_vcpus(const struct sim *sim, const struct sim_vm *vm)
{
	u32 n = 0;

	for (int i = 0; i < sim->ntasks; i++) {
		const struct sim_task *task = &sim->tasks[i];

		n += task->vm == vm && task->vcpu && task->state == SIM_QUEUED;
	}
	return n;
}

/* It was chosen, and nobody has let it in. Others may be due before it, who can use other CPUs only. */
static void advance(struct sim *sim, int cpu, struct sim_task *task)
{
	struct sim_task *first = choose(sim, ANY_CPU);
	struct shared *all = sim->private;
	u64 least = first ? rank(all, first) : 0;

	if (qz_price_next(&all->policy, &all->price[cpu],
			  qz_flow_tag(&task->vm->flow), least))
		qz_clock_advance(&all->clock, &task->vm->flow);
}

static struct sim_task *pick(struct sim *sim, int cpu)
{
	struct shared *all = sim->private;
	struct sim_task *task = take_next(sim, cpu);
	bool lent = task;
	u64 slice;

	if (!task)
		task = choose(sim, cpu);
	if (!task)
		return NULL;
	task->state = SIM_RUNNING;
	call_idle(sim, cpu);
	task->vm->nqueued--;
	task->vm->nrunning++;
	slice = qz_flow_slice(&all->policy, &task->vm->flow,
			      1 + waiting_vcpus(sim, task->vm));
	if (!lent)
		advance(sim, cpu, task);
	else if (all->lent[cpu] < slice)
		slice = all->lent[cpu];
	task->thread.discount = all->price[cpu].discount;
	qz_thread_start(&all->policy, &task->vm->flow, &task->thread, slice,
			atomic64_read(&all->clock));
	return task;
}

static void account(struct sim *sim, int cpu, struct sim_task *task, u64 ns)
{
	(void)sim, (void)cpu, (void)task, (void)ns;
}

/* A slice ends at a tick. Limited VMs get their time there, too. */
static void tick(struct sim *sim, int cpu)
{
	struct shared *all = sim->private;
	struct sim_cpu *c = &sim->cpus[cpu];
	bool ends = !c->task || sim->now - c->started >= c->task->thread.slice;

	for (int i = 0; i < sim->nvms; i++)
		qz_flow_refill(&all->policy, &sim->vms[i].flow, sim->now,
			       atomic64_read(&all->clock));
	for (int i = 0; i < sim->ntasks; i++) {
		const struct sim_task *task = &sim->tasks[i];

		ends |= task->state == SIM_QUEUED && !is_parked(task) && may_use(task, cpu) &&
			preempts(sim, &task->vm->flow, task->vcpu, cpu);
	}
	call_idle(sim, cpu);
	if (ends)
		sim_resched(sim, cpu);
}

/* Plain: the thread goes behind the others of its VM. */
static void yield(struct sim *sim, int cpu, struct sim_task *from,
		  struct sim_task *to)
{
	struct shared *all = sim->private;

	if (!to)
		from->thread.turn = atomic64_read(&from->vm->flow.turn);
	else if (to->state == SIM_QUEUED && (to->vm == from->vm ||
		 qz_flow_may_borrow(&all->policy, &to->vm->flow, atomic64_read(&all->clock))))
		let_in(sim, cpu, to);
}

const struct sim_class sim_queztl = {
	.name = "queztl", .begin = begin, .wake = woken, .put = put, .block = stop,
	.pick = pick, .account = account, .tick = tick, .yield = yield,
};
