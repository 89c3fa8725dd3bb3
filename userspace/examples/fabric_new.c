// SPDX-License-Identifier: GPL-2.0
/* Create a fabric, and print how to connect a VM to it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <queztl.h>

int main(int argc, char **argv)
{
	int fd, ret;

	if (argc != 2) {
		fprintf(stderr, "usage: %s NAME\n", argv[0]);
		return 2;
	}
	fd = queztl_open();
	ret = fd < 0 ? fd : queztl_fabric_add(fd, argv[1], NULL);
	if (fd >= 0)
		close(fd);
	if (ret) {
		fprintf(stderr, "cannot create fabric %s: %s\n", argv[1],
			strerror(-ret));
		return 1;
	}
	printf("vdpa dev add name web0 mgmtdev queztl/%s mac 52:54:00:00:00:01\n"
	       "qemu-system-x86_64 ... -netdev vhost-vdpa,vhostdev=/dev/vhost-vdpa-0,id=n0 -device virtio-net-pci,netdev=n0,mac=52:54:00:00:00:01\n",
	       argv[1]);
	return 0;
}
