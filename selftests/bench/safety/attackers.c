// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "attackers.h"
#include "attack.h"
#include "flow.h"
#include "mutate.h"
#include "report.h"

#include <sys/eventfd.h>
#include <sys/resource.h>

#define LENGTH		1024	/* descriptors of a chain */
#define BATCH		64	/* buffers of one run */
#define LEAD		24	/* cheap frames before one that is not */
#define SMALL		60	/* bytes of a frame */
#define MANY_SIZE	0x48000	/* memory of one of many ports */

struct stage stage;
static struct flow_frame frame;
static const struct flow whole = { .name = "64 KiB", .gso_size = 1448, .payload = 64000 },
			 cut = { .name = "1000 segments", .gso_size = 64, .payload = 64000 },
			 cut_many = { .name = "500 segments", .gso_size = 64, .payload = 32000 };
static const __u8 group[6] = { 0x01, 0x00, 0x5e, 0, 0, 9 };

/* ---- senders ---- */

static struct swg *open_sender(struct member *sender)
{
	ASSERT_EQ(swg_open(&sender->port, sender->name), 0);
	set_up(&sender->port, F(VIRTIO_NET_F_CSUM) | F(VIRTIO_NET_F_HOST_TSO4), LENGTH, NULL);
	return &sender->port;
}

/* Each of its frames is the one that is made here, in so many descriptors. */
static void lay_small(struct member *sender, const __u8 to[6], int pieces)
{
	struct swg *port = open_sender(sender);
	uint8_t *buffer = port->ring[SWG_TX].buffers;

	memset(buffer, 0, SWG_HEADER);
	frame_make(buffer + SWG_HEADER, SMALL, to, sender->mac, 1);
	attack_fill(port, SWG_TX, attack_table(port, SWG_TX, pieces, SWG_HEADER + SMALL));
	bring_up(port);
}

static void lay_large(struct member *sender, const struct flow *flow, const __u8 to[6])
{
	struct swg *port = open_sender(sender);
	uint8_t *buffer = port->ring[SWG_TX].buffers;

	flow_make(&frame, flow, to, sender->mac, 1);
	memcpy(buffer, &frame.header, SWG_HEADER);
	memcpy(buffer + SWG_HEADER, frame.bytes, frame.length);
	attack_fill(port, SWG_TX, attack_table(port, SWG_TX, LENGTH, SWG_HEADER + frame.length));
	bring_up(port);
}

static void kick_again(struct member *sender, int batch)
{
	if (!attack_is_used(&sender->port, SWG_TX)) {
		sched_yield();
		return;
	}
	attack_offer(&sender->port, SWG_TX, batch);
	swg_kick(&sender->port, SWG_TX);
}

/* ---- the sink: a receiver of the attackers' own, whose buffers are all the same ---- */

static void open_sink(uint64_t features, int pieces, uint32_t bytes)
{
	struct swg *port = &stage.sink->port;

	ASSERT_EQ(swg_open(port, stage.sink->name), 0);
	set_up(port, features, LENGTH, NULL);
	attack_fill(port, SWG_RX, attack_table(port, SWG_RX, pieces, bytes));
	attack_offer(port, SWG_RX, LENGTH);
	bring_up(port);
}

static void feed_sink(struct member *sender)
{
	if (stage.sink->port.memory)
		attack_offer(&stage.sink->port, SWG_RX, LENGTH);
	kick_again(sender, BATCH);
}

/* ---- attacks ---- */

static void nothing(struct member *sender)
{
	(void)sender;
	pause();
}

static void begin_nothing(struct member *sender)
{
	(void)sender;
}

static void compute(struct member *sender)
{
	(void)sender;
	for (volatile int i = 0; i < 1000000; i++)
		;
}

static void begin_runts(struct member *sender)
{
	struct swg *port = open_sender(sender);

	attack_fill(port, SWG_TX, attack_table(port, SWG_TX, LENGTH, SWG_HEADER + 4));
	bring_up(port);
}

/* A good frame to an innocent port, then runts. */
static void begin_garbage(struct member *sender)
{
	struct swg *port = open_sender(sender);
	struct swg_ring *ring = &port->ring[SWG_TX];

	memset(ring->buffers, 0, SWG_HEADER);
	frame_make(ring->buffers + SWG_HEADER, SMALL, stage.innocent->mac, sender->mac, 1);
	attack_fill(port, SWG_TX, attack_table(port, SWG_TX, LENGTH, SWG_HEADER + 4));
	for (int i = 0; i < ring->num; i += BATCH)
		ring->desc[i] = (struct vring_desc){ .addr = ring->buffers_at, .len = SWG_HEADER + SMALL };
	bring_up(port);
}

/* 64 buffers do not suffice for the frame, and stay: none of them is ever used up. */
static void begin_trap(struct member *sender)
{
	if (sender == stage.sender[0])
		open_sink(F(VIRTIO_NET_F_MRG_RXBUF), 15, 1);
	lay_small(sender, stage.sink->mac, LENGTH);
}

/* What a slice may do is nearly used up when the frame for the trap comes. */
static void begin_trap_late(struct member *sender)
{
	static const __u8 nobody[6] = { 0x52, 0x54, 0, 0x51, 0x77, 0x77 };
	struct swg *port = &sender->port;
	struct swg_ring *ring = &port->ring[SWG_TX];
	uint8_t *other;

	begin_trap(sender);
	other = ring->buffers + 4096;
	frame_make(other + SWG_HEADER, SMALL, nobody, sender->mac, 1);
	for (int i = 0; i < ring->num; i++)
		if (i % LEAD)
			ring->desc[i] = (struct vring_desc){ .addr = swg_address(port, other), .len = SWG_HEADER + SMALL };
}

static void begin_whole(struct member *sender)
{
	if (sender == stage.sender[0])
		open_sink(F(VIRTIO_NET_F_MRG_RXBUF) | flow_needs(&whole), 16, 1024);
	lay_large(sender, &whole, stage.sink->mac);
}

static void begin_cut(struct member *sender)
{
	open_sink(0, 64, 256);
	lay_large(sender, &cut, stage.sink->mac);
}

static void begin_plain(struct member *sender)
{
	(void)sender;
	stage.call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	attack_wait(stage.call, ATTACK_WAITERS_COPIES, ATTACK_WAITERS_EPOLLS, 0);
}

static uint64_t time_plain(void)
{
	uint64_t one = 1, begun = now_ns();

	ASSERT_EQ(write(stage.call, &one, sizeof(one)), sizeof(one));
	return now_ns() - begun;
}

/* What any user can do, without a port. */
static void step_plain(struct member *sender)
{
	static int step;

	(void)sender;
	stage.plain_writes[step++ % stage.plain_count] = time_plain();
	usleep(1000);
}

static void begin_waiters(struct member *sender)
{
	stage.call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_EQ(swg_open(&stage.sink->port, stage.sink->name), 0);
	set_up(&stage.sink->port, 0, 256, NULL);
	set_call(&stage.sink->port, SWG_RX, stage.call);
	attack_fill(&stage.sink->port, SWG_RX, attack_table(&stage.sink->port, SWG_RX, 1, 2048));
	attack_offer(&stage.sink->port, SWG_RX, 256);
	bring_up(&stage.sink->port);
	lay_small(sender, stage.sink->mac, 1);
	for (int i = 0; i < 50; i++, usleep(2000)) {	/* the call is known to be quick */
		attack_offer(&stage.sink->port, SWG_RX, 256);
		kick_again(sender, 1);
	}
	ASSERT_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	attack_wait(stage.call, ATTACK_WAITERS_COPIES, ATTACK_WAITERS_EPOLLS, 0);
}

static void step_waiters(struct member *sender)
{
	attack_offer(&stage.sink->port, SWG_RX, 256);
	kick_again(sender, 1);
	usleep(1000);
}

static void begin_commands(struct member *sender)
{
	struct swg *port = &sender->port;

	ASSERT_EQ(swg_open(port, sender->name), 0);
	set_up(port, F(VIRTIO_NET_F_CTRL_VQ) | F(VIRTIO_NET_F_CTRL_RX), LENGTH, NULL);
	attack_commands(port, LENGTH);
	bring_up(port);
}

static void step_commands(struct member *sender)
{
	if (!attack_is_used(&sender->port, SWG_CTRL)) {
		usleep(50);
		return;
	}
	attack_offer(&sender->port, SWG_CTRL, LENGTH);
	swg_kick(&sender->port, SWG_CTRL);
}

static struct mutator mutator;

static void begin_mutations(struct member *sender)
{
	open_sink(0, 1, 2048);
	ASSERT_EQ(swg_open(&sender->port, sender->name), 0);
	sender->port.slot = 2048;
	ASSERT_EQ(swg_map_all(&sender->port, true), 0);
	mutator = (struct mutator){ .state = 7, .port = &sender->port };
	memcpy(mutator.own, sender->mac, 6);
	memcpy(mutator.other, stage.sink->mac, 6);
	mutate_setup(&mutator);
	sender->port.slot = 2048;
}

static void step_mutations(struct member *sender)
{
	struct swg *port = &sender->port;
	int status;

	attack_offer(&stage.sink->port, SWG_RX, LENGTH);
	for (int ring = 0; ring < SWG_RINGS; ring++) {
		for (int i = 0; i < BATCH; i++)
			mutate_chain(&mutator, ring);
		__atomic_store_n(&port->ring[ring].avail->idx, port->ring[ring].next, __ATOMIC_RELEASE);
		if (!mutate_random(&mutator, 12))
			mutate_ring(&mutator, ring);
	}
	swg_kick(port, SWG_TX);
	swg_kick(port, SWG_CTRL);
	status = swg_get_status(port);
	if (!status || status & VIRTIO_CONFIG_S_NEEDS_RESET || !mutate_random(&mutator, 256)) {
		mutate_setup(&mutator);
		port->slot = 2048;
	}
}

/* ---- many ports ---- */

static void open_many(void)
{
	struct rlimit files = { 16384, 16384 };

	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
	for (int i = 0; i < stage.many_count; i++) {
		struct swg *port = &stage.many[i]->port;

		ASSERT_EQ(swg_open(port, stage.many[i]->name), 0);
		madvise(port->memory, port->size, MADV_NOHUGEPAGE);
		port->size = MANY_SIZE;
		set_up(port, 0, 16, NULL);
		attack_fill(port, SWG_RX, (struct vring_desc){ .addr = port->ring[SWG_RX].buffers_at, .len = 2048,
							       .flags = VRING_DESC_F_WRITE });
		attack_offer(port, SWG_RX, 16);
		bring_up(port);
	}
}

static void begin_cut_many(struct member *sender)
{
	open_many();
	lay_large(sender, &cut_many, group);
}

static void begin_flood(struct member *sender)
{
	open_many();
	lay_small(sender, frame_broadcast, 1);
}

static void feed_many(struct member *sender)
{
	for (int i = 0; i < stage.many_count; i++)
		attack_offer(&stage.many[i]->port, SWG_RX, 16);
	kick_again(sender, BATCH);
}

const struct attack attacks[] = {
	{ "quiet", .begin = begin_nothing, .step = nothing },
	{ "computing", .begin = begin_nothing, .step = compute },
	{ "computing, two", .begin = begin_nothing, .step = compute, .twice = true },
	{ "long chains", .begin = begin_runts, .step = feed_sink },
	{ "garbage to one innocent", .begin = begin_garbage, .step = feed_sink },
	{ "trap", .begin = begin_trap, .step = feed_sink },
	{ "trap, last in a slice", .begin = begin_trap_late, .step = feed_sink },
	{ "trap, two senders", .begin = begin_trap, .step = feed_sink, .twice = true },
	{ "64 KiB in pieces", .begin = begin_whole, .step = feed_sink },
	{ "64 KiB, two senders", .begin = begin_whole, .step = feed_sink, .twice = true },
	{ "64 KiB cut in 1000", .begin = begin_cut, .step = feed_sink },
	{ "commands", .begin = begin_commands, .step = step_commands },
	{ "mutations", .begin = begin_mutations, .step = step_mutations },
	{ "computing", .begin = begin_nothing, .step = compute },
	{ "computing, two", .begin = begin_nothing, .step = compute, .twice = true },
	{ "cut, to many", .begin = begin_cut_many, .step = feed_many, .many = true },
	{ "flood, to many", .begin = begin_flood, .step = feed_many, .many = true },
	{ "10^5 waiters, write()", .begin = begin_plain, .step = step_plain },
	{ "10^5 waiters", .begin = begin_waiters, .step = step_waiters },
	{ "computing", .begin = begin_nothing, .step = compute },
	{ "computing, two", .begin = begin_nothing, .step = compute, .twice = true },
	{ "quiet", .begin = begin_nothing, .step = nothing },
};
const int attack_count = sizeof(attacks) / sizeof(*attacks);
