/* SPDX-License-Identifier: GPL-2.0 */
/* Windows and channels as an administrator and their owners use them. Calls return 0 or -errno unless said otherwise. */
#ifndef QUEZTL_HOST_H
#define QUEZTL_HOST_H

#include <linux/queztl.h>
#include <stdbool.h>
#include <stddef.h>

#include "qhp/channel/ring.h"

#define REGION	QHP_REGION_MIN

/* A window that this process maps. */
struct window {
	int fd;
	char *at;
	size_t bytes;
};

int window_create(const char *name, __u32 slots, __u32 region, int *fd);
int window_find(const char *name, struct queztl_window *found);
int window_events(int fd, struct queztl_events *events);
int window_bell(int fd, __u32 slot, int kick, int call);
/* Of the smallest regions. It asserts. */
struct window window_open(const char *name, __u32 slots);
void window_map(struct window *window);
void window_close(struct window *window);

int channel_allow(const char *name, const char *listener, const char *connecter);
int channel_deny(const char *name, const char *listener, const char *connecter);
int channel_find(const char *name, struct queztl_channel *found);
int channel_revoke(const char *name);
/* The slot, or -errno. */
int channel_listen(int fd, const char *name, __u32 bytes);
int channel_connect(int fd, const char *name);
int channel_close(int fd, int slot);
int channel_ring(int fd, int slot);

/* Two windows, qta and qtb, and a channel qtc between them, in slot 0 of both. It asserts. */
void join_windows(struct window *a, struct window *b);

const struct qhp_directory *directory_of(const struct window *window);
char *own_of(const struct window *window, int slot);
char *peer_of(const struct window *window, int slot);
struct qhp_ends ends_of(const struct window *window, int slot);
__u32 slot_state(const struct window *window, int slot);

bool is_filled(const char *at, char byte, size_t bytes);

/* How much there is of everything, whoever has it. */
struct channel_counts {
	__u32 windows, slots, rules, channels;
	__u64 memory;			/* bytes of regions */
};

struct channel_counts channel_counts_now(void);

/* Rules of the tests are taken back; windows go with their processes. */
void channel_sweep(void);

/* The number in a file, such as one of a cgroup, or -1. */
long long read_number(const char *path);

#endif
