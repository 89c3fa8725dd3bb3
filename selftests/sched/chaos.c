// SPDX-License-Identifier: GPL-2.0
/* The module's scheduler, with callers and with processes that do what nobody should. Seeds are fixed, order is not. */
#define _GNU_SOURCE
#include "control.h"
#include "ktap.h"
#include "standin.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define THREADS	8

static int rounds(void)
{
	const char *text = getenv("QZ_USER_SCHED_ROUNDS");

	return text ? atoi(text) : 20;
}

static __u32 next_random(__u32 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	return *seed ^= *seed << 5;
}

/* -- many callers ------------------------------------------------------------------------------------------------ */
static const unsigned int numbers[] = {
	QUEZTL_SCHED_START, QUEZTL_SCHED_STOP, QUEZTL_SCHED_INFO, QUEZTL_VM_SCHED_SET, QUEZTL_VM_SCHED_GET,
};

/* Of what is documented, nothing else comes back. */
static bool is_known(int error)
{
	static const int known[] = { 0, EBUSY, ENOENT, EINVAL, E2BIG, EIO };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (error == known[i])
			return true;
	ktap_say("unexpected: %s", strerror(error));
	return false;
}

/* An argument that is often valid: its size, and few bits. */
static void fill(__u32 words[64], __u32 *seed, __u32 size)
{
	memset(words, 0, 64 * sizeof(words[0]));
	words[0] = next_random(seed) % 4 ? size : next_random(seed) % 257;
	for (__u32 n = next_random(seed) % 3; n; n--)
		words[1 + next_random(seed) % 30] = next_random(seed) & (1u << next_random(seed) % 32);
}

struct caller {
	pthread_t thread;
	__u32 seed;
	__u64 vm;
	bool good;
};

static void *make_calls(void *arg)
{
	struct caller *c = arg;
	__u32 words[64];

	for (int i = 0; i < 10 * rounds(); i++) {
		__u32 kind = next_random(&c->seed) % 8;
		unsigned int number = numbers[kind % 5];

		fill(words, &c->seed, _IOC_SIZE(number));
		if (number == QUEZTL_VM_SCHED_SET || number == QUEZTL_VM_SCHED_GET)
			memcpy(&words[2], &c->vm, sizeof(c->vm));
		c->good &= is_known(-call(number, words));
		if (kind == 7 && i % 10 == 0)
			c->good &= write_file("/proc/sysrq-trigger", "S");
	}
	return NULL;
}

TEST_WITHIN(many_calls_at_once, 600)
{
	struct caller callers[THREADS];
	struct standin a;

	begin();
	a = start_standin(cpus());
	for (int i = 0; i < THREADS; i++) {
		callers[i] = (struct caller){ .seed = i + 1, .vm = a.id, .good = true };
		ASSERT_EQ(pthread_create(&callers[i].thread, NULL, make_calls, &callers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(callers[i].thread, NULL);
		EXPECT(callers[i].good);
	}
	tasks_run();
	stop();
	EXPECT(state_is("disabled"));
	ASSERT_EQ(start(), 0);
	tasks_run();
	EXPECT_EQ(info().state, QUEZTL_SCHED_ON);
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
}

/* -- a process that wants to end it ------------------------------------------------------------------------------- */
static void be_of_another_class(__u32 *seed)
{
	static const int classes[] = { SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_FIFO, SCHED_RR };
	int class = classes[next_random(seed) % 5];
	struct sched_param param = { .sched_priority = class == SCHED_FIFO || class == SCHED_RR };

	sched_setscheduler(0, class, &param);
	setpriority(PRIO_PROCESS, 0, next_random(seed) % 20);
}

static void run_elsewhere(__u32 *seed)
{
	__u64 mask = next_random(seed);
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = 0; i < 32; i++)
		if (mask >> i & 1)
			CPU_SET(i, &set);
	sched_setaffinity(0, sizeof(set), &set);	/* none of them may exist */
}

static void *end_at_once(void *arg)
{
	return arg;
}

static void begin_a_thread(void)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, end_at_once, NULL))
		pthread_detach(thread);
}

/* What stops the process lets it go on, too. */
static void fork_one(__u32 *seed)
{
	__u32 what = next_random(seed) % 3;
	pid_t child = fork();

	if (!child && what == 0)
		execl("/bin/true", "true", NULL);
	if (!child && what == 1 && !kill(getppid(), SIGSTOP))
		usleep(1000);
	if (!child) {
		kill(getppid(), SIGCONT);
		_exit(0);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

static void compute(__u32 *seed)
{
	for (volatile __u32 n = next_random(seed) % 300000; n; n--)
		;
}

static void *misbehave(void *arg)
{
	__u32 seed = (__u32)(unsigned long)arg;

	for (;;) {
		switch (next_random(&seed) % 8) {
		case 0:
			be_of_another_class(&seed);
			break;
		case 1:
			run_elsewhere(&seed);
			break;
		case 2:
			begin_a_thread();
			break;
		case 3:
			fork_one(&seed);
			break;
		case 4:
			usleep(next_random(&seed) % 2000);
			break;
		case 5:
			sched_yield();
			break;
		default:
			compute(&seed);
		}
	}
	return NULL;
}

static pid_t start_hostile(int number)
{
	pid_t pid = fork();
	pthread_t thread;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ioctl(open("/dev/kvm", O_RDWR | O_CLOEXEC), KVM_CREATE_VM, 0) < 0)
		_exit(KTAP_SKIP);
	for (unsigned long i = 1; i < THREADS; i++)
		pthread_create(&thread, NULL, misbehave, (void *)(number * THREADS + i));
	misbehave((void *)(unsigned long)(number * THREADS + THREADS));
	_exit(0);
}

/* Processes with VMs come, do all they can, and are killed at any moment. */
TEST_WITHIN(survives_hostile_processes, 600)
{
	struct standin a;
	pid_t pids[3];

	begin();
	a = start_standin(1);
	ASSERT_EQ(start(), 0);
	for (int i = 0; i < rounds(); i++) {
		for (int k = 0; k < 3; k++)
			pids[k] = start_hostile(3 * i + k);
		run_for(0.5);
		set(a.id, QUEZTL_VM_WEIGHT, i % 2 ? 10000 : 1);
		for (int k = 0; k < 3; k++) {
			kill(pids[k], SIGKILL);
			ASSERT_EQ(waitpid(pids[k], NULL, 0), pids[k]);
		}
		ASSERT_EQ(info().state, QUEZTL_SCHED_ON);
	}
	tasks_run();
	ASSERT_EQ(stop(), 0);
	end_standin(&a);
}
