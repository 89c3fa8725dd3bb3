// SPDX-License-Identifier: GPL-2.0
/*
 * A port's sending ring is served by threads of its own process, whoever signals its kick. A receiver that uses one
 * eventfd as the call of its receiving ring and the kick of its sending ring has it signalled by its senders.
 */
#define _GNU_SOURCE
#include "tenant.h"

#include <sys/eventfd.h>

#define QUEUED	3	/* frames that B has put into its ring without a kick; fewer than a stream */
#define ROUNDS	5

static struct {
	volatile int ready, fill, filled, sent, returned;
} *shared;
static struct member *a, *b, *c;
static int kick_of_b, call_of_b;

/* B puts frames to C into its ring when told to, and tells nobody. */
static void run_b(void)
{
	uint32_t seed = 0;

	ASSERT_EQ(swg_open(&b->port, b->name), 0);
	set_up(&b->port, 0, 256, NULL);
	set_kick(&b->port, SWG_TX, kick_of_b);
	set_call(&b->port, SWG_RX, call_of_b);
	swg_fill(&b->port);
	bring_up(&b->port);
	shared->ready = 1;
	for (;;) {
		await_order(&shared->fill);
		for (int i = 0; i < QUEUED; i++)
			ASSERT_EQ(send_to(b, c->mac, 60, seed++, SWG_QUIET), 0);
		shared->filled = 1;
	}
}

static pid_t start_b(void)
{
	pid_t tenant;

	shared = share(sizeof(*shared));
	make_fabric("qtlan");
	a = join("qtlan", 1, 0);
	b = make_member("qtlan", 2, 0);
	c = join("qtlan", 3, 0);
	start(a, NULL);
	start(c, NULL);
	tenant = fork_tenant(run_b);
	await(&shared->ready);
	usleep(100000);		/* the runs that starting it caused are over */
	return tenant;
}

/* B has frames in its ring and is stopped; then its kick is signalled by @signal, in a thread of another process. */
static void expect_b_waits_for_itself(pid_t tenant, uint32_t round, void (*signal)(uint32_t round))
{
	struct queztl_port_stats before, after;

	shared->filled = 0;
	shared->fill = 1;
	await(&shared->filled);
	stop_tenant(tenant);
	before = member_stats(b);
	signal(round);
	usleep(SILENCE * 1000);
	after = member_stats(b);
	KTAP_CHECK(after.direct_runs == before.direct_runs, false,
		   "round %u: B's ring was run in the thread that signalled its kick", round);
	KTAP_CHECK(after.tx_packets == before.tx_packets, false, "round %u: B sent %llu frames while it was stopped",
		   round, (unsigned long long)(after.tx_packets - before.tx_packets));
	resume_tenant(tenant);
	for (int i = 0; i < QUEUED; i++)
		expect_arrives(c, c->mac, b, 60, round * QUEUED + i);
}

static void send_frame_to_b(uint32_t round)
{
	uint64_t before = member_stats(b).rx_packets;

	ASSERT_EQ(send_to(a, b->mac, 60, round, 0), 0);
	ASSERT_EQ(swg_wait_sent(&a->port, SOON), 0);
	EXPECT_EQ(member_stats(b).rx_packets, before + 1);
}

TEST(a_receivers_ring_is_not_served_in_its_senders_thread)
{
	pid_t tenant;

	kick_of_b = call_of_b = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	tenant = start_b();
	for (uint32_t round = 0; round < ROUNDS; round++)
		expect_b_waits_for_itself(tenant, round, send_frame_to_b);
}

static void signal_as_a_daemon(uint32_t round)
{
	uint64_t one = 1;

	(void)round;
	ASSERT_EQ(write(kick_of_b, &one, sizeof(one)), sizeof(one));
}

/* A tenant may give any descriptor to a daemon of the host that signals eventfds. */
TEST(a_daemon_that_signals_a_kick_does_not_serve_the_ring)
{
	pid_t tenant;

	kick_of_b = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	call_of_b = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	tenant = start_b();
	for (uint32_t round = 0; round < ROUNDS; round++)
		expect_b_waits_for_itself(tenant, round, signal_as_a_daemon);
}

/*
 * B has two ports, b and c, and one eventfd: call of both receiving rings, kick of b's sending ring. The available ring of
 * that lies where the used rings of the others are, so each frame that c receives makes another one available: each of
 * b's runs causes the next.
 */
#define C_MEMORY	0x5000000000ULL		/* where c sees b's memory */
#define CROSSING	0x200000		/* in b's memory: that available ring, and those used rings */
#define OTHER_USED	0x220000
#define TABLE		0x230000
#define LENGTH		1024			/* descriptors of the one frame: it takes a while */
#define LEAD		1000			/* buffers of c's */

static void lay_crossing(struct vring_desc *table)
{
	static const uint16_t first_of_c[SWG_RINGS] = { 1, 0, 0 };
	struct swg *pb = &b->port, *pc = &c->port;

	set_up(pb, 0, 256, NULL);
	set_up(pc, 0, LENGTH, first_of_c);
	ASSERT_EQ(swg_iotlb(pc, VHOST_IOTLB_UPDATE, C_MEMORY, pb->memory, pb->size, VHOST_ACCESS_RW), 0);
	set_addresses(pb, SWG_RX, pb->ring[SWG_RX].desc_at, pb->ring[SWG_RX].avail_at, pb->base + CROSSING);
	set_addresses(pb, SWG_TX, pb->ring[SWG_TX].desc_at, pb->base + CROSSING, pb->base + OTHER_USED);
	set_addresses(pc, SWG_RX, pc->ring[SWG_RX].desc_at, pc->ring[SWG_RX].avail_at, C_MEMORY + CROSSING);
	set_call(pb, SWG_RX, call_of_b);
	set_call(pc, SWG_RX, call_of_b);
	set_kick(pb, SWG_TX, kick_of_b);
	for (int i = 0; i < LENGTH; i++)
		table[i] = (struct vring_desc){ .addr = pb->ring[SWG_TX].buffers_at, .next = i + 1,
						.len = i < LENGTH - 1 ? 0 : SWG_HEADER + 60,
						.flags = i < LENGTH - 1 ? VRING_DESC_F_NEXT : 0 };
	for (int i = 0; i < 256; i++)
		pb->ring[SWG_TX].desc[i] = (struct vring_desc){ .addr = swg_address(pb, table),
			.len = LENGTH * sizeof(*table), .flags = VRING_DESC_F_INDIRECT };
}

static void run_feeding_b(void)
{
	struct vring_avail *crossing, *avail_of_c;
	uint16_t now;

	ASSERT_EQ(swg_open(&b->port, b->name), 0);
	ASSERT_EQ(swg_open(&c->port, c->name), 0);
	crossing = (void *)(b->port.memory + CROSSING);
	lay_crossing((void *)(b->port.memory + TABLE));
	memset(b->port.ring[SWG_TX].buffers, 0, SWG_HEADER);
	frame_make(b->port.ring[SWG_TX].buffers + SWG_HEADER, 60, c->mac, b->mac, 1);
	swg_fill(&b->port);
	/* each buffer of c's is the same */
	avail_of_c = c->port.ring[SWG_RX].avail;
	c->port.ring[SWG_RX].desc[0] = (struct vring_desc){ .addr = c->port.ring[SWG_RX].buffers_at, .len = 2048,
							    .flags = VRING_DESC_F_WRITE };
	memset(avail_of_c, 0, sizeof(*avail_of_c) + LENGTH * sizeof(avail_of_c->ring[0]));
	avail_of_c->idx = 1 + LEAD;
	bring_up(&c->port);
	bring_up(&b->port);
	shared->ready = 1;
	for (;; usleep(1000)) {
		now = *(volatile uint16_t *)&crossing->idx;
		__atomic_store_n(&avail_of_c->idx, (uint16_t)((now ? now : 1) + LEAD), __ATOMIC_RELEASE);
	}
}

static void run_a(void)
{
	ASSERT_EQ(swg_open(&a->port, a->name), 0);
	ASSERT_EQ(swg_start(&a->port, &(struct swg_options){ 0 }), 0);
	usleep(200000);
	shared->sent = 1;
	ASSERT_EQ(send_to(a, b->mac, 60, 1, 0), 0);
	shared->returned = 1;
	for (;;)
		pause();
}

TEST(a_ring_that_feeds_itself_holds_up_no_sender)
{
	struct queztl_port_stats before, after;
	pid_t feeding, sender;

	kick_of_b = call_of_b = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	shared = share(sizeof(*shared));
	make_fabric("qtlan");
	a = make_member("qtlan", 1, 0);
	b = make_member("qtlan", 2, 0);
	c = make_member("qtlan", 3, 0);
	feeding = fork_tenant(run_feeding_b);
	await(&shared->ready);
	usleep(100000);
	before = member_stats(b);
	sender = fork_tenant(run_a);
	await(&shared->sent);
	for (int ms = 0; ms < SOON && !shared->returned; ms++)
		usleep(1000);
	after = member_stats(b);
	ktap_say("B ran its ring %llu times in threads that kicked it, %llu times in its worker",
		 (unsigned long long)(after.direct_runs - before.direct_runs),
		 (unsigned long long)(after.worker_runs - before.worker_runs));
	KTAP_CHECK(shared->returned, false, "A's kick does not return (state %c)", state_of(sender));
	EXPECT_EQ(after.direct_runs, before.direct_runs);
	KTAP_CHECK(!kill_tenant(sender), false, "A is there %d ms after SIGKILL (state %c)", SOON, state_of(sender));
	KTAP_CHECK(!kill_tenant(feeding), false, "B is there %d ms after SIGKILL", SOON);
	EXPECT_EQ(wait_gone(sender, SOON) == -ETIMEDOUT, false);
}
