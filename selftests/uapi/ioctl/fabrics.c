// SPDX-License-Identifier: GPL-2.0
/* Names, ids and modes of fabrics, and how they are listed. */
#define _GNU_SOURCE
#include "ktap.h"
#include "calls.h"
#include "fabric.h"

#include <sys/ioctl.h>

static void try_name(const char *name, size_t length, int error)
{
	struct queztl_fabric_add_args add = { .size = sizeof(add) };
	int r;

	memcpy(add.name, name, length);
	errno = 0;
	r = ioctl(world.device, QUEZTL_FABRIC_ADD, &add);
	KTAP_CHECK(error ? r == -1 && errno == error : r == 0, false, "fabric name '%.32s': expected %s, got %d %s",
		   name, error ? strerrorname_np(error) : "success", r, r ? strerrorname_np(errno) : "");
	if (!r)
		EXPECT_EQ(fabric_del(add.id), 0);
}

TEST(fabric_names)
{
	static const char *const bad[] = { "", "/", "..", ".", "a/b", "-a", ".a", "_a", "qt ", " qt", "q\tt", "qt\n",
					   "q:t", "q\\t", "q%s", "q\xc3\xa4", "\x7f", "q*" };
	static const char *const good[] = { "q", "Q", "7", "qt-_.", "qt..", "qtABCxyz019", "qt.a-b_c",
					    "qt34567890123456789012345678901" };

	world.device = queztl_fd();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		try_name(bad[i], strlen(bad[i]), EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		try_name(good[i], strlen(good[i]), 0);
	try_name("qt345678901234567890123456789012", QUEZTL_NAME_MAX, EINVAL);	/* no NUL */
	add_fabric("qttwice");
	try_name("qttwice", 7, EEXIST);
	try_name("qttwic", 6, 0);
	try_name("qttwiceX", 8, 0);
}

TEST(fabric_ids_are_not_reused)
{
	__u64 first, second, last = 0;

	world.device = queztl_fd();
	first = add_fabric("qtone");
	EXPECT_EQ(fabric_del(first), 0);
	EXPECT_EQ(fabric_del(first), -ENOENT);
	second = add_fabric("qtone");
	EXPECT(second > first);
	EXPECT_EQ(fabric_del(0), -ENOENT);
	EXPECT_EQ(fabric_del(second + 1), -ENOENT);
	EXPECT_EQ(fabric_del(~0ULL), -ENOENT);
	EXPECT_EQ(fabric_del(second), 0);
	for (int i = 0; i < 100; i++) {
		__u64 id = add_fabric("qtmany");

		ASSERT(id > last);
		last = id;
		ASSERT_EQ(fabric_del(id), 0);
	}
}

TEST(fabric_with_ports_is_ebusy)
{
	struct queztl_fabric fabric;
	struct queztl_port port;

	open_world();
	EXPECT_EQ(fabric_find("qtblue", &fabric), 0);
	EXPECT_EQ(fabric.ports, 2);
	EXPECT_EQ(port_del("qtpeer"), 0);
	EXPECT_EQ(fabric_find("qtblue", &fabric), 0);
	EXPECT_EQ(fabric.ports, 1);
	EXPECT_EQ(fabric.mode, 0);
	EXPECT_EQ(fabric_del(world.fabric), -EBUSY);
	EXPECT_EQ(port_find("qtport", &port), 0);
	EXPECT_EQ(port.fabric_id, world.fabric);
	EXPECT(!memcmp(port.mac, world_mac, sizeof(world_mac)));
	EXPECT_EQ(port.mtu, 1500);
	EXPECT_GE(port.max_vqp, 1);
	EXPECT_EQ(port.state, 0);
	EXPECT_EQ(port.pid, 0);
	EXPECT_EQ(port_del("qtport"), 0);
	EXPECT_EQ(port_find_attached("qtport", &port), -ENOENT);
	EXPECT_EQ(fabric_find("qtblue", &fabric), 0);
	EXPECT_EQ(fabric.ports, 0);
	EXPECT_EQ(fabric_del(world.fabric), 0);
	EXPECT_EQ(fabric_find("qtblue", &fabric), -ENOENT);
}

static int set_mode(__u64 id, __u32 mode)
{
	struct queztl_fabric_set_args set = { .size = sizeof(set), .id = id, .mode = mode };

	return ioctl(world.device, QUEZTL_FABRIC_SET, &set) ? -errno : 0;
}

TEST(fabric_denies_when_told)
{
	struct queztl_fabric fabric;

	open_world();
	EXPECT_EQ(set_mode(world.fabric, QUEZTL_FABRIC_DENY), 0);
	EXPECT_EQ(fabric_find("qtblue", &fabric), 0);
	EXPECT_EQ(fabric.mode, QUEZTL_FABRIC_DENY);
	EXPECT_EQ(set_mode(world.fabric, QUEZTL_FABRIC_RESERVED), 0);
	EXPECT_EQ(fabric_find("qtblue", &fabric), 0);
	EXPECT_EQ(fabric.mode, QUEZTL_FABRIC_RESERVED);
	EXPECT_EQ(set_mode(world.fabric, QUEZTL_FABRIC_DENY), 0);
	for (int bit = 2; bit < 32; bit++)
		EXPECT_EQ(set_mode(world.fabric, 1u << bit), -EINVAL);
	EXPECT_EQ(set_mode(world.fabric + 1, 0), -ENOENT);
	EXPECT_EQ(set_mode(0, QUEZTL_FABRIC_DENY), -ENOENT);
	fabric.id = world.fabric - 1;
	fabric.mode = ~0u;		/* out: ignored */
	EXPECT_EQ(ioctl(world.device, QUEZTL_FABRIC_NEXT, &fabric), 0);
	EXPECT_EQ(fabric.mode, QUEZTL_FABRIC_DENY);
	EXPECT_EQ(set_mode(world.fabric, 0), 0);
	EXPECT_EQ(fabric_find("qtblue", &fabric), 0);
	EXPECT_EQ(fabric.mode, 0);
}

TEST(iteration_goes_up_and_ends)
{
	struct queztl_fabric next = { .size = sizeof(next) };
	struct queztl_info info = { .size = sizeof(info) };
	__u64 last = 0, middle = 0;
	__u32 seen = 0;
	char name[32];

	world.device = queztl_fd();
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "qtrow%d", i);
		middle = add_fabric(name);
		if (i == 10)
			last = middle;
	}
	EXPECT_EQ(fabric_del(last), 0);
	next.id = last;			/* the id itself need not exist */
	EXPECT_EQ(ioctl(world.device, QUEZTL_FABRIC_NEXT, &next), 0);
	EXPECT(!strcmp(next.name, "qtrow11"));
	next.id = last = 0;
	while (!ioctl(world.device, QUEZTL_FABRIC_NEXT, &next)) {
		ASSERT(next.id > last);
		last = next.id;
		ASSERT(++seen < 1000);
	}
	EXPECT_EQ(errno, ENOENT);
	EXPECT_EQ(next.id, last);
	ASSERT_EQ(ioctl(world.device, QUEZTL_GET_INFO, &info), 0);
	EXPECT_EQ(info.fabrics, seen);
	next.id = ~0ULL;
	EXPECT_FAILS(ioctl(world.device, QUEZTL_FABRIC_NEXT, &next), ENOENT);
}
