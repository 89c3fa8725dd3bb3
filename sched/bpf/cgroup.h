/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QZ_SCHED_CGROUP_H
#define QZ_SCHED_CGROUP_H

#include <stdbool.h>

#define CGROUP_ROOM	(4096 + 16)	/* the kernel tells no longer names */

/*
 * The cgroup v2 directory of a process's VM, without the groups that libvirt
 * makes inside it for vCPUs, I/O threads and the emulator. False if it is the
 * root's, or there is none, or, with errno ENAMETOOLONG, if its name is too long
 * for the kernel to tell: somebody hides it.
 */
bool vm_cgroup(int pid, char path[CGROUP_ROOM]);

/*
 * Shortens a path to the next group that is root's: to whom a group is delegated
 * could give himself any weight, also by a group that is there for a moment only or
 * has a path that is too long for stat(). False if that is the root's own.
 */
bool trusted_cgroup(char path[CGROUP_ROOM]);

unsigned int cgroup_weight(const char *path);	/* 1 to 10000; 0: it has none */

/* The lowest of the group's and of those that it is in, in 1000ths of a CPU; 0: none. */
unsigned int cgroup_limit(const char *path);

#endif /* QZ_SCHED_CGROUP_H */
