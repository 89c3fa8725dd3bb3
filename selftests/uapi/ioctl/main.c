// SPDX-License-Identifier: GPL-2.0
/* The program ioctl: every call, with everything wrong that a caller can get wrong. */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "ktap.h"
#include "fabric.h"
#include "channel/host.h"

static void sweep(void)
{
	fabric_sweep();
	channel_sweep();
}

int main(int argc, char **argv)
{
	if (access(QUEZTL_DEVICE, F_OK)) {
		printf("KTAP version 1\n1..0 # SKIP no " QUEZTL_DEVICE "\n");
		return KTAP_SKIP;
	}
	sweep();
	return ktap_run(argc, argv, sweep);
}
