/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_ASK_H
#define QUEZTL_ASK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Files of /proc that a process can keep from being read, for as long as it likes:
 * to read them takes the lock of its memory map (cmdline, smaps_rollup) or the one
 * that execve() holds (stat, the links in fd), or whoever reads may be the last to
 * put its memory or a file. A child of this program reads them, for a limited time.
 *
 * comm, limits, cgroup, schedstat and the list of threads wait for no process.
 */

/*
 * Reads a file of the process as read_file_at() does. -ETIMEDOUT: the process does
 * not answer, and is not asked again for a while.
 */
int ask_file(int pid, const char *name, char *buffer, size_t size);

/* Whether it has a descriptor of a KVM VM, or -errno. */
int ask_for_vm(int pid);

/*
 * The next descriptor from this number on that is a KVM VM: its number, and in vm
 * a copy of it for the caller. -ENXIO: there is none. Or another -errno.
 */
int ask_for_vm_copy(int pid, int from, int *vm);

/* Ends the child. All processes may be asked again. */
void stop_asking(void);

#endif /* QUEZTL_ASK_H */
