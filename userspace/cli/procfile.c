// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "options.h"
#include "procfile.h"

const char *proc_path = "/proc";
const char *cgroup_path;

/* With the hierarchies of v1, v2 is mounted in a directory of theirs. */
const char *cgroup_mount(void)
{
	if (!cgroup_path)
		cgroup_path = access("/sys/fs/cgroup/unified/cgroup.procs",
				     F_OK) ? "/sys/fs/cgroup" :
			      "/sys/fs/cgroup/unified";
	return cgroup_path;
}

int open_process(int pid)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%d", proc_path, pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int read_file_at(int directory, const char *name, char *buffer, size_t size)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	buffer[0] = '\0';
	if (fd < 0)
		return -errno;
	length = read(fd, buffer, size - 1);
	if (length < 0)
		length = -errno;
	else
		buffer[length] = '\0';
	close(fd);
	return length;
}

int entry_id(const char *name)
{
	uint64_t id;

	return parse_number(name, 1, INT_MAX, &id) ? id : 0;
}
