// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wholefile.h"

/* Writes and closes. A pipe cannot be synced. */
static int write_all(int fd, const char *text, size_t size)
{
	ssize_t written;
	int ret = 0;

	for (; !ret && size; text += written, size -= written) {
		written = write(fd, text, size);
		if (written < 0) {
			ret = errno == EINTR ? 0 : -errno;
			written = 0;
		}
	}
	if (!ret && fsync(fd) && errno != EINVAL && errno != EROFS)
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

static int write_in_place(const char *path, const char *text, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : write_all(fd, text, size);
}

static int replace_file(const char *path, mode_t mode, const char *text,
			size_t size)
{
	char other[PATH_MAX];
	int fd, ret;

	/* mkostemp() replaces the Xs. */
	if (snprintf(other, sizeof(other), "%s.XXXXXX", path) >=
	    (int)sizeof(other))
		return -ENAMETOOLONG;
	fd = mkostemp(other, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	fchmod(fd, mode);
	ret = write_all(fd, text, size);
	if (!ret && rename(other, path))
		ret = -errno;
	if (ret)
		unlink(other);
	return ret;
}

int write_whole_file(const char *path, const char *text, size_t size)
{
	char target[PATH_MAX];
	struct stat now;

	if (!realpath(path, target))
		return replace_file(path, 0644, text, size);
	if (stat(target, &now))
		return -errno;
	if (!S_ISREG(now.st_mode))
		return write_in_place(target, text, size);
	return replace_file(target, now.st_mode & 0777, text, size);
}
