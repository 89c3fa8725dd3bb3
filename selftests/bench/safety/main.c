// SPDX-License-Identifier: GPL-2.0
/*
 * bench_safety [PART...]: what one tenant can do to another, and to the administrator, in numbers. Run in L1 by safety.py.
 * A part is written as a test: it is a process of its own, and asserts that what it measures happens.
 */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "cgroup.h"
#include "tenant.h"
#include "testmod.h"

static void tidy_up(void)
{
	end_throttle();
	testmod_unload("qz_sections");
	if (sweep_within(100 * SOON))
		ktap_say("fabrics or ports of this part cannot be deleted");
}

int main(int argc, char **argv)
{
	begin_throttle();
	return ktap_run(argc, argv, tidy_up);
}
