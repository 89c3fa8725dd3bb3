// SPDX-License-Identifier: GPL-2.0
/* Mirrors: a port gets copies of what another sends and receives, and harms nobody by it. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "flow.h"
#include "world.h"

#define LENGTH	300

static struct member *m[4];

/* 0 is mirrored to 3. */
static void make_mirror(const struct swg_options *options)
{
	make_lan(m, 4, options);
	ASSERT_EQ(port_mirror(m[0]->name, m[3]->name), 0);
}

static void send_and_receive(struct member *from, struct member *to, uint32_t seed)
{
	ASSERT_EQ(send_to(from, to->mac, LENGTH, seed, seed % 2 ? SWG_CROOKED : 0), 0);
	expect_arrives(to, to->mac, from, LENGTH, seed);
}

static __u64 mirror_of(const char *name)
{
	struct queztl_port_mirror mirror = { .size = sizeof(mirror), .mirror = 77 };
	struct queztl_port port;

	ASSERT_EQ(port_find(name, &port), 0);
	mirror.id = port.id;
	ASSERT_EQ(ioctl(queztl_fd(), QUEZTL_PORT_MIRROR_GET, &mirror), 0);
	return mirror.mirror;
}

TEST(both_directions_are_mirrored)
{
	make_mirror(NULL);
	for (int i = 0; i < 4; i++)
		member_mark(m[i]);
	send_and_receive(m[0], m[1], 1);
	expect_arrives(m[3], m[1]->mac, m[0], LENGTH, 1);
	send_and_receive(m[2], m[0], 2);
	expect_arrives(m[3], m[0]->mac, m[2], LENGTH, 2);
	send_and_receive(m[1], m[2], 3);	/* between others */
	ASSERT_EQ(send_to(m[0], frame_broadcast, LENGTH, 4, 0), 0);
	expect_arrives(m[1], frame_broadcast, m[0], LENGTH, 4);
	expect_arrives(m[2], frame_broadcast, m[0], LENGTH, 4);
	for (int copies = 0; copies < 2; copies++)	/* the broadcast, and the copy */
		expect_arrives(m[3], frame_broadcast, m[0], LENGTH, 4);
	for (int i = 0; i < 4; i++) {
		expect_silence(m[i]);
		expect_no_drops(m[i]);
	}
	ASSERT_EQ(port_mirror(m[0]->name, NULL), 0);
	send_and_receive(m[0], m[1], 5);
	send_and_receive(m[1], m[0], 6);
	expect_silence(m[3]);
}

/* A driver that has filtered what it does not want gets the copies. */
TEST(a_mirrors_filters_do_not_matter)
{
	const struct swg_options options = { .features = F(VIRTIO_NET_F_CTRL_VQ) | F(VIRTIO_NET_F_CTRL_RX) |
							 F(VIRTIO_NET_F_CTRL_RX_EXTRA) };
	const uint8_t on = 1, off = 0;

	make_mirror(&options);
	ASSERT_EQ(swg_command(&m[3]->port, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, &off, 1), VIRTIO_NET_OK);
	ASSERT_EQ(swg_command(&m[3]->port, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOUNI, &on, 1), VIRTIO_NET_OK);
	ASSERT_EQ(swg_command(&m[3]->port, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOBCAST, &on, 1), VIRTIO_NET_OK);
	send_and_receive(m[0], m[1], 1);
	expect_arrives(m[3], m[1]->mac, m[0], LENGTH, 1);
	ASSERT_EQ(send_to(m[1], m[3]->mac, LENGTH, 2, 0), 0);
	ASSERT_EQ(send_to(m[1], frame_broadcast, LENGTH, 3, 0), 0);
	expect_arrives(m[0], frame_broadcast, m[1], LENGTH, 3);
	expect_arrives(m[3], frame_broadcast, m[1], LENGTH, 3);	/* the copy of what 0 has got */
	expect_silence(m[3]);
}

TEST(a_mirrors_own_frames_are_not_mirrored)
{
	make_mirror(NULL);
	send_and_receive(m[3], m[0], 1);
	send_and_receive(m[3], m[1], 2);
	ASSERT_EQ(send_to(m[3], frame_broadcast, LENGTH, 3, 0), 0);
	for (int i = 0; i < 3; i++)
		expect_arrives(m[i], frame_broadcast, m[3], LENGTH, 3);
	expect_silence(m[3]);
	send_and_receive(m[0], m[3], 4);	/* once as a receiver, once as a mirror */
	expect_arrives(m[3], m[3]->mac, m[0], LENGTH, 4);
	expect_silence(m[3]);
}

TEST(dropped_frames_are_not_mirrored)
{
	static const __u8 nobody[6] = { 0x52, 0x54, 0, 0xff, 0, 9 };
	static uint8_t frame[LENGTH];

	make_mirror(NULL);
	frame_make(frame, LENGTH, m[1]->mac, nobody, 1);
	ASSERT_EQ(swg_send(&m[0]->port, NULL, frame, LENGTH, 0), 0);
	ASSERT_EQ(send_to(m[0], nobody, LENGTH, 2, 0), 0);
	ASSERT_EQ(swg_send(&m[0]->port, NULL, frame, 8, 0), 0);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	expect_silence(m[3]);
}

TEST(there_are_no_loops)
{
	make_mirror(NULL);
	make_fabric("qtother");
	join("qtother", 9, 0);
	EXPECT_EQ(port_mirror(m[0]->name, m[0]->name), -EINVAL);
	EXPECT_EQ(port_mirror(m[3]->name, m[1]->name), -ELOOP);	/* is a mirror */
	EXPECT_EQ(port_mirror(m[1]->name, m[0]->name), -ELOOP);	/* has one */
	EXPECT_EQ(port_mirror(m[3]->name, m[0]->name), -ELOOP);
	EXPECT_EQ(port_mirror(m[1]->name, "qtp9"), -EXDEV);
	EXPECT_EQ(port_mirror(m[1]->name, m[3]->name), 0);	/* of two ports */
	EXPECT_EQ(mirror_of(m[1]->name), mirror_of(m[0]->name));
	send_and_receive(m[0], m[1], 1);
	for (int copies = 0; copies < 2; copies++)
		expect_arrives(m[3], m[1]->mac, m[0], LENGTH, 1);
	EXPECT_EQ(port_mirror(m[0]->name, m[2]->name), 0);	/* another one instead */
	send_and_receive(m[0], m[1], 2);
	expect_arrives(m[2], m[1]->mac, m[0], LENGTH, 2);
	expect_arrives(m[3], m[1]->mac, m[0], LENGTH, 2);
	EXPECT_EQ(port_mirror(m[0]->name, NULL), 0);
	EXPECT_EQ(port_mirror(m[0]->name, NULL), 0);
	EXPECT_EQ(mirror_of(m[0]->name), 0);
	EXPECT_EQ(port_mirror(m[2]->name, m[3]->name), 0);	/* it is none any more */
	for (int i = 0; i < 4; i++)
		expect_silence(m[i]);
}

/* The policy that holds when the frame is sent, and not when the mirror was set. */
TEST(a_mirror_is_a_peer)
{
	make_lan(m, 4, NULL);
	ASSERT_EQ(fabric_set("qtlan", QUEZTL_FABRIC_DENY), 0);
	ASSERT_EQ(peer_add(m[0]->name, m[1]->name), 0);
	EXPECT_EQ(port_mirror(m[0]->name, m[3]->name), -EACCES);
	EXPECT_EQ(mirror_of(m[0]->name), 0);
	ASSERT_EQ(peer_add(m[0]->name, m[3]->name), 0);
	EXPECT_EQ(port_mirror(m[0]->name, m[3]->name), 0);
	send_and_receive(m[0], m[1], 1);
	expect_arrives(m[3], m[1]->mac, m[0], LENGTH, 1);
	send_and_receive(m[1], m[0], 2);	/* whose peer the mirror is not */
	expect_arrives(m[3], m[0]->mac, m[1], LENGTH, 2);
	ASSERT_EQ(peer_del(m[3]->name, m[0]->name), 0);
	send_and_receive(m[0], m[1], 3);
	send_and_receive(m[1], m[0], 4);
	expect_silence(m[3]);
	ASSERT_EQ(fabric_set("qtlan", 0), 0);
	send_and_receive(m[0], m[1], 5);
	expect_arrives(m[3], m[1]->mac, m[0], LENGTH, 5);
}

TEST(a_full_mirror_holds_up_nobody)
{
	const struct swg_options small = { .num = 16 };

	make_lan(m, 3, NULL);
	m[3] = join("qtlan", 9, 0);
	start(m[3], &small);
	ASSERT_EQ(port_mirror(m[0]->name, m[3]->name), 0);
	member_mark(m[0]);
	member_mark(m[3]);
	for (uint32_t seed = 1; seed <= 100; seed++)
		send_and_receive(m[0], m[1], seed);
	EXPECT_EQ(member_stats(m[0]).tx_waited, m[0]->then.tx_waited);
	expect_no_drops(m[0]);
	expect_drops(m[3], QUEZTL_DROP_FULL, 84, "a full mirror");
	for (uint32_t seed = 1; seed <= 16; seed++)
		expect_arrives(m[3], m[1]->mac, m[0], LENGTH, seed);
	ASSERT_EQ(port_change(m[3]->name, QUEZTL_PORT_LINK_DOWN, QUEZTL_PORT_LINK_DOWN), 0);
	member_mark(m[3]);
	send_and_receive(m[0], m[1], 101);
	expect_drops(m[3], QUEZTL_DROP_LINK_DOWN, 1, "its link is down");
	ASSERT_EQ(port_change(m[3]->name, QUEZTL_PORT_LINK_DOWN, 0), 0);
	ASSERT_EQ(swg_reset(&m[3]->port), 0);
	member_mark(m[3]);
	send_and_receive(m[0], m[1], 102);
	expect_drops(m[3], QUEZTL_DROP_DOWN, 1, "no driver");
	restart(m[3], NULL);
	send_and_receive(m[0], m[1], 103);
	expect_arrives(m[3], m[1]->mac, m[0], LENGTH, 103);
}

/* Whole to a mirror that takes them so, in segments to one that does not. */
TEST(large_frames_are_mirrored)
{
	static const struct flow flow = { .name = "mirrored", .gso_size = 1000, .payload = 20000 };
	static const struct flow fine = { .name = "in small segments", .gso_size = 100, .payload = 60000 };
	const struct swg_options sends = { .features = F(VIRTIO_NET_F_CSUM) | F(VIRTIO_NET_F_HOST_TSO4) |
						       F(VIRTIO_NET_F_GUEST_CSUM) | F(VIRTIO_NET_F_GUEST_TSO4),
					   .slot = 66000, .num = 64 };
	static struct flow_frame large;
	static uint8_t got[SWG_FRAME];
	uint64_t packets;

	make_lan(m, 2, &sends);
	m[3] = join("qtlan", 9, 0);
	start(m[3], &sends);
	flow_make(&large, &flow, m[1]->mac, m[0]->mac, 1);
	ASSERT_EQ(port_mirror(m[0]->name, m[3]->name), 0);
	ASSERT_EQ(swg_send(&m[0]->port, &large.header, large.bytes, large.length, 0), 0);
	EXPECT_EQ(swg_receive(&m[1]->port, got, sizeof(got), SOON), large.length);
	EXPECT_EQ(swg_receive(&m[3]->port, got, sizeof(got), SOON), large.length);
	EXPECT(!memcmp(got, large.bytes, large.length));

	ASSERT_EQ(swg_reset(&m[3]->port), 0);
	restart(m[3], NULL);
	ASSERT_EQ(swg_send(&m[0]->port, &large.header, large.bytes, large.length, 0), 0);
	EXPECT_EQ(swg_receive(&m[1]->port, got, sizeof(got), SOON), large.length);
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(swg_receive(&m[3]->port, got, sizeof(got), SOON), large.length - 19000);
	expect_silence(m[3]);
	member_mark(m[0]);
	member_mark(m[3]);
	packets = m[3]->then.rx_packets;
	flow_make(&large, &fine, m[1]->mac, m[0]->mac, 2);
	ASSERT_EQ(swg_send(&m[0]->port, &large.header, large.bytes, large.length, 0), 0);
	EXPECT_EQ(swg_receive(&m[1]->port, got, sizeof(got), SOON), large.length);
	EXPECT_EQ(member_stats(m[3]).drops[QUEZTL_DROP_NO_SPACE], m[3]->then.drops[QUEZTL_DROP_NO_SPACE] + 1);
	EXPECT_GE(member_stats(m[3]).rx_packets, packets + 20);
	EXPECT(member_stats(m[3]).rx_packets < packets + 100);
	expect_no_drops(m[0]);
}

TEST(a_mirror_ends_with_either_port)
{
	make_mirror(NULL);
	ASSERT_EQ(port_mirror(m[1]->name, m[3]->name), 0);
	ASSERT_EQ(port_del(m[3]->name), 0);
	EXPECT_EQ(mirror_of(m[0]->name), 0);
	EXPECT_EQ(mirror_of(m[1]->name), 0);
	send_and_receive(m[0], m[1], 1);
	ASSERT_EQ(port_mirror(m[0]->name, m[2]->name), 0);
	ASSERT_EQ(port_del(m[0]->name), 0);
	EXPECT_EQ(port_mirror(m[2]->name, m[1]->name), 0);	/* it is no mirror any more */
	send_and_receive(m[1], m[2], 2);
}

static atomic_bool over;

/* To the other and to all, as fast as it goes; what arrives is not looked at. */
static void *make_traffic(void *number)
{
	struct member *own = m[(intptr_t)number], *other = m[1 - (intptr_t)number];
	static __thread uint8_t frame[SWG_FRAME];

	for (uint32_t seed = 0; !over; seed++) {
		send_to(own, seed % 8 ? other->mac : frame_broadcast, LENGTH, seed, seed % 3 ? 0 : SWG_QUIET);
		swg_reap(&own->port);
		while (swg_receive(&own->port, frame, sizeof(frame), 0) >= 0)
			;
	}
	return NULL;
}

static void expect_copies(struct member *mirror, uint64_t more)
{
	double end = swg_now() + SOON / 1e3;

	while (member_stats(mirror).rx_packets < mirror->then.rx_packets + more && swg_now() < end)
		usleep(1000);
	EXPECT_GE(member_stats(mirror).rx_packets, mirror->then.rx_packets + more);
}

/* Both ends come and go, also while a process has them open, and the mirror is set to others. */
TEST_WITHIN(mirrors_come_and_go_under_load, 100)
{
	pthread_t threads[2];
	struct member *end;

	make_lan(m, 4, NULL);
	for (intptr_t i = 0; i < 2; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, make_traffic, (void *)i), 0);
	for (int round = 0; round < 24; round++) {
		end = join("qtlan", 20 + round, 0);
		start(end, NULL);
		if (round % 2) {	/* it is a mirror */
			EXPECT_EQ(port_mirror(m[0]->name, end->name), 0);
			EXPECT_EQ(port_mirror(m[1]->name, end->name), 0);
			expect_copies(end, 10);
		} else {		/* it has one */
			restart(m[2], NULL);
			EXPECT_EQ(port_mirror(end->name, m[2]->name), 0);
			expect_copies(m[2], 3);
		}
		if (round % 4 > 1)
			EXPECT_EQ(port_mirror(m[0]->name, m[3]->name), 0);
		if (round % 3)
			swg_close(&end->port);
		EXPECT_EQ(port_del(end->name), 0);
		swg_close(&end->port);
		EXPECT_EQ(mirror_of(m[1]->name), 0);
	}
	over = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(port_mirror(m[0]->name, NULL), 0);
	restart(m[2], NULL);
	restart(m[3], NULL);
	expect_pair_works(m[2], m[3], 1);
}
