// SPDX-License-Identifier: GPL-2.0
/* A port's life: indices, resets, what is negotiated, the configuration space, the end. */
#define _GNU_SOURCE
#include "world.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>

static struct member *m[2];

static void make_two(const struct swg_options *options)
{
	make_lan(m, 2, options);
}

TEST(indices_begin_where_the_driver_says)
{
	static const uint16_t firsts[] = { 0, 1, 255, 256, 0x7fff, 0x8000, 65530, 65535 };

	make_two(NULL);
	for (size_t i = 0; i < sizeof(firsts) / sizeof(*firsts); i++) {
		struct swg_options options = { .first = firsts[i], .num = 16,
					       .features = i % 2 ? F(VIRTIO_RING_F_EVENT_IDX) : 0 };

		restart(m[0], &options);
		restart(m[1], &options);
		for (int j = 0; j < 40; j++)
			expect_pair_works(m[0], m[1], j * 2);
		EXPECT_EQ(swg_get_base(&m[0]->port, SWG_TX), (uint16_t)(firsts[i] + 40));
		EXPECT_EQ(swg_get_base(&m[0]->port, SWG_RX), (uint16_t)(firsts[i] + 40));
		EXPECT_EQ(m[1]->port.ring[SWG_TX].used->idx, (uint16_t)(firsts[i] + 40));
	}
}

/* A stop and a start as for migration: the base read at the stop goes on at the start, nothing twice, nothing lost. */
TEST(base_carries_over_a_restart)
{
	struct swg_options options = { 0 };
	int base;

	make_two(NULL);
	for (int i = 0; i < 10; i++) {
		for (int j = 0; j < 7; j++)
			expect_pair_works(m[0], m[1], j * 2);
		base = swg_get_base(&m[0]->port, SWG_TX);
		EXPECT_EQ(base, (uint16_t)(options.first + 7));
		ASSERT_EQ(swg_reset(&m[0]->port), 0);
		options.first = base;
		start(m[0], &options);
	}
	expect_silence(m[1]);
}

/* QEMU 7.2 pauses a VM so: it asks for the base of a ring in use, and resets the port some time later. */
TEST(a_ring_whose_base_was_read_takes_no_more)
{
	struct swg_options options = { 0 };
	int base;

	make_two(NULL);
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < 7; j++)
			expect_pair_works(m[0], m[1], j * 2);
		base = swg_get_base(&m[0]->port, SWG_RX);
		EXPECT_EQ(base, (uint16_t)(options.first + 7));
		for (int j = 0; j < 5; j++)
			ASSERT_EQ(send_to(m[1], m[0]->mac, 20, j, 0), 0);
		ASSERT_EQ(swg_wait_sent(&m[1]->port, SOON), 0);
		EXPECT_EQ(swg_get_base(&m[0]->port, SWG_RX), base);
		EXPECT_EQ(m[0]->port.ring[SWG_RX].used->idx, base);
		ASSERT_EQ(swg_reset(&m[0]->port), 0);
		options.first = base;
		start(m[0], &options);
	}
	expect_pair_works(m[0], m[1], 1);
	EXPECT_EQ(swg_get_base(&m[0]->port, SWG_RX), (uint16_t)(options.first + 1));
	ASSERT_EQ(swg_enable(&m[0]->port, SWG_RX, 1), 0);
	expect_pair_works(m[0], m[1], 2);
}

static void *reset_often(void *argument)
{
	struct member *self = argument;
	uint8_t frame[SWG_FRAME];
	long got = 0, resets = 0;
	double end = swg_now() + 10;

	while (swg_now() < end) {
		int length = swg_receive(&self->port, frame, sizeof(frame), 2);

		if (length == 333 && frame_check(frame, length, self->mac, m[0]->mac, frame_seed(frame)))
			got++;
		else if (length != -ETIMEDOUT)
			return (void *)(long)(length < 0 ? length : -EPROTO);
		if (got % 50 == 3 || length < 0) {
			static const struct swg_options options = { 0 };

			resets++;
			if (swg_reset(&self->port) || swg_start(&self->port, &options))
				return (void *)-2L;
		}
	}
	ktap_say("%ld resets, %ld frames between them", resets, got);
	return (void *)got;
}

/* The receiver is reset again and again in mid-traffic: frames arrive whole or are counted, the sender never stalls. */
TEST(reset_in_traffic)
{
	struct queztl_port_stats stats;
	uint32_t sent = 0;
	pthread_t thread;
	void *got;

	make_two(NULL);
	ASSERT_EQ(pthread_create(&thread, NULL, reset_often, m[1]), 0);
	while (pthread_tryjoin_np(thread, &got)) {
		if (!send_to(m[0], m[1]->mac, 333, sent, 0))
			sent++;
		ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	}
	ASSERT_GE((long)got, 1);
	stats = member_stats(m[1]);
	EXPECT_EQ(stats.rx_packets + stats.drops[QUEZTL_DROP_DOWN] + stats.drops[QUEZTL_DROP_FULL], sent);
	EXPECT_LE((long)got, stats.rx_packets);
	EXPECT_EQ(stats.drops[QUEZTL_DROP_RX_BROKEN], 0);
	EXPECT_EQ(member_stats(m[0]).drops[QUEZTL_DROP_BAD_RING], 0);
}

/* The sender is reset while its own frames are taken. */
TEST(sender_reset_in_traffic)
{
	static const struct swg_options options = { 0 };

	make_two(NULL);
	for (int i = 0; i < 500; i++) {
		for (int j = 0; j < 200; j++)
			ASSERT_EQ(send_to(m[0], m[1]->mac, 60, j, SWG_QUIET), 0);
		swg_kick(&m[0]->port, SWG_TX);
		ASSERT_EQ(swg_reset(&m[0]->port), 0);
		ASSERT_EQ(swg_start(&m[0]->port, &options), 0);
		while (swg_used_any(&m[1]->port, SWG_RX)) {
			uint8_t frame[SWG_FRAME];

			ASSERT_EQ(swg_receive(&m[1]->port, frame, sizeof(frame), 0), 60);
			ASSERT(frame_check(frame, 60, m[1]->mac, m[0]->mac, frame_seed(frame)));
		}
	}
	member_mark(m[1]);
	ASSERT_EQ(send_to(m[0], m[1]->mac, 99, 1, 0), 0);
	for (;;) {
		uint8_t frame[SWG_FRAME];
		int got = swg_receive(&m[1]->port, frame, sizeof(frame), SOON);

		ASSERT_GE(got, 60);
		if (got == 99)
			break;
	}
}

TEST(configuration_space)
{
	struct virtio_net_config config = { 0 };
	__u8 other[6];

	make_two(NULL);
	ASSERT_EQ(swg_get_config(&m[0]->port, 0, &config, sizeof(config)), 0);
	EXPECT(!memcmp(config.mac, m[0]->mac, 6));
	EXPECT_EQ(config.status & VIRTIO_NET_S_LINK_UP, VIRTIO_NET_S_LINK_UP);
	EXPECT_EQ(config.mtu, 1500);
	/* unknown: a VMM may offer these fields and leave what they say to the device */
	EXPECT_EQ(config.speed, 0xffffffff);
	EXPECT_EQ(config.duplex, 0xff);
	EXPECT(m[0]->port.offered & F(VIRTIO_NET_F_MAC));
	EXPECT(m[0]->port.offered & F(VIRTIO_NET_F_MTU));
	EXPECT(m[0]->port.offered & F(VIRTIO_F_VERSION_1));
	EXPECT(m[0]->port.offered & F(VIRTIO_F_ACCESS_PLATFORM));
	EXPECT(!(m[0]->port.offered & F(VIRTIO_F_RING_PACKED)));
	/* the address is the administrator's: a write changes nothing, and fails not */
	frame_mac(other, 66);
	EXPECT_EQ(swg_set_config(&m[0]->port, 0, other, 6), 0);
	ASSERT_EQ(swg_get_config(&m[0]->port, 0, &config, 12), 0);
	EXPECT(!memcmp(config.mac, m[0]->mac, 6));
	expect_pair_works(m[0], m[1], 1);
	/* outside */
	EXPECT_EQ(swg_get_config(&m[0]->port, 4000, &config, 1), -EINVAL);
	EXPECT_EQ(swg_get_config(&m[0]->port, 1, other, 1), 0);
	EXPECT_EQ(other[0], m[0]->mac[1]);
}

TEST(old_drivers_are_refused)
{
	make_fabric("qtlan");
	m[0] = join("qtlan", 1, 0);
	EXPECT_NE(swg_negotiate(&m[0]->port, F(VIRTIO_F_ACCESS_PLATFORM)), 0);
	ASSERT_EQ(swg_reset(&m[0]->port), 0);
	EXPECT_EQ(swg_negotiate(&m[0]->port, F(VIRTIO_F_VERSION_1) | F(VIRTIO_F_ACCESS_PLATFORM)), 0);
}

/* DRIVER_OK without FEATURES_OK: features, and with them what a queue is for, could change while it runs. */
TEST(port_without_features_ok_stays_down)
{
	struct swg_options options = { .unconfirmed = true };
	uint64_t other = F(VIRTIO_F_VERSION_1) | F(VIRTIO_F_ACCESS_PLATFORM) | F(VIRTIO_NET_F_CTRL_VQ);

	make_fabric("qtlan");
	m[0] = join("qtlan", 1, 0);
	m[1] = join("qtlan", 2, 0);
	start(m[0], NULL);
	start(m[1], &options);
	EXPECT(swg_get_status(&m[1]->port) & VIRTIO_CONFIG_S_DRIVER_OK);
	ASSERT_EQ(send_to(m[0], m[1]->mac, 100, 1, 0), 0);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	expect_drops(m[1], QUEZTL_DROP_DOWN, 1, "FEATURES_OK is missing");
	EXPECT_EQ(ioctl(m[1]->port.fd, VHOST_SET_FEATURES, &other), 0);
	restart(m[1], NULL);
	expect_pair_works(m[0], m[1], 2);
	EXPECT_FAILS(ioctl(m[1]->port.fd, VHOST_SET_FEATURES, &other), EBUSY);
	expect_pair_works(m[0], m[1], 4);
}

TEST(ring_sizes_are_checked)
{
	static const int bad[] = { 0, 3, 100, 2048, 65536, -1 };

	make_fabric("qtlan");
	m[0] = join("qtlan", 1, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct vhost_vring_state state = { 0, bad[i] };

		EXPECT_FAILS(ioctl(m[0]->port.fd, VHOST_SET_VRING_NUM, &state), EINVAL);
	}
}

TEST(port_opens_once)
{
	struct swg other;

	make_two(NULL);
	EXPECT_EQ(swg_open(&other, m[0]->name), -EBUSY);
	expect_pair_works(m[0], m[1], 1);
}

TEST(closed_port_is_isolated)
{
	struct queztl_port port;

	make_two(NULL);
	for (int i = 0; i < 5; i++) {
		expect_pair_works(m[0], m[1], 1);
		swg_close(&m[1]->port);
		paint(m[1], 0x66);
		ASSERT_EQ(port_find(m[1]->name, &port), 0);
		EXPECT_EQ(port.state, 0);
		EXPECT_EQ(port.pid, 0);
		member_mark(m[1]);
		for (int j = 0; j < 100; j++)
			ASSERT_EQ(send_to(m[0], m[1]->mac, 100, j, 0), 0);
		expect_drops(m[1], QUEZTL_DROP_DOWN, 100, "closed");
		EXPECT(is_painted(m[1], 0x66));
		swg_free(&m[1]->port);
		ASSERT_EQ(swg_open(&m[1]->port, m[1]->name), 0);
		start(m[1], NULL);
	}
}

/* A guest that is killed in the middle of everything leaves a port as new. */
TEST(killed_guest_leaves_a_clean_port)
{
	static const struct swg_options options = { 0 };

	make_two(NULL);
	swg_close(&m[1]->port);
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();

		if (!child) {
			if (swg_open(&m[1]->port, m[1]->name) || swg_start(&m[1]->port, &options))
				_exit(1);
			for (;;)
				send_to(m[1], m[0]->mac, 60, 1, 0);
		}
		for (int j = 0; j < 200; j++) {
			send_to(m[0], m[1]->mac, 60, j, 0);
			usleep(200);
		}
		kill(child, SIGKILL);
		ASSERT_EQ(waitpid(child, NULL, 0), child);
	}
	while (swg_receive(&m[0]->port, (uint8_t[SWG_FRAME]){ 0 }, SWG_FRAME, SILENCE) > 0)
		;
	reopen(m[1]);
	start(m[1], NULL);
	expect_pair_works(m[0], m[1], 1);
}
