/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_JOINCGROUP_H
#define QUEZTL_JOINCGROUP_H

#include <stddef.h>

/*
 * Moves this process into the cgroup (v2) of another one, whose path below the
 * mount is stored in path. If that cgroup is for threads, into the nearest
 * ancestor that takes processes. 0 or -errno.
 */
int join_cgroup(int pid, char *path, size_t size);

#endif /* QUEZTL_JOINCGROUP_H */
