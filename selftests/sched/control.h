/* SPDX-License-Identifier: GPL-2.0 */
/* The calls for the module's scheduler, and how the host is. */
#ifndef QUEZTL_CONTROL_H
#define QUEZTL_CONTROL_H

#include <linux/queztl.h>
#include <stdbool.h>
#include <stddef.h>

/* Polls; the time only bounds how long a failure takes. */
#define WAIT_FOR(condition) do { \
	for (int i__ = 0; i__ < 600 && !(condition); i__++) \
		usleep(50000); \
	ASSERT(condition); \
} while (0)

extern int device;		/* begin() opens it */

/* Each test begins without a scheduler, whatever the last one left. */
void begin(void);

/* 0 or -errno. */
int call(unsigned int number, void *argument);
int start(void);
int start_per_vcpu(void);
int stop(void);

/* They assert. */
struct queztl_sched info(void);
struct queztl_vm_sched get(__u64 id);
void set(__u64 id, __u32 what, __u32 value);
void tasks_run(void);		/* the scheduler in charge has to let them end */

void read_file(const char *path, char *text, size_t size);	/* its first line */
bool write_file(const char *path, const char *text);
bool state_is(const char *state);	/* of sched_ext */
void run_for(double seconds);
long cpus(void);

#endif
