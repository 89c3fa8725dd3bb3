// SPDX-License-Identifier: GPL-2.0
/* Addresses beside a port's own: of nested VMs, of a virtual router. Only for ports that may use some. */
#define _GNU_SOURCE
#include "world.h"

#include <sys/ioctl.h>

#define LENGTH	120

static struct member *m[4];

/* Addresses that are no port's own. */
static struct member nested[4] = {
	{ .mac = { 0x52, 0x54, 0, 0xee, 0, 1 } }, { .mac = { 0x52, 0x54, 0, 0xee, 0, 2 } },
	{ .mac = { 0x52, 0x54, 0, 0xee, 0, 3 } }, { .mac = { 0, 0, 0x5e, 0, 1, 1 } },
};

static __u64 id_of(struct member *member)
{
	struct queztl_port port;

	ASSERT_EQ(port_find(member->name, &port), 0);
	return port.id;
}

static int set_macs(struct member *member, __u32 mode, const struct queztl_mac *macs, __u32 n)
{
	struct queztl_port_macs set = { .size = sizeof(set), .id = id_of(member), .mode = mode, .n = n,
					.macs = (uintptr_t)macs };

	return ioctl(queztl_fd(), QUEZTL_PORT_MACS_SET, &set) ? -errno : 0;
}

static int set_any(struct member *member)
{
	return set_macs(member, QUEZTL_MACS_ANY, NULL, 0);
}

/* The first @n of the addresses above. */
static int set_list(struct member *member, int n)
{
	struct queztl_mac macs[4] = { 0 };

	for (int i = 0; i < n; i++)
		memcpy(macs[i].addr, nested[i].mac, 6);
	return set_macs(member, QUEZTL_MACS_LIST, macs, n);
}

static int set_none(struct member *member)
{
	return set_macs(member, QUEZTL_MACS_NONE, NULL, 0);
}

static struct queztl_port_macs macs_of(struct member *member)
{
	struct queztl_port_macs get = { .size = sizeof(get), .id = id_of(member) };

	ASSERT_EQ(ioctl(queztl_fd(), QUEZTL_PORT_MACS_GET, &get), 0);
	return get;
}

static void send_as(struct member *via, struct member *from, const __u8 to[6], uint32_t seed)
{
	static uint8_t frame[SWG_FRAME];

	frame_make(frame, LENGTH, to, from->mac, seed);
	ASSERT_EQ(swg_send(&via->port, NULL, frame, LENGTH, 0), 0);
	ASSERT_EQ(swg_wait_sent(&via->port, SOON), 0);
}

/* @one, an address behind @via, and @peer talk. */
static void expect_talk(struct member *via, struct member *one, struct member *peer, uint32_t seed)
{
	send_as(via, one, peer->mac, seed);
	expect_arrives(peer, peer->mac, one, LENGTH, seed);
	send_as(peer, peer, one->mac, seed + 1);
	expect_arrives(via, one->mac, peer, LENGTH, seed + 1);
}

static void expect_refused(struct member *via, struct member *from, enum queztl_drop reason, const __u8 to[6],
			   const char *why)
{
	member_mark(via);
	send_as(via, from, to, 99);
	expect_drops(via, reason, 1, why);
}

static void expect_no_talk(struct member *via, struct member *one, struct member *peer)
{
	expect_refused(via, one, QUEZTL_DROP_SPOOFED, peer->mac, "an address of nobody");
	expect_refused(peer, peer, QUEZTL_DROP_NO_PORT, one->mac, "to an address of nobody");
	expect_silence(via);
	expect_silence(peer);
}

TEST(listed_addresses_are_used)
{
	make_lan(m, 3, NULL);
	expect_no_talk(m[0], &nested[0], m[1]);
	ASSERT_EQ(set_list(m[0], 2), 0);
	EXPECT_EQ(macs_of(m[0]).mode, QUEZTL_MACS_LIST);
	EXPECT_EQ(macs_of(m[0]).n, 2);
	send_as(m[1], m[1], nested[0].mac, 1);		/* before it has sent anything */
	expect_arrives(m[0], nested[0].mac, m[1], LENGTH, 1);
	expect_talk(m[0], &nested[0], m[1], 10);
	expect_talk(m[0], &nested[1], m[2], 20);
	expect_pair_works(m[0], m[1], 30);
	expect_no_talk(m[0], &nested[2], m[1]);		/* not listed */
	expect_no_talk(m[1], &nested[2], m[2]);		/* no list */
	expect_refused(m[1], &nested[0], QUEZTL_DROP_SPOOFED, m[2]->mac, "another port's");
	restart(m[0], NULL);
	expect_talk(m[0], &nested[0], m[1], 40);
	ASSERT_EQ(set_none(m[0]), 0);
	expect_no_talk(m[0], &nested[0], m[1]);
	EXPECT_EQ(macs_of(m[0]).mode, QUEZTL_MACS_NONE);
}

/* Routers that share an address: it is where it was sent from last. */
TEST(a_shared_address_follows_its_sender)
{
	make_lan(m, 3, NULL);
	ASSERT_EQ(set_list(m[0], 4), 0);
	ASSERT_EQ(set_list(m[1], 4), 0);
	for (uint32_t i = 0; i < 4; i++) {
		expect_talk(m[i % 2], &nested[3], m[2], 10 * i);
		expect_silence(m[!(i % 2)]);
	}
	ASSERT_EQ(set_none(m[1]), 0);
	send_as(m[0], &nested[3], frame_broadcast, 50);
	expect_arrives(m[2], frame_broadcast, &nested[3], LENGTH, 50);
	expect_arrives(m[1], frame_broadcast, &nested[3], LENGTH, 50);
	expect_talk(m[0], &nested[3], m[2], 60);
}

TEST(any_address_is_learnt)
{
	struct member bad = { .mac = { 0x53, 0x54, 0, 0xee, 0, 1 } }, zero = { 0 };

	make_lan(m, 3, NULL);
	ASSERT_EQ(set_any(m[0]), 0);
	EXPECT_EQ(macs_of(m[0]).mode, QUEZTL_MACS_ANY);
	expect_refused(m[1], m[1], QUEZTL_DROP_NO_PORT, nested[0].mac, "not yet");
	for (int i = 0; i < 4; i++)
		expect_talk(m[0], &nested[i], m[1], 10 * i);
	EXPECT_EQ(macs_of(m[0]).n, 4);
	expect_talk(m[0], &nested[0], m[2], 50);
	expect_refused(m[0], m[1], QUEZTL_DROP_SPOOFED, m[2]->mac, "a port's own");
	expect_refused(m[0], &bad, QUEZTL_DROP_SPOOFED, m[2]->mac, "a group");
	expect_refused(m[0], &zero, QUEZTL_DROP_SPOOFED, m[2]->mac, "none");

	/* another port does not get what it uses */
	ASSERT_EQ(set_any(m[1]), 0);
	expect_refused(m[1], &nested[0], QUEZTL_DROP_SPOOFED, m[2]->mac, "of another port");
	expect_talk(m[0], &nested[0], m[2], 60);
	/* but one that was given it does */
	ASSERT_EQ(set_list(m[1], 1), 0);
	expect_talk(m[1], &nested[0], m[2], 70);
	expect_refused(m[0], &nested[0], QUEZTL_DROP_SPOOFED, m[2]->mac, "a listed address");
}

static int count_macs(struct member *member)
{
	struct queztl_mac_next_args next = { .size = sizeof(next), .port = id_of(member) };
	__u8 last[6] = { 0 };
	int count = 0;

	while (!ioctl(queztl_fd(), QUEZTL_MAC_NEXT, &next)) {
		ASSERT(memcmp(next.mac.addr, last, 6) > 0);
		memcpy(last, next.mac.addr, 6);
		ASSERT(++count <= QUEZTL_MACS_MAX);
	}
	EXPECT_EQ(errno, ENOENT);
	return count;
}

/* However many addresses a guest makes up. */
TEST_WITHIN(learnt_addresses_are_bounded, 120)
{
	struct member made_up = { .mac = { 0x02, 0x11, 0x22 } };
	int n;

	make_lan(m, 3, NULL);
	ASSERT_EQ(set_any(m[0]), 0);
	ASSERT_EQ(set_any(m[1]), 0);
	expect_talk(m[1], &nested[1], m[2], 10);
	for (int i = 0; i < 3000; i++) {
		made_up.mac[4] = i >> 8;
		made_up.mac[5] = i;
		send_as(m[0], &made_up, m[0]->mac, i);	/* to nobody: it counts all the same */
	}
	n = macs_of(m[0]).n;
	EXPECT_GE(n, 128);
	EXPECT_LE(n, QUEZTL_MACS_MAX);
	EXPECT_EQ(count_macs(m[0]), n);
	EXPECT_EQ(count_macs(m[1]), 1);
	expect_talk(m[1], &nested[1], m[2], 20);	/* no one else is affected */
	expect_pair_works(m[0], m[2], 30);
	ASSERT_EQ(set_none(m[0]), 0);
	EXPECT_EQ(count_macs(m[0]), 0);
	EXPECT_EQ(count_macs(m[1]), 1);
}

TEST(outside_does_not_pass_for_a_nested_address)
{
	make_lan(m, 3, NULL);
	ASSERT_EQ(port_set(m[2]->name, QUEZTL_PORT_UPLINK), 0);
	ASSERT_EQ(set_any(m[0]), 0);
	send_as(m[1], m[1], nested[0].mac, 1);		/* nobody inside has it yet */
	expect_arrives(m[2], nested[0].mac, m[1], LENGTH, 1);
	expect_talk(m[0], &nested[0], m[1], 10);
	expect_silence(m[2]);
	expect_refused(m[2], &nested[0], QUEZTL_DROP_SPOOFED, m[1]->mac, "from outside");
	expect_talk(m[2], &nested[1], m[1], 20);	/* who is outside */
	expect_talk(m[0], &nested[0], m[2], 30);
}

TEST(peers_reach_nested_addresses)
{
	make_lan(m, 3, NULL);
	ASSERT_EQ(set_list(m[0], 1), 0);
	ASSERT_EQ(fabric_set("qtlan", QUEZTL_FABRIC_DENY), 0);
	ASSERT_EQ(peer_add(m[0]->name, m[1]->name), 0);
	expect_talk(m[0], &nested[0], m[1], 10);
	expect_refused(m[2], m[2], QUEZTL_DROP_DENIED, nested[0].mac, "no peer");
	expect_refused(m[0], &nested[0], QUEZTL_DROP_DENIED, m[2]->mac, "no peer");
	expect_silence(m[0]);
	expect_silence(m[2]);
}

TEST(a_port_with_addresses_is_deleted)
{
	make_lan(m, 3, NULL);
	for (int round = 0; round < 3; round++) {
		ASSERT_EQ(set_list(m[0], 3), 0);
		expect_talk(m[0], &nested[0], m[1], 10 * round);
		swg_close(&m[0]->port);
		ASSERT_EQ(port_del(m[0]->name), 0);
		expect_refused(m[1], m[1], QUEZTL_DROP_NO_PORT, nested[0].mac, "a deleted port's");
		ASSERT_EQ(port_add(m[0]->name, "qtlan", m[0]->mac, 0), 0);
		ASSERT_EQ(swg_open(&m[0]->port, m[0]->name), 0);
		start(m[0], NULL);
		EXPECT_EQ(macs_of(m[0]).mode, QUEZTL_MACS_NONE);
		expect_no_talk(m[0], &nested[0], m[1]);
	}
}

TEST(bad_addresses_are_refused)
{
	static struct queztl_mac macs[QUEZTL_MACS_MAX + 1];

	make_lan(m, 2, NULL);
	for (int i = 0; i <= QUEZTL_MACS_MAX; i++)
		memcpy(macs[i].addr, (const __u8[]){ 2, 0, 0, 0, i >> 8, i }, 6);
	EXPECT_EQ(set_macs(m[0], 3, NULL, 0), -EINVAL);
	EXPECT_EQ(set_macs(m[0], QUEZTL_MACS_LIST, macs, 0), -EINVAL);
	EXPECT_EQ(set_macs(m[0], QUEZTL_MACS_ANY, macs, 1), -EINVAL);
	EXPECT_EQ(set_macs(m[0], QUEZTL_MACS_NONE, macs, 1), -EINVAL);
	EXPECT_EQ(set_macs(m[0], QUEZTL_MACS_LIST, macs, QUEZTL_MACS_MAX + 1), -EINVAL);
	EXPECT_EQ(set_macs(m[0], QUEZTL_MACS_LIST, NULL, 1), -EFAULT);
	EXPECT_EQ(set_macs(m[0], QUEZTL_MACS_LIST, macs, QUEZTL_MACS_MAX), 0);
	EXPECT_EQ(count_macs(m[0]), QUEZTL_MACS_MAX);
	EXPECT_EQ(set_macs(m[0], QUEZTL_MACS_LIST, macs, 1), 0);
	EXPECT_EQ(count_macs(m[0]), 1);
	macs[3] = macs[1];
	EXPECT_EQ(set_macs(m[0], QUEZTL_MACS_LIST, macs, 5), -EINVAL);
	memcpy(macs[3].addr, m[1]->mac, 6);
	EXPECT_EQ(set_macs(m[0], QUEZTL_MACS_LIST, macs, 5), -EEXIST);
	macs[3].addr[0] |= 1;
	EXPECT_EQ(set_macs(m[0], QUEZTL_MACS_LIST, macs, 5), -EINVAL);
	memset(macs[3].addr, 0, 6);
	EXPECT_EQ(set_macs(m[0], QUEZTL_MACS_LIST, macs, 5), -EINVAL);
	macs[0].reserved = 1;
	EXPECT_EQ(set_macs(m[0], QUEZTL_MACS_LIST, macs, 1), -EINVAL);
	EXPECT_EQ(count_macs(m[0]), 1);		/* a call that fails changes nothing */
}
