// SPDX-License-Identifier: GPL-2.0
/* The calls of /dev/queztl, and its open(). */
#define _GNU_SOURCE
#include "ktap.h"
#include "calls.h"
#include "inject.h"
#include "snapshot.h"

#include <fcntl.h>
#include <sys/ioctl.h>

static const struct call *row;
static char argument[ROOM], given[ROOM];
static struct snapshot ready, idle;

static void prepare_row(void)
{
	prepare(row, argument, row->size);
	memcpy(given, argument, row->size);
	ready = take_snapshot();
}

static int call_row(void)
{
	return ioctl(fd_of(row), row->number, argument) ? -errno : 0;
}

/* What could not be copied out whole may be there in part. */
static void row_failed(void)
{
	expect_unchanged(row->name, ready);
	if (!row->fills)
		EXPECT(!memcmp(argument, given, row->size));
}

static void row_succeeded(void)
{
	if (row->undo)
		row->undo(argument);
	expect_unchanged(row->name, idle);
}

TEST_WITHIN(ioctls, 300)
{
	const struct sweep sweep = { .prepare = prepare_row, .call = call_row, .failed = row_failed,
				     .succeeded = row_succeeded };

	inject_or_skip();
	open_world();
	for_each_call(call) {
		struct sweep mine = sweep;

		row = call;
		mine.name = call->name;
		idle = take_snapshot();
		EXPECT_GE(inject_sweep(&mine), 1);	/* at least the copy of its argument */
	}
	if (world.system < 0)
		ktap_say("no /dev/kvm: the calls about VMs were not tried");
}

static const struct call *row_of(unsigned int number)
{
	for_each_call(call)
		if (call->number == number)
			return call;
	return NULL;
}

/* A detached VM is not brought back by an attach that fails. */
static void prepare_hidden(void)
{
	struct queztl_vm_detach_args detach = { .size = sizeof(detach) };

	if (ioctl(world.vm, QUEZTL_VM_DETACH, &detach))
		EXPECT_EQ(errno, ENOENT);	/* still detached from last time */
	prepare_row();
}

static void attach_succeeded(void)
{
	struct queztl_vm_attach_args *attach = (void *)argument;

	EXPECT_EQ(attach->id, world.vm_id);
	close(attach->vm_fd);
	expect_unchanged("attach", idle);
}

TEST(attach_of_a_detached_vm)
{
	const struct sweep sweep = { .name = "QUEZTL_VM_ATTACH, detached", .prepare = prepare_hidden, .call = call_row,
				     .failed = row_failed, .succeeded = attach_succeeded };

	inject_or_skip();
	open_world();
	row = row_of(QUEZTL_VM_ATTACH);
	if (!row)
		SKIP("no /dev/kvm");
	idle = take_snapshot();
	EXPECT_GE(inject_sweep(&sweep), 3);
}

static int opened;

static int open_device(void)
{
	opened = open(QUEZTL_DEVICE, O_RDWR | O_CLOEXEC);
	return opened < 0 ? -errno : 0;
}

static void close_opened(void)
{
	close(opened);
	expect_unchanged("open", idle);
}

static void expect_idle(void)
{
	expect_unchanged("a failed call", idle);
}

TEST(open_of_the_device)
{
	const struct sweep sweep = { .name = "open", .call = open_device, .failed = expect_idle,
				     .succeeded = close_opened };

	inject_or_skip();
	open_world();
	idle = take_snapshot();
	EXPECT_GE(inject_sweep(&sweep), 1);
}
