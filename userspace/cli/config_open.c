// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "config.h"
#include "config_open.h"
#include "fail.h"
#include "memory.h"

const char *config_root = "/etc/queztl";

static FILE *fail_open(struct cli *cli, const char *path)
{
	fail_errno(cli, -errno, "cannot read %s", path);
	return NULL;
}

FILE *open_named_config(struct cli *cli, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;

	return file ? file : fail_open(cli, path);
}

FILE *open_found_config(struct cli *cli, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	const char *what = NULL;
	struct stat status;
	FILE *file;

	if (fd < 0)
		return fail_open(cli, path);
	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		what = "is no file: remove it";
	else if (status.st_mode & S_IWOTH)
		what = "can be written by anybody: use chmod o-w";
	if (what) {
		fail(cli, EXIT_FAILED, "%s %s", path, what);
		close(fd);
		return NULL;
	}
	file = fdopen(fd, "r");
	if (!file)
		out_of_memory();
	return file;
}

/* Without the directory there are none. */
static int fails_glob(const char *path, int error)
{
	(void)path;
	errno = error;
	return error != ENOENT;
}

int find_config_files(struct cli *cli, glob_t *found)
{
	char pattern[PATH_MAX];
	int ret;

	snprintf(pattern, sizeof(pattern), "%s/*.conf", config_root);
	ret = glob(pattern, 0, fails_glob, found);
	if (ret == GLOB_NOSPACE)
		out_of_memory();
	if (!ret || ret == GLOB_NOMATCH)
		return EXIT_OK;
	return fail_errno(cli, -errno, "cannot read %s", config_root);
}
