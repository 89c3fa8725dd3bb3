// SPDX-License-Identifier: GPL-2.0
/*
 * A channel: both regions are mapped as the kernel maps those of a channel, the own one writable and the peer's read-only.
 * Messages are built in place and read in place. Both ends poll:
 *	qhp		neither asks whether the other one sleeps, but for round trips
 *	qhp_wake	both ask, each time
 */
#include "native.h"
#include "qhp/channel/ring.h"

static struct qhp_ends ends;
static struct qhp_tx tx;
static struct qhp_rx rx;

static void init(int end)
{
	void *own;
	const void *peer;

	map_regions(end, &own, &peer);
	ends = (struct qhp_ends){ own, peer, 0 };
}

static void reset(int end, const struct load *load)
{
	(void)end;
	memset(ends.own, 0, REGION_BYTES);
	ends.bytes = load->room;
	CHECK(!qhp_region_init(&tx, &ends, 0));
}

static void join(int end, const struct load *load)
{
	__u64 features;

	(void)end;
	(void)load;
	CHECK(!qhp_rx_attach(&rx, &ends, &features));
}

ALWAYS_INLINE void put(uint64_t i, uint32_t len)
{
	void *at;
	int err;

	while ((err = qhp_tx_reserve(&tx, len, &at)))
		CHECK(err == -EAGAIN);
	fill(at, len, i);
	qhp_tx_commit(&tx);
}

ALWAYS_INLINE uint64_t get(uint32_t len)
{
	struct qhp_msg msg;
	int got;

	while (!(got = qhp_rx_peek(&rx, &msg)))
		;
	CHECK(got == 1 && msg.len == len);
	return sum(msg.data, len);
}

ALWAYS_INLINE void ask(void)
{
	CHECK(!qhp_wake(&tx, &rx));
}

ALWAYS_INLINE void ping_all(const struct load *load, struct samples *samples, uint32_t len)
{
	uint64_t before = 0, all = 0;

	for (uint64_t i = 0; i < load->count; i++) {
		put(i, len);
		qhp_tx_show(&tx);
		ask();
		all += get(len);
		qhp_rx_return(&rx, 1);
		sample(samples, &before, i + 1, TRIPS);
	}
	CHECK(all == sum_of_all(load->count, len));
}

static void ping(const struct load *load, struct samples *samples)
{
	BY_LENGTH(ping_all, load->len, load, samples);
}

ALWAYS_INLINE void pong_all(const struct load *load, uint32_t len)
{
	for (uint64_t i = 0; i < load->count; i++) {
		get(len);
		qhp_rx_return(&rx, 1);
		put(i, len);
		qhp_tx_show(&tx);
		ask();
	}
}

static void pong(const struct load *load)
{
	BY_LENGTH(pong_all, load->len, load);
}

ALWAYS_INLINE void send_all(const struct load *load, bool wake, uint32_t len)
{
	uint32_t burst = load->burst;

	for (uint64_t i = 0; i < load->count; i += burst) {
		for (uint32_t n = 0; n < burst; n++)
			put(i + n, len);
		if (wake)
			CHECK(!qhp_tx_publish(&tx));
		else
			qhp_tx_show(&tx);
	}
}

ALWAYS_INLINE uint64_t receive_all(const struct load *load, struct samples *samples, bool wake, uint32_t len)
{
	uint64_t before = 0, all = 0, i = 0, next = CHUNK;
	struct qhp_msg msgs[BURST_MAX];

	while (i < load->count) {
		int got = qhp_rx_peek_burst(&rx, msgs, load->burst);

		CHECK(got >= 0);
		if (!got) {
			relax();
			continue;
		}
		for (int n = 0; n < got; n++) {
			CHECK(msgs[n].len == len);
			all += sum(msgs[n].data, len);
		}
		if (wake)
			CHECK(!qhp_rx_release(&rx, got));
		else
			qhp_rx_return(&rx, got);
		i += got;
		if (i < next)
			continue;
		sample(samples, &before, 0, CHUNK);
		next += CHUNK;
	}
	return all;
}

static void send(const struct load *load)
{
	BY_LENGTH(send_all, load->len, load, false);
}

static uint64_t receive(const struct load *load, struct samples *samples)
{
	return BY_LENGTH(receive_all, load->len, load, samples, false);
}

static void send_wake(const struct load *load)
{
	BY_LENGTH(send_all, load->len, load, true);
}

static uint64_t receive_wake(const struct load *load, struct samples *samples)
{
	return BY_LENGTH(receive_all, load->len, load, samples, true);
}

const struct side side_qhp = { "qhp", init, reset, join, ping, pong, send, receive };
const struct side side_qhp_wake = { "qhp_wake", init, reset, join, NULL, NULL, send_wake, receive_wake };
