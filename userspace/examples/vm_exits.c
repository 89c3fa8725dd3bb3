// SPDX-License-Identifier: GPL-2.0
/* List the VMs and the number of VM exits per second of each. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <queztl.h>

static void print_vm(int vm_fd)
{
	struct queztl_vm_stats before, after;
	struct queztl_vm info;

	if (queztl_vm_info(vm_fd, &info) || queztl_vm_stats_get(vm_fd, &before))
		return;
	sleep(1);
	if (queztl_vm_stats_get(vm_fd, &after))
		return;
	printf("VM %" PRIu64 ", %s (%d), %u vCPUs: %" PRIu64 " exits/s\n",
	       (uint64_t)info.id, info.comm, info.pid, info.vcpus,
	       (uint64_t)(after.exits - before.exits));
}

int main(void)
{
	int fd = queztl_open();
	uint64_t id = 0;

	if (fd < 0) {
		fprintf(stderr, "cannot open %s: %s\n", QUEZTL_DEVICE,
			strerror(-fd));
		return 1;
	}
	while (!queztl_vm_next(fd, &id)) {
		int vm_fd = queztl_vm_open(fd, id);

		if (vm_fd < 0) {
			printf("VM %" PRIu64 ": cannot open it: %s\n", id,
			       strerror(-vm_fd));
			continue;
		}
		print_vm(vm_fd);
		close(vm_fd);
	}
	close(fd);
	return 0;
}
