// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "delays.h"
#include "ktap.h"
#include "testmod.h"

bool delays_load(const char *options)
{
	return testmod_load("qz_delays", options);
}

unsigned long long delays_tell(void)
{
	FILE *file = fopen("/sys/kernel/debug/qz_delays", "r");
	unsigned long long hits, delays, sum = 0;
	char line[128], name[64];

	ASSERT(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %llu %llu", name, &hits, &delays) == 3)
			sum += delays;
		line[strcspn(line, "\n")] = 0;
		ktap_say("delays: %s", line);
	}
	fclose(file);
	ktap_say("delays: %llu in all", sum);
	return sum;
}

int delays_unload(void)
{
	return testmod_unload("qz_delays");
}
