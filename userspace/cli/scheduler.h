/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_SCHEDULER_H
#define QUEZTL_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>

#define REASON_ROOM	400

/* What divides CPU time between VMs, best first. */
enum tier {
	TIER_NATIVE,	/* in queztl.ko, on a kernel with its patches */
	TIER_BPF,	/* queztl-sched, where the kernel has sched_ext */
	TIER_CGROUP,	/* cpu.weight and cpu.max of the VMs' cgroups */
};

struct sched_state {
	bool on;
	enum tier tier;		/* that is on */
	int pid;		/* of queztl-sched, 0: none */
	bool per_vcpu;		/* what is on was started with --per-vcpu */
	char other[64];		/* name of a scheduler that is not ours, "" if none */
	char ended[REASON_ROOM];	/* why ours is off, "" if it was never on */
};

const char *tier_name(enum tier tier);

/* What a VM is to the scheduler. */
const char *share_text(bool per_vcpu);

/* The best tier that this host has. If that is only the last, what others lack. */
enum tier best_tier(char missing[REASON_ROOM]);

void read_sched_state(struct sched_state *state);

/* Path of queztl-sched: beside this program, in a build or installed. */
bool find_loader(char *path, size_t size);

#endif /* QUEZTL_SCHEDULER_H */
