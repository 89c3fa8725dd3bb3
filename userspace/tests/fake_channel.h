/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Simulates windows, rules and channels. A window is a file in memory; when its
 * slot is connected, what the peer writes is mapped where the kernel would.
 */
#ifndef QUEZTL_FAKE_CHANNEL_H
#define QUEZTL_FAKE_CHANNEL_H

#include <linux/queztl_qhp.h>

#include "fake.h"

#define FAKE_SLOTS	4

struct fake_slot {
	int window;		/* index of the peer's, -1: none */
	uint32_t peer;		/* its slot */
	int kick, call;		/* eventfds, -1: none */
};

struct fake_window {
	struct queztl_window info;	/* id 0: no window */
	int file;
	size_t bytes;
	char *memory;		/* the file, as the kernel writes it */
	char *at;		/* where the program has mapped it, or NULL */
	int changes;		/* eventfd, -1: none */
	struct fake_slot slot[FAKE_SLOTS];
};

extern struct fake_window fake_windows[FAKE_ROOM];
extern struct queztl_channel_rule fake_rules[FAKE_ROOM];	/* id 0: none */

/* None of them, at the start of a test. */
void fake_reset_channels(void);

/* Size of the argument of a call about them, else 0. */
uint32_t size_of_channel_argument(unsigned long request);

int channel_call(unsigned long request, void *arg);
int window_call(int window, unsigned long request, void *arg);

/* The index of the window whose descriptor it is, or -1. */
int find_fake_window(int fd);

#endif /* QUEZTL_FAKE_CHANNEL_H */
