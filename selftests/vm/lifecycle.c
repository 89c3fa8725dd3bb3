// SPDX-License-Identifier: GPL-2.0
/* VMs come and go: what queztl knows of them, and for how long. */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "ktap.h"
#include "guest.h"
#include "registry.h"
#include "tinyvm.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static void expect_all_is_told(struct guest *guest, int vm, double born)
{
	struct queztl_vcpu vcpu = { .size = sizeof(vcpu) };
	struct queztl_vm_stats before, after;
	struct queztl_vm info;

	ASSERT_EQ(get_info(vm, &info), 0);
	EXPECT_EQ(info.pid, guest->pid);
	EXPECT_EQ(info.uid, 0);
	EXPECT_EQ(info.vcpus, 1);
	EXPECT(!strcmp(info.comm, "tiny guest"));
	EXPECT(info.seen_ns / 1e9 > born - 0.001 && info.seen_ns / 1e9 < now());
	ASSERT_EQ(ioctl(vm, QUEZTL_VM_VCPU, &vcpu), 0);
	EXPECT_EQ(vcpu.tid, guest->pid);
	before = get_stats(vm);
	usleep(200000);
	after = get_stats(vm);
	EXPECT_GE(said(&before), 1);
	EXPECT(after.exits > before.exits);
	EXPECT(said(&after) > said(&before));
	EXPECT_GE(after.exits - before.exits, said(&after) - said(&before));
	EXPECT_EQ(after.halt_exits, 0);
	ktap_say("exits %llu -> %llu in 200 ms, of them I/O %llu -> %llu", before.exits, after.exits, said(&before),
		 said(&after));
}

TEST(created_vm_appears)
{
	struct queztl_vm info;
	struct guest guest;
	int vm;

	open_device();
	guest = start_guest(1, false);		/* it never runs */
	vm = vm_of(guest.pid);
	ASSERT_GE(vm, 0);
	ASSERT_EQ(get_info(vm, &info), 0);
	EXPECT_EQ(info.vcpus, 1);
	EXPECT_EQ(get_stats(vm).exits, 0);
	end_guest(&guest);
	EXPECT(gone_soon(vm));
}

TEST(running_vm_is_described)
{
	double born = now();
	struct guest guest;
	int vm;

	open_device();
	guest = start_guest(1, true);
	vm = vm_of(guest.pid);
	ASSERT_GE(vm, 0);
	expect_all_is_told(&guest, vm, born);
	end_guest(&guest);
}

TEST(vm_older_than_the_module_appears)
{
	const char *module = getenv("QZ_USER_KO");
	struct guest running, idle;
	int fd, vm;
	double born;

	if (!module)
		SKIP("QZ_USER_KO does not name the module");
	ASSERT_EQ(syscall(SYS_delete_module, "queztl", O_NONBLOCK), 0);
	running = start_guest(1, true);
	idle = start_guest(1, false);
	fd = open(module, O_RDONLY);
	ASSERT_GE(fd, 0);
	born = now();
	ASSERT_EQ(syscall(SYS_finit_module, fd, "", 0), 0);
	for (int i = 0; i < 100 && access(QUEZTL_DEVICE, F_OK); i++)
		usleep(10000);
	open_device();
	vm = vm_of(running.pid);
	ASSERT_GE(vm, 0);
	expect_all_is_told(&running, vm, born);
	EXPECT_GE(vm_of(idle.pid), 0);
	EXPECT_EQ(count_vms(), 2);
	end_guest(&running);
	end_guest(&idle);
	EXPECT(no_vms_soon());
}

TEST(vcpus_are_counted)
{
	struct queztl_vcpu vcpu = { .size = sizeof(vcpu) };
	struct queztl_vm info;
	struct tinyvm tiny;
	int vm;

	open_device();
	ASSERT_EQ(tinyvm_create(&tiny, 1), 0);
	vm = attach(tiny.vm, NULL);
	ASSERT_GE(vm, 0);
	for (int i = 1; i < 4; i++) {
		ASSERT_EQ(get_info(vm, &info), 0);
		EXPECT_EQ(info.vcpus, i);
		ASSERT_GE(ioctl(tiny.vm, KVM_CREATE_VCPU, i * 5), 0);	/* ids with holes: the index has none */
	}
	ASSERT_EQ(tinyvm_run(&tiny, 3), 3);
	for (vcpu.index = 0; vcpu.index < 4; vcpu.index++) {
		ASSERT_EQ(ioctl(vm, QUEZTL_VM_VCPU, &vcpu), 0);
		EXPECT_EQ(vcpu.tid, vcpu.index ? 0 : getpid());
	}
	EXPECT_FAILS(ioctl(vm, QUEZTL_VM_VCPU, &vcpu), ENOENT);
}

static void *run_one(void *argument)
{
	struct tinyvm tiny;
	long *state = argument;

	*state = tinyvm_create(&tiny, 1);
	if (*state)
		return NULL;
	*state = tinyvm_run(&tiny, 2000);
	while (*state > 0)
		usleep(1000);
	tinyvm_destroy(&tiny);
	return NULL;
}

TEST(threads_have_vms_of_their_own)
{
	long states[5] = { 0 };
	pthread_t threads[5];
	__s32 tids[5];
	__u64 id = 0;
	int vm;

	open_device();
	for (int i = 0; i < 5; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, run_one, &states[i]), 0);
	for (int i = 0; i < 5; i++)
		while (states[i] != 2000)
			usleep(1000);
	for (int i = 0; i < 5; i++) {
		struct queztl_vcpu vcpu = { .size = sizeof(vcpu) };

		vm = next_vm_of(getpid(), &id);
		ASSERT_GE(vm, 0);
		ASSERT_EQ(ioctl(vm, QUEZTL_VM_VCPU, &vcpu), 0);
		EXPECT_NE(vcpu.tid, getpid());
		tids[i] = vcpu.tid;
		for (int j = 0; j < i; j++)
			EXPECT_NE(tids[i], tids[j]);
		EXPECT_GE(said_by(vm), 1999);
	}
	EXPECT_EQ(next_vm_of(getpid(), &id), -ENOENT);
	for (int i = 0; i < 5; i++)
		states[i] = 0;
	for (int i = 0; i < 5; i++)
		pthread_join(threads[i], NULL);
	EXPECT(no_vms_soon());
}

TEST(ended_vm_disappears)
{
	struct queztl_vm_stats stats = { .size = sizeof(stats) };
	struct queztl_vcpu vcpu = { .size = sizeof(vcpu) };
	struct queztl_vm info;
	struct guest guest;
	int vm;

	open_device();
	guest = start_guest(1, true);
	vm = vm_of(guest.pid);
	ASSERT_GE(vm, 0);
	ASSERT_EQ(get_info(vm, &info), 0);
	end_guest(&guest);
	ASSERT(gone_soon(vm));
	EXPECT(no_vms_soon());
	EXPECT_FAILS(ioctl(vm, QUEZTL_VM_STATS, &stats), ENOENT);
	EXPECT_FAILS(ioctl(vm, QUEZTL_VM_VCPU, &vcpu), ENOENT);
	EXPECT_EQ(detach(vm), -ENOENT);
	EXPECT_EQ(open_vm(info.id), -ENOENT);
	guest = start_guest(1, true);		/* another one does not bring the old handle to life */
	EXPECT_EQ(get_info(vm, &info), -ENOENT);
	end_guest(&guest);
}

/* To the group that the kernel sends its own uevents to, as CAP_NET_ADMIN allows. */
static void forge_uevent(const char *text, size_t bytes)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(sendto(fd, text, bytes, 0, (struct sockaddr *)&to, sizeof(to)), (ssize_t)bytes);
	close(fd);
}

/* KVM's announcement of the end of the VM that @guest has: the name is its debugfs directory's. */
static void forge_end(const struct guest *guest)
{
	char text[256];
	int len = sprintf(text, "change@/devices/virtual/misc/kvm%cEVENT=destroy%cPID=%d%cSTATS_PATH=/sys/kernel/debug/kvm/%d-%d",
			  0, 0, guest->pid, 0, guest->pid, guest->fd);

	forge_uevent(text, len + 1);
}

TEST(forged_end_ends_nothing)
{
	struct queztl_vm info;
	struct guest guest;
	int vm;

	open_device();
	guest = start_guest(1, false);
	vm = vm_of(guest.pid);
	ASSERT_GE(vm, 0);
	forge_end(&guest);		/* netlink delivers before it returns */
	EXPECT_EQ(get_info(vm, &info), 0);
	EXPECT_EQ(count_vms(), 1);
	end_guest(&guest);
	EXPECT(gone_soon(vm));
}

TEST(vm_lives_as_long_as_its_vcpu)
{
	struct queztl_vm_stats before;
	struct queztl_vm info;
	struct tinyvm tiny;
	int vm;

	open_device();
	ASSERT_EQ(tinyvm_create(&tiny, 1), 0);
	vm = vm_of(getpid());
	ASSERT_GE(vm, 0);
	close(tiny.vm);
	ASSERT_EQ(tinyvm_run(&tiny, 10), 10);
	before = get_stats(vm);
	ASSERT_EQ(tinyvm_run(&tiny, 10), 10);
	EXPECT_GE(said_by(vm), said(&before) + 9);
	EXPECT_EQ(get_info(vm, &info), 0);
	EXPECT_EQ(count_vms(), 1);
	munmap(tiny.run, tiny.run_size);
	close(tiny.vcpu);
	EXPECT(gone_soon(vm));
	EXPECT(no_vms_soon());
}

int main(int argc, char **argv)
{
	struct tinyvm tiny;
	int r = tinyvm_create(&tiny, 1);

	if (r || access(QUEZTL_DEVICE, F_OK)) {
		printf("KTAP version 1\n1..0 # SKIP no %s\n", r ? "/dev/kvm" : QUEZTL_DEVICE);
		return KTAP_SKIP;
	}
	tinyvm_destroy(&tiny);
	return ktap_run(argc, argv, NULL);
}
