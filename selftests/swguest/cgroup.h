/* SPDX-License-Identifier: GPL-2.0 */
/* A process that gets a thousandth of a CPU, on a kernel that may preempt it anywhere. */
#ifndef QUEZTL_CGROUP_H
#define QUEZTL_CGROUP_H

#include <sys/types.h>

/* In the program that runs the tests: remember how it was, and put it back. A test that is killed leaves both behind. */
void begin_throttle(void);
void end_throttle(void);

/* In a test. NULL, or why this host cannot. */
const char *prepare_throttle(void);
void throttle(pid_t process);
void unthrottle(void);

#endif
