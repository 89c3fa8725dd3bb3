/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_VMLIST_H
#define QUEZTL_VMLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmscan.h"

#define UNKNOWN		UINT64_MAX

/* A VMM, with what the module knows of its VMs: usually there is one. */
struct vmm {
	int pid;
	uint64_t *ids;		/* none without the module */
	size_t id_count;
	int *tids;		/* threads that have run a vCPU */
	size_t tid_count;
	uint32_t vcpus;
	uint64_t exits;		/* or UNKNOWN, as packets */
	uint64_t packets;	/* of its ports, sent and received */
};

struct vmm_list {
	struct vmm *at;		/* sorted by PID */
	size_t count;
	size_t foreign;		/* VMs whose processes the caller cannot see */
	bool denied;		/* VMs of other users were not looked for */
};

/* Where to look for VMs, kept from one round to the next. */
struct vm_finder {
	const int *pids;	/* look at these processes only */
	size_t pid_count;	/* 0: at all that have VMs */
	struct scan scan;
};

/*
 * Fills an empty list: from the module, or if it cannot be used from /proc.
 * Returns 0 or -errno.
 */
int list_vmms(struct vm_finder *finder, unsigned int round,
	      struct vmm_list *list);

void free_vmm(struct vmm *vmm);
void free_vmms(struct vmm_list *list);

#endif /* QUEZTL_VMLIST_H */
