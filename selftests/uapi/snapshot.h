/* SPDX-License-Identifier: GPL-2.0 */
/* What a call that fails must leave as it is. */
#ifndef QUEZTL_SNAPSHOT_H
#define QUEZTL_SNAPSHOT_H

#include <linux/types.h>

struct snapshot {
	__u32 vms, fabrics, ports, denying, peers, addresses, windows, slots, rules, channels;
	int fds, references;		/* the module's */
};

struct snapshot take_snapshot(void);	/* asks world.device */
void expect_unchanged(const char *what, struct snapshot then);

#endif
