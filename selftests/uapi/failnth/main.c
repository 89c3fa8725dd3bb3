// SPDX-License-Identifier: GPL-2.0
/*
 * The program failnth: every call with every allocation and every copy in it failing, one at a time. It fails with an
 * error it documents and nothing has changed, or it can do without. Ioctls by the table in calls.c, and what else of ours
 * runs in a caller's thread: ports made and deleted, vhost-vdpa's calls, VMs announced, the module loaded.
 */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "ktap.h"
#include "fabric.h"
#include "channel/host.h"
#include "inject.h"
#include "module.h"

/* The module is loaded for whoever comes next, and nobody here holds it. */
static void tidy_up(void)
{
	inject_within(NULL);
	module_restore();
	fabric_sweep();
	channel_sweep();
	queztl_close();
}

int main(int argc, char **argv)
{
	module_find();
	if (access(QUEZTL_DEVICE, F_OK)) {
		printf("KTAP version 1\n1..0 # SKIP no " QUEZTL_DEVICE "\n");
		return KTAP_SKIP;
	}
	tidy_up();
	return ktap_run(argc, argv, tidy_up);
}
