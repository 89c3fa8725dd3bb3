// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "registry.h"
#include "ktap.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#define SOON	1.0	/* s: a VM appears and disappears within */

static int device = -1;

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

void open_device(void)
{
	device = open(QUEZTL_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_GE(device, 0);
}

void close_device(void)
{
	close(device);
}

int open_vm(__u64 id)
{
	struct queztl_vm_open_args open = { .size = sizeof(open), .id = id };

	return ioctl(device, QUEZTL_VM_OPEN, &open) ? -errno : open.vm_fd;
}

int get_info(int vm, struct queztl_vm *info)
{
	*info = (struct queztl_vm){ .size = sizeof(*info) };
	return ioctl(vm, QUEZTL_VM_INFO, info) ? -errno : 0;
}

struct queztl_vm_stats get_stats(int vm)
{
	struct queztl_vm_stats stats = { .size = sizeof(stats) };

	ASSERT_EQ(ioctl(vm, QUEZTL_VM_STATS, &stats), 0);
	return stats;
}

__u64 said(const struct queztl_vm_stats *stats)
{
#ifdef __aarch64__
	return stats->mmio_exits;
#else
	return stats->io_exits;
#endif
}

__u64 said_by(int vm)
{
	struct queztl_vm_stats stats = get_stats(vm);

	return said(&stats);
}

int next_vm_of(pid_t pid, __u64 *id)
{
	struct queztl_vm_next_args next = { .size = sizeof(next), .id = *id };
	struct queztl_vm info;

	while (!ioctl(device, QUEZTL_VM_NEXT, &next)) {
		int vm = open_vm(next.id);

		if (vm >= 0 && !get_info(vm, &info) && info.pid == pid) {
			*id = next.id;
			return vm;
		}
		if (vm >= 0)
			close(vm);
	}
	return -ENOENT;
}

int vm_of(pid_t pid)
{
	double end = now() + SOON;
	__u64 id = 0;
	int vm;

	do {
		vm = next_vm_of(pid, &id);
		if (vm < 0)
			usleep(2000);
	} while (vm < 0 && now() < end);
	return vm;
}

int count_vms(void)
{
	struct queztl_info info = { .size = sizeof(info) };
	struct queztl_vm_next_args next = { .size = sizeof(next) };
	unsigned int count = 0;

	while (!ioctl(device, QUEZTL_VM_NEXT, &next))
		count++;
	ASSERT_EQ(ioctl(device, QUEZTL_GET_INFO, &info), 0);
	EXPECT_EQ(info.vms, count);
	return (int)count;
}

bool gone_soon(int vm)
{
	struct queztl_vm info;
	double end = now() + SOON;

	while (get_info(vm, &info) != -ENOENT) {
		if (now() > end)
			return false;
		usleep(2000);
	}
	return true;
}

bool no_vms_soon(void)
{
	double end = now() + SOON;

	while (count_vms()) {
		if (now() > end)
			return false;
		usleep(2000);
	}
	return true;
}

int attach(int fd, __u64 *id)
{
	struct queztl_vm_attach_args attach = { .size = sizeof(attach), .kvm_fd = fd };
	int r = ioctl(device, QUEZTL_VM_ATTACH, &attach);

	if (!r && id)
		*id = attach.id;
	return r ? -errno : attach.vm_fd;
}

int detach(int vm)
{
	struct queztl_vm_detach_args argument = { .size = sizeof(argument) };

	return ioctl(vm, QUEZTL_VM_DETACH, &argument) ? -errno : 0;
}
