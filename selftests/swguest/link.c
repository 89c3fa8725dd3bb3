// SPDX-License-Identifier: GPL-2.0
/* The link of a port: down, nothing passes, and the guest sees that it has no carrier. */
#define _GNU_SOURCE
#include "world.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#define LENGTH	100

static struct member *m[3];

static int set_link(struct member *member, bool up)
{
	return port_change(member->name, QUEZTL_PORT_LINK_DOWN, up ? 0 : QUEZTL_PORT_LINK_DOWN);
}

static __u32 mode_of(struct member *member)
{
	struct queztl_port port;

	ASSERT_EQ(port_find(member->name, &port), 0);
	return port.mode;
}

static bool has_carrier(struct member *member)
{
	uint16_t status = 0;

	ASSERT_EQ(swg_get_config(&member->port, offsetof(struct virtio_net_config, status), &status, 2), 0);
	return status & VIRTIO_NET_S_LINK_UP;
}

static void send_frame(struct member *from, const __u8 to[6], uint32_t seed)
{
	ASSERT_EQ(send_to(from, to, LENGTH, seed, 0), 0);
	ASSERT_EQ(swg_wait_sent(&from->port, SOON), 0);
}

static void expect_unplugged(struct member *down, struct member *peer, struct member *other)
{
	member_mark(down);
	member_mark(peer);
	EXPECT(!has_carrier(down));
	EXPECT(has_carrier(peer));
	send_frame(down, peer->mac, 1);
	expect_drops(down, QUEZTL_DROP_LINK_DOWN, 1, "sent");
	send_frame(down, frame_broadcast, 2);
	expect_drops(down, QUEZTL_DROP_LINK_DOWN, 1, "sent to all");
	send_frame(peer, down->mac, 3);
	expect_drops(down, QUEZTL_DROP_LINK_DOWN, 1, "received");
	send_frame(peer, frame_broadcast, 4);
	expect_drops(down, QUEZTL_DROP_LINK_DOWN, 1, "received by all");
	expect_arrives(other, frame_broadcast, peer, LENGTH, 4);
	expect_silence(down);
	expect_silence(peer);
	expect_no_drops(peer);
	expect_pair_works(peer, other, 5);
}

TEST(nothing_passes_a_link_that_is_down)
{
	make_lan(m, 3, NULL);
	EXPECT(has_carrier(m[0]));
	ASSERT_EQ(set_link(m[0], false), 0);
	expect_unplugged(m[0], m[1], m[2]);
	ASSERT_EQ(set_link(m[0], true), 0);
	EXPECT(has_carrier(m[0]));
	expect_pair_works(m[0], m[1], 10);
}

/* It is the administrator's, not the driver's. */
TEST(a_link_stays_down_over_a_reset)
{
	make_lan(m, 3, NULL);
	ASSERT_EQ(set_link(m[0], false), 0);
	restart(m[0], NULL);
	expect_unplugged(m[0], m[1], m[2]);
	swg_close(&m[0]->port);
	reopen(m[0]);
	start(m[0], NULL);
	expect_unplugged(m[0], m[1], m[2]);
	ASSERT_EQ(set_link(m[0], true), 0);
	expect_pair_works(m[0], m[1], 10);
}

static uint64_t count_of(int call, int ms)
{
	struct pollfd poll_call = { .fd = call, .events = POLLIN };
	uint64_t count = 0;

	if (poll(&poll_call, 1, ms) > 0)
		ASSERT_EQ(read(call, &count, sizeof(count)), (ssize_t)sizeof(count));
	return count;
}

TEST(the_driver_is_told_of_each_change)
{
	int call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	make_lan(m, 2, NULL);
	ASSERT_EQ(ioctl(m[0]->port.fd, VHOST_VDPA_SET_CONFIG_CALL, &call), 0);
	for (int round = 0; round < 3; round++) {
		ASSERT_EQ(set_link(m[0], false), 0);
		EXPECT_EQ(count_of(call, SOON), 1);
		EXPECT(!has_carrier(m[0]));
		ASSERT_EQ(set_link(m[0], true), 0);
		EXPECT_EQ(count_of(call, SOON), 1);
		EXPECT(has_carrier(m[0]));
	}
	/* to what it is: no change */
	ASSERT_EQ(set_link(m[0], true), 0);
	ASSERT_EQ(port_set(m[0]->name, QUEZTL_PORT_UPLINK), 0);
	ASSERT_EQ(set_link(m[1], false), 0);
	EXPECT_EQ(count_of(call, SILENCE), 0);
}

/* A frame that waits for its receiver does not wait for a link. */
TEST(a_link_goes_down_under_a_waiting_frame)
{
	struct swg_options options = { .num = 4 };

	make_lan(m, 2, &options);
	ASSERT_EQ(swg_reset(&m[1]->port), 0);
	options.no_fill = true;
	start(m[1], &options);
	ASSERT_EQ(send_to(m[0], m[1]->mac, LENGTH, 1, 0), 0);
	ASSERT_EQ(set_link(m[1], false), 0);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	EXPECT_EQ(member_stats(m[1]).drops[QUEZTL_DROP_LINK_DOWN] + member_stats(m[1]).drops[QUEZTL_DROP_FULL], 1);
}

TEST(bits_of_the_mode_change_one_by_one)
{
	const __u32 uplink = QUEZTL_PORT_UPLINK, down = QUEZTL_PORT_LINK_DOWN;

	make_lan(m, 2, NULL);
	EXPECT_EQ(mode_of(m[0]), 0);
	EXPECT_EQ(port_change(m[0]->name, down, down), 0);
	EXPECT_EQ(port_change(m[0]->name, uplink, uplink), 0);
	EXPECT_EQ(mode_of(m[0]), uplink | down);
	EXPECT_EQ(port_set(m[0]->name, 0), 0);		/* as before ABI version 10: the uplink alone */
	EXPECT_EQ(mode_of(m[0]), down);
	EXPECT_EQ(port_change(m[0]->name, uplink | down, uplink), 0);
	EXPECT_EQ(mode_of(m[0]), uplink);

	/* a change is made as a whole, or not at all */
	EXPECT_EQ(port_change(m[1]->name, uplink | down, uplink | down), -EBUSY);
	EXPECT_EQ(mode_of(m[1]), 0);
	EXPECT(has_carrier(m[1]));
	EXPECT_EQ(port_change(m[0]->name, uplink, uplink | down), -EINVAL);
	EXPECT_EQ(port_set(m[0]->name, down), -EINVAL);
	for (int bit = 2; bit < 32; bit++) {
		EXPECT_EQ(port_change(m[0]->name, 1u << bit, 0), -EINVAL);
		EXPECT_EQ(port_change(m[0]->name, 1u << bit | down, 1u << bit), -EINVAL);
	}
	EXPECT_EQ(mode_of(m[0]), uplink);
}
