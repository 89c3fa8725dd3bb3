// SPDX-License-Identifier: GPL-2.0
/* VMs created and destroyed while KVM may be unable to announce it. */
#define _GNU_SOURCE
#include "ktap.h"
#include "calls.h"
#include "inject.h"
#include "snapshot.h"
#include "world.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

static struct snapshot idle;
static int opened;

static __u32 count_vms(void)
{
	return take_snapshot().vms;
}

static void expect_vms(__u32 count, const char *why)
{
	double end = swg_now() + SOON / 1e3;

	while (count_vms() != count && swg_now() < end)
		usleep(1000);
	KTAP_CHECK(count_vms() == count, false, "%s: %u VMs are known, expected %u", why, count_vms(), count);
}

static int create_vm(void)
{
	opened = ioctl(world.system, KVM_CREATE_VM, 0);
	return opened < 0 ? -errno : 0;
}

static void vm_not_created(void)
{
	expect_vms(idle.vms, "a VM that was not created");
}

/* Announced or not: attaching works, and when it goes it is gone. */
static void vm_created(void)
{
	struct queztl_vm_attach_args attach = { .size = sizeof(attach), .kvm_fd = opened };

	ASSERT_EQ(ioctl(world.device, QUEZTL_VM_ATTACH, &attach), 0);
	expect_vms(idle.vms + 1, "attached");
	close(opened);
	expect_vms(idle.vms, "destroyed");
	close(attach.vm_fd);
}

static void open_kvm(void)
{
	world.device = queztl_fd();
	world.system = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (world.system < 0)
		SKIP("no /dev/kvm");
	idle = take_snapshot();
}

static void expect_vms_are_seen(void)
{
	ASSERT_EQ(create_vm(), 0);
	expect_vms(idle.vms + 1, "a VM created later");
	close(opened);
	expect_vms(idle.vms, "a VM destroyed later");
}

TEST_WITHIN(vm_created_without_memory, 300)
{
	const struct sweep sweep = { .name = "KVM_CREATE_VM", .call = create_vm, .failed = vm_not_created,
				     .succeeded = vm_created };

	inject_or_skip();
	open_kvm();
	EXPECT_GE(inject_sweep(&sweep), 10);
	expect_vms_are_seen();
}

static void prepare_vm(void)
{
	struct queztl_vm_attach_args attach = { .size = sizeof(attach) };

	ASSERT_EQ(create_vm(), 0);
	attach.kvm_fd = opened;
	ASSERT_EQ(ioctl(world.device, QUEZTL_VM_ATTACH, &attach), 0);
	close(attach.vm_fd);
}

static int destroy_vm(void)
{
	return close(opened) ? -errno : 0;
}

/* KVM may have been unable to say so. Whatever it says next sets it right. */
static void vm_destroyed(void)
{
	struct queztl_vm_attach_args attach = { .size = sizeof(attach) };

	ASSERT_EQ(create_vm(), 0);
	attach.kvm_fd = opened;
	ASSERT_EQ(ioctl(world.device, QUEZTL_VM_ATTACH, &attach), 0);
	expect_vms(idle.vms + 1, "one destroyed, one created");
	close(attach.vm_fd);
	close(opened);
	expect_vms(idle.vms, "destroyed");
}

TEST_WITHIN(vm_destroyed_without_memory, 300)
{
	const struct sweep sweep = { .name = "close of a VM", .prepare = prepare_vm, .call = destroy_vm,
				     .succeeded = vm_destroyed };

	inject_or_skip();
	open_kvm();
	EXPECT_GE(inject_sweep(&sweep), 1);
	expect_vms_are_seen();
}
