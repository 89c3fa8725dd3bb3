// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "report.h"
#include "ktap.h"

static FILE *file;

void report_begin(const char *part, const char *which)
{
	const char *directory = getenv("QZ_OUT");
	char path[256];

	snprintf(path, sizeof(path), "%s/safety.jsonl", directory ? directory : ".");
	file = fopen(path, "a");
	ASSERT(file);
	fprintf(file, "{\"part\": \"%s\", \"case\": \"%s\"", part, which);
}

void report_text(const char *name, const char *text)
{
	fprintf(file, ", \"%s\": \"%s\"", name, text);
}

void report_number(const char *name, uint64_t number)
{
	fprintf(file, ", \"%s\": %llu", name, (unsigned long long)number);
}

void report_times(const char *name, const volatile uint64_t *times, int count)
{
	fprintf(file, ", \"%s\": [", name);
	for (int i = 0; i < count; i++)
		fprintf(file, "%s%llu", i ? ", " : "", (unsigned long long)times[i]);
	fprintf(file, "]");
}

FILE *report_file(void)
{
	return file;
}

void report_end(void)
{
	fprintf(file, "}\n");
	ASSERT_EQ(fclose(file), 0);
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

int option(const char *name, int otherwise)
{
	const char *said = getenv(name);

	return said ? atoi(said) : otherwise;
}

void pin(int cpu)
{
	int last = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu < last ? cpu : last, &set);
	ASSERT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

void be_real_time(int priority)
{
	ASSERT_EQ(sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = priority }), 0);
}
