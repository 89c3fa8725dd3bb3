/* SPDX-License-Identifier: GPL-2.0 */
/* A pair of guests that throw a frame to and fro, by interrupts, each waited for with a bound: a lost wake-up ends it. */
#ifndef QUEZTL_PINGPONG_H
#define QUEZTL_PINGPONG_H

#include <stdbool.h>
#include <stdint.h>

struct ping_report {			/* shared with the parent */
	uint64_t rounds, foreign;
	double longest;			/* seconds a frame and its interrupt took */
	bool ready, stop, done;
	char why[160];
};

/* Runs until report->stop. Names and address numbers of the two ports. */
void pingpong_run(struct ping_report *report, const char *const names[2], const int numbers[2]);

#endif
