// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "exchange.h"
#include "ktap.h"

#define STEP	16	/* messages */
#define AHEAD	4	/* of answers: the large ones of these fill the ring */
#define LARGE	30000	/* bytes, nearly half of the ring */

/* A message begins so, and the rest of it is one byte again and again. */
struct stamp {
	__u32 direction, number;
};

static __u32 length_of(__u32 number)
{
	return sizeof(struct stamp) + (number % 16 ? number % 300 : number * 977 % LARGE);
}

static __u8 fill_of(struct stamp stamp)
{
	return stamp.direction * 31 + stamp.number;
}

static bool is_cut(const struct exchange *end)
{
	__u32 state = slot_state(end->window, end->slot);

	return state == QHP_SLOT_CLOSED || state == QHP_SLOT_REVOKED;
}

/* The kernel says that the channel is cut before anything in it reads as zeros. */
static enum exchange_state failed(const struct exchange *end, const char *what, int error)
{
	KTAP_CHECK(is_cut(end), true, "slot %d: %s after %u messages sent and %u received: %s",
		   end->slot, what, end->sent, end->received, strerror(-error));
	return EXCHANGE_CUT;
}

/* 0 or -errno. */
static int ring(const struct exchange *end)
{
	return channel_ring(end->window->fd, end->slot);
}

/* 1: one was sent; 0: none can be now; -errno. */
static int send_next(struct exchange *end)
{
	struct stamp stamp = { end->sends, end->sent };
	__u32 length = length_of(stamp.number);
	void *at;
	int r;

	if (end->sent == end->last || (__s32)(end->sent - end->received) >= AHEAD)
		return 0;
	r = qhp_tx_reserve(&end->tx, length, &at);
	end->full = r == -EAGAIN;
	if (r)
		return end->full ? 0 : r;
	memcpy(at, &stamp, sizeof(stamp));
	memset((char *)at + sizeof(stamp), fill_of(stamp), length - sizeof(stamp));
	qhp_tx_commit(&end->tx);
	end->sent++;
	r = qhp_tx_publish(&end->tx) ? ring(end) : 0;
	return r ? r : 1;
}

static bool is_right(const struct exchange *end, const struct qhp_msg *msg)
{
	const struct stamp wanted = { end->expects, end->received };

	return msg->len == length_of(wanted.number) && !memcmp(msg->data, &wanted, sizeof(wanted)) &&
	       is_filled((const char *)msg->data + sizeof(wanted), fill_of(wanted),
			 msg->len - sizeof(wanted));
}

/* 1: one was received; 0: there is none; -errno. */
static int receive_next(struct exchange *end)
{
	struct qhp_msg msg;
	int r = qhp_rx_peek(&end->rx, &msg);

	if (r <= 0)
		return r;
	if (!is_right(end, &msg))
		return -EBADMSG;
	end->received++;
	r = qhp_rx_release(&end->rx, 1) ? ring(end) : 0;
	return r ? r : 1;
}

static bool may_sleep(struct exchange *end)
{
	return !qhp_rx_arm(&end->rx) && !(end->full && qhp_tx_arm(&end->tx));
}

static int attach(struct exchange *end)
{
	__u64 features;
	int r = qhp_rx_attach(&end->rx, &end->tx.ends, &features);

	end->attached = !r;
	return r;
}

void exchange_start(struct exchange *end, const struct window *window, int slot, __u32 sends,
		    __u32 expects)
{
	struct qhp_ends ends = ends_of(window, slot);
	int r;

	*end = (struct exchange){ .window = window, .slot = slot, .sends = sends,
				  .expects = expects, .last = -1 };
	ASSERT_EQ(qhp_region_init(&end->tx, &ends, 0), 0);
	r = ring(end);
	ASSERT(!r || r == -ENOTCONN);
}

enum exchange_state exchange_step(struct exchange *end)
{
	int received, sent, r = end->attached ? 0 : attach(end);

	if (r == -EAGAIN)
		return is_cut(end) ? EXCHANGE_CUT : EXCHANGE_ARMED;
	if (r)
		return failed(end, "no region", r);
	for (int i = 0; i < STEP; i++) {
		received = receive_next(end);
		if (received < 0)
			return failed(end, "cannot receive", received);
		sent = send_next(end);
		if (sent < 0)
			return failed(end, "cannot send", sent);
		if (!received && !sent && may_sleep(end))
			return is_cut(end) ? EXCHANGE_CUT : EXCHANGE_ARMED;
	}
	return EXCHANGE_BUSY;
}
