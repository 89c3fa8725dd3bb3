// SPDX-License-Identifier: GPL-2.0
/* Let two ports of a closed fabric reach each other, as queztl policy allow does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <queztl.h>

static int allow(int fd, const char *name, const char *peer_name)
{
	struct queztl_port port, peer;
	int ret = queztl_port_find(fd, name, &port);

	if (!ret)
		ret = queztl_port_find(fd, peer_name, &peer);
	if (!ret)
		ret = queztl_peer_add(fd, port.id, peer.id);
	return ret == -EEXIST ? 0 : ret;	/* they were allowed before */
}

int main(int argc, char **argv)
{
	int fd, ret;

	if (argc != 3) {
		fprintf(stderr, "usage: %s PORT PEER\n", argv[0]);
		return 2;
	}
	fd = queztl_open();
	ret = fd < 0 ? fd : allow(fd, argv[1], argv[2]);
	if (fd >= 0)
		close(fd);
	if (ret)
		fprintf(stderr, "cannot let %s and %s talk: %s\n", argv[1],
			argv[2], strerror(-ret));
	return !!ret;
}
