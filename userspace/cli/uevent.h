/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel tells udev, as a reason to look at the host again. */
#ifndef QUEZTL_UEVENT_H
#define QUEZTL_UEVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A descriptor to poll, or -errno. */
int open_uevents(void);

/* Reads what there is. True if a part of it may be about Queztl. */
bool drain_uevents(int fd);

/* Anybody may send to this kind of socket; the kernel's port is 0. */
bool is_our_uevent(uint32_t sender, const char *message, size_t size);

#endif /* QUEZTL_UEVENT_H */
