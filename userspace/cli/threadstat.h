/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_THREADSTAT_H
#define QUEZTL_THREADSTAT_H

#include <stdbool.h>
#include <stdint.h>

/* The members of /proc/PID/stat that matter here. */
struct thread_stat {
	char comm[64];
	uint64_t start;		/* clock ticks since boot */
	uint64_t guest;		/* clock ticks in a guest */
};

bool parse_thread_stat(const char *text, struct thread_stat *stat);

/* Of the file of the process with this name. Returns 0 or -errno, as ask_file(). */
int ask_thread_stat(int pid, const char *name, struct thread_stat *stat);

/* Whether a VMM gives this name to the threads that run vCPUs. */
bool names_vcpu(const char *comm);

#endif /* QUEZTL_THREADSTAT_H */
