// SPDX-License-Identifier: GPL-2.0
/* Peers: who may be one, one by one or many at once, and how they are listed. */
#define _GNU_SOURCE
#include "ktap.h"
#include "calls.h"
#include "fabric.h"

#include <stdint.h>
#include <sys/ioctl.h>

static int call_peer(unsigned int number, __u64 port, __u64 other)
{
	struct queztl_peer peer = { .size = sizeof(peer), .port = port, .peer = other };

	return ioctl(world.device, number, &peer) ? -errno : 0;
}

static __u64 add_port(const char *name, const char *fabric, __u8 last)
{
	const __u8 mac[6] = { 0x52, 0x54, 0, 0, 0, last };
	struct queztl_port port;

	ASSERT_EQ(port_add(name, fabric, mac, 0), 0);
	ASSERT_EQ(port_find(name, &port), 0);
	return port.id;
}

TEST(peers_are_two_ports_of_a_fabric)
{
	__u64 elsewhere;

	open_world();
	add_fabric("qtother");
	elsewhere = add_port("qtelse", "qtother", 2);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, world.port), -EINVAL);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, elsewhere), -EXDEV);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, 0), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, ~0ULL, world.port), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.port, world.peer), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, world.peer), 0);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, world.peer), -EEXIST);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.peer, world.port), -EEXIST);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.port, elsewhere), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.port, world.port), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.port, ~0ULL), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.peer, world.port), 0);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.port, world.peer), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_NEXT, world.port, 0), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_NEXT, ~0ULL, 0), -ENOENT);
}

TEST(peers_are_listed_and_go_with_their_port)
{
	struct queztl_peer next = { .size = sizeof(next) };
	char name[32];
	__u64 ids[4];

	open_world();
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "qtnear%d", i);
		ids[i] = add_port(name, "qtblue", 10 + i);
	}
	for (int i = 3; i >= 0; i--)
		EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, ids[i]), 0);
	EXPECT_EQ(port_del("qtnear1"), 0);
	next.port = world.port;
	for (int i = 0; i < 4; i++) {
		if (i == 1)
			continue;
		EXPECT_EQ(ioctl(world.device, QUEZTL_PEER_NEXT, &next), 0);
		EXPECT_EQ(next.peer, ids[i]);
		EXPECT_EQ(next.port, world.port);
	}
	EXPECT_FAILS(ioctl(world.device, QUEZTL_PEER_NEXT, &next), ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, ids[1]), -ENOENT);
	/* another port with its address is no peer */
	ids[1] = add_port("qtnear1", "qtblue", 11);
	EXPECT_EQ(call_peer(QUEZTL_PEER_NEXT, ids[1], 0), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.port, ids[1]), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, ids[1]), 0);
}

static int add_peers(__u64 port, const __u64 *ids, __u32 n)
{
	struct queztl_peers peers = { .size = sizeof(peers), .port = port, .peers = (uintptr_t)ids, .n = n };

	return ioctl(world.device, QUEZTL_PEERS_ADD, &peers) ? -errno : 0;
}

static int count_peers(__u64 port)
{
	struct queztl_peer next = { .size = sizeof(next), .port = port };
	int count = 0;

	while (!ioctl(world.device, QUEZTL_PEER_NEXT, &next))
		count++;
	return count;
}

TEST(many_peers_or_none)
{
	__u64 elsewhere, near, ids[QUEZTL_PEERS_MAX + 1];

	open_world();
	add_fabric("qtother");
	elsewhere = add_port("qtelse", "qtother", 2);
	near = add_port("qtnear", "qtblue", 3);
	for (int i = 0; i <= QUEZTL_PEERS_MAX; i++)
		ids[i] = i % 2 ? near : world.peer;
	EXPECT_EQ(add_peers(world.port, ids, 0), -EINVAL);
	EXPECT_EQ(add_peers(world.port, ids, QUEZTL_PEERS_MAX + 1), -EINVAL);
	EXPECT_EQ(add_peers(world.port, NULL, 2), -EFAULT);
	EXPECT_EQ(add_peers(world.port, (void *)~0xfffULL, 2), -EFAULT);
	EXPECT_EQ(add_peers(0, ids, 2), -ENOENT);
	ids[1] = world.port;
	EXPECT_EQ(add_peers(world.port, ids, 2), -EINVAL);
	ids[1] = elsewhere;
	EXPECT_EQ(add_peers(world.port, ids, 2), -EXDEV);
	ids[1] = ~0ULL;
	EXPECT_EQ(add_peers(world.port, ids, 2), -ENOENT);
	EXPECT_EQ(count_peers(world.port) + count_peers(world.peer) + count_peers(near), 0);
	/* in falling order, and each often */
	ids[1] = near;
	EXPECT_EQ(add_peers(world.port, ids, QUEZTL_PEERS_MAX), 0);
	EXPECT_EQ(count_peers(world.port), 2);
	EXPECT_EQ(count_peers(world.peer), 1);
	EXPECT_EQ(count_peers(near), 1);
	/* who is a peer already stays one */
	EXPECT_EQ(add_peers(near, (const __u64[]){ world.port, world.peer }, 2), 0);
	EXPECT_EQ(count_peers(world.peer), 2);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.peer, near), 0);
	EXPECT_EQ(count_peers(near), 1);
}

#define CROWD	48

/* A full mesh, a call for each port, in an order that nothing is made for. */
TEST_WITHIN(mesh_is_made_port_by_port, 240)
{
	__u64 ids[CROWD], others[CROWD];
	char name[32];

	open_world();
	for (int i = 0; i < CROWD; i++) {
		snprintf(name, sizeof(name), "qtcrowd%d", i);
		ids[i] = add_port(name, "qtblue", 20 + i);
	}
	for (int k = 0; k < CROWD; k++) {
		int i = k * 29 % CROWD, n = 0;

		for (int j = CROWD - 1; j >= 0; j--)
			if (j != i)
				others[n++] = ids[j];
		ASSERT_EQ(add_peers(ids[i], others, n), 0);
	}
	for (int i = 0; i < CROWD; i++) {
		struct queztl_peer next = { .size = sizeof(next), .port = ids[i] };

		for (int j = 0; j < CROWD; j++) {
			if (j == i)
				continue;
			ASSERT_EQ(ioctl(world.device, QUEZTL_PEER_NEXT, &next), 0);
			ASSERT_EQ(next.peer, ids[j]);
		}
		EXPECT_FAILS(ioctl(world.device, QUEZTL_PEER_NEXT, &next), ENOENT);
	}
}
