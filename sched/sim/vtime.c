// SPDX-License-Identifier: GPL-2.0
/*
 * The plain virtual time of sched_ext's example scx_simple: one queue of all
 * threads, ordered by their time; no VMs, no preemption. To compare.
 */
#include "sched/sim/sim.h"

#define SLICE	(20 * NSEC_PER_MSEC)	/* SCX_SLICE_DFL */

struct shared {
	u64 clock;
} shared;

static void begin(struct sim *sim)
{
	(void)sim;
	shared.clock = QZ_SCHED_START;
}

static void woken(struct sim *sim, struct sim_task *task, int waker)
{
	int cpu = sim_idle_cpu(sim, task->cpu);

	(void)waker;
	if (qz_sched_before(task->key, shared.clock - SLICE))
		task->key = shared.clock - SLICE;
	if (cpu >= 0)
		sim_resched(sim, cpu);
}

static void put(struct sim *sim, int cpu, struct sim_task *task)
{
	(void)sim, (void)cpu, (void)task;
}

static struct sim_task *pick(struct sim *sim, int cpu)
{
	struct sim_task *best = NULL;

	(void)cpu;
	for (int i = 0; i < sim->ntasks; i++) {
		struct sim_task *task = &sim->tasks[i];

		if (task->state == SIM_QUEUED &&
		    (!best || qz_sched_before(task->key, best->key)))
			best = task;
	}
	if (best && qz_sched_before(shared.clock, best->key))
		shared.clock = best->key;
	return best;
}

/* The weight is the VM's: each of its threads has it. */
static void account(struct sim *sim, int cpu, struct sim_task *task, u64 ns)
{
	(void)sim, (void)cpu;
	task->key += ns * QZ_SCHED_WEIGHT / task->vm->weight;
}

static void tick(struct sim *sim, int cpu)
{
	if (sim->cpus[cpu].task &&
	    sim->now - sim->cpus[cpu].started >= (sim->slice ? sim->slice : SLICE))
		sim_resched(sim, cpu);
}

static void yield(struct sim *sim, int cpu, struct sim_task *from,
		  struct sim_task *to)
{
	(void)cpu, (void)to;
	from->key += (sim->slice ? sim->slice : SLICE);
}

const struct sim_class sim_vtime = {
	.name = "vtime", .begin = begin, .wake = woken, .put = put, .block = put,
	.pick = pick, .account = account, .tick = tick, .yield = yield,
};
