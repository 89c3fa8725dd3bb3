// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
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

	/* mkostemp(3) wants six Xs at the end, and replaces them. */
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

static bool is_trusted(uid_t owner)
{
	return !owner || owner == geteuid();
}

/*
 * The kernel follows no link that somebody else has put into /tmp, but does not
 * know what realpath() is for.
 */
static int replace_target(const char *path, const char *text, size_t size)
{
	char target[PATH_MAX];
	struct stat link, now;

	if (lstat(path, &link))
		return -errno;
	if (S_ISLNK(link.st_mode) && !is_trusted(link.st_uid))
		return -ELOOP;
	if (!realpath(path, target) || stat(target, &now))
		return -errno;
	return replace_file(target, is_trusted(now.st_uid) ?
			    now.st_mode & 0777 : 0644, text, size);
}

/* Not everything that has a path has one by realpath(): /dev/stdout is a pipe. */
int write_whole_file(const char *path, const char *text, size_t size)
{
	struct stat now;

	if (!stat(path, &now))
		return S_ISREG(now.st_mode) ? replace_target(path, text, size) :
					      write_in_place(path, text, size);
	return errno == ENOENT ? replace_file(path, 0644, text, size) : -errno;
}
