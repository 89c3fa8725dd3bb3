// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "calls.h"
#include "fabric.h"
#include "ktap.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <sys/ioctl.h>

const __u8 world_mac[6] = { 0x52, 0x54, 0, 0, 0, 1 };

struct world world;

__u64 add_fabric(const char *name)
{
	__u64 id = 0;

	ASSERT_EQ(fabric_add(name, &id), 0);
	return id;
}

static void prepare_attach(void *argument)
{
	((struct queztl_vm_attach *)argument)->kvm_fd = world.kvm;
}

static void undo_attach(void *argument)
{
	struct queztl_vm_attach *attach = argument;

	EXPECT_EQ(attach->id, world.vm_id);
	EXPECT_EQ(fcntl(attach->vm_fd, F_GETFD), FD_CLOEXEC);
	close(attach->vm_fd);
}

static void prepare_open(void *argument)
{
	((struct queztl_vm_open *)argument)->id = world.vm_id;
}

static void undo_open(void *argument)
{
	struct queztl_vm_open *open = argument;

	EXPECT_EQ(fcntl(open->vm_fd, F_GETFD), FD_CLOEXEC);
	close(open->vm_fd);
}

static void undo_detach(void *argument)
{
	struct queztl_vm_attach attach = { .size = sizeof(attach), .kvm_fd = world.kvm };

	(void)argument;
	ASSERT_EQ(ioctl(world.device, QUEZTL_VM_ATTACH, &attach), 0);
	EXPECT_EQ(attach.id, world.vm_id);
	close(world.vm);
	world.vm = attach.vm_fd;
}

static void prepare_fabric_add(void *argument)
{
	strcpy(((struct queztl_fabric_add *)argument)->name, "qtnew");
}

static void undo_fabric_add(void *argument)
{
	EXPECT_EQ(fabric_del(((struct queztl_fabric_add *)argument)->id), 0);
}

static void prepare_fabric_del(void *argument)
{
	struct queztl_fabric_next found;
	int r = fabric_find("qtold", &found);

	((struct queztl_fabric_del *)argument)->id = r ? add_fabric("qtold") : found.id;
}

static void prepare_port_stats(void *argument)
{
	((struct queztl_port_stats *)argument)->id = world.port;
}

#define CALL(name_, struct_, ...) { .name = #name_, .number = name_, .size = sizeof(struct struct_), __VA_ARGS__ }

/*
 * One row per ioctl of the header: the Makefile counts them there (QUEZTL_CALLS), and a call the kernel knows without a
 * row here fails the test no_call_without_a_row. Sizes are those of layout.c.
 */
const struct call calls[] = {
	CALL(QUEZTL_GET_INFO, queztl_info, .fills = true, .reserved = { offsetof(struct queztl_info, reserved) }),
	CALL(QUEZTL_VM_NEXT, queztl_vm_next, .fills = true),
	CALL(QUEZTL_VM_ATTACH, queztl_vm_attach, .fills = true, .prepare = prepare_attach, .undo = undo_attach),
	CALL(QUEZTL_VM_OPEN, queztl_vm_open, .fills = true, .prepare = prepare_open, .undo = undo_open,
	     .reserved = { offsetof(struct queztl_vm_open, reserved) }),
	CALL(QUEZTL_VM_INFO, queztl_vm_info, .fills = true, .on_vm = true,
	     .reserved = { offsetof(struct queztl_vm_info, reserved) }),
	CALL(QUEZTL_VM_VCPU, queztl_vm_vcpu, .fills = true, .on_vm = true),
	CALL(QUEZTL_VM_STATS, queztl_vm_stats, .fills = true, .on_vm = true),
	CALL(QUEZTL_VM_DETACH, queztl_vm_detach, .on_vm = true, .undo = undo_detach),
	CALL(QUEZTL_FABRIC_ADD, queztl_fabric_add, .fills = true, .prepare = prepare_fabric_add,
	     .undo = undo_fabric_add),
	CALL(QUEZTL_FABRIC_DEL, queztl_fabric_del, .prepare = prepare_fabric_del),
	CALL(QUEZTL_FABRIC_NEXT, queztl_fabric_next, .fills = true,
	     .reserved = { offsetof(struct queztl_fabric_next, reserved) }),
	CALL(QUEZTL_PORT_NEXT, queztl_port_next, .fills = true,
	     .reserved = { offsetof(struct queztl_port_next, reserved), offsetof(struct queztl_port_next, reserved) + 2,
			   offsetof(struct queztl_port_next, reserved) + 4 }),
	CALL(QUEZTL_PORT_STATS, queztl_port_stats, .fills = true, .prepare = prepare_port_stats),
};
_Static_assert(sizeof(calls) / sizeof(calls[0]) == QUEZTL_CALLS, "an ioctl of queztl.h has no row in calls[]");

static void open_vm(void)
{
	struct queztl_vm_attach attach = { .size = sizeof(attach) };

	world.kvm = world.vm = -1;
	world.system = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (world.system < 0)
		return;
	world.kvm = ioctl(world.system, KVM_CREATE_VM, 0);
	ASSERT_GE(world.kvm, 0);
	ASSERT_EQ(ioctl(world.kvm, KVM_CREATE_VCPU, 0) < 0, 0);
	attach.kvm_fd = world.kvm;
	ASSERT_EQ(ioctl(world.device, QUEZTL_VM_ATTACH, &attach), 0);
	world.vm = attach.vm_fd;
	world.vm_id = attach.id;
}

void open_world(void)
{
	struct queztl_port_next port;

	world.device = queztl_fd();
	ASSERT_GE(world.device, 0);
	world.fabric = add_fabric("qtblue");
	ASSERT_EQ(port_add("qtport", "qtblue", world_mac, 0), 0);
	ASSERT_EQ(port_find("qtport", &port), 0);
	world.port = port.id;
	open_vm();
}

int fd_of(const struct call *call)
{
	return call->on_vm ? world.vm : world.device;
}

bool can_call(const struct call *call)
{
	if (world.system >= 0)
		return true;
	return !call->on_vm && call->number != QUEZTL_VM_ATTACH && call->number != QUEZTL_VM_OPEN &&
	       call->number != QUEZTL_VM_NEXT;
}

void prepare(const struct call *call, void *at, __u32 size)
{
	memset(at, 0, size);
	*(__u32 *)at = size;
	if (call->prepare)
		call->prepare(at);
}

static int module_references(void)
{
	FILE *file = fopen("/sys/module/queztl/refcnt", "r");
	int count = -1;

	if (file && fscanf(file, "%d", &count) != 1)
		count = -1;
	if (file)
		fclose(file);
	return count;
}

struct snapshot take_snapshot(void)
{
	struct queztl_info info = { .size = sizeof(info) };
	struct queztl_port_next port = { .size = sizeof(port) };
	struct snapshot now = { .references = module_references() };
	DIR *dir = opendir("/proc/self/fd");

	ASSERT_EQ(ioctl(world.device, QUEZTL_GET_INFO, &info), 0);
	now.vms = info.vms;
	now.fabrics = info.fabrics;
	while (!ioctl(world.device, QUEZTL_PORT_NEXT, &port))
		now.ports++;
	while (readdir(dir))
		now.fds++;
	closedir(dir);
	return now;
}
