/* SPDX-License-Identifier: GPL-2.0 */
/* A process that stands for a VM: it has one, and threads of its own that are busy. */
#ifndef QUEZTL_STANDIN_H
#define QUEZTL_STANDIN_H

#include <linux/types.h>
#include <stdbool.h>
#include <sys/types.h>

/* Shared with it. */
struct standin_state {
	volatile __u64 beats;
	__u64 busy_ns;		/* CPU time of its busy threads */
	volatile bool relax;	/* they end */
	volatile bool end_vm;	/* it has no VM any more, and they sleep now and then */
};

struct standin {
	pid_t pid;
	__u64 id;		/* of its VM */
	struct standin_state *state;
};

/* They assert. Returns when the module knows its VM. */
struct standin start_standin(int threads);
/* Its main thread is a vCPU that is busy (tinyvm.h), and a thread wakes up every 10 ms. */
struct standin start_tiny(int threads);
/* The same, of a guest in user mode. */
struct standin start_user_mode(int threads);
/* So many of its threads are vCPUs that are busy. */
struct standin start_vcpus(int vcpus);
/* Beside busy threads there are some that are for a moment, then begin another one and end. */
struct standin start_chains(int threads, int chains);
/* The same without a VM. */
struct standin start_host(int threads, int chains);
/* A busy thread that may run on the first CPU only, without a VM. */
struct standin start_pinned(void);
/* A VM of two vCPUs that yield to each other. */
struct standin start_yielding(void);
/* Two, each with a thread that wakes up the other's; pinned: to the first CPU. */
void start_pair(struct standin *a, struct standin *b, bool pinned);
__u64 standin_beats(const struct standin *s);
__u64 standin_busy_ns(const struct standin *s);
void standin_relax(struct standin *s);
void standin_end_vm(struct standin *s);
void end_standin(struct standin *s);

#endif
