// SPDX-License-Identifier: GPL-2.0
/* Create a fabric in which nobody reaches anybody until it is allowed. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <queztl.h>

static int create(int fd, const char *name)
{
	uint64_t id;
	int ret = queztl_fabric_add(fd, name, &id);

	if (ret)
		return ret;
	ret = queztl_fabric_set(fd, id, QUEZTL_FABRIC_DENY);
	if (ret)
		queztl_fabric_del(fd, id);
	return ret;
}

int main(int argc, char **argv)
{
	int fd, ret;

	if (argc != 2) {
		fprintf(stderr, "usage: %s NAME\n", argv[0]);
		return 2;
	}
	fd = queztl_open();
	ret = fd < 0 ? fd : create(fd, argv[1]);
	if (fd >= 0)
		close(fd);
	if (ret) {
		fprintf(stderr, "cannot create fabric %s: %s\n", argv[1],
			strerror(-ret));
		return 1;
	}
	printf("queztl port add web0 %s for vm\n", argv[1]);
	return 0;
}
