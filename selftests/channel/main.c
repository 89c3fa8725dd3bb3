// SPDX-License-Identifier: GPL-2.0
/* The program channels: windows and channels between processes of the host. */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "ktap.h"
#include "host.h"

int main(int argc, char **argv)
{
	if (access(QUEZTL_DEVICE, F_OK)) {
		printf("KTAP version 1\n1..0 # SKIP no " QUEZTL_DEVICE "\n");
		return KTAP_SKIP;
	}
	channel_sweep();
	return ktap_run(argc, argv, channel_sweep);
}
