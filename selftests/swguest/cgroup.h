/* SPDX-License-Identifier: GPL-2.0 */
/* A cgroup for each VM, as with libvirt; and one with a thousandth of a CPU, on a kernel that may preempt anywhere. */
#ifndef QUEZTL_CGROUP_H
#define QUEZTL_CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

/* In the program that runs the tests: remember how it was, and put it back. A test that is killed leaves all of it behind. */
void begin_throttle(void);
void end_throttle(void);

/* In a test. NULL, or why this host cannot. */
const char *prepare_throttle(void);
void throttle(pid_t process);
void unthrottle(void);

/* This process, and what it forks: in a cgroup of its own with an equal share of the CPU. False: this host cannot. */
bool join_cgroup(const char *name);

#endif
