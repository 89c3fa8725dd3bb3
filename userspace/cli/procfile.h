/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_PROCFILE_H
#define QUEZTL_PROCFILE_H

#include <stdbool.h>
#include <stddef.h>

/* Where proc and cgroup2 are mounted. Tests have directories of their own. */
extern const char *proc_path;
extern const char *cgroup_path;		/* NULL: not known yet */
const char *cgroup_mount(void);

/*
 * A descriptor of the directory of a process, or -errno. Files opened through
 * it belong to that process even if its PID is used again.
 */
int open_process(int pid);

/* Reads text into buffer. Returns its length without the final NUL, or -errno. */
int read_file_at(int directory, const char *name, char *buffer, size_t size);

/* The name of a directory entry that is a process or thread ID, else 0. */
int entry_id(const char *name);

#endif /* QUEZTL_PROCFILE_H */
