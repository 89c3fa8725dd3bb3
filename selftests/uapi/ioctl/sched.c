// SPDX-License-Identifier: GPL-2.0
/* The calls for the scheduler, with and without a kernel that lets a module bring one. */
#define _GNU_SOURCE
#include "ktap.h"
#include "calls.h"

#include <grp.h>
#include <stddef.h>
#include <sys/ioctl.h>

#define NOBODY	65534

/* @first: the size in the first ABI version that has the call */
static const struct {
	unsigned int number;
	__u32 size, first;
} sched[] = {
	{ QUEZTL_SCHED_START, sizeof(struct queztl_sched_start_args), offsetof(struct queztl_sched_start_args, mode) },
	{ QUEZTL_SCHED_STOP, sizeof(struct queztl_sched_stop_args), sizeof(struct queztl_sched_stop_args) },
	{ QUEZTL_SCHED_INFO, sizeof(struct queztl_sched), offsetof(struct queztl_sched, mode) },
	{ QUEZTL_VM_SCHED_SET, sizeof(struct queztl_vm_sched), offsetof(struct queztl_vm_sched, waits) },
	{ QUEZTL_VM_SCHED_GET, sizeof(struct queztl_vm_sched), offsetof(struct queztl_vm_sched, waits) },
};

TEST(without_sched_ext_is_eopnotsupp)
{
	static __u32 argument[ROOM / 4];

	open_world();
	if (world.sched)
		SKIP("this kernel lets a module bring a scheduler");
	for (size_t i = 0; i < ARRAY_SIZE(sched); i++) {
		argument[0] = sched[i].size;
		EXPECT_FAILS(ioctl(world.device, sched[i].number, argument), EOPNOTSUPP);
	}
}

/* With and without. */
TEST(malformed_calls_for_the_scheduler)
{
	static __u32 argument[ROOM / 4];

	open_world();
	for (size_t i = 0; i < ARRAY_SIZE(sched); i++) {
		memset(argument, 0, sizeof(argument));
		argument[0] = sched[i].size;
		argument[1] = 1;
		EXPECT_FAILS(ioctl(world.device, sched[i].number, argument), EINVAL);
		argument[1] = 0;
		argument[0] = sched[i].first - 1;
		EXPECT_FAILS(ioctl(world.device, sched[i].number, argument), EINVAL);
		argument[0] = sched[i].size + 8;
		argument[sched[i].size / 4] = 1;
		EXPECT_FAILS(ioctl(world.device, sched[i].number, argument), E2BIG);
		EXPECT_FAILS(ioctl(world.device, sched[i].number, NULL), EFAULT);
	}
}

TEST(scheduler_wants_cap_sys_nice)
{
	struct queztl_sched_start_args start = { .size = sizeof(start) };
	struct queztl_sched_stop_args stop = { .size = sizeof(stop) };
	struct queztl_sched info = { .size = sizeof(info) };
	struct queztl_vm_sched vm = { .size = sizeof(vm) };

	open_world();
	if (!world.sched)
		SKIP("this kernel lets no module bring a scheduler");
	vm.id = world.vm_id;
	ASSERT_EQ(setgroups(0, NULL), 0);
	ASSERT_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	for (int wrong = 0; wrong < 2; wrong++) {
		start.slice_us = wrong;
		vm.set = wrong ? ~0u : 0;
		EXPECT_FAILS(ioctl(world.device, QUEZTL_SCHED_START, &start), EPERM);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_SCHED_STOP, &stop), EPERM);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_VM_SCHED_SET, &vm), EPERM);
	}
	EXPECT_EQ(ioctl(world.device, QUEZTL_SCHED_INFO, &info), 0);	/* looking is free */
	if (world.vm >= 0)
		EXPECT_EQ(ioctl(world.device, QUEZTL_VM_SCHED_GET, &vm), 0);
}
