// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "standin.h"
#include "ktap.h"
#include "tinyvm.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/queztl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

struct plan {
	int threads;
	bool tiny;
	int in, out;		/* eventfds, -1: none */
};

static void *be_busy(void *arg)
{
	(void)arg;
	for (;;)
		;
	return NULL;
}

static void *beat(void *arg)
{
	volatile __u64 *beats = arg;

	for (;;) {
		usleep(10000);
		(*beats)++;
	}
	return NULL;
}

static void *answer(void *arg)
{
	const struct plan *plan = arg;
	__u64 n = 1;

	while (read(plan->in, &n, sizeof(n)) == sizeof(n)) {
		n = 1;
		if (write(plan->out, &n, sizeof(n)) != sizeof(n))
			break;
	}
	return NULL;
}

static void spawn(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, arg))
		_exit(1);
}

static int create_vm(void)
{
	int system = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	return system < 0 ? -1 : ioctl(system, KVM_CREATE_VM, 0);
}

static void live(struct plan *plan, int ready, volatile __u64 *beats)
{
	struct tinyvm tiny;
	char ok;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ok = (plan->tiny ? tinyvm_create(&tiny, 1) : create_vm()) >= 0;
	for (int i = 0; i < plan->threads; i++)
		spawn(be_busy, NULL);
	if (plan->tiny)
		spawn(beat, (void *)beats);
	if (plan->in >= 0)
		spawn(answer, plan);
	if (write(ready, &ok, 1) != 1)
		_exit(1);
	close(ready);
	if (plan->tiny)
		tinyvm_run(&tiny, -1);
	for (;;)
		pause();
}

static __u64 vm_of(pid_t pid)
{
	struct queztl_vm_next next = { .size = sizeof(next) };
	int device = open(QUEZTL_DEVICE, O_RDWR | O_CLOEXEC);
	__u64 found = 0;

	while (!found && !ioctl(device, QUEZTL_VM_NEXT, &next)) {
		struct queztl_vm_open open = { .size = sizeof(open), .id = next.id };
		struct queztl_vm_info info = { .size = sizeof(info) };

		if (ioctl(device, QUEZTL_VM_OPEN, &open))
			continue;
		if (!ioctl(open.vm_fd, QUEZTL_VM_INFO, &info) && info.pid == pid)
			found = next.id;
		close(open.vm_fd);
	}
	close(device);
	return found;
}

static struct standin start(struct plan plan)
{
	struct standin s = {};
	int ends[2];
	char ok = 0;

	s.beats = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(s.beats != MAP_FAILED);
	ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
	s.pid = fork();
	if (!s.pid)
		live(&plan, ends[1], s.beats);
	close(ends[1]);
	ASSERT_EQ(read(ends[0], &ok, 1), 1);
	close(ends[0]);
	if (!ok)
		SKIP("no KVM");
	for (int i = 0; i < 1000 && !s.id; i++) {
		s.id = vm_of(s.pid);
		if (!s.id)
			usleep(10000);
	}
	ASSERT(s.id);
	return s;
}

struct standin start_standin(int threads)
{
	return start((struct plan){ .threads = threads, .in = -1, .out = -1 });
}

struct standin start_tiny(void)
{
	return start((struct plan){ .tiny = true, .in = -1, .out = -1 });
}

void start_pair(struct standin *a, struct standin *b)
{
	int to_a = eventfd(0, 0), to_b = eventfd(0, 0);
	__u64 one = 1;

	ASSERT(to_a >= 0 && to_b >= 0);
	*a = start((struct plan){ .in = to_a, .out = to_b });
	*b = start((struct plan){ .in = to_b, .out = to_a });
	ASSERT_EQ(write(to_a, &one, sizeof(one)), sizeof(one));
}

__u64 standin_beats(const struct standin *s)
{
	return *s->beats;
}

void end_standin(struct standin *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	munmap((void *)s->beats, 4096);
}
