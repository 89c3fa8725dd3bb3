// SPDX-License-Identifier: GPL-2.0
/*
 * Linux 6.12's fair class with a cgroup per VM, as far as fairness and latency
 * depend on it: EEVDF on two levels, lag kept while asleep, RUN_TO_PARITY,
 * DELAY_DEQUEUE, group weights by load, and balancing by load. Written after
 * kernel/sched/fair.c. Not simulated: caches, topology, bandwidth limits.
 */
#include <stdlib.h>

#include "sched/sim/sim.h"

#define UNIT		1024	/* weight of a task of nice 0 */
#define BASE_SLICE	(750 * NSEC_PER_USEC)	/* sysctl_sched_base_slice */
#define BALANCE_TICKS	4

/* A cfs_rq: the VMs of a CPU, or a VM's threads on it. */
struct queue {
	struct sim_entity *current;
	u64 average;	/* virtual time when it was last not empty */
};

struct shared {
	u64 slice;
	struct sim_entity groups[SIM_CPUS][SIM_VMS];
	struct queue roots[SIM_CPUS], children[SIM_CPUS][SIM_VMS];
	u64 ticks[SIM_CPUS];
};

struct list {
	struct sim_entity *entities[SIM_TASKS];
	int n;
	u64 load;
	u64 average;
};

static bool is_here(const struct sim_task *task, const struct sim_vm *vm, int cpu)
{
	return task->vm == vm && task->cpu == cpu && task->entity.queued;
}

static void summarize(struct queue *queue, struct list *list)
{
	double sum = 0;

	list->load = 0;
	for (int i = 0; i < list->n; i++) {
		struct sim_entity *e = list->entities[i];

		list->load += e->weight;
		sum += (double)(s64)(e->vruntime - list->entities[0]->vruntime) * e->weight;
	}
	if (list->n)
		queue->average = list->entities[0]->vruntime + (s64)(sum / list->load);
	list->average = queue->average;
}

static void list_root(struct sim *sim, int cpu, struct list *list)
{
	struct shared *all = sim->private;

	list->n = 0;
	for (int i = 0; i < sim->nvms; i++)
		if (all->groups[cpu][i].queued)
			list->entities[list->n++] = &all->groups[cpu][i];
	summarize(&all->roots[cpu], list);
}

static void list_vm(struct sim *sim, int cpu, const struct sim_vm *vm, struct list *list)
{
	struct shared *all = sim->private;

	list->n = 0;
	for (int i = 0; i < sim->ntasks; i++)
		if (is_here(&sim->tasks[i], vm, cpu))
			list->entities[list->n++] = &sim->tasks[i].entity;
	summarize(&all->children[cpu][vm->index], list);
}

static s64 fair(s64 ns, u64 weight)
{
	return ns * UNIT / (s64)weight;
}

static bool is_eligible(const struct list *list, const struct sim_entity *e)
{
	return (s64)(e->vruntime - list->average) <= 0;
}

static bool is_protected(const struct sim_entity *e)
{
	return e->protected_until == e->deadline;
}

static struct sim_entity *pick_eevdf(const struct list *list, struct sim_entity *current)
{
	struct sim_entity *best = NULL;

	for (int i = 0; i < list->n; i++) {
		struct sim_entity *e = list->entities[i];

		if (e == current && !e->kept && is_protected(e))
			return e;
		if (is_eligible(list, e) && (!best || (s64)(e->deadline - best->deadline) < 0))
			best = e;
	}
	return best ? best : list->n ? list->entities[0] : NULL;
}

/* -- enter and leave a queue ---------------------------------------------- */
static void place(struct shared *all, struct sim_entity *e, const struct list *list)
{
	s64 lag = e->lag;

	e->slice = all->slice;
	if (list->n)
		lag = lag * (double)(list->load + e->weight) / list->load;
	else
		lag = 0;
	e->vruntime = list->average - lag;
	e->deadline = e->vruntime + fair(e->slice, e->weight);
	e->protected_until = 0;
	e->queued = true;
	e->kept = false;
}

static void note_lag(struct sim *sim, struct sim_entity *e, const struct list *list)
{
	s64 slice = 2 * e->slice > sim->tick ? 2 * e->slice : sim->tick;
	s64 limit = fair(slice, e->weight), lag = list->average - e->vruntime;

	e->lag = clamp(lag, -limit, limit);
}

/* The part of a VM's weight that its threads on a CPU have. */
static void reweigh(struct sim *sim, struct sim_vm *vm)
{
	struct shared *all = sim->private;
	int here[SIM_CPUS] = {}, total = 0;

	for (int i = 0; i < sim->ntasks; i++) {
		struct sim_task *task = &sim->tasks[i];

		if (task->vm == vm && task->entity.queued) {
			here[task->cpu]++;
			total++;
		}
	}
	for (int cpu = 0; cpu < sim->ncpus; cpu++) {
		struct sim_entity *e = &all->groups[cpu][vm->index];
		u64 weight = UNIT * vm->weight / QZ_SCHED_WEIGHT;
		struct list list;
		s64 lag, rest;

		if (!here[cpu])
			continue;
		weight = weight * here[cpu] / total;
		weight = weight < 2 ? 2 : weight;
		if (e->weight == weight)
			continue;
		if (!e->queued) {
			e->weight = weight;
			continue;
		}
		list_root(sim, cpu, &list);
		lag = (s64)(list.average - e->vruntime) * (double)e->weight / weight;
		rest = (s64)(e->deadline - e->vruntime) * (double)e->weight / weight;
		if (is_protected(e))
			e->protected_until = list.average - lag + rest;
		e->vruntime = list.average - lag;
		e->deadline = e->vruntime + rest;
		e->weight = weight;
	}
}

static void enqueue(struct sim *sim, struct sim_task *task, int cpu)
{
	struct shared *all = sim->private;
	struct sim_entity *group = &all->groups[cpu][task->vm->index];
	struct list list;

	task->cpu = cpu;
	list_vm(sim, cpu, task->vm, &list);
	place(all, &task->entity, &list);
	reweigh(sim, task->vm);
	if (group->kept) {
		group->kept = false;
	} else if (!group->queued) {
		list_root(sim, cpu, &list);
		place(all, group, &list);
	}
}

/* Return: true if it has left; one that owes time stays until it is chosen. */
static bool leave(struct sim *sim, struct sim_entity *e, struct list *list, bool may_stay)
{
	if (may_stay && !is_eligible(list, e)) {
		e->kept = true;
		return false;
	}
	note_lag(sim, e, list);
	if (e->kept && e->lag > 0)
		e->lag = 0;	/* DELAY_ZERO */
	e->queued = false;
	e->kept = false;
	return true;
}

static void leave_group(struct sim *sim, struct sim_vm *vm, int cpu, bool may_stay)
{
	struct shared *all = sim->private;
	struct list list;

	list_vm(sim, cpu, vm, &list);
	if (list.n)
		return;
	list_root(sim, cpu, &list);
	leave(sim, &all->groups[cpu][vm->index], &list, may_stay);
}

static void dequeue(struct sim *sim, struct sim_task *task, bool may_stay)
{
	struct list list;

	list_vm(sim, task->cpu, task->vm, &list);
	if (leave(sim, &task->entity, &list, may_stay))
		leave_group(sim, task->vm, task->cpu, may_stay);
	reweigh(sim, task->vm);
}

/* -- running -------------------------------------------------------------- */
static void charge(struct sim *sim, int cpu, struct sim_entity *e, u64 ns, const struct list *list)
{
	e->vruntime += fair(ns, e->weight);
	if ((s64)(e->vruntime - e->deadline) < 0)
		return;
	e->deadline = e->vruntime + fair(e->slice, e->weight);
	if (list->n > 1)
		sim_resched(sim, cpu);
}

static void account(struct sim *sim, int cpu, struct sim_task *task, u64 ns)
{
	struct shared *all = sim->private;
	struct list list;

	list_vm(sim, cpu, task->vm, &list);
	charge(sim, cpu, &task->entity, ns, &list);
	list_root(sim, cpu, &list);
	charge(sim, cpu, &all->groups[cpu][task->vm->index], ns, &list);
}

static bool waits(const struct sim_task *task)
{
	return task->state == SIM_QUEUED && !task->entity.kept;
}

static void move(struct sim *sim, struct sim_task *task, int cpu)
{
	dequeue(sim, task, false);
	enqueue(sim, task, cpu);
}

static u64 load(struct sim *sim, int cpu)
{
	struct list list;

	list_root(sim, cpu, &list);
	return list.load;
}

static u64 load_of(struct sim *sim, const struct sim_task *task)
{
	struct shared *all = sim->private;
	struct list list;

	list_vm(sim, task->cpu, task->vm, &list);
	return all->groups[task->cpu][task->vm->index].weight / (list.n ? list.n : 1);
}

/* A waiting thread of the CPU with the highest load, if that makes both more even. */
static struct sim_task *pull(struct sim *sim, int cpu, bool idle)
{
	u64 own = load(sim, cpu), most = 0;
	struct sim_task *best = NULL;
	int busiest = -1;

	for (int i = 0; i < sim->ncpus; i++) {
		bool any = false;

		for (int t = 0; t < sim->ntasks; t++)
			any |= sim->tasks[t].cpu == i && waits(&sim->tasks[t]);
		if (i != cpu && any && load(sim, i) > most) {
			most = load(sim, i);
			busiest = i;
		}
	}
	if (busiest < 0 || (!idle && most * 100 < own * 117))
		return NULL;
	for (int t = 0; t < sim->ntasks; t++) {
		struct sim_task *task = &sim->tasks[t];

		if (task->cpu == busiest && waits(task) &&
		    (idle || load_of(sim, task) / 2 < (most - own) / 2) &&
		    (!best || load_of(sim, task) > load_of(sim, best)))
			best = task;
	}
	if (best)
		move(sim, best, cpu);
	return best;
}

static struct sim_task *task_of(struct sim_entity *e)
{
	return (struct sim_task *)((char *)e - offsetof(struct sim_task, entity));
}

static struct sim_task *pick(struct sim *sim, int cpu)
{
	struct shared *all = sim->private;
	struct sim_entity *group, *e;
	struct sim_vm *vm;
	struct list list;

	for (;;) {
		list_root(sim, cpu, &list);
		group = pick_eevdf(&list, all->roots[cpu].current);
		if (!group) {
			if (!pull(sim, cpu, true))
				return NULL;
			continue;
		}
		vm = &sim->vms[group - all->groups[cpu]];
		if (group->kept) {
			leave(sim, group, &list, false);
			continue;
		}
		list_vm(sim, cpu, vm, &list);
		e = pick_eevdf(&list, all->children[cpu][vm->index].current);
		if (!e->kept)
			break;
		leave(sim, e, &list, false);
		leave_group(sim, vm, cpu, true);
		reweigh(sim, vm);
	}
	all->roots[cpu].current = group;
	all->children[cpu][vm->index].current = e;
	if (!is_protected(group))
		group->protected_until = group->deadline;
	if (!is_protected(e))
		e->protected_until = e->deadline;
	return task_of(e);
}

/* Would the one that woke up be chosen now? */
static void check_preempt(struct sim *sim, struct sim_task *task, int cpu)
{
	struct shared *all = sim->private;
	struct sim_task *running = sim->cpus[cpu].task;
	struct list list;

	if (!running) {
		sim_resched(sim, cpu);
		return;
	}
	if (running->vm == task->vm) {
		list_vm(sim, cpu, task->vm, &list);
		if (pick_eevdf(&list, &running->entity) == &task->entity)
			sim_resched(sim, cpu);
		return;
	}
	list_root(sim, cpu, &list);
	if (pick_eevdf(&list, &all->groups[cpu][running->vm->index]) ==
	    &all->groups[cpu][task->vm->index])
		sim_resched(sim, cpu);
}

static void woken(struct sim *sim, struct sim_task *task, int waker)
{
	int cpu = sim_idle_cpu(sim, task->cpu);

	(void)waker;
	if (task->entity.kept) {	/* never left */
		struct list list;

		cpu = task->cpu;
		sim_account(sim, cpu);
		list_vm(sim, cpu, task->vm, &list);
		task->entity.kept = false;
		if (is_eligible(&list, &task->entity)) {
			task->entity.lag = 0;
			task->entity.queued = false;
			list_vm(sim, cpu, task->vm, &list);
			place(sim->private, &task->entity, &list);
		}
	} else {
		if (cpu < 0)
			cpu = task->cpu;
		sim_account(sim, cpu);
		enqueue(sim, task, cpu);
	}
	check_preempt(sim, task, cpu);
}

static void put(struct sim *sim, int cpu, struct sim_task *task)
{
	(void)sim, (void)cpu, (void)task;	/* it is queued while it runs, too */
}

static void block(struct sim *sim, int cpu, struct sim_task *task)
{
	(void)cpu;
	dequeue(sim, task, true);
}

static void tick(struct sim *sim, int cpu)
{
	struct shared *all = sim->private;

	if (sim->cpus[cpu].task && ++all->ticks[cpu] % BALANCE_TICKS)
		return;
	if (pull(sim, cpu, !sim->cpus[cpu].task) && !sim->cpus[cpu].task)
		sim_resched(sim, cpu);
}

/* yield_task_fair() gives the rest of the slice away; yield_to() is not simulated. */
static void yield(struct sim *sim, int cpu, struct sim_task *from, struct sim_task *to)
{
	(void)sim, (void)cpu, (void)to;
	from->entity.deadline += fair(from->entity.slice, from->entity.weight);
}

static void begin(struct sim *sim)
{
	struct shared *all = calloc(1, sizeof(*all));
	int factor = 1;

	if (!all)
		abort();
	while (factor < 4 && 1 << factor <= sim->ncpus)
		factor++;
	all->slice = sim->slice ? sim->slice : (u64)BASE_SLICE * factor;
	for (int i = 0; i < sim->ntasks; i++)
		sim->tasks[i].entity.weight = UNIT;
	for (int cpu = 0; cpu < sim->ncpus; cpu++)
		for (int i = 0; i < sim->nvms; i++)
			all->groups[cpu][i].weight = UNIT;
	sim->private = all;
}

const struct sim_class sim_eevdf = {
	.name = "eevdf", .begin = begin, .wake = woken, .put = put, .block = block,
	.pick = pick, .account = account, .tick = tick, .yield = yield,
};
