/* SPDX-License-Identifier: GPL-2.0 */
/* A process that stands for a VM: it has one, and threads of its own that are busy. */
#ifndef QUEZTL_STANDIN_H
#define QUEZTL_STANDIN_H

#include <linux/types.h>
#include <sys/types.h>

struct standin {
	pid_t pid;
	__u64 id;		/* of its VM */
	volatile __u64 *beats;	/* shared with it */
};

/* They assert. Returns when the module knows its VM. */
struct standin start_standin(int threads);
/* With a vCPU that is busy (tinyvm.h), and a thread that wakes up every 10 ms. */
struct standin start_tiny(void);
/* Two, each with a thread that wakes up the other's. */
void start_pair(struct standin *a, struct standin *b);
__u64 standin_beats(const struct standin *s);
void end_standin(struct standin *s);

#endif
