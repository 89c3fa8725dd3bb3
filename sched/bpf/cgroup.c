// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup.h"

#define CGROUPS	"/sys/fs/cgroup"

/* Of "vcpu12" and "iothread3" the number does not matter. */
static bool is_inside_vm(const char *name)
{
	static const char *const inside[] = { "emulator", "libvirt", "vcpu", "iothread" };
	size_t length = strlen(name);

	while (length && isdigit((unsigned char)name[length - 1]))
		length--;
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		if (strlen(inside[i]) == length && !strncmp(inside[i], name, length))
			return true;
	return false;
}

bool vm_cgroup(int pid, char path[CGROUP_ROOM])
{
	char file[64], line[CGROUP_ROOM - sizeof(CGROUPS)], *slash;
	bool found = false;
	FILE *groups;
	int error;

	snprintf(file, sizeof(file), "/proc/%d/cgroup", pid);
	groups = fopen(file, "re");
	if (!groups)
		return false;
	errno = 0;
	while (!found && fgets(line, sizeof(line), groups))
		found = !strncmp(line, "0::/", 4);
	error = found ? 0 : errno;
	fclose(groups);
	errno = error;
	if (!found)
		return false;
	line[strcspn(line, "\n")] = '\0';
	while ((slash = strrchr(line, '/')) && is_inside_vm(slash + 1))
		*slash = '\0';
	snprintf(path, CGROUP_ROOM, CGROUPS "%s", line + 3);
	return slash && slash[1];
}

bool trusted_cgroup(char path[CGROUP_ROOM])
{
	struct stat status;
	char *slash;

	while (strlen(path) > sizeof(CGROUPS) && (stat(path, &status) || status.st_uid)) {
		slash = strrchr(path, '/');
		*slash = '\0';
	}
	return strlen(path) > sizeof(CGROUPS);
}

static bool read_file(const char *path, const char *name, char *line, size_t size)
{
	char file[CGROUP_ROOM + 16];
	FILE *stream;
	bool done;

	snprintf(file, sizeof(file), "%s/%s", path, name);
	stream = fopen(file, "re");
	if (!stream)
		return false;
	done = fgets(line, size, stream);
	fclose(stream);
	return done;
}

unsigned int cgroup_weight(const char *path)
{
	char line[64];

	return read_file(path, "cpu.weight", line, sizeof(line)) ? strtoul(line, NULL, 10) : 0;
}

static unsigned int own_limit(const char *path)
{
	unsigned long long quota, period;
	char line[64];

	if (!read_file(path, "cpu.max", line, sizeof(line)) ||
	    sscanf(line, "%llu %llu", &quota, &period) != 2 || !period)
		return 0;
	return quota * 1000 / period ?: 1;
}

unsigned int cgroup_limit(const char *path)
{
	char group[CGROUP_ROOM];
	unsigned int least = 0, limit;

	snprintf(group, sizeof(group), "%s", path);
	while (strlen(group) > strlen(CGROUPS)) {
		limit = own_limit(group);
		if (limit && (!least || limit < least))
			least = limit;
		*strrchr(group, '/') = '\0';
	}
	return least;
}
