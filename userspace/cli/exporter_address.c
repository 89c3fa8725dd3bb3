// SPDX-License-Identifier: GPL-2.0
/*
 * Who reads metrics learns the names of all VMs and what they do, and nobody is
 * asked for a password. So only this host is served: by a socket in a directory,
 * which has permissions, or on the loopback.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "exporter.h"
#include "options.h"
#include "serversocket.h"

#define WAITING	64	/* clients that may wait until they are accepted */

/* The port, in network order, after a prefix as 127.0.0.1: */
static bool parse_port(const char *text, const char *prefix, in_port_t *port)
{
	size_t length = strlen(prefix);
	uint64_t number;

	if (strncmp(text, prefix, length) ||
	    !parse_number(text + length, 0, 65535, &number))
		return false;
	*port = htons(number);
	return true;
}

bool parse_listen_address(const char *text, struct listen_address *address)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&address->socket;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address->socket;

	*address = (struct listen_address){ .text = text };
	if (strchr(text, '/'))
		return true;
	if (parse_port(text, "127.0.0.1:", &four->sin_port)) {
		four->sin_family = AF_INET;
		four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		address->length = sizeof(*four);
	} else if (parse_port(text, "[::1]:", &six->sin6_port)) {
		six->sin6_family = AF_INET6;
		six->sin6_addr = in6addr_loopback;
		address->length = sizeof(*six);
	}
	return address->length;
}

int listen_to(const struct listen_address *address)
{
	int family = address->socket.ss_family, on = 1, ret;
	int fd;

	if (!address->length)
		return listen_at(address->text);
	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!bind(fd, (const struct sockaddr *)&address->socket,
		  address->length) && !listen(fd, WAITING))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}
