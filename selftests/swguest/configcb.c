// SPDX-License-Identifier: GPL-2.0
/*
 * A reset forgets whom a port's driver wanted to be told of changes: the next one of them tells nobody of the time before.
 * What is left would be called after it was freed, which KASAN sees.
 */
#define _GNU_SOURCE
#include "tenant.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#ifndef VHOST_VDPA_RESUME
#define VHOST_VDPA_RESUME	_IO(VHOST_VIRTIO, 0x7E)
#endif

static void set_config_call(struct swg *port, int fd)
{
	ASSERT_EQ(ioctl(port->fd, VHOST_VDPA_SET_CONFIG_CALL, &fd), 0);
}

/* A driver that can announce itself is asked to when it is resumed: its configuration has changed. */
static void suspend_and_resume(struct swg *port)
{
	ASSERT_EQ(ioctl(port->fd, VHOST_VDPA_SUSPEND), 0);
	ASSERT_EQ(ioctl(port->fd, VHOST_VDPA_RESUME), 0);
}

static void start_announcing(struct member *member)
{
	struct swg_options options = { .features = F(VIRTIO_NET_F_CTRL_VQ) | F(VIRTIO_NET_F_GUEST_ANNOUNCE) };

	start(member, &options);
}

static uint64_t count_of(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void rebind(struct member *member, const char *driver)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/vdpa/devices/%s/driver/unbind", member->name);
	ASSERT_EQ(write_text(path, member->name), 0);
	ASSERT_EQ(port_bind(member->name, driver), 0);
}

/* The port's worker makes the call. */
static uint64_t await_count(int call)
{
	struct pollfd poll_call = { .fd = call, .events = POLLIN };

	return poll(&poll_call, 1, 5000) > 0 ? count_of(call) : 0;
}

TEST(a_reset_forgets_the_config_call)
{
	int call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct member *member;

	make_fabric("qtlan");
	member = join("qtlan", 1, 0);
	set_config_call(&member->port, call);
	start_announcing(member);
	suspend_and_resume(&member->port);
	EXPECT_EQ(await_count(call), 1);
	ASSERT_EQ(swg_reset(&member->port), 0);
	start_announcing(member);
	suspend_and_resume(&member->port);
	KTAP_CHECK(!count_of(call), false, "the config call of before the reset was signalled");
	/* and whoever sets it anew is told, perhaps of the change before, too: a worker tells */
	set_config_call(&member->port, call);
	suspend_and_resume(&member->port);
	EXPECT_GE(await_count(call), 1);
}

TEST(the_next_holder_does_not_signal_the_last_ones_config_call)
{
	int call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct member *member;

	make_fabric("qtlan");
	member = join("qtlan", 1, 0);
	for (int round = 0; round < 5; round++) {
		set_config_call(&member->port, call);
		start_announcing(member);
		swg_close(&member->port);
		rebind(member, "vhost_vdpa");
		reopen(member);
		start_announcing(member);
		suspend_and_resume(&member->port);
		EXPECT_EQ(count_of(call), 0);
		ASSERT_EQ(swg_reset(&member->port), 0);
	}
}

TEST(a_port_forgets_a_driver_that_was_unbound)
{
	struct member *member;

	make_fabric("qtlan");
	member = make_member("qtlan", 1, 0);
	for (int round = 0; round < 5; round++) {
		rebind(member, "virtio_vdpa");
		rebind(member, "vhost_vdpa");
		reopen(member);
		start_announcing(member);
		suspend_and_resume(&member->port);
		swg_close(&member->port);
	}
}
