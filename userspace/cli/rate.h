/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_RATE_H
#define QUEZTL_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define RATE_ROOM	32

/*
 * Parses a number with a unit as in tc(8) into bytes per second, at least 1000.
 * Without a unit the number is in bits. Units ending in bps are bytes, units
 * ending in bit are bits.
 */
bool parse_rate(const char *text, uint64_t *bytes);

/* In the form that parse_rate() accepts: 1500kbit, 100mbit. */
const char *format_rate(char buffer[RATE_ROOM], uint64_t bytes);

#endif /* QUEZTL_RATE_H */
