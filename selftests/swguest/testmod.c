// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "testmod.h"
#include "ktap.h"

#include <fcntl.h>
#include <sys/syscall.h>

bool testmod_load(const char *name, const char *options)
{
	const char *directory = getenv("QZ_USER_TEST_MODULES");
	char path[256];
	int fd, r;

	snprintf(path, sizeof(path), "%s/%s.ko", directory ? directory : ".", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	r = syscall(SYS_finit_module, fd, options, 0) ? errno : 0;
	close(fd);
	KTAP_CHECK(!r || r == ENOENT, true, "%s.ko does not load: %s", name, strerror(r));
	return !r;
}

int testmod_unload(const char *name)
{
	return (int)syscall(SYS_delete_module, name, O_NONBLOCK);
}
