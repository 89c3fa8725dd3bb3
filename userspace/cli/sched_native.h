/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_SCHED_NATIVE_H
#define QUEZTL_SCHED_NATIVE_H

#include <stdint.h>

#include <queztl.h>

/* /dev/queztl of a module that has a scheduler, or -1. */
int open_native(void);

/*
 * Calls each() for the VMs whose process is known to the caller, until it
 * returns other than 0, and returns that.
 */
int for_each_vm(int device, int (*each)(void *context, int pid, uint64_t id),
		void *context);

#endif /* QUEZTL_SCHED_NATIVE_H */
