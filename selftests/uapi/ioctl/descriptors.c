// SPDX-License-Identifier: GPL-2.0
/* Which numbers a descriptor answers to, from which callers, and which descriptors a call takes. */
#define _GNU_SOURCE
#include "ktap.h"
#include "calls.h"
#include "fabric.h"
#include "refused.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

static bool has_row(unsigned int number, int fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].number == number && fd_of(&calls[i]) == fd)
			return true;
	return false;
}

static void probe_numbers(int fd)
{
	for (int number = 0; number < 256; number++) {
		__u32 argument[ROOM / 4] = { 0 };	/* size 0 is EINVAL to any call */
		unsigned int code = _IO(QUEZTL_IOC_MAGIC, number);

		if (!has_row(code, fd))
			EXPECT_FAILS(ioctl(fd, code, argument), ENOTTY);
		else
			EXPECT_FAILS(ioctl(fd, code, argument), EINVAL);
		EXPECT_FAILS(ioctl(fd, _IO(QUEZTL_IOC_MAGIC + 1, number), argument), ENOTTY);
		EXPECT_FAILS(ioctl(fd, _IOWR(QUEZTL_IOC_MAGIC, number, __u64), argument), ENOTTY);
	}
}

TEST(no_call_without_a_row)
{
	open_world();
	probe_numbers(world.device);
	probe_numbers(world.window);
	if (world.vm >= 0)
		probe_numbers(world.vm);
}

TEST(call_on_the_wrong_descriptor_is_enotty)
{
	static char argument[ROOM];
	int null = open("/dev/null", O_RDWR);

	open_world();
	if (world.system < 0)
		SKIP("no /dev/kvm");
	for_each_call(call) {
		prepare(call, argument, call->size);
		expect_refused(call, call->on_vm || call->on_window ? world.device : world.vm, call->number, argument,
			       ROOM, ENOTTY, "wrong descriptor", 0);
		expect_refused(call, call->on_window ? world.vm : world.window, call->number, argument, ROOM, ENOTTY,
			       "wrong descriptor", 1);
		EXPECT_FAILS(ioctl(null, call->number, argument), ENOTTY);
		if (call->number == QUEZTL_FABRIC_DEL)
			fabric_del(((struct queztl_fabric_del_args *)argument)->id);
	}
}

#ifdef __x86_64__
/* A 32 bit program's way in: int 0x80, with a pointer below 4 GB. */
static int ioctl32(int fd, unsigned int number, void *argument)
{
	int r;

	__asm__ volatile("int $0x80" : "=a"(r) : "0"(54), "b"(fd), "c"(number), "d"((__u32)(unsigned long)argument)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

TEST(works_for_32_bit_callers)
{
	char *argument = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	open_world();
	for_each_call(call) {
		prepare(call, argument, call->size);
		KTAP_CHECK(!ioctl32(fd_of(call), call->number, argument), false, "%s fails", call->name);
		if (call->undo)
			call->undo(argument);
	}
}
#else
TEST(works_for_32_bit_callers)
{
	SKIP("a 64 bit program of this architecture cannot make 32 bit calls");
}
#endif

static void expect_attach_fails(int kvm_fd, int error)
{
	struct queztl_vm_attach_args attach = { .size = sizeof(attach), .kvm_fd = kvm_fd };

	EXPECT_FAILS(ioctl(world.device, QUEZTL_VM_ATTACH, &attach), error);
}

TEST(attach_wants_a_kvm_vm)
{
	int ends[2], closed = dup(0), vcpu;

	open_world();
	close(closed);
	ASSERT_EQ(pipe(ends), 0);
	expect_attach_fails(-1, EBADF);
	expect_attach_fails(-100, EBADF);
	expect_attach_fails(0x7fffffff, EBADF);
	expect_attach_fails(ends[0], EINVAL);
	expect_attach_fails(world.device, EINVAL);
	expect_attach_fails(open("/", O_PATH), EBADF);
	if (world.system < 0)
		SKIP("no /dev/kvm: only the errors without it were tried");
	expect_attach_fails(world.system, EINVAL);
	expect_attach_fails(world.vm, EINVAL);
	vcpu = ioctl(world.kvm, KVM_CREATE_VCPU, 1);
	ASSERT_GE(vcpu, 0);
	expect_attach_fails(vcpu, EINVAL);
}

TEST(no_free_descriptor_is_emfile)
{
	static char argument[ROOM];

	open_world();
	if (world.system < 0)
		SKIP("no /dev/kvm");
	while (open("/dev/null", O_RDONLY) >= 0)
		;
	EXPECT_EQ(errno, EMFILE);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].number != QUEZTL_VM_ATTACH && calls[i].number != QUEZTL_VM_OPEN &&
		    calls[i].number != QUEZTL_WINDOW_CREATE)
			continue;
		prepare(&calls[i], argument, calls[i].size);
		EXPECT_FAILS(ioctl(world.device, calls[i].number, argument), EMFILE);
	}
}
