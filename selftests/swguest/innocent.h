/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pair of guests in a process of their own that talk while others misbehave, and notice everything: each frame has
 * a number and a content that follows from it.
 */
#ifndef QUEZTL_INNOCENT_H
#define QUEZTL_INNOCENT_H

#include <stdbool.h>
#include <stdint.h>

#define INNOCENT_SECRET "this is memory no device was given. "

struct innocent_report {		/* shared with the parent */
	uint64_t sent, received, foreign;
	uint64_t gaps;			/* frames that did not come */
	uint64_t damaged, leaked, resets, failed;
	bool ready, stop, done;
	char why[160];
};

/* Runs until report->stop. Names and address numbers of the two ports, numbers of those who may send to them. */
void innocent_run(struct innocent_report *report, const char *const names[2], const int numbers[2]);

#endif
