// SPDX-License-Identifier: GPL-2.0
/* What a driver and its VMM call in the life of a port, and the kick that delivers a frame. */
#define _GNU_SOURCE
#include "ktap.h"
#include "inject.h"
#include "pair.h"

#include <sys/ioctl.h>

#ifndef VHOST_VDPA_RESUME	/* newer than Debian 12's headers */
#define VHOST_VDPA_RESUME _IO(VHOST_VIRTIO, 0x7E)
#endif

static const struct swg_options up_to_ready = { .num = 1024, .no_ready = true };

static void prepare_ready(void)
{
	ASSERT_EQ(swg_reset(&pair[1]->port), 0);
	ASSERT_EQ(swg_start(&pair[1]->port, &up_to_ready), 0);
}

static int set_ready(void)
{
	return swg_set_status(&pair[1]->port, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			      VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
}

/* Ready, and then it works; or the driver can see that it does not. */
static void check_ready(void)
{
	if (!(swg_get_status(&pair[1]->port) & VIRTIO_CONFIG_S_NEEDS_RESET))
		expect_lan_works();
	expect_victim_recovers();
}

TEST_WITHIN(driver_ok, 300)
{
	const struct sweep sweep = { .name = "SET_STATUS, DRIVER_OK", .prepare = prepare_ready, .call = set_ready,
				     .failed = expect_victim_recovers, .succeeded = check_ready };

	inject_or_skip();
	make_scattered_pair();
	EXPECT_GE(inject_sweep(&sweep), 4);	/* more than the copy: the rings were scattered */
}

static int negotiate(void)
{
	return swg_negotiate(&pair[1]->port, F(VIRTIO_F_VERSION_1) | F(VIRTIO_F_ACCESS_PLATFORM));
}

static int set_up_ring(void)
{
	return swg_setup_ring(&pair[1]->port, SWG_TX, 1024, 0);
}

static int enable_ring(void)
{
	return swg_enable(&pair[1]->port, SWG_TX, 1);
}

static int reset_victim(void)
{
	return swg_reset(&pair[1]->port);
}

static int suspend_victim(void)
{
	return ioctl(pair[1]->port.fd, VHOST_VDPA_SUSPEND) ? -errno : 0;
}

static int resume_victim(void)
{
	return ioctl(pair[1]->port.fd, VHOST_VDPA_RESUME) ? -errno : 0;
}

static int read_config(void)
{
	__u8 mac[6];

	return swg_get_config(&pair[1]->port, 0, mac, sizeof(mac));
}

static int read_base(void)
{
	int r = swg_get_base(&pair[1]->port, SWG_TX);

	return r < 0 ? r : 0;
}

static void prepare_victim(void)
{
	ASSERT_EQ(swg_reset(&pair[1]->port), 0);
}

static void prepare_negotiated(void)
{
	prepare_victim();
	ASSERT_EQ(negotiate(), 0);
}

static void prepare_disabled(void)
{
	start_victim();
	ASSERT_EQ(swg_enable(&pair[1]->port, SWG_TX, 0), 0);
}

static void prepare_suspended(void)
{
	start_victim();
	ASSERT_EQ(suspend_victim(), 0);
}

static const struct sweep driver_calls[] = {
	{ .name = "SET_STATUS and SET_FEATURES", .prepare = prepare_victim, .call = negotiate },
	{ .name = "SET_VRING_*", .prepare = prepare_negotiated, .call = set_up_ring },
	{ .name = "SET_VRING_ENABLE", .prepare = prepare_disabled, .call = enable_ring },
	{ .name = "reset", .prepare = start_victim, .call = reset_victim },
	{ .name = "SUSPEND", .prepare = start_victim, .call = suspend_victim },
	{ .name = "RESUME", .prepare = prepare_suspended, .call = resume_victim },
	{ .name = "GET_CONFIG", .prepare = start_victim, .call = read_config },
	{ .name = "GET_VRING_BASE", .prepare = start_victim, .call = read_base },
};

TEST_WITHIN(what_a_driver_calls, 300)
{
	inject_or_skip();
	make_scattered_pair();
	for (size_t i = 0; i < sizeof(driver_calls) / sizeof(*driver_calls); i++) {
		struct sweep sweep = driver_calls[i];

		sweep.failed = sweep.succeeded = expect_victim_recovers;
		inject_sweep(&sweep);
	}
}

/* The run in the sender's own thread allocates nothing and copies from nobody's user space. */
static void prepare_frame(void)
{
	ASSERT_EQ(send_to(pair[1], pair[0]->mac, 100, ++seed, SWG_QUIET), 0);
}

static int kick(void)
{
	uint64_t one = 1;

	return write(pair[1]->port.ring[SWG_TX].kick, &one, sizeof(one)) < 0 ? -errno : 0;
}

static void kick_failed(void)
{
	ASSERT_EQ(kick(), 0);
	expect_arrives(pair[0], pair[0]->mac, pair[1], 100, seed);
}

static void kick_succeeded(void)
{
	expect_arrives(pair[0], pair[0]->mac, pair[1], 100, seed);
}

TEST(delivery)
{
	const struct sweep sweep = { .name = "kick", .prepare = prepare_frame, .call = kick, .failed = kick_failed,
				     .succeeded = kick_succeeded };

	inject_or_skip();
	make_scattered_pair();
	start_victim();
	EXPECT_LE(inject_sweep(&sweep), 2);
}
