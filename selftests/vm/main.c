// SPDX-License-Identifier: GPL-2.0
/* tinyvm [MEGABYTES [EXITS]]: runs a VM until it is killed, or for so many exits. Says when it runs. */
#include "tinyvm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct tinyvm tiny;
	long r = tinyvm_create(&tiny, argc > 1 ? atoi(argv[1]) : 1);

	if (!r) {
		printf("pid %d vm fd %d\n", getpid(), tiny.vm);
		fflush(stdout);
		r = tinyvm_run(&tiny, argc > 2 ? atol(argv[2]) : -1);
	}
	if (r < 0)
		fprintf(stderr, "tinyvm: %s\n", strerror((int)-r));
	return r < 0;
}
