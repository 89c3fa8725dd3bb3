// SPDX-License-Identifier: GPL-2.0
/*
 * A channel whose peer writes whatever the fuzzer likes into its region, at any time. The consumer stays inside that
 * region, the producer inside its own, and what a message in the own region holds stays until it may be released.
 */
#include "fuzz.h"
#include "qhp/channel/ring.h"

#define BYTES	QHP_REGION_MIN
#define RING	(BYTES - sizeof(struct qhp_region))

#define SENT	256

#define ENTRY(kind, len)	((__u64)(kind) << 32 | (len))

struct sent {
	__u32 from, len;
	__u8 *at;
};

struct end {
	struct qhp_ends ends;
	struct qhp_tx tx;
	struct qhp_rx rx;
	bool attached;
	struct sent sent[SENT];		/* the last ones */
	__u32 next;
};

static void write_entry(__u8 *at, __u64 what)
{
	((struct qhp_entry *)at)->what = what;
}

/* Most lies are about the numbers, and most numbers are near the truth. */
static void lie(struct fuzz *fuzz, struct end *end)
{
	struct qhp_region *peer = (struct qhp_region *)end->ends.peer;
	__u8 *ring = (__u8 *)(peer + 1);
	__u32 near = (__s8)fuzz_u8(fuzz);
	/* The entry that is looked at next, or is read again when it is released. */
	__u32 at = (fuzz_u8(fuzz) & 1 ? end->rx.next_at : end->rx.tail_at) % RING;
	__u64 what = fuzz_u8(fuzz) % 4;

	switch (fuzz_u8(fuzz) % 8) {
	case 0:
		for (__u32 n = 0; n < 64; n++)		/* a good one, or some */
			write_entry(ring + (at + 8 * n) % RING, ENTRY(QHP_KIND_MESSAGE, near & 1 ? 0 : (__u8)near));
		break;
	case 1:
		peer->tail = end->tx.tail + 8 * near;
		break;
	case 2:
		write_entry(ring + at, ENTRY(QHP_KIND_WRAP, 0));
		write_entry(ring, ENTRY(QHP_KIND_MESSAGE, fuzz_u16(fuzz)));
		break;
	case 3:
		write_entry(ring + at, what << 32 | (__u8)near);
		break;
	case 4:
		write_entry(ring + at, what << 32 | fuzz_u32(fuzz));
		break;
	case 5:
		write_entry(ring, what << 32 | fuzz_u16(fuzz));
		break;
	case 6:
		peer->rx_event = fuzz_u32(fuzz);
		peer->tx_event = fuzz_u32(fuzz);
		break;
	default:
		((__u8 *)peer)[fuzz_u16(fuzz)] = near;
	}
}

static void attach(struct fuzz *fuzz, struct end *end)
{
	struct qhp_region *peer = (struct qhp_region *)end->ends.peer;
	__u64 features;
	int err;

	if (fuzz_u8(fuzz) & 1) {
		peer->magic = QHP_REGION_MAGIC;
		peer->version = QHP_VERSION;
		peer->ring = sizeof(*peer);
		peer->bytes = RING - (fuzz_u8(fuzz) % 4 ? 0 : fuzz_u8(fuzz));
	}
	err = qhp_rx_attach(&end->rx, &end->ends, &features);
	fuzz_check(err == 0 || err == -EAGAIN || err == -EPROTO);
	end->attached = !err;
}

static void send(struct fuzz *fuzz, struct end *end)
{
	__u32 len = fuzz_u8(fuzz) & 1 ? fuzz_u8(fuzz) : fuzz_u16(fuzz);
	__u8 *own = (__u8 *)end->ends.own, *at;
	void *room;
	int err = qhp_tx_reserve(&end->tx, len, &room);

	fuzz_check(err == 0 || err == -EAGAIN || err == -EMSGSIZE || err == -EPROTO);
	fuzz_check(err != -EPROTO || end->tx.broken);
	if (err)
		return;
	at = room;
	fuzz_check(at >= own + sizeof(struct qhp_region) && at + len <= own + BYTES);
	fuzz_check(len < QHP_LARGE || !((at - own) % QHP_LARGE_ALIGN));
	memset(at, len, len);
	if (fuzz_u8(fuzz) & 7) {
		end->sent[end->next++ % SENT] = (struct sent){ end->tx.head, len, at };
		qhp_tx_commit(&end->tx);
	}
	if (fuzz_u8(fuzz) & 1)
		qhp_tx_publish(&end->tx);
	fuzz_check(end->tx.head - end->tx.tail < RING);
}

/* What the peer has not released is as it was written. It may release half a message. */
static void check_sent(const struct end *end)
{
	for (__u32 i = 0; i < SENT; i++) {
		const struct sent *sent = &end->sent[i];

		if (!sent->at || (__s32)(sent->from - end->tx.tail) < 0)
			continue;
		for (__u32 n = 0; n < sent->len; n += n + 16 < sent->len ? 16 : 1)
			fuzz_check(sent->at[n] == (__u8)sent->len);
	}
}

static void receive(struct fuzz *fuzz, struct end *end)
{
	const __u8 *peer = (const __u8 *)end->ends.peer, *at;
	struct qhp_msg msg;
	int got = qhp_rx_peek(&end->rx, &msg);

	fuzz_check(got == 1 || got == 0 || got == -EPROTO);
	fuzz_check(got != -EPROTO || end->rx.broken);
	if (got == 1) {
		at = msg.data;
		fuzz_check(at >= peer + sizeof(struct qhp_region) && at <= peer + BYTES && msg.len <= peer + BYTES - at);
	}
	if (fuzz_u8(fuzz) & 1)
		qhp_rx_release(&end->rx, fuzz_u8(fuzz) % 4);
	fuzz_check(end->rx.next - end->rx.tail < RING);
	if (fuzz_u8(fuzz) & 1)
		qhp_rx_arm(&end->rx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { data, size };
	struct end end = { .ends = { calloc(1, BYTES), calloc(1, BYTES), BYTES } };

	fuzz_check(!qhp_region_init(&end.tx, &end.ends, 0));
	while (fuzz.left) {
		lie(&fuzz, &end);
		if (!end.attached)
			attach(&fuzz, &end);
		else
			receive(&fuzz, &end);
		send(&fuzz, &end);
		if (fuzz_u8(&fuzz) & 1)
			qhp_tx_arm(&end.tx);
		check_sent(&end);
	}
	free(end.ends.own);
	free((void *)end.ends.peer);
	return 0;
}
