// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "joincgroup.h"
#include "procfile.h"

/* The path of the hierarchy of v2, from the line that begins with 0:: */
static int read_path(int pid, char *path, size_t size)
{
	char text[PATH_MAX + 1024];
	const char *line;
	int directory = open_process(pid), length;

	if (directory < 0)
		return directory;
	length = read_file_at(directory, "cgroup", text, sizeof(text));
	close(directory);
	if (length < 0)
		return length;
	line = !strncmp(text, "0::/", 4) ? text : strstr(text, "\n0::/");
	if (!line)
		return -ENODATA;
	line = strchr(line, '/');
	length = strcspn(line, "\n");
	if ((size_t)length >= size)
		return -ENAMETOOLONG;
	memcpy(path, line, length);
	path[length] = '\0';
	return 0;
}

/* "0" is the process that writes it. */
static int enter(const char *path)
{
	char file[2 * PATH_MAX];
	int fd, ret = 0;

	snprintf(file, sizeof(file), "%s%s/cgroup.procs", cgroup_mount(), path);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, "0", 1) != 1)
		ret = -errno;
	close(fd);
	return ret;
}

int join_cgroup(int pid, char *path, size_t size)
{
	int ret = read_path(pid, path, size);

	if (ret)
		return ret;
	while ((ret = enter(path)) == -EOPNOTSUPP && strlen(path) > 1)
		*strrchr(path, '/') = '\0';
	return ret;
}
