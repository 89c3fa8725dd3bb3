// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "interval.h"

void add_seconds(struct timespec *when, double seconds)
{
	double whole;
	double fraction = modf(seconds, &whole);

	when->tv_sec += (time_t)whole;
	when->tv_nsec += (long)(fraction * 1e9);
	if (when->tv_nsec >= 1000000000) {
		when->tv_nsec -= 1000000000;
		when->tv_sec++;
	}
}

void wait_until(const struct timespec *when)
{
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, when, NULL);
}
