// SPDX-License-Identifier: GPL-2.0
/* The addresses a port may send from: which are well formed, how many, and how they are listed. */
#define _GNU_SOURCE
#include "ktap.h"
#include "calls.h"

#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int call_addr(unsigned int number, int family, int prefix, const __u8 *bytes, int count)
{
	struct queztl_addr addr = { .size = sizeof(addr), .port = world.port, .family = family, .prefix = prefix };

	memcpy(addr.addr, bytes, count);
	return ioctl(world.device, number, &addr) ? -errno : 0;
}

TEST(addresses_are_well_formed)
{
	static const __u8 host[4] = { 10, 1, 2, 3 }, host6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 3 };
	static const __u8 group[4] = { 224, 0, 0, 1 }, broadcast[4] = { 255, 255, 255, 255 }, group6[16] = { 0xff, 2 };
	static const __u8 none[16];
	static const unsigned int numbers[] = { QUEZTL_ADDR_ADD, QUEZTL_ADDR_DEL };

	open_world();
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		EXPECT_EQ(call_addr(numbers[i], AF_UNSPEC, 32, host, 4), -EAFNOSUPPORT);
		EXPECT_EQ(call_addr(numbers[i], AF_PACKET, 32, host, 4), -EAFNOSUPPORT);
		EXPECT_EQ(call_addr(numbers[i], AF_INET, 33, host, 4), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET, 31, host, 4), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET, 32, host6, 16), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET, 32, group, 4), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET, 32, broadcast, 4), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET, 32, none, 4), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET6, 129, host6, 16), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET6, 127, host6, 16), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET6, 16, group6, 16), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET6, 128, none, 16), -EINVAL);
	}
	EXPECT_EQ(call_addr(QUEZTL_ADDR_DEL, AF_INET, 32, host, 4), -ENOENT);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET, 32, host, 4), 0);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET, 32, host, 4), -EEXIST);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET, 24, host, 3), 0);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET, 0, none, 4), 0);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET6, 0, none, 16), 0);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET6, 128, host6, 16), 0);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_DEL, AF_INET6, 0, none, 16), 0);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_DEL, AF_INET6, 0, none, 16), -ENOENT);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_DEL, AF_INET, 0, none, 4), 0);
	world.port = ~0ULL;
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET, 32, host, 4), -ENOENT);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_DEL, AF_INET, 32, host, 4), -ENOENT);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_NEXT, 0, 0, none, 0), -ENOENT);
}

TEST(addresses_are_listed_by_ids_of_their_own)
{
	struct queztl_addr addr = { .size = sizeof(addr), .family = AF_INET, .prefix = 32 };
	__u8 bytes[4] = { 10, 1, 2 };

	open_world();
	addr.port = world.port;
	for (int i = 0; i < QUEZTL_ADDR_MAX; i++) {
		addr.addr[0] = 10;
		addr.addr[3] = i;
		EXPECT_EQ(ioctl(world.device, QUEZTL_ADDR_ADD, &addr), 0);
		EXPECT_EQ(addr.id, i + 1);
	}
	bytes[3] = 77;
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET, 32, bytes, 4), -ENOSPC);
	addr.addr[3] = 5;
	EXPECT_EQ(ioctl(world.device, QUEZTL_ADDR_DEL, &addr), 0);
	addr.family = AF_INET6;
	addr.prefix = 64;
	addr.addr[15] = 1;			/* behind the prefix */
	EXPECT_FAILS(ioctl(world.device, QUEZTL_ADDR_ADD, &addr), EINVAL);
	memset(addr.addr, 0, sizeof(addr.addr));
	addr.addr[0] = 0x20;
	EXPECT_EQ(ioctl(world.device, QUEZTL_ADDR_ADD, &addr), 0);
	EXPECT_EQ(addr.id, QUEZTL_ADDR_MAX + 1);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET, 32, bytes, 4), -ENOSPC);

	memset(&addr.id, 0, sizeof(addr) - offsetof(struct queztl_addr, id));
	for (int i = 0; i <= QUEZTL_ADDR_MAX; i++) {
		if (i == 5)
			continue;
		EXPECT_EQ(ioctl(world.device, QUEZTL_ADDR_NEXT, &addr), 0);
		EXPECT_EQ(addr.id, i + 1);
		EXPECT_EQ(addr.family, i == QUEZTL_ADDR_MAX ? AF_INET6 : AF_INET);
		EXPECT_EQ(addr.prefix, i == QUEZTL_ADDR_MAX ? 64 : 32);
		EXPECT_EQ(addr.addr[0], i == QUEZTL_ADDR_MAX ? 0x20 : 10);
		EXPECT_EQ(addr.addr[3], i == QUEZTL_ADDR_MAX ? 0 : i);
	}
	EXPECT_FAILS(ioctl(world.device, QUEZTL_ADDR_NEXT, &addr), ENOENT);
	addr.id = ~0u;
	EXPECT_FAILS(ioctl(world.device, QUEZTL_ADDR_NEXT, &addr), ENOENT);
}
