// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "applied.h"
#include "cli.h"
#include "fail.h"
#include "portlink.h"

static const char *name_file(char path[PATH_MAX], const char *name)
{
	mkdir(run_root, 0755);
	snprintf(path, PATH_MAX, "%s/%s", run_root, name);
	return path;
}

int lock_applied(void)
{
	char path[PATH_MAX];
	int fd = open(name_file(path, "apply.lock"),
		      O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX)) {
		int error = errno;

		if (error == EINTR)
			continue;
		close(fd);
		return -error;
	}
	return fd;
}

int read_applied(struct cli *cli, struct config *applied)
{
	char path[PATH_MAX], *files[] = { path };

	if (access(name_file(path, "applied.conf"), F_OK))
		return EXIT_OK;
	return read_config_files(cli, 1, files, applied);
}

int write_applied(struct cli *cli, const struct config *applied)
{
	char path[PATH_MAX];
	int ret = write_config(name_file(path, "applied.conf"), applied);

	if (ret)
		return fail_errno(cli, ret, "cannot write %s", path);
	return EXIT_OK;
}

static int write_stream(int fd, const struct config *config)
{
	FILE *file = fdopen(fd, "w");
	int ret = 0;

	if (!file) {
		ret = -errno;
		close(fd);
		return ret;
	}
	print_config(config, file);
	if (fflush(file) || fsync(fd))
		ret = -errno;
	fclose(file);
	return ret;
}

int write_config(const char *path, const struct config *config)
{
	char other[PATH_MAX];
	int fd, ret;

	if (snprintf(other, sizeof(other), "%s.XXXXXX", path) >=
	    (int)sizeof(other))
		return -ENAMETOOLONG;
	fd = mkostemp(other, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	fchmod(fd, 0644);
	ret = write_stream(fd, config);
	if (!ret && rename(other, path))
		ret = -errno;
	if (ret)
		unlink(other);
	return ret;
}
