// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "procfile.h"
#include "vmfacts.h"

/* "4G", "4096" (MiB), "4194304k" */
static unsigned long long parse_mib(const char *text)
{
	char *end;
	unsigned long long number = strtoull(text, &end, 10);

	if (end == text)
		return 0;
	switch (tolower((unsigned char)*end)) {
	case 'b':
		return number >> 20;
	case 'k':
		return number >> 10;
	case 'g':
		return number << 10;
	case 't':
		return number << 20;
	default:
		return number;
	}
}

/* "4G", or among other words "size=4G,slots=2,maxmem=8G" */
static unsigned long long parse_ram(const char *value)
{
	const char *size = strstr(value, "size=");

	while (size && size != value && size[-1] != ',')
		size = strstr(size + 1, "size=");
	return parse_mib(size ? size + strlen("size=") : value);
}

static bool gives_memory(const char *word)
{
	return !strcmp(word, "-m") || !strcmp(word, "--memory");
}

unsigned long long find_ram_mib(const char *cmdline, size_t length)
{
	const char *end = cmdline + length, *word = cmdline, *next;
	unsigned long long ram = 0;

	for (; word < end; word = next) {
		next = word + strnlen(word, end - word) + 1;
		if (next < end && gives_memory(word))
			ram = parse_ram(next);
	}
	return ram;
}

bool find_limit(const char *limits, const char *name, rlim_t *limit)
{
	const char *line = strstr(limits, name);

	if (!line)
		return false;
	line += strlen(name);
	line += strspn(line, " ");
	*limit = strncmp(line, "unlimited", 9) ? strtoull(line, NULL, 10) :
						 RLIM_INFINITY;
	return true;
}

/* The sum of the lines with one of these names, which are in kB. */
static unsigned long long sum_mib(const char *text, const char *const *names)
{
	unsigned long long kib = 0;

	for (; *names; names++) {
		const char *line = strstr(text, *names);

		if (line)
			kib += strtoull(line + strlen(*names), NULL, 10);
	}
	return kib >> 10;
}

int read_vm_memory(int pid, struct vm_memory *memory)
{
	static const char *const pinned[] = { "VmPin:", NULL };
	static const char *const huge[] = {
		"AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:",
		"Shared_Hugetlb:", "Private_Hugetlb:", NULL
	};
	int process = open_process(pid), length;
	char text[16384];

	if (process < 0)
		return process;
	*memory = (struct vm_memory){ .limit = RLIM_INFINITY };
	if (read_file_at(process, "limits", text, sizeof(text)) > 0)
		find_limit(text, "Max locked memory", &memory->limit);
	close(process);
	/* One that does not answer this is asked for nothing else. */
	ask_file(pid, "stat", text, sizeof(text));
	if (ask_file(pid, "status", text, sizeof(text)) > 0)
		memory->pinned_mib = sum_mib(text, pinned);
	if (ask_file(pid, "smaps_rollup", text, sizeof(text)) > 0)
		memory->huge_mib = sum_mib(text, huge);
	length = ask_file(pid, "cmdline", text, sizeof(text));
	if (length > 0)
		memory->ram_mib = find_ram_mib(text, length);
	memory->silent = length == -ETIMEDOUT;
	return 0;
}
