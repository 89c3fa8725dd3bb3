// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "applied.h"
#include "cli.h"
#include "fail.h"
#include "memory.h"
#include "portlink.h"
#include "wholefile.h"

static const char *name_file(char path[PATH_MAX], const char *name)
{
	/* If that fails, so does what comes next. */
	make_run_root();
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
	if (!read_config_files(cli, 1, files, applied))
		return EXIT_OK;
	return fail(cli, EXIT_FAILED,
		    "what was applied before cannot be read: remove %s; what it names is then left alone",
		    path);
}

int write_applied(struct cli *cli, const struct config *applied)
{
	char path[PATH_MAX];
	int ret = write_config(name_file(path, "applied.conf"), applied);

	if (ret)
		return fail_errno(cli, ret, "cannot write %s", path);
	return EXIT_OK;
}

int write_both_applied(struct cli *cli, const struct config *applied,
		       const struct config *other)
{
	size_t count = applied->count + other->count;
	struct config both = {
		.objects = grow(NULL, (count + 1) * sizeof(*both.objects)),
	};
	int code;

	for (size_t i = 0; i < applied->count; i++)
		both.objects[both.count++] = applied->objects[i];
	for (size_t i = 0; i < other->count; i++) {
		const struct object *object = &other->objects[i];

		if (!find_object(applied, object->kind, object->name))
			both.objects[both.count++] = *object;
	}
	code = write_applied(cli, &both);
	free(both.objects);	/* what they have is not ours */
	return code;
}

int write_config(const char *path, const struct config *config)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	int ret;

	if (!to)
		out_of_memory();
	print_config(config, to);
	if (fclose(to))
		out_of_memory();
	ret = write_whole_file(path, text, size);
	free(text);
	return ret;
}
