/* SPDX-License-Identifier: GPL-2.0 */
/* A tinyvm in a process of its own. */
#ifndef QUEZTL_GUEST_H
#define QUEZTL_GUEST_H

#include <stdbool.h>
#include <sys/types.h>

struct guest {
	pid_t pid;
	int pipe;		/* says "created", then "running" */
	int fd;			/* its VM descriptor, in its own process */
};

/* Returns when it is created, or when it runs. They assert. */
struct guest start_guest(int megabytes, bool run);
void end_guest(struct guest *guest);

#endif
