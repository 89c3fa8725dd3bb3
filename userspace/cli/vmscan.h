/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_VMSCAN_H
#define QUEZTL_VMSCAN_H

#include <stdbool.h>
#include <stddef.h>

/* Processes in /proc; which of them have a KVM VM. */
struct scan {
	struct scanned *at;	/* sorted by PID */
	size_t count;
	bool denied;		/* some belong to other users */
};

struct scanned {
	int pid;
	bool vm;
	unsigned int first;	/* round in which it was seen first */
};

/* Whether entry name of this /proc/PID/fd is a KVM VM. */
bool is_kvm_vm(int directory, const char *name);

/*
 * What may change is read again in the first rounds, later in every 16th, which
 * is a different one for each id: a VMM creates its VM and names its threads
 * soon after it starts.
 */
bool is_due(unsigned int first, unsigned int round, int id);

/* Returns 0 or -errno. The first round looks at every process. */
int scan_processes(struct scan *scan, unsigned int round);

void free_scan(struct scan *scan);

#endif /* QUEZTL_VMSCAN_H */
