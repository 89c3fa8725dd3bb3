// SPDX-License-Identifier: GPL-2.0
/*
 * vmm VCPUS OTHERS: a process with VMs, until it is killed. It has so many vCPUs that compute, each of a VM of its own, and
 * so many other threads that do; if none, one thread that computes for a moment every two seconds. Says when it runs.
 */
#include "tinyvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SKIP	4

static int fail(const char *what, long error)
{
	fprintf(stderr, "vmm: %s: %s\n", what, strerror((int)-error));
	return 1;
}

static void *run_vcpu(void *arg)
{
	long r = tinyvm_run(arg, -1);

	exit(fail("vCPU", r));
}

static void *compute(void *arg)
{
	(void)arg;
	for (volatile unsigned long i = 0;; i++)
		;
	return NULL;
}

static void be_idle(void)
{
	for (;;) {
		for (volatile int i = 0; i < 1000; i++)
			;
		sleep(2);
	}
}

static int spawn(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	return -pthread_create(&thread, NULL, run, arg);
}

int main(int argc, char **argv)
{
	int vcpus = argc > 1 ? atoi(argv[1]) : 0, others = argc > 2 ? atoi(argv[2]) : 0, system, r = 0;

	system = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (system < 0)
		return SKIP;
	if (!vcpus && ioctl(system, KVM_CREATE_VM, 0) < 0)
		return fail("no VM", -errno);
	for (int i = 0; !r && i < vcpus; i++) {
		struct tinyvm *tiny = malloc(sizeof(*tiny));

		r = tinyvm_create(tiny, 1);
		if (!r)
			r = spawn(run_vcpu, tiny);
	}
	for (int i = 0; !r && i < others; i++)
		r = spawn(compute, NULL);
	if (r)
		return fail("cannot begin", r);
	printf("runs\n");
	fflush(stdout);
	if (!vcpus && !others)
		be_idle();
	for (;;)
		pause();
}
