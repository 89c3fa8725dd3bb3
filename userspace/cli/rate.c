// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rate.h"

#define LEAST_BYTES	1000
#define MOST_BYTES	1e15	/* a double represents every smaller integer exactly */

static const struct {
	const char *name;
	uint64_t bits;
} units[] = {
	{ "gbit", 1000000000 },
	{ "mbit", 1000000 },
	{ "kbit", 1000 },
	{ "bit", 1 },
	{ "gbps", 8000000000 },
	{ "mbps", 8000000 },
	{ "kbps", 8000 },
	{ "bps", 8 },
	{ "", 1 },
};

#define UNITS	(sizeof(units) / sizeof(units[0]))

static uint64_t find_unit(const char *name)
{
	for (size_t i = 0; i < UNITS; i++)
		if (!strcasecmp(units[i].name, name))
			return units[i].bits;
	return 0;
}

bool parse_rate(const char *text, uint64_t *bytes)
{
	size_t digits = strspn(text, "0123456789.");
	uint64_t unit = find_unit(text + digits);
	double number;
	char *end;

	number = strtod(text, &end) * unit / 8;
	if (!digits || end != text + digits || !unit)
		return false;
	if (number < LEAST_BYTES || number > MOST_BYTES)
		return false;
	*bytes = number + 0.5;
	return true;
}

const char *format_rate(char buffer[RATE_ROOM], uint64_t bytes)
{
	uint64_t bits = bytes * 8;
	size_t i = 0;

	if (bytes > UINT64_MAX / 8) {
		snprintf(buffer, RATE_ROOM, "%" PRIu64 "bps", bytes);
		return buffer;
	}
	while (!bits || bits % units[i].bits)
		if (units[++i].bits == 1)
			break;
	snprintf(buffer, RATE_ROOM, "%" PRIu64 "%s", bits / units[i].bits,
		 units[i].name);
	return buffer;
}
