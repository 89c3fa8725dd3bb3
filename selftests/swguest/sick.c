// SPDX-License-Identifier: GPL-2.0
/*
 * A VMM with a port in trouble, for tests of what the tool says of it.
 * Usage: sick PORT [nonsense] [-m MIB]
 * It opens the port and a VM as whoever starts it, and goes on as an ordinary user: limits of processes are not root's. Then
 * it starts the driver, which with "nonsense" sends from where there is no memory, prints "started", and resets and starts
 * the port again for each line that it reads. -m is for the tool to read: a VM of so much memory. It ends with its input.
 */
#define _GNU_SOURCE
#include "swguest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NOBODY	65534

static struct swg port;

static void need(const char *what, int ret)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "sick: %s: %s\n", what, strerror(ret == -1 ? errno : -ret));
	exit(1);
}

/* Where there is KVM. */
static void make_vm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);

	if (vm >= 0)
		need("a vCPU", ioctl(vm, KVM_CREATE_VCPU, 0));
}

static void start(bool nonsense)
{
	struct vring_desc piece = { .addr = SWG_BASE + SWG_MEMORY, .len = 2048 };

	need("start", swg_start(&port, &(struct swg_options){ 0 }));
	if (nonsense) {
		need("send", swg_post(&port, SWG_TX, &piece, 1, 0, false));
		swg_kick(&port, SWG_TX);
	}
	puts("started");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[64];

	if (argc < 2) {
		fputs("Usage: sick PORT [nonsense] [-m MIB]\n", stderr);
		return 1;
	}
	need(argv[1], swg_open(&port, argv[1]));
	make_vm();
	need("user", setresuid(NOBODY, NOBODY, NOBODY));
	start(argc > 2 && !strcmp(argv[2], "nonsense"));
	while (fgets(line, sizeof(line), stdin)) {
		need("reset", swg_reset(&port));
		start(false);
	}
	return 0;
}
