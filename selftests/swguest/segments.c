// SPDX-License-Identifier: GPL-2.0
/*
 * One frame that becomes many: cut into segments for a receiver that takes no large ones, and that for each port of a
 * fabric. The work is done in slices; each segment arrives once, and in order.
 */
#define _GNU_SOURCE
#include <sched.h>

#include "flow.h"
#include "tenant.h"

#define SEND	(F(VIRTIO_NET_F_CSUM) | F(VIRTIO_NET_F_HOST_TSO4))
#define MANY	100	/* ports of a fabric */
#define ROUNDS	4

static const __u8 group[6] = { 0x01, 0x00, 0x5e, 0, 0, 9 };
static const struct swg_options small = { .num = 1024, .slot = 256 }, large = { .features = SEND, .num = 32, .slot = 68000 };
static const struct flow cut_in_1000 = { .name = "1000 segments", .gso_size = 64, .payload = 64000 };
static const struct flow cut_in_500 = { .name = "500 segments", .gso_size = 64, .payload = 32000 };
static struct flow_frame frame;
static struct member *sender, *m[MANY];

static int segments_of(const struct flow *flow)
{
	return flow->payload / flow->gso_size;
}

static void make_receivers(int count)
{
	make_fabric("qtlan");
	sender = make_member("qtlan", 1, 0);
	for (int i = 0; i < count; i++) {
		m[i] = join("qtlan", 10 + i, 0);
		start(m[i], &small);
	}
}

static void start_sender(void)
{
	ASSERT_EQ(swg_open(&sender->port, sender->name), 0);
	start(sender, &large);
}

static void send_cut(const struct flow *flow, const __u8 to[6], uint32_t seed)
{
	flow_make(&frame, flow, to, sender->mac, seed);
	ASSERT_EQ(swg_send(&sender->port, &frame.header, frame.bytes, frame.length, 0), 0);
}

static void expect_segments(struct member *at, const struct flow *flow)
{
	static uint8_t bytes[SWG_FRAME];
	const char *wrong;
	int got;

	for (int offset = 0; offset < flow->payload; offset += flow->gso_size) {
		got = swg_receive(&at->port, bytes, sizeof(bytes), SOON);
		KTAP_CHECK(got > 0, true, "%s: nothing at offset %d: %s", at->name, offset, strerror(-got));
		wrong = flow_check(&frame, flow, &at->port.header, bytes, got, offset, flow->gso_size);
		KTAP_CHECK(!wrong, true, "%s: wrong %s at offset %d", at->name, wrong, offset);
	}
	KTAP_CHECK(!swg_used_any(&at->port, SWG_RX), false, "%s: more than the %d segments", at->name,
		   segments_of(flow));
}

TEST(a_frame_of_1000_segments_arrives_whole)
{
	make_receivers(1);
	start_sender();
	for (int round = 0; round < ROUNDS; round++) {
		send_cut(&cut_in_1000, m[0]->mac, round);
		expect_segments(m[0], &cut_in_1000);
		ASSERT_EQ(swg_wait_sent(&sender->port, SOON), 0);
		expect_silence(m[0]);
	}
	expect_no_drops(m[0]);
	expect_no_drops(sender);
}

static void send_to_group(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		send_cut(&cut_in_500, group, round);
		for (int i = 0; i < MANY; i++)
			expect_segments(m[i], &cut_in_500);
		ASSERT_EQ(swg_wait_sent(&sender->port, SOON), 0);
		usleep(400000);		/* what a port may flood comes back */
	}
	for (int i = 0; i < MANY; i++) {
		EXPECT_EQ(member_stats(m[i]).rx_packets - m[i]->then.rx_packets, ROUNDS * segments_of(&cut_in_500));
		expect_no_drops(m[i]);
	}
	expect_no_drops(sender);
}

TEST_WITHIN(segments_arrive_at_each_of_100_ports, 120)
{
	make_receivers(MANY);
	start_sender();
	send_to_group();
}

static void come_and_go(void)
{
	__u8 mac[6];

	for (int number = 300;; number = number == 303 ? 300 : number + 1) {
		char name[16];

		snprintf(name, sizeof(name), FABRIC_PREFIX "p%d", number);
		frame_mac(mac, number);
		if (number < 302)
			port_add(name, "qtlan", mac, 0);
		else
			port_del(number == 302 ? "qtp300" : "qtp301");
	}
}

TEST_WITHIN(segments_arrive_while_ports_come_and_go, 120)
{
	pid_t tenant;

	make_receivers(MANY);
	start_sender();
	tenant = fork_tenant(come_and_go);
	send_to_group();
	kill_tenant(tenant);
	usleep(200000);		/* the command that it waited for is over */
}

/* ---- the work counts against the run's budget: what is left when a kick returns is the worker's ---- */

static struct {
	volatile int ready, go;
} *shared;
static const struct flow *flow_sent;
static const __u8 *sent_to;

/* On one CPU with its worker, which has no priority: it cannot run before this thread stops them both. */
static void run_sender(void)
{
	static const struct sched_param high = { .sched_priority = 1 };

	keep_to_one_cpu();
	start_sender();
	ASSERT_EQ(sched_setscheduler(0, SCHED_FIFO, &high), 0);
	shared->ready = 1;
	await_order(&shared->go);
	send_cut(flow_sent, sent_to, 1);
	raise(SIGSTOP);
	for (;;)
		pause();
}

static void expect_slices(const struct flow *flow, const __u8 to[6], int receivers)
{
	int total = receivers * segments_of(flow), delivered = 0;
	pid_t tenant;

	shared = share(sizeof(*shared));
	flow_sent = flow;
	sent_to = to;
	tenant = fork_tenant(run_sender);
	await(&shared->ready);
	shared->go = 1;
	for (int ms = 0; ms < SOON && state_of(tenant) != 'T'; ms++)
		usleep(1000);
	stop_tenant(tenant);
	for (int i = 0; i < receivers; i++)
		delivered += (int)(member_stats(m[i]).rx_packets - m[i]->then.rx_packets);
	ktap_say("%d of %d segments delivered when the kick had returned", delivered, total);
	KTAP_CHECK(delivered < total, false, "the kick did all of it: %d deliveries", delivered);
	resume_tenant(tenant);
	flow_make(&frame, flow, to, sender->mac, 1);
	for (int i = 0; i < receivers; i++)
		expect_segments(m[i], flow);
	EXPECT_EQ(kill_tenant(tenant), 0);
}

TEST(cutting_counts_against_the_budget)
{
	make_receivers(1);
	expect_slices(&cut_in_1000, m[0]->mac, 1);
}

TEST_WITHIN(flooding_counts_against_the_budget, 120)
{
	make_receivers(MANY);
	expect_slices(&cut_in_500, group, MANY);
}
