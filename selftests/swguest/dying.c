// SPDX-License-Identifier: GPL-2.0
/*
 * A process that ends, or becomes another program, gets no worker any more: the thread would not be told to end, and stay
 * behind in a process that nobody can kill, or in a program that has nothing to do with the port, in its old memory.
 *
 * A thread that is to say DRIVER_OK waits for vhost's mutex when that happens, which another holds that answers a call into
 * memory that is not there (userfaultfd).
 */
#define _GNU_SOURCE
#include "tenant.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define PROGRAM	"sleep"

static struct {
	volatile int ends;
	volatile bool nobody_waits;
	volatile pid_t helper;
} *shared;
static struct member *a, *b;
static volatile pid_t waiting;
static bool becomes_another;

/* A page that is never there. Return: what tells that somebody waits for it, or -1. */
static int make_trap(void **page)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_register trap = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	if (fd < 0)
		return -1;
	*page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(*page != MAP_FAILED);
	ASSERT_EQ(ioctl(fd, UFFDIO_API, &api), 0);
	trap.range.start = (unsigned long)*page;
	trap.range.len = getpagesize();
	ASSERT_EQ(ioctl(fd, UFFDIO_REGISTER, &trap), 0);
	return fd;
}

/* Holds vhost's mutex until this process ends. */
static void *hold_mutex(void *page)
{
	ioctl(b->port.fd, VHOST_VDPA_GET_STATUS, page);
	return NULL;
}

static void *say_ready(void *unused)
{
	uint8_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK |
			 VIRTIO_CONFIG_S_DRIVER_OK;

	waiting = gettid();
	ioctl(b->port.fd, VHOST_VDPA_SET_STATUS, &status);
	return unused;
}

static void await_waiting(void)
{
	double end = swg_now() + 30;	/* on a busy machine; await() takes longer */

	while ((!waiting || state_of(waiting) != 'D') && swg_now() < end)
		usleep(1000);
	shared->nobody_waits = state_of(waiting) != 'D';
}

static int share_directory(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return 0;
}

static void run_dying(void)
{
	struct pollfd trapped = { .events = POLLIN };
	static char stack[65536] __attribute__((aligned(16)));
	pthread_t holder, speaker;
	pid_t helper;
	void *page;

	trapped.fd = make_trap(&page);
	ASSERT_EQ(pthread_create(&holder, NULL, hold_mutex, page), 0);
	ASSERT_EQ(poll(&trapped, 1, SOON), 1);
	ASSERT_EQ(pthread_create(&speaker, NULL, say_ready, NULL), 0);
	await_waiting();
	shared->ends = 1;
	if (!becomes_another)
		_exit(0);
	/* The kernel refuses threads during an execve() anyway, unless another process has the same working directory. */
	helper = clone(share_directory, stack + sizeof(stack), CLONE_FS | SIGCHLD, NULL);
	ASSERT_GE(helper, 0);
	shared->helper = helper;
	fcntl(b->port.fd, F_SETFD, 0);
	execlp(PROGRAM, PROGRAM, "1000", NULL);
	_exit(1);
}

static pid_t start_dying(bool exec)
{
	struct swg_options options = { .no_ready = true };
	void *page;
	int trap = make_trap(&page);
	pid_t tenant;

	if (trap < 0)
		SKIP("no userfaultfd");
	close(trap);
	becomes_another = exec;
	shared = share(sizeof(*shared));
	make_fabric("qtlan");
	a = join("qtlan", 1, 0);
	b = join("qtlan", 2, 0);
	start(a, NULL);
	start(b, &options);
	tenant = fork_tenant(run_dying);
	await(&shared->ends);
	if (shared->nobody_waits)
		SKIP("no thread came to wait for vhost's mutex");
	return tenant;
}

/* Whoever has the port now sets it up anew. */
static void expect_port_works(void)
{
	restart(b, NULL);
	expect_pair_works(a, b, 1);
}

TEST(a_process_that_ends_gets_no_worker)
{
	pid_t tenant = start_dying(false);

	KTAP_CHECK(!wait_gone(tenant, SOON), false, "a process that has ended is still there, in state %c",
		   state_of(tenant));
	KTAP_CHECK(!kill_tenant(tenant), false, "nobody can kill it");
	expect_port_works();
	EXPECT_EQ(wait_gone(tenant, SOON), 0);
}

static int count_threads(pid_t process)
{
	char path[64];
	int count = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", process);
	tasks = opendir(path);
	if (!tasks)
		return 0;
	for (struct dirent *task; (task = readdir(tasks));)
		count += task->d_name[0] != '.';
	closedir(tasks);
	return count;
}

static bool is_program(pid_t process, const char *program)
{
	char path[64], name[32] = "";
	FILE *comm;

	snprintf(path, sizeof(path), "/proc/%d/comm", process);
	comm = fopen(path, "r");
	if (comm && fgets(name, sizeof(name), comm))
		name[strcspn(name, "\n")] = 0;
	if (comm)
		fclose(comm);
	return !strcmp(name, program);
}

TEST(another_program_has_no_worker)
{
	pid_t tenant = start_dying(true);

	for (int ms = 0; ms < SOON && !is_program(tenant, PROGRAM); ms++)
		usleep(1000);
	ASSERT(is_program(tenant, PROGRAM));
	usleep(100000);
	EXPECT_EQ(count_threads(tenant), 1);
	EXPECT_EQ(kill_tenant(tenant), 0);
	kill(shared->helper, SIGKILL);
	expect_port_works();
}
