// SPDX-License-Identifier: GPL-2.0
/*
 * A frame that takes several slices may be changed by its driver in between. It is checked anew, and costs what it has
 * become: neither what a port may flood nor its rates are got around.
 *
 * The driver shares a CPU with its worker, and has priority: what is left of a frame when a kick returns can be changed.
 */
#define _GNU_SOURCE
#include "flow.h"
#include "tenant.h"

#include <sched.h>
#include <sys/ioctl.h>

#define SEND	(F(VIRTIO_NET_F_CSUM) | F(VIRTIO_NET_F_HOST_TSO4))
#define RATE	100000		/* bytes per second */

static const struct swg_options small = { .num = 1024, .slot = 256 }, large = { .features = SEND, .num = 32, .slot = 68000 };
static const struct flow cut_in_1000 = { .name = "1000 segments", .gso_size = 64, .payload = 64000 };
static struct flow_frame frame;
static struct member *sender, *m[2];

static void make_world(void)
{
	static const struct sched_param high = { .sched_priority = 1 };

	keep_to_one_cpu();
	make_fabric("qtlan");
	for (int i = 0; i < 2; i++) {
		m[i] = join("qtlan", 10 + i, 0);
		start(m[i], &small);
	}
	sender = join("qtlan", 1, 0);
	start(sender, &large);
	usleep(100000);
	ASSERT_EQ(sched_setscheduler(0, SCHED_FIFO, &high), 0);
}

static uint64_t received(struct member *member)
{
	return member_stats(member).rx_packets - member->then.rx_packets;
}

/* The frame in the sender's memory, its header before it. */
static uint8_t *send_cut(const __u8 to[6])
{
	struct swg_ring *ring = &sender->port.ring[SWG_TX];
	uint8_t *found;

	flow_make(&frame, &cut_in_1000, to, sender->mac, 1);
	memset(ring->buffers, 0, (size_t)ring->slots * sender->port.slot);
	ASSERT_EQ(swg_send(&sender->port, &frame.header, frame.bytes, frame.length, 0), 0);
	found = memmem(ring->buffers, (size_t)ring->slots * sender->port.slot, frame.bytes, 64);
	ASSERT(found);
	return found;
}

/* To one who may get it, and then to all. */
TEST(a_frame_that_is_flooded_in_the_middle_pays_for_it)
{
	uint64_t before;
	uint8_t *sent;

	make_world();
	sent = send_cut(m[0]->mac);
	memset(sent, 255, 6);
	before = received(m[0]);
	ASSERT_EQ(swg_wait_sent(&sender->port, SOON), 0);
	KTAP_CHECK(!received(m[1]), false, "%llu packets flooded that were not paid for",
		   (unsigned long long)received(m[1]));
	EXPECT_GE(before, 1);
	EXPECT_EQ(received(m[0]), before);
	EXPECT_EQ(member_stats(sender).drops[QUEZTL_DROP_RATE], 1);
}

static void set_rate(void)
{
	struct queztl_port_rates rates = { .size = sizeof(rates), .set = QUEZTL_PORT_TX_BYTES, .tx_bytes = RATE };
	struct queztl_port port;

	ASSERT_EQ(port_find(sender->name, &port), 0);
	rates.id = port.id;
	ASSERT_EQ(ioctl(queztl_fd(), QUEZTL_RATES_SET, &rates), 0);
}

/* Now a short one, without a header for the device: what was sent of it was sent. */
TEST(a_frame_that_is_cut_short_in_the_middle_is_charged)
{
	struct swg_ring *ring;
	double begun;
	uint8_t *sent;

	make_world();
	set_rate();
	ring = &sender->port.ring[SWG_TX];
	sent = send_cut(m[0]->mac);
	for (int i = 0; i < ring->num; i++)
		ring->desc[i].len = SWG_HEADER + 60;
	memset(sent - SWG_HEADER, 0, SWG_HEADER);
	begun = swg_now();
	ASSERT_EQ(swg_wait_sent(&sender->port, SOON), 0);
	EXPECT_GE(received(m[0]), 2);
	EXPECT_LE(received(m[0]), 999);
	ktap_say("%llu segments before it was short", (unsigned long long)received(m[0]));
	ASSERT_EQ(send_to(sender, m[1]->mac, 100, 7, 0), 0);
	expect_arrives(m[1], m[1]->mac, sender, 100, 7);
	KTAP_CHECK(swg_now() - begun >= 0.9 * frame.length / RATE, false,
		   "%d bytes at %d per second took %.0f ms", frame.length, RATE, (swg_now() - begun) * 1e3);
}
