/* SPDX-License-Identifier: GPL-2.0 */
/* What /proc knows of the memory of a VMM. */
#ifndef QUEZTL_VMFACTS_H
#define QUEZTL_VMFACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

struct vm_memory {
	unsigned long long ram_mib;	/* of the guest; 0: not known */
	unsigned long long huge_mib;	/* mapped in huge pages */
	unsigned long long pinned_mib;
	rlim_t limit;			/* of what may be pinned, in bytes */
	bool silent;			/* it did not answer; see ask.h */
};

/* Returns 0, or -errno if there is no such process. */
int read_vm_memory(int pid, struct vm_memory *memory);

/*
 * The memory that a command line gives to the guest, in MiB: -m of QEMU, --memory
 * of Cloud Hypervisor; 0 if it has neither.
 */
unsigned long long find_ram_mib(const char *cmdline, size_t length);

/* The soft limit of a line in /proc/PID/limits; false if it is not there. */
bool find_limit(const char *limits, const char *name, rlim_t *limit);

#endif /* QUEZTL_VMFACTS_H */
