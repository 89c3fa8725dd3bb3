/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_SERVERSOCKET_H
#define QUEZTL_SERVERSOCKET_H

#include <stddef.h>

/*
 * Listens on a socket of mode 0600 at path. A socket that nobody listens to any
 * more is replaced. Returns the descriptor or -errno; -EADDRINUSE: somebody
 * listens there; -EEXIST: there is something that is no socket.
 */
int listen_at(const char *path);

#endif /* QUEZTL_SERVERSOCKET_H */
