/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_USAGE_H
#define QUEZTL_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <queztl.h>

#include "process.h"
#include "throttle.h"
#include "vmlist.h"

/*
 * What a VM has used. Ready is the time for which threads could run, but waited
 * for a CPU. A thread that ends takes nothing away.
 */
struct usage {
	__u64 vcpu_cpu_ns;
	__u64 vcpu_ready_ns;
	__u64 vcpu_switches;	/* how often a thread was given a CPU */
	__u64 other_cpu_ns;	/* threads that are not vCPUs */
	__u64 other_ready_ns;
	__u64 other_switches;
	__u64 throttled_ns;	/* these may be UNKNOWN */
	__u64 exits;
	__u64 packets;
};

struct vm_thread {
	int tid;
	bool vcpu;
	unsigned int first;	/* round in which it was seen first */
	uint64_t cpu_ns;
	uint64_t ready_ns;
	uint64_t switches;
	struct cgroup *cgroup;
};

/* A VMM is identified by its PID and when it started. */
struct vm_usage {
	struct vmm vmm;
	uint64_t start;		/* 0: it does not answer */
	bool named;		/* it was asked for its name, and answered */
	char comm[NAME_ROOM];
	char name[NAME_ROOM];	/* "" if it has none */
	struct vm_thread *threads;	/* sorted by ID */
	size_t thread_count;
	unsigned int vcpu_threads;
	uint64_t time_ns;
	uint64_t interval_ns;	/* since the previous sample; 0: new */
	struct usage earlier;	/* in the previous sample */
	struct usage counts;
};

/* All VMs at one moment, sorted by PID. */
struct sample {
	uint64_t time_ns;	/* CLOCK_BOOTTIME */
	uint64_t interval_ns;	/* 0: the first sample */
	struct vm_usage *vms;
	size_t count;
	size_t foreign;
	bool denied;
};

struct usage_reader {
	struct vm_finder finder;
	struct cgroups cgroups;
	unsigned int round;
};

/*
 * Fills an empty sample, whose predecessor is before (or empty). Processes that
 * end meanwhile are left out. Returns 0 or -errno.
 */
int read_sample(struct usage_reader *reader, const struct sample *before,
		struct sample *now);

void free_sample(struct sample *sample);
/* Also ends the child of ask.h. */
void close_reader(struct usage_reader *reader);

/* -ENOSYS if this kernel does not count what threads use. */
int check_accounting(void);

/* Percent of one CPU; NaN if unknown, for example for a new VM. */
double used_percent(const struct vm_usage *vm, uint64_t earlier, uint64_t now);

/* Per second, or NaN. */
double usage_rate(const struct vm_usage *vm, uint64_t earlier, uint64_t now);

uint32_t count_vcpus(const struct vm_usage *vm);

#endif /* QUEZTL_USAGE_H */
