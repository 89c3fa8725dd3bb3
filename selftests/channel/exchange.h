/* SPDX-License-Identifier: GPL-2.0 */
/* Numbered messages both ways over one channel, small and large ones. The receiver checks all of each. */
#ifndef QUEZTL_EXCHANGE_H
#define QUEZTL_EXCHANGE_H

#include "host.h"

/* One end. */
struct exchange {
	const struct window *window;
	int slot;
	__u32 sends, expects;		/* what the messages of each direction begin with */
	__u32 sent, received;
	__u32 last;			/* it sends no more than that */
	bool attached, full;
	struct qhp_tx tx;
	struct qhp_rx rx;
};

enum exchange_state {
	EXCHANGE_BUSY,			/* there is more to do */
	EXCHANGE_ARMED,			/* nothing before the peer rings */
	EXCHANGE_CUT,			/* the peer has gone, or the channel was revoked */
};

/* The slot listens or is connected. It prepares the region, and rings the peer if there is one. */
void exchange_start(struct exchange *end, const struct window *window, int slot, __u32 sends,
		    __u32 expects);
/* Sends and receives some. It never waits, and asserts that what comes is right. */
enum exchange_state exchange_step(struct exchange *end);

#endif
