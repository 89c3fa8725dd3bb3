// SPDX-License-Identifier: GPL-2.0
/* VMs taken off the registry and put back, by their maker or by others. */
#define _GNU_SOURCE
#include "ktap.h"
#include "guest.h"
#include "registry.h"
#include "tinyvm.h"

#include <sys/socket.h>
#include <sys/syscall.h>

TEST(detached_vm_stays_away)
{
	struct queztl_vm info;
	struct guest guest;
	__u64 id = 0, again;
	int vm, fd, own;

	open_device();
	guest = start_guest(1, true);
	vm = vm_of(guest.pid);
	ASSERT_GE(vm, 0);
	ASSERT_EQ(get_info(vm, &info), 0);
	id = info.id;
	EXPECT_EQ(detach(vm), 0);
	EXPECT_EQ(detach(vm), -ENOENT);
	EXPECT_EQ(get_info(vm, &info), -ENOENT);
	EXPECT_EQ(open_vm(id), -ENOENT);
	usleep(500000);				/* it runs on, and is not found again */
	EXPECT_EQ(count_vms(), 0);
	fd = syscall(SYS_pidfd_open, guest.pid, 0);
	ASSERT_GE(fd, 0);
	own = syscall(SYS_pidfd_getfd, fd, guest.fd, 0);
	ASSERT_GE(own, 0);
	fd = attach(own, &again);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(get_info(fd, &info), 0);
	EXPECT_EQ(info.id, again);
	EXPECT_EQ(info.vcpus, 1);
	EXPECT_EQ(count_vms(), 1);
	EXPECT_GE(said_by(fd), 1);
	close(own);
	end_guest(&guest);
	EXPECT(gone_soon(fd));
	EXPECT(no_vms_soon());
}

TEST(known_vm_keeps_its_id_when_attached)
{
	struct tinyvm tiny;
	__u64 ids[3];

	open_device();
	ASSERT_EQ(tinyvm_create(&tiny, 1), 0);
	for (int i = 0; i < 3; i++)
		ASSERT_GE(attach(tiny.vm, &ids[i]), 0);
	EXPECT_EQ(ids[0], ids[1]);
	EXPECT_EQ(ids[0], ids[2]);
	EXPECT_EQ(count_vms(), 1);
}

static void send_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec io = { &byte, 1 };
	struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(socket, &message, 0) < 0)
		_exit(1);
}

static int receive_fd(int socket)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte;
	struct iovec io = { &byte, 1 };
	struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	int fd;

	ASSERT_EQ(recvmsg(socket, &message, 0), 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* The descriptor of somebody else's VM, handed over a socket: the VM stays its maker's. */
TEST(vm_is_attached_by_another_process)
{
	struct queztl_vm info;
	int sockets[2], fd, vm;
	pid_t child;

	open_device();
	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	child = fork();
	if (!child) {
		struct tinyvm tiny;

		if (tinyvm_create(&tiny, 1) || tinyvm_run(&tiny, 5) != 5)
			_exit(1);
		send_fd(sockets[1], tiny.vm);
		tinyvm_run(&tiny, -1);
	}
	vm = vm_of(child);
	ASSERT_GE(vm, 0);
	fd = receive_fd(sockets[0]);
	ASSERT_EQ(detach(vm), 0);
	vm = attach(fd, NULL);
	ASSERT_GE(vm, 0);
	ASSERT_EQ(get_info(vm, &info), 0);
	EXPECT_EQ(info.pid, child);
	close(fd);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	EXPECT(gone_soon(vm));
}
