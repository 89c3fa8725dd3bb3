/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_RATE_H
#define QUEZTL_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define RATE_ROOM	32

/*
 * Bytes per second from 1000, of a number with a unit as tc(8) has them:
 * bits when there is none. Units in bps, unlike those in bit, are bytes.
 */
bool parse_rate(const char *text, uint64_t *bytes);

/* What parse_rate() takes: 1500kbit, 100mbit. */
const char *format_rate(char buffer[RATE_ROOM], uint64_t bytes);

#endif /* QUEZTL_RATE_H */
