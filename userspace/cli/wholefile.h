/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_WHOLEFILE_H
#define QUEZTL_WHOLEFILE_H

#include <stddef.h>

/*
 * Writes a file as a whole: readers see the old text or the new one. A link stays a
 * link, a file keeps its mode, and a device or a pipe is written to, not replaced.
 * A link of another user, who is not root, is not followed: -ELOOP.
 * Returns 0 or -errno.
 */
int write_whole_file(const char *path, const char *text, size_t size);

#endif /* QUEZTL_WHOLEFILE_H */
