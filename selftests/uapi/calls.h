/* SPDX-License-Identifier: GPL-2.0 */
/* The table of ioctls that drives ioctl and failnth, and the world the calls are made in. */
#ifndef QUEZTL_CALLS_H
#define QUEZTL_CALLS_H

#include <linux/queztl.h>
#include <stdbool.h>

#define ROOM	4096		/* larger than any argument */
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* What the calls are made on. Each test's child makes its own. */
struct world {
	int device, system, kvm, vm;	/* -1: not there */
	int window, peer_window;
	bool sched;			/* QUEZTL_F_SCHED */
	__u64 vm_id, fabric, port, peer;
};

struct call {
	const char *name;
	unsigned int number;
	__u32 size;			/* of the ABI version that brought it */
	__u32 grown;			/* of this version, if there is more */
	bool on_vm, on_window, fills, sched; /* sched: of a kernel with QUEZTL_F_SCHED */
	bool apart;			/* too slow to be called for each size: ioctl/sched.c */
	void (*prepare)(void *argument);/* makes it good for one successful call */
	void (*undo)(void *argument);	/* takes the effect of that call back */
	int reserved[4];		/* offsets of reserved bytes, 0 ends */
};

extern struct world world;
extern const __u8 world_mac[6];		/* of its first port */
extern const struct call calls[QUEZTL_CALLS];

/* A fabric with two ports, two windows with a channel, and a VM with a vCPU where there is KVM. It asserts. */
void open_world(void);
__u64 add_fabric(const char *name);

int fd_of(const struct call *call);
bool can_call(const struct call *call);
/* A good argument of @size bytes at @at. */
void prepare(const struct call *call, void *at, __u32 size);

#define for_each_call(call) \
	for (const struct call *call = calls; call < calls + QUEZTL_CALLS; call++) \
		if (can_call(call))

#endif
