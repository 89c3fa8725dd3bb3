// SPDX-License-Identifier: GPL-2.0
/* Owners that stay in a call. */
#define _GNU_SOURCE
#include "ktap.h"
#include "fabric.h"
#include "host.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

static struct window a, b;
static struct queztl_channel_connect_args *argument;	/* in a page of its own, which can be taken away */

static void *connect_it(void *result)
{
	*(int *)result = ioctl(b.fd, QUEZTL_CHANNEL_CONNECT, argument) ? -errno : 0;
	return NULL;
}

static int watch_argument(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register watched = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int watcher = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (watcher < 0)
		SKIP("no userfaultfd");
	argument = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(argument != MAP_FAILED);
	ASSERT_EQ(ioctl(watcher, UFFDIO_API, &api), 0);
	watched.range.start = (__u64)argument;
	watched.range.len = 4096;
	ASSERT_EQ(ioctl(watcher, UFFDIO_REGISTER, &watched), 0);
	return watcher;
}

static void give_argument(int watcher)
{
	static char page[4096] __attribute__((aligned(4096)));
	struct queztl_channel_connect_args filled = { .size = sizeof(filled), .name = "qtc" };
	struct uffdio_copy copy = { .dst = (__u64)argument, .src = (__u64)page, .len = 4096 };

	memcpy(page, &filled, sizeof(filled));
	ASSERT(!ioctl(watcher, UFFDIO_COPY, &copy) || errno == EEXIST);
}

static bool has_reserved(void)
{
	struct queztl_window found;

	ASSERT_EQ(window_find("qtb", &found), 0);
	return found.memory;
}

/* A connecter takes its time in its call, between its own region and the answer. False: it was too quick. */
static bool stop_in_connect(int watcher, pthread_t *connecter, int *result)
{
	struct pollfd poller = { .fd = watcher, .events = POLLIN };
	struct uffd_msg fault;

	give_argument(watcher);
	*result = 1;
	ASSERT_EQ(pthread_create(connecter, NULL, connect_it, result), 0);
	for (int i = 0; i < 1000; i++) {
		madvise(argument, 4096, MADV_DONTNEED);
		if (poll(&poller, 1, 1) == 1 && read(watcher, &fault, sizeof(fault)) == sizeof(fault)) {
			if (has_reserved())
				return true;
			give_argument(watcher);
		}
		if (__atomic_load_n(result, __ATOMIC_RELAXED) != 1)
			break;
	}
	give_argument(watcher);
	pthread_join(*connecter, NULL);
	ASSERT(!*result || *result == -EFAULT);
	return false;
}

static int count_channels(void)
{
	struct queztl_channel next = { .size = sizeof(next) };
	int n = 0;

	while (!ioctl(queztl_fd(), QUEZTL_CHANNEL_NEXT, &next))
		n += !strcmp(next.name, "qtc");
	return n;
}

/* Meanwhile somebody else listens to the name, and then the connecter's call fails: two would have the name. */
TEST_WITHIN(name_is_given_once, 120)
{
	struct uffdio_range range = { .len = 4096 };
	struct window c = { 0 };
	pthread_t connecter;
	int watcher, result;

	ASSERT_EQ(window_create("qta", 1, QHP_REGION_MAX, &a.fd), 0);
	ASSERT_EQ(window_create("qtb", 1, QHP_REGION_MAX, &b.fd), 0);
	ASSERT_EQ(window_create("qtd", 1, REGION, &c.fd), 0);
	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	ASSERT_EQ(channel_allow("qtc", "qtd", "qtb"), 0);
	watcher = watch_argument();
	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(channel_listen(a.fd, "qtc", 0), 0);
		if (stop_in_connect(watcher, &connecter, &result))
			break;
		channel_close(b.fd, 0);
		ASSERT_EQ(channel_close(a.fd, 0), 0);
		ASSERT_GE(48, i);
	}
	ASSERT_EQ(channel_listen(c.fd, "qtc", 0), 0);
	ASSERT_EQ(mprotect(argument, 4096, PROT_READ), 0);
	range.start = (__u64)argument;
	ASSERT_EQ(ioctl(watcher, UFFDIO_WAKE, &range), 0);
	pthread_join(connecter, NULL);
	EXPECT_EQ(result, -EFAULT);
	EXPECT_EQ(count_channels(), 1);
	EXPECT_EQ(channel_connect(b.fd, "qtc"), 0);
	EXPECT_EQ(channel_close(a.fd, 0), 0);
}
