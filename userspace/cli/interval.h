/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_INTERVAL_H
#define QUEZTL_INTERVAL_H

#include <time.h>

void add_seconds(struct timespec *when, double seconds);

/* CLOCK_MONOTONIC; returns early on a signal. */
void wait_until(const struct timespec *when);

#endif /* QUEZTL_INTERVAL_H */
