/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_THREADS_H
#define QUEZTL_THREADS_H

#include <stdbool.h>

#include "usage.h"

/*
 * Reads the threads of a VMM, and adds to its counts what they used since old,
 * the VMM in the previous sample, or NULL. task is their directory, which is
 * closed. Returns false if there is none.
 */
bool read_threads(struct usage_reader *reader, struct vm_usage *vm,
		  const struct vm_usage *old, int task);

/* What one thread has used; its directory in task has the name tid. */
bool read_counts(int task, const char *tid, struct vm_thread *thread);

#endif /* QUEZTL_THREADS_H */
