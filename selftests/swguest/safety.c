// SPDX-License-Identifier: GPL-2.0
/*
 * Tenants cannot touch each other: what runs in a VM's thread is decided by that VM alone, what a VM causes is charged to
 * it, and what an administrator asks for never waits for a VM. One subject per file: foreign.c and the others beside it.
 */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "cgroup.h"
#include "delays.h"
#include "poison.h"
#include "tenant.h"

static void tidy_up(void)
{
	end_throttle();
	end_poison();
	delays_unload();
	if (sweep_within(20 * SOON)) {
		ktap_say("fabrics or ports of this test cannot be deleted");
		wait_left_behind(SOON);
	}
}

int main(int argc, char **argv)
{
	if (access(QUEZTL_DEVICE, F_OK)) {
		printf("KTAP version 1\n1..0 # SKIP no " QUEZTL_DEVICE "\n");
		return KTAP_SKIP;
	}
	begin_throttle();
	tidy_up();
	return ktap_run(argc, argv, tidy_up);
}
