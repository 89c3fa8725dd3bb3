// SPDX-License-Identifier: GPL-2.0
/* The program ioctl: every call, with everything wrong that a caller can get wrong. */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "ktap.h"
#include "fabric.h"

int main(int argc, char **argv)
{
	if (access(QUEZTL_DEVICE, F_OK)) {
		printf("KTAP version 1\n1..0 # SKIP no " QUEZTL_DEVICE "\n");
		return KTAP_SKIP;
	}
	fabric_sweep();
	return ktap_run(argc, argv, fabric_sweep);
}
