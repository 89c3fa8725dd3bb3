/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A simulated host: CPUs, VMs and their threads, and a scheduler for them.
 *
 * Discrete events; the same seed gives the same run. A thread has a program of
 * a few steps (run, sleep, send, receive, ...), which it repeats. Schedulers
 * are struct sim_class. What is simulated of a kernel: ticks, at which slices
 * expire, a cost of each switch, and interrupts that make a CPU reschedule.
 */
#ifndef QZ_SIM_H
#define QZ_SIM_H

#include "sched/policy.h"

#define SIM_CPUS	64
#define SIM_VMS		64
#define SIM_TASKS	512
#define SIM_OPS		16
#define SIM_NAME	24
#define SIM_DEFINITIONS	16

enum sim_op_kind {
	SIM_RUN,	/* compute for so long */
	SIM_RUN_TO_TICK,	/* until so long before the CPU's next tick */
	SIM_SLEEP,
	SIM_SEND,	/* a message to a thread */
	SIM_RECEIVE,	/* wait for one */
	SIM_YIELD,	/* sched_yield() */
	SIM_YIELD_TO,	/* directed, to a thread */
	SIM_BEGIN,	/* the time from here, or from when it could run, */
	SIM_END,	/* to here is a latency to report */
};

struct sim_op {
	enum sim_op_kind kind;
	u64 ns;
	u64 spread;	/* of @ns, in percent */
	struct sim_task *to;
	char name[SIM_NAME];	/* of @to */
};

/* Values to be sorted. */
struct sim_series {
	u64 *values;
	size_t n, room;
};

struct sim_vm {
	char name[SIM_NAME];
	u32 weight;
	u32 limit;		/* as qz_flow.limit */
	int index;
	int ntasks, nvcpus;
	bool slept;
	u64 ran;
	struct sim_series latency, wake;
	struct qz_flow flow;	/* of queztl.c */
	int nqueued, nrunning;
};

enum sim_state { SIM_SLEEPING, SIM_QUEUED, SIM_RUNNING };

/* Of eevdf.c: what is in a queue, a thread or a VM on a CPU. */
struct sim_entity {
	u64 vruntime, deadline, slice;
	s64 lag;
	u64 weight;
	bool queued, kept;	/* kept: sleeps, but owes time */
	u64 protected_until;	/* its deadline when it was chosen */
};

struct sim_task {
	char name[SIM_NAME];
	int index;
	struct sim_vm *vm;
	int from, to;		/* the CPUs that it may use */
	bool vcpu;		/* else one of the VMM's other threads */
	enum sim_state state;
	int cpu;		/* where it runs or ran last */
	struct sim_op ops[SIM_OPS];
	int nops, at;
	u64 left;		/* of the step at hand, ns */
	u64 messages;
	bool receives;
	u64 began;
	u64 ready_at;		/* since when it has been queued */
	bool woken;
	u64 ran, waited, longest_wait;
	u64 delayed, work;	/* of real.c: what the kernel says it waited; chunks */
	u64 key;		/* order in a queue */
	struct qz_thread thread;	/* of queztl.c */
	struct sim_entity entity;	/* of eevdf.c */
};

struct sim_cpu {
	struct sim_task *task;
	u64 since;		/* when its time was last accounted */
	u64 started;		/* when it was chosen */
	u64 generation;		/* of the step event that is valid */
	bool resched;
	bool off;
};

struct sim;

/* A scheduler. All hooks but wake are about the CPU given. */
struct sim_class {
	const char *name;
	void (*begin)(struct sim *sim);
	/* Can run from now on; waker: a CPU, or -1 for a timer. */
	void (*wake)(struct sim *sim, struct sim_task *task, int waker);
	/* Had the CPU and would run on. */
	void (*put)(struct sim *sim, int cpu, struct sim_task *task);
	/* Had the CPU and waits for something. */
	void (*block)(struct sim *sim, int cpu, struct sim_task *task);
	struct sim_task *(*pick)(struct sim *sim, int cpu);
	void (*account)(struct sim *sim, int cpu, struct sim_task *task, u64 ns);
	void (*tick)(struct sim *sim, int cpu);
	void (*yield)(struct sim *sim, int cpu, struct sim_task *from,
		      struct sim_task *to);
};

struct sim_event {
	u64 at;
	u64 order;
	int kind;
	int index;
	u64 generation;
};

struct sim {
	u64 now, end, warm_up;
	int ncpus, nvms, ntasks;
	struct sim_cpu cpus[SIM_CPUS];
	struct sim_vm vms[SIM_VMS];
	struct sim_task tasks[SIM_TASKS];
	u64 tick, switch_cost, ipi;
	u64 timer;	/* extra ticks of CPUs for which somebody waits; 0: none */
	u64 slice;	/* 0: the class's own */
	u64 period;	/* of cpu.max, in real.c */
	u64 keep;	/* threads stay so long after the end, in real.c */
	bool per_vcpu;		/* of queztl.c: a VM has its weight once for each vCPU */
	u64 random;
	const struct sim_class *class;
	void *private;
	u64 switches;
	u64 spread;	/* most that two VMs that never sleep were apart, by weight */
	struct sim_event *heap;
	size_t nevents, room;
	u64 order;
};

extern const struct sim_class sim_queztl, sim_eevdf, sim_vtime;

/* engine.c */
void sim_run(struct sim *sim);
void sim_resched(struct sim *sim, int cpu);
void sim_account(struct sim *sim, int cpu);
int sim_idle_cpu(struct sim *sim, int near);
u64 sim_random(struct sim *sim);

/* real.c */
void sim_run_real(struct sim *sim);

/* scenario.c */
void sim_define(const char *definition);
void sim_read(struct sim *sim, const char *path);

/* report.c */
void sim_note(struct sim_series *series, u64 value);
u64 sim_at(struct sim_series *series, double part);
double sim_mean(const struct sim_series *series);
void sim_report(struct sim *sim, bool json, bool all);

#endif /* QZ_SIM_H */
