/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every call of the library does. */
#ifndef QUEZTL_CALL_H
#define QUEZTL_CALL_H

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/queztl.h>

static inline int call(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

/* Copies a name into a zeroed member of a structure. */
static inline int set_name(char to[QUEZTL_NAME_MAX], const char *name)
{
	size_t length = strlen(name);

	if (length >= QUEZTL_NAME_MAX)
		return -EINVAL;
	memcpy(to, name, length);
	return 0;
}

#endif /* QUEZTL_CALL_H */
