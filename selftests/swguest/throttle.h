/* SPDX-License-Identifier: GPL-2.0 */
/* Of the program that runs the tests: a test of throttle.c that is killed leaves a cgroup and a kernel that is preemptible. */
#ifndef QUEZTL_THROTTLE_H
#define QUEZTL_THROTTLE_H

void begin_throttle(void);	/* remember how it was */
void end_throttle(void);

#endif
