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

/*
 * The answer of a call, of known bytes, for a structure of the caller's that may be
 * shorter or longer: its program was built with another version. What the library
 * does not know becomes zero, and its first member, size, says how much is not.
 */
static inline int answer(int ret, void *to, size_t size, const void *arg,
			 size_t known)
{
	__u32 filled = size < known ? size : known;

	if (ret)
		return ret;
	memset(to, 0, size);
	memcpy(to, arg, filled);
	memcpy(to, &filled, sizeof(filled));
	return 0;
}

#define ANSWER(ret, to, size, arg) answer(ret, to, size, &(arg), sizeof(arg))

/* The same for what a caller wants to be set, as copy_struct_from_user() does it. */
static inline int take(void *arg, size_t known, const void *from, size_t size)
{
	const unsigned char *bytes = from;

	for (size_t i = known; i < size; i++)
		if (bytes[i])
			return -E2BIG;
	memset(arg, 0, known);
	memcpy(arg, from, size < known ? size : known);
	return 0;
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
