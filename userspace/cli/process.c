// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "process.h"
#include "procfile.h"

static size_t read_process_file(int pid, const char *name,
				char *buffer, size_t size)
{
	char path[PATH_MAX];
	size_t length = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%d/%s", proc_path, pid, name);
	file = pid > 0 ? fopen(path, "re") : NULL;
	if (file) {
		length = fread(buffer, 1, size - 1, file);
		fclose(file);
	}
	buffer[length] = '\0';
	return length;
}

void read_comm(int pid, char comm[NAME_ROOM])
{
	read_process_file(pid, "comm", comm, NAME_ROOM);
	comm[strcspn(comm, "\n")] = '\0';
}

static bool names_vm(const char *option)
{
	return !strcmp(option, "-name") || !strcmp(option, "--name") ||
	       !strcmp(option, "--id");
}

/* QEMU: -name blue or -name guest=blue,process=... or -name debug-threads=on */
static void copy_vm_name(const char *value, char name[NAME_ROOM])
{
	const char *guest = strstr(value, "guest=");

	if (guest && (guest == value || guest[-1] == ','))
		value = guest + strlen("guest=");
	else if (strcspn(value, "=") < strcspn(value, ","))
		return;
	snprintf(name, NAME_ROOM, "%.*s", (int)strcspn(value, ","), value);
}

void find_vm_name(const char *cmdline, size_t length, char name[NAME_ROOM])
{
	const char *end = cmdline + length;
	const char *word = cmdline;

	name[0] = '\0';
	while (word < end) {
		const char *next = word + strnlen(word, end - word) + 1;

		if (names_vm(word) && next < end)
			copy_vm_name(next, name);
		word = next;
	}
}

void read_vm_name(int pid, char name[NAME_ROOM])
{
	char cmdline[16384];

	find_vm_name(cmdline, read_process_file(pid, "cmdline", cmdline,
						sizeof(cmdline)), name);
}
