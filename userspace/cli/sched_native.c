// SPDX-License-Identifier: GPL-2.0
/* The scheduler inside queztl.ko. */
#include <unistd.h>

#include "sched_native.h"

int open_native(void)
{
	int device = queztl_open();
	struct queztl_info info;

	if (device < 0)
		return -1;
	if (!queztl_get_info(device, &info) && info.features & QUEZTL_F_SCHED)
		return device;
	close(device);
	return -1;
}

int for_each_vm(int device, int (*each)(void *context, int pid, uint64_t id),
		void *context)
{
	struct queztl_vm info;
	uint64_t id = 0;
	int ret = 0, vm;

	while (!ret && !queztl_vm_next(device, &id)) {
		vm = queztl_vm_open(device, id);
		if (vm < 0)
			continue;
		if (!queztl_vm_info(vm, &info) && info.pid > 0)
			ret = each(context, info.pid, id);
		close(vm);
	}
	return ret;
}
