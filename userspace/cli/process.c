// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "process.h"
#include "procfile.h"

void read_comm(int pid, char comm[NAME_ROOM])
{
	int process = pid > 0 ? open_process(pid) : -1;

	comm[0] = '\0';
	if (process < 0)
		return;
	read_file_at(process, "comm", comm, NAME_ROOM);
	close(process);
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

bool read_vm_name(int pid, char name[NAME_ROOM])
{
	char cmdline[16384];
	int length = pid > 0 ? ask_file(pid, "cmdline", cmdline,
					sizeof(cmdline)) : 0;

	find_vm_name(cmdline, length > 0 ? length : 0, name);
	return length != -ETIMEDOUT;
}
