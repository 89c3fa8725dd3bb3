// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "control.h"
#include "ktap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int device;

int call(unsigned int number, void *argument)
{
	return ioctl(device, number, argument) ? -errno : 0;
}

int start(void)
{
	struct queztl_sched_start_args arg = { .size = sizeof(arg) };

	return call(QUEZTL_SCHED_START, &arg);
}

int start_per_vcpu(void)
{
	struct queztl_sched_start_args arg = { .size = sizeof(arg), .mode = QUEZTL_SCHED_PER_VCPU };

	return call(QUEZTL_SCHED_START, &arg);
}

int stop(void)
{
	struct queztl_sched_stop_args arg = { .size = sizeof(arg) };

	return call(QUEZTL_SCHED_STOP, &arg);
}

struct queztl_sched info(void)
{
	struct queztl_sched arg = { .size = sizeof(arg) };

	ASSERT_EQ(call(QUEZTL_SCHED_INFO, &arg), 0);
	return arg;
}

struct queztl_vm_sched get(__u64 id)
{
	struct queztl_vm_sched arg = { .size = sizeof(arg), .id = id };

	ASSERT_EQ(call(QUEZTL_VM_SCHED_GET, &arg), 0);
	return arg;
}

void set(__u64 id, __u32 what, __u32 value)
{
	struct queztl_vm_sched arg = { .size = sizeof(arg), .id = id, .set = what };

	arg.weight = arg.limit = arg.mode = value;
	ASSERT_EQ(call(QUEZTL_VM_SCHED_SET, &arg), 0);
}

/* Each test begins without a scheduler, whatever the last one left. */
void begin(void)
{
	struct queztl_info arg = { .size = sizeof(arg) };

	device = open(QUEZTL_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_GE(device, 0);
	ASSERT_EQ(ioctl(device, QUEZTL_GET_INFO, &arg), 0);
	if (!(arg.features & QUEZTL_F_SCHED))
		SKIP("the kernel lets no module bring a scheduler");
	stop();
	EXPECT_EQ(info().state, QUEZTL_SCHED_OFF);
}

void read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	text[n < 0 ? 0 : n] = 0;
	text[strcspn(text, "\n")] = 0;
	close(fd);
}

bool state_is(const char *state)
{
	char text[64];

	read_file("/sys/kernel/sched_ext/state", text, sizeof(text));
	return !strcmp(text, state);
}

bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return ok;
}

void tasks_run(void)
{
	pid_t child = fork();
	int status;

	if (!child) {
		for (volatile int i = 0; i < 1000000; i++)
			;
		usleep(1000);
		_exit(7);
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(WEXITSTATUS(status), 7);
}

void run_for(double seconds)
{
	struct timespec t = { seconds, (seconds - (long)seconds) * 1e9 };

	while (nanosleep(&t, &t))
		;
}

long cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}
