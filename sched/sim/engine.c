// SPDX-License-Identifier: GPL-2.0
/* The simulated host: events, programs, switches. See sim.h. */
#include <stdio.h>
#include <stdlib.h>

#include "sched/sim/sim.h"

enum { STEP, TICK, WAKE, RESCHED, TIMER };

/* -- events, a binary heap ------------------------------------------------ */
static bool earlier(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void post(struct sim *sim, u64 at, int kind, int index, u64 generation)
{
	struct sim_event event = { at, sim->order++, kind, index, generation };
	size_t i = sim->nevents++;

	if (i == sim->room) {
		sim->room = sim->room ? 2 * sim->room : 1024;
		sim->heap = realloc(sim->heap, sim->room * sizeof(event));
		if (!sim->heap)
			abort();
	}
	for (; i && earlier(&event, &sim->heap[(i - 1) / 2]); i = (i - 1) / 2)
		sim->heap[i] = sim->heap[(i - 1) / 2];
	sim->heap[i] = event;
}

static struct sim_event take(struct sim *sim)
{
	struct sim_event first = sim->heap[0], last = sim->heap[--sim->nevents];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < sim->nevents) {
		if (child + 1 < sim->nevents &&
		    earlier(&sim->heap[child + 1], &sim->heap[child]))
			child++;
		if (earlier(&last, &sim->heap[child]))
			break;
		sim->heap[i] = sim->heap[child];
		i = child;
	}
	sim->heap[i] = last;
	return first;
}

/* xorshift64*: Vigna, ACM Transactions on Mathematical Software 42, 2016. */
u64 sim_random(struct sim *sim)
{
	sim->random ^= sim->random >> 12;
	sim->random ^= sim->random << 25;
	sim->random ^= sim->random >> 27;
	return sim->random * 2685821657736338717ull;
}

/* -- CPUs ----------------------------------------------------------------- */
void sim_resched(struct sim *sim, int cpu)
{
	if (sim->cpus[cpu].resched)
		return;
	sim->cpus[cpu].resched = true;
	post(sim, sim->now + sim->ipi, RESCHED, cpu, 0);
}

/* An idle CPU that nobody has sent for yet, @near if it is one; or -1. */
int sim_idle_cpu(struct sim *sim, int near)
{
	for (int i = 0; i < sim->ncpus; i++) {
		int cpu = (near + i) % sim->ncpus;
		struct sim_cpu *c = &sim->cpus[cpu];

		if (!c->task && !c->resched && !c->off)
			return cpu;
	}
	return -1;
}

static bool counts(const struct sim *sim)
{
	return sim->now > sim->warm_up;
}

void sim_account(struct sim *sim, int cpu)
{
	struct sim_cpu *c = &sim->cpus[cpu];
	struct sim_task *task = c->task;
	u64 ns = sim->now > c->since ? sim->now - c->since : 0;

	if (!task || !ns)
		return;
	c->since = sim->now;
	task->left -= min(ns, task->left);
	if (counts(sim)) {
		task->ran += ns;
		task->vm->ran += ns;
	}
	sim->class->account(sim, cpu, task, ns);
}

static void wake(struct sim *sim, struct sim_task *task, int waker)
{
	if (task->state != SIM_SLEEPING)
		return;
	task->state = SIM_QUEUED;
	task->ready_at = sim->now;
	task->woken = true;
	sim->class->wake(sim, task, waker);
}

static u64 spread(struct sim *sim, const struct sim_op *op)
{
	u64 width = op->ns / 100 * op->spread;

	return width ? op->ns - width + sim_random(sim) % (2 * width) : op->ns;
}

static u64 next_tick(const struct sim *sim, int cpu)
{
	u64 offset = sim->tick / sim->ncpus * cpu;

	return (sim->now - offset) / sim->tick * sim->tick + sim->tick + offset;
}

/* How far apart VMs are that have always had something to run. */
static void note_spread(struct sim *sim)
{
	u64 most = 0, least = U64_MAX;

	for (int i = 0; i < sim->nvms; i++) {
		const struct sim_vm *vm = &sim->vms[i];
		u64 ran = vm->ran * QZ_SCHED_WEIGHT / vm->weight;

		if (vm->slept)
			continue;
		most = ran > most ? ran : most;
		least = ran < least ? ran : least;
	}
	if (most > least && most - least > sim->spread)
		sim->spread = most - least;
}

static void receive(struct sim *sim, struct sim_task *task, int cpu)
{
	task->messages++;
	if (task->receives) {
		task->receives = false;
		task->messages--;
		wake(sim, task, cpu);
	}
}

/*
 * Carry out steps until one takes time. Return: true if the thread can run on,
 * false if it sleeps now. @yielded: it called the scheduler.
 */
static bool perform(struct sim *sim, int cpu, struct sim_task *task,
		    bool *yielded)
{
	for (;;) {
		struct sim_op *op = &task->ops[task->at];

		task->at = (task->at + 1) % task->nops;
		switch (op->kind) {
		case SIM_RUN:
			task->left = spread(sim, op) + 1;
			return true;
		case SIM_RUN_TO_TICK:
			task->left = next_tick(sim, cpu) - sim->now;
			if (task->left <= op->ns)
				task->left += sim->tick;
			task->left -= op->ns;
			return true;
		case SIM_SLEEP:
			task->state = SIM_SLEEPING;
			task->vm->slept = true;
			post(sim, sim->now + spread(sim, op), WAKE, task->index, 0);
			return false;
		case SIM_SEND:
			receive(sim, op->to, cpu);
			break;
		case SIM_RECEIVE:
			if (task->messages) {
				task->messages--;
				break;
			}
			task->receives = true;
			task->state = SIM_SLEEPING;
			task->vm->slept = true;
			return false;
		case SIM_YIELD:
		case SIM_YIELD_TO:
			*yielded = true;
			sim->class->yield(sim, cpu, task, op->to);
			task->left = 1;
			return true;
		case SIM_BEGIN:
			task->began = op->ns ? task->ready_at : sim->now;
			break;
		case SIM_END:
			if (counts(sim))
				sim_note(&task->vm->latency, sim->now - task->began);
			break;
		}
	}
}

static void start(struct sim *sim, int cpu, struct sim_task *task)
{
	struct sim_cpu *c = &sim->cpus[cpu];
	u64 waited = sim->now - task->ready_at;

	task->state = SIM_RUNNING;
	task->cpu = cpu;
	if (counts(sim)) {
		task->waited += waited;
		if (waited > task->longest_wait)
			task->longest_wait = waited;
		if (task->woken)
			sim_note(&task->vm->wake, waited);
	}
	task->woken = false;
	c->task = task;
	c->started = sim->now;
}

/* @runs_on: the CPU's thread can go on; else it has blocked. */
static void schedule(struct sim *sim, int cpu, bool runs_on)
{
	struct sim_cpu *c = &sim->cpus[cpu];
	struct sim_task *last = c->task, *next;
	u64 cost = 0;

	c->task = NULL;
	if (last && runs_on) {
		last->state = SIM_QUEUED;
		last->ready_at = sim->now;
		sim->class->put(sim, cpu, last);
	} else if (last) {
		sim->class->block(sim, cpu, last);
	}
	next = c->off ? NULL : sim->class->pick(sim, cpu);
	c->generation++;
	if (!next)
		return;
	if (next != last) {
		cost = sim->switch_cost;
		sim->switches += counts(sim);
	}
	start(sim, cpu, next);
	c->since = sim->now + cost;
	post(sim, c->since + next->left, STEP, cpu, c->generation);
	if (sim->timer)
		post(sim, c->since + sim->timer, TIMER, cpu, c->generation);
}

/* The thread of a CPU has done a step. */
static void step(struct sim *sim, int cpu)
{
	struct sim_cpu *c = &sim->cpus[cpu];
	struct sim_task *task = c->task;
	bool yielded = false;

	sim_account(sim, cpu);
	if (!perform(sim, cpu, task, &yielded)) {
		schedule(sim, cpu, false);
	} else if (yielded) {
		schedule(sim, cpu, true);
	} else {
		c->generation++;
		post(sim, sim->now + task->left, STEP, cpu, c->generation);
		if (sim->timer)
			post(sim, sim->now + sim->timer, TIMER, cpu, c->generation);
	}
}

static void handle(struct sim *sim, const struct sim_event *event)
{
	struct sim_cpu *c = &sim->cpus[event->index % SIM_CPUS];

	switch (event->kind) {
	case STEP:
		if (event->generation == c->generation)
			step(sim, event->index);
		break;
	case TICK:
		post(sim, sim->now + sim->tick, TICK, event->index, 0);
		sim_account(sim, event->index);
		note_spread(sim);
		sim->class->tick(sim, event->index);
		break;
	case TIMER:
		if (event->generation == c->generation && c->task) {
			post(sim, sim->now + sim->timer, TIMER, event->index,
			     c->generation);
			sim_account(sim, event->index);
			sim->class->tick(sim, event->index);
		}
		break;
	case WAKE:
		wake(sim, &sim->tasks[event->index], -1);
		break;
	case RESCHED:
		c->resched = false;
		sim_account(sim, event->index);
		schedule(sim, event->index, true);
		break;
	}
}

/* Each thread begins with its first step, within a tick, in random order. */
void sim_run(struct sim *sim)
{
	sim->class->begin(sim);
	for (int cpu = 0; cpu < sim->ncpus; cpu++)
		post(sim, sim->tick + sim->tick / sim->ncpus * cpu, TICK, cpu, 0);
	for (int i = 0; i < sim->ntasks; i++) {
		sim->tasks[i].left = 1;
		sim->tasks[i].cpu = sim_random(sim) % sim->ncpus;
		post(sim, sim_random(sim) % sim->tick, WAKE, i, 0);
	}
	while (sim->now < sim->end) {
		struct sim_event event = take(sim);

		sim->now = event.at;
		handle(sim, &event);
	}
	for (int cpu = 0; cpu < sim->ncpus; cpu++)
		sim_account(sim, cpu);
	free(sim->heap);
	sim->heap = NULL;
}
