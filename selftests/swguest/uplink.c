// SPDX-License-Identifier: GPL-2.0
/* The port that leads out of a fabric: it stands for every address that no port has. */
#define _GNU_SOURCE
#include "world.h"

#define LENGTH	200

static struct member *m[4];

/* Somebody outside: an address, no port. */
static struct member outside = { .mac = { 0x52, 0x54, 0, 0xff, 0, 1 } };

static __u32 mode_of(struct member *member)
{
	struct queztl_port port;

	ASSERT_EQ(port_find(member->name, &port), 0);
	return port.mode;
}

/* Through @via, with the address of @from. */
static void send_as(struct member *via, const __u8 from[6], const __u8 to[6], uint32_t seed)
{
	static uint8_t frame[SWG_FRAME];

	frame_make(frame, LENGTH, to, from, seed);
	ASSERT_EQ(swg_send(&via->port, NULL, frame, LENGTH, 0), 0);
	ASSERT_EQ(swg_wait_sent(&via->port, SOON), 0);
}

static void make_lan_with_uplink(void)
{
	make_lan(m, 3, NULL);
	ASSERT_EQ(port_set(m[2]->name, QUEZTL_PORT_UPLINK), 0);
	EXPECT_EQ(mode_of(m[2]), QUEZTL_PORT_UPLINK);
	EXPECT_EQ(mode_of(m[1]), 0);
}

static void expect_way_out(struct member *from, struct member *uplink, uint32_t seed)
{
	send_as(from, from->mac, outside.mac, seed);
	expect_arrives(uplink, outside.mac, from, LENGTH, seed);
	send_as(uplink, outside.mac, from->mac, seed + 1);
	expect_arrives(from, from->mac, &outside, LENGTH, seed + 1);
}

static void expect_no_way_out(struct member *from, struct member *uplink)
{
	member_mark(from);
	member_mark(uplink);
	send_as(from, from->mac, outside.mac, 1);
	expect_drops(from, QUEZTL_DROP_NO_PORT, 1, "to outside");
	send_as(uplink, outside.mac, from->mac, 2);
	expect_drops(uplink, QUEZTL_DROP_SPOOFED, 1, "from outside");
	expect_silence(uplink);
	expect_silence(from);
}

TEST(unknown_addresses_are_outside)
{
	make_lan(m, 3, NULL);
	expect_no_way_out(m[0], m[2]);
	ASSERT_EQ(port_set(m[2]->name, QUEZTL_PORT_UPLINK), 0);
	expect_way_out(m[0], m[2], 10);
	expect_way_out(m[1], m[2], 20);
	expect_pair_works(m[0], m[1], 30);	/* inside nothing has changed */
	expect_pair_works(m[0], m[2], 40);
	expect_silence(m[1]);
	expect_silence(m[2]);
	ASSERT_EQ(port_set(m[2]->name, 0), 0);
	expect_no_way_out(m[0], m[2]);
}

/* What comes from outside with the address of a port, or of a group, does not come in. */
TEST(outside_does_not_pass_for_inside)
{
	static const __u8 group[6] = { 0x53, 0x54, 0, 0xff, 0, 1 }, none[6];

	make_lan_with_uplink();
	send_as(m[2], m[1]->mac, m[0]->mac, 1);
	expect_drops(m[2], QUEZTL_DROP_SPOOFED, 1, "a port's address");
	send_as(m[2], group, m[0]->mac, 2);
	expect_drops(m[2], QUEZTL_DROP_SPOOFED, 1, "a group address");
	send_as(m[2], none, m[0]->mac, 3);
	expect_drops(m[2], QUEZTL_DROP_SPOOFED, 1, "no address");
	expect_silence(m[0]);
	/* nor do others pass for outside */
	send_as(m[1], outside.mac, m[0]->mac, 4);
	expect_drops(m[1], QUEZTL_DROP_SPOOFED, 1, "not the uplink");
	expect_silence(m[0]);
}

TEST(outside_does_not_come_back)
{
	make_lan_with_uplink();
	send_as(m[2], outside.mac, (const __u8[]){ 0x52, 0x54, 0, 0xff, 0, 2 }, 1);
	expect_drops(m[2], QUEZTL_DROP_NO_PORT, 1, "from outside to outside");
	send_as(m[2], m[2]->mac, outside.mac, 2);
	expect_drops(m[2], QUEZTL_DROP_NO_PORT, 1, "from the uplink to outside");
	for (int i = 0; i < 3; i++)
		expect_silence(m[i]);
}

TEST(broadcasts_go_out_and_come_in)
{
	static const __u8 all[6] = { 255, 255, 255, 255, 255, 255 };

	make_lan_with_uplink();
	send_as(m[0], m[0]->mac, all, 1);
	expect_arrives(m[1], all, m[0], LENGTH, 1);
	expect_arrives(m[2], all, m[0], LENGTH, 1);
	send_as(m[2], outside.mac, all, 2);
	expect_arrives(m[0], all, &outside, LENGTH, 2);
	expect_arrives(m[1], all, &outside, LENGTH, 2);
	expect_silence(m[2]);
}

/* In a fabric that denies, the way out is a peer like any other. */
TEST(peers_of_the_uplink_go_out)
{
	make_lan_with_uplink();
	ASSERT_EQ(fabric_set("qtlan", QUEZTL_FABRIC_DENY), 0);
	ASSERT_EQ(peer_add(m[0]->name, m[2]->name), 0);
	expect_way_out(m[0], m[2], 10);

	send_as(m[1], m[1]->mac, outside.mac, 1);
	expect_drops(m[1], QUEZTL_DROP_DENIED, 1, "no peer of the uplink");
	send_as(m[2], outside.mac, m[1]->mac, 2);
	expect_drops(m[2], QUEZTL_DROP_DENIED, 1, "no peer of the receiver");
	expect_silence(m[1]);

	/* a port that is no peer keeps its address all the same */
	send_as(m[2], m[1]->mac, m[0]->mac, 3);
	expect_drops(m[2], QUEZTL_DROP_SPOOFED, 1, "a port's address");
	ASSERT_EQ(peer_del(m[0]->name, m[2]->name), 0);
	send_as(m[0], m[0]->mac, outside.mac, 4);
	expect_drops(m[0], QUEZTL_DROP_DENIED, 1, "no peer any more");
}

TEST(a_fabric_has_one_uplink)
{
	make_lan_with_uplink();
	EXPECT_EQ(port_set(m[1]->name, QUEZTL_PORT_UPLINK), -EBUSY);
	EXPECT_EQ(port_set(m[2]->name, QUEZTL_PORT_UPLINK), 0);	/* it is */
	EXPECT_EQ(port_set(m[1]->name, 0), 0);			/* it is none */
	EXPECT_EQ(port_set(m[1]->name, 2), -EINVAL);
	expect_way_out(m[0], m[2], 10);

	ASSERT_EQ(port_set(m[2]->name, 0), 0);
	EXPECT_EQ(port_set(m[1]->name, QUEZTL_PORT_UPLINK), 0);
	expect_way_out(m[0], m[1], 20);

	/* another fabric's does not count */
	make_fabric("qtother");
	m[3] = join("qtother", 9, 0);
	EXPECT_EQ(port_set(m[3]->name, QUEZTL_PORT_UPLINK), 0);
}

TEST(the_uplink_is_deleted)
{
	make_lan_with_uplink();
	expect_way_out(m[0], m[2], 10);
	swg_close(&m[2]->port);
	ASSERT_EQ(port_del(m[2]->name), 0);
	send_as(m[0], m[0]->mac, outside.mac, 1);
	expect_drops(m[0], QUEZTL_DROP_NO_PORT, 1, "no uplink any more");

	/* one that comes in its place is none by itself */
	ASSERT_EQ(port_add(m[2]->name, "qtlan", m[2]->mac, 0), 0);
	ASSERT_EQ(swg_open(&m[2]->port, m[2]->name), 0);
	start(m[2], NULL);
	EXPECT_EQ(mode_of(m[2]), 0);
	expect_no_way_out(m[0], m[2]);
	EXPECT_EQ(port_set(m[1]->name, QUEZTL_PORT_UPLINK), 0);
}
