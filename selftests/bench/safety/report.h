/* SPDX-License-Identifier: GPL-2.0 */
/* What was measured, as lines of JSON in $QZ_OUT/safety.jsonl, for safety.py. Times are in ns. */
#ifndef QUEZTL_REPORT_H
#define QUEZTL_REPORT_H

#include <sched.h>
#include <stdint.h>
#include <stdio.h>

/* A line: begin, members, end. */
void report_begin(const char *part, const char *which);
void report_text(const char *name, const char *text);
void report_number(const char *name, uint64_t number);
void report_times(const char *name, const volatile uint64_t *times, int count);
FILE *report_file(void);		/* for a member of another form, that begins with a comma */
void report_end(void);

uint64_t now_ns(void);
/* Of the options that the script passes in the environment. */
int option(const char *name, int otherwise);
/* This thread, and those that it starts: on CPU @cpu, or the last there is; with @priority, SCHED_FIFO. */
void pin(int cpu);
void be_real_time(int priority);

#endif
