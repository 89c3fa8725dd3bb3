/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_THROTTLE_H
#define QUEZTL_THROTTLE_H

#include <stdint.h>

/* A cgroup (v2) in which a thread of a VM runs. */
struct cgroup {
	struct cgroup *next;
	char *path;		/* as in /proc/PID/cgroup */
	char *file;		/* has its throttled time; NULL: none does */
	unsigned int first;	/* round of the first read, */
	unsigned int round;	/* and of the last */
	int counted;		/* PID of the VM it was counted for last */
	uint64_t total_ns;	/* throttled, or UNKNOWN */
	uint64_t step_ns;	/* since the previous round */
};

struct cgroups {
	struct cgroup *first;
};

/* The cgroup of thread tid, not read yet. task is the directory of the threads. */
struct cgroup *find_cgroup(struct cgroups *groups, int task, int tid,
			   unsigned int round);

/*
 * Adds the time of a cgroup to that of a VM, once in each round: *total_ns from
 * the beginning of the cgroup and *step_ns since the previous round. Both stay
 * as they are if the time is not known.
 */
void add_throttled(struct cgroup *group, unsigned int round, int pid,
		   uint64_t *total_ns, uint64_t *step_ns);

/* Frees the cgroups that were not read in this round. */
void forget_cgroups(struct cgroups *groups, unsigned int round);
void free_cgroups(struct cgroups *groups);

#endif /* QUEZTL_THROTTLE_H */
