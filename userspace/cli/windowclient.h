/* SPDX-License-Identifier: GPL-2.0 */
/* What is done for the VM that has connected to the socket of a window. */
#ifndef QUEZTL_WINDOWCLIENT_H
#define QUEZTL_WINDOWCLIENT_H

#include <stdint.h>

#include "ivshmem.h"

struct window {
	int fd;
	uint32_t slots;
	size_t bytes;
};

/*
 * Gives the window to the client, serves its requests until it disconnects, and
 * closes its slots. 0 or -errno.
 */
int serve_client(const struct window *window, const struct bells *bells,
		 int socket);

#endif /* QUEZTL_WINDOWCLIENT_H */
