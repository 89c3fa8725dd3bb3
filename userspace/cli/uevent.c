// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "uevent.h"

#define KERNEL_GROUP	1	/* that of udev is 2 */
#define MESSAGES	4096	/* to read at a time: others may send more meanwhile */

int open_uevents(void)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);
	int error;

	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	error = errno;
	close(fd);
	return -error;
}

/* "add@/module/queztl", then words such as "SUBSYSTEM=module", each with its NUL. */
bool is_our_uevent(uint32_t sender, const char *message, size_t size)
{
	static const char *const ours[] = {
		"SUBSYSTEM=queztl",	/* fabrics */
		"SUBSYSTEM=vdpa",	/* ports, and their drivers */
		"SUBSYSTEM=vhost-vdpa",
		"SUBSYSTEM=misc",	/* /dev/queztl; /dev/kvm: VMs come and go */
		"SUBSYSTEM=module",
	};

	for (const char *word = message; !sender && word < message + size;) {
		size_t length = strnlen(word, message + size - word);

		for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
			if (length == strlen(ours[i]) &&
			    !memcmp(word, ours[i], length))
				return true;
		word += length + 1;
	}
	return false;
}

bool drain_uevents(int fd)
{
	bool ours = false;

	for (int i = 0; i < MESSAGES; i++) {
		struct sockaddr_nl from = { .nl_pid = -1 };
		char message[8192];
		struct iovec iov = {
			.iov_base = message, .iov_len = sizeof(message),
		};
		struct msghdr header = {
			.msg_name = &from, .msg_namelen = sizeof(from),
			.msg_iov = &iov, .msg_iovlen = 1,
		};
		ssize_t size = recvmsg(fd, &header, MSG_DONTWAIT);

		if (size < 0 && errno == ENOBUFS)	/* some were lost */
			ours = true;
		else if (size < 0 && errno != EINTR)
			break;
		else if (size >= 0)
			ours |= is_our_uevent(from.nl_pid, message, size);
	}
	return ours;
}
