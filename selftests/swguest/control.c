// SPDX-License-Identifier: GPL-2.0
/* The control queue: what a guest asks for happens to the frames it gets. */
#define _GNU_SOURCE
#include "flow.h"
#include "world.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#define CONTROL	(F(VIRTIO_NET_F_CTRL_VQ) | F(VIRTIO_NET_F_CTRL_RX) | F(VIRTIO_NET_F_CTRL_RX_EXTRA) | \
		 F(VIRTIO_NET_F_CTRL_VLAN) | F(VIRTIO_NET_F_CTRL_MAC_ADDR) | F(VIRTIO_NET_F_GUEST_ANNOUNCE))

static const __u8 group[6] = { 0x01, 0x00, 0x5e, 0x01, 0x02, 0x03 };
static struct member *m[2];

static void make_two(uint64_t features)
{
	struct swg_options options = { .features = features, .slot = 4096 };

	make_lan(m, 2, &options);
}

static int set_mode(struct member *at, uint8_t command, uint8_t on)
{
	return swg_command(&at->port, VIRTIO_NET_CTRL_RX, command, &on, 1);
}

static void expect_seen(const __u8 to[6], bool seen, uint32_t seed)
{
	ASSERT_EQ(send_to(m[0], to, 100, seed, 0), 0);
	if (seen)
		expect_arrives(m[1], to, m[0], 100, seed);
	else
		expect_silence(m[1]);
}

static void receive_modes(uint64_t features)
{
	make_two(CONTROL | features);
	expect_seen(group, true, 1);
	ASSERT_EQ(set_mode(m[1], VIRTIO_NET_CTRL_RX_ALLMULTI, 0), VIRTIO_NET_OK);
	expect_seen(group, false, 2);
	expect_seen(frame_broadcast, true, 3);
	ASSERT_EQ(set_mode(m[1], VIRTIO_NET_CTRL_RX_NOBCAST, 1), VIRTIO_NET_OK);
	expect_seen(frame_broadcast, false, 4);
	ASSERT_EQ(set_mode(m[1], VIRTIO_NET_CTRL_RX_PROMISC, 1), VIRTIO_NET_OK);
	expect_seen(frame_broadcast, true, 5);
	expect_seen(m[1]->mac, true, 6);
	ASSERT_EQ(set_mode(m[1], 77, 1), VIRTIO_NET_ERR);
	/* what nobody wants to see is no drop */
	expect_no_drops(m[0]);
	expect_no_drops(m[1]);
}

TEST(receive_modes_choose_frames)
{
	receive_modes(0);
	for (int i = 0; i < 2; i++)
		swg_close(&m[i]->port);
	fabric_sweep();
	receive_modes(F(VIRTIO_RING_F_EVENT_IDX));
}

TEST(multicast_tables_choose_frames)
{
	static const uint8_t tables[] = { 0, 0, 0, 0, 1, 0, 0, 0, 0x01, 0x00, 0x5e, 0x01, 0x02, 0x03 };
	static const __u8 other[6] = { 0x01, 0x00, 0x5e, 0x01, 0x02, 0x04 };

	make_two(CONTROL);
	ASSERT_EQ(set_mode(m[1], VIRTIO_NET_CTRL_RX_ALLMULTI, 0), VIRTIO_NET_OK);
	ASSERT_EQ(swg_command(&m[1]->port, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, tables,
			      sizeof(tables)), VIRTIO_NET_OK);
	expect_seen(group, true, 1);
	expect_seen(other, false, 2);
	ASSERT_EQ(swg_command(&m[1]->port, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, tables,
			      sizeof(tables) - 1), VIRTIO_NET_ERR);
	expect_seen(group, true, 3);
}

/* Two tables of addresses that count up, the second beginning with the group. */
static int set_tables(uint16_t unicast, uint16_t multicast, int cut)
{
	static uint8_t data[8 + 6 * 5000];
	uint8_t *second = data + 4 + 6 * unicast, *at = second + 4;

	memset(data, 0, sizeof(data));
	memcpy(data, &unicast, 2);
	memcpy(second, &multicast, 2);
	for (int i = 0; i < multicast; i++, at += 6) {
		memcpy(at, group, 6);
		at[3] += i >> 8;
		at[4] += i & 0xff;
	}
	return swg_command(&m[1]->port, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, data,
			   (int)(at - data) - cut);
}

/* A driver with more groups than anybody filters gets all of them, until it has fewer. */
TEST(many_groups_mean_all_multicast)
{
	static const uint16_t many[][2] = {
		{ 0, 65 }, { 0, 677 }, { 0, 682 }, { 0, 5000 }, { 700, 65 }, { 2000, 2000 },
	};
	static const __u8 other[6] = { 0x33, 0x33, 0xff, 0x01, 0x02, 0x04 };

	make_two(CONTROL);
	ASSERT_EQ(set_mode(m[1], VIRTIO_NET_CTRL_RX_ALLMULTI, 0), VIRTIO_NET_OK);
	for (uint32_t i = 0; i < sizeof(many) / sizeof(*many); i++) {
		ASSERT_EQ(set_tables(0, 1, 0), VIRTIO_NET_OK);
		expect_seen(other, false, i);
		EXPECT_EQ(set_tables(many[i][0], many[i][1], 0), VIRTIO_NET_OK);
		expect_seen(other, true, i);
	}
	/* many unicast addresses alone change nothing: of these the port has one */
	ASSERT_EQ(set_tables(1000, 1, 0), VIRTIO_NET_OK);
	expect_seen(other, false, 20);
	expect_seen(group, true, 21);
	expect_seen(m[1]->mac, true, 22);
	/* tables that are not as long as they say */
	for (int cut = 1; cut < 14; cut++)
		EXPECT_EQ(set_tables(1000, 1, cut), VIRTIO_NET_ERR);
	EXPECT_EQ(set_tables(0, 1000, 1), VIRTIO_NET_ERR);
	EXPECT_EQ(set_tables(0, 1000, -1), VIRTIO_NET_ERR);
	expect_seen(other, false, 23);
	expect_no_drops(m[1]);
}

TEST(address_stays_the_administrators)
{
	__u8 mac[6];

	make_two(CONTROL);
	memcpy(mac, m[1]->mac, 6);
	EXPECT_EQ(swg_command(&m[1]->port, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, mac, 6), VIRTIO_NET_OK);
	mac[5] ^= 1;
	EXPECT_EQ(swg_command(&m[1]->port, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, mac, 6),
		  VIRTIO_NET_ERR);
	expect_pair_works(m[0], m[1], 1);
}

static void send_tagged(uint16_t id, bool seen)
{
	static const struct flow flow = { .name = "tagged", .vlan = true, .payload = 100 };
	static struct flow_frame frame;
	static uint8_t bytes[SWG_FRAME];

	flow_make(&frame, &flow, m[1]->mac, m[0]->mac, id);
	frame.bytes[14] = id >> 8;
	frame.bytes[15] = id & 0xff;
	ASSERT_EQ(swg_send(&m[0]->port, NULL, frame.bytes, frame.length, 0), 0);
	if (seen)
		ASSERT_EQ(swg_receive(&m[1]->port, bytes, sizeof(bytes), SOON), frame.length);
	else
		expect_silence(m[1]);
}

TEST(vlans_choose_frames)
{
	static const uint8_t id[] = { 0x22, 0x01 };	/* little endian */

	make_two(CONTROL);
	send_tagged(0x122, true);	/* until it sets a mode */
	ASSERT_EQ(set_mode(m[1], VIRTIO_NET_CTRL_RX_PROMISC, 0), VIRTIO_NET_OK);
	send_tagged(0x122, false);
	send_tagged(0, true);
	ASSERT_EQ(swg_command(&m[1]->port, VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, id, 2), VIRTIO_NET_OK);
	send_tagged(0x122, true);
	send_tagged(0x123, false);
	ASSERT_EQ(swg_command(&m[1]->port, VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_DEL, id, 2), VIRTIO_NET_OK);
	send_tagged(0x122, false);
	ASSERT_EQ(set_mode(m[1], VIRTIO_NET_CTRL_RX_PROMISC, 1), VIRTIO_NET_OK);
	send_tagged(0x122, true);
	ASSERT_EQ(set_mode(m[1], VIRTIO_NET_CTRL_RX_PROMISC, 0), VIRTIO_NET_OK);
	send_tagged(0x122, false);
}

static void go_on(uint16_t first)
{
	restart(m[1], &(struct swg_options){ .features = CONTROL, .slot = 4096, .first = first });
	restart(m[0], &(struct swg_options){ .features = CONTROL, .slot = 4096 });
}

static uint16_t set_and_pause(void)
{
	static const uint16_t id = 0x122;
	int base;

	ASSERT_EQ(swg_command(&m[1]->port, VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, &id, 2), VIRTIO_NET_OK);
	ASSERT_EQ(set_mode(m[1], VIRTIO_NET_CTRL_RX_ALLMULTI, 0), VIRTIO_NET_OK);
	base = swg_get_base(&m[1]->port, SWG_CTRL);
	ASSERT_GE(base, 2);
	return base;
}

static void expect_set(bool set, uint32_t seed)
{
	send_tagged(0x122, true);
	send_tagged(0x123, !set);
	expect_seen(group, !set, seed);
}

/* A VMM that pauses its guest resets the port, sets the rings up where they were, and has not seen the commands. */
TEST(commands_outlast_a_pause)
{
	uint16_t base;

	make_two(CONTROL);
	base = set_and_pause();
	for (int i = 0; i < 3; i++) {
		go_on(base);
		expect_set(true, i);
		ASSERT_EQ(swg_reset(&m[1]->port), 0);
		ASSERT_EQ(swg_reset(&m[1]->port), 0);
	}
}

TEST(commands_do_not_outlast_a_driver)
{
	uint16_t base;

	make_two(CONTROL);
	base = set_and_pause();
	go_on(0);
	expect_set(false, 1);
	go_on(base);		/* what is forgotten stays so */
	expect_set(false, 2);
	go_on(0);
	base = set_and_pause();
	go_on(base + 1);
	expect_set(false, 3);
	go_on(0);
	base = set_and_pause();
	restart(m[1], &(struct swg_options){ .features = CONTROL & ~F(VIRTIO_NET_F_GUEST_ANNOUNCE), .first = base });
	expect_set(false, 4);
}

TEST(commands_do_not_outlast_a_vmm)
{
	uint16_t base;

	make_two(CONTROL);
	base = set_and_pause();
	swg_close(&m[1]->port);
	swg_free(&m[1]->port);
	reopen(m[1]);
	go_on(base);
	expect_set(false, 1);
}

/* Without a kick, and nobody takes the answer. */
static void post_mode(void)
{
	struct swg_ring *ring = &m[1]->port.ring[SWG_CTRL];
	struct vring_desc pieces[2] = { { .addr = ring->buffers_at + 1, .len = 3 },
					{ .addr = ring->buffers_at, .len = 1, .flags = VRING_DESC_F_WRITE } };

	memcpy(ring->buffers + 1, (uint8_t[]){ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, 1 }, 3);
	ASSERT_EQ(swg_post(&m[1]->port, SWG_CTRL, pieces, 2, 0, false), 0);
}

static uint16_t answers(void)
{
	return *(volatile __u16 *)&m[1]->port.ring[SWG_CTRL].used->idx;
}

static void expect_answers(uint16_t count)
{
	double end = swg_now() + SOON / 1e3;

	while (answers() != count && swg_now() < end)
		usleep(1000);
	ASSERT_EQ(answers(), count);
}

static int ask_ring(unsigned long call, unsigned int index, unsigned int num)
{
	struct vhost_vring_state state = { index, num };

	return ioctl(m[1]->port.fd, call, &state) ? -errno : (int)state.num;
}

static void map_space(uint32_t asid, int type)
{
	struct swg *port = &m[1]->port;

	port->asid = asid;
	ASSERT_EQ(swg_iotlb(port, VHOST_IOTLB_BATCH_BEGIN, 0, NULL, 0, 0), 0);
	ASSERT_EQ(swg_iotlb(port, type, port->base, port->memory, port->size, VHOST_ACCESS_RW), 0);
	ASSERT_EQ(swg_iotlb(port, VHOST_IOTLB_BATCH_END, 0, NULL, 0, 0), 0);
	port->asid = 0;
}

/* So that a VMM can carry out its guest's commands: the control queue sees other memory than the guest's. */
TEST(control_queue_has_a_space_of_its_own)
{
	const struct swg_options options = { .features = CONTROL, .slot = 4096, .no_ready = true };
	int queue, data;

	make_two(CONTROL);
	restart(m[1], &options);
	data = ask_ring(VHOST_VDPA_GET_VRING_GROUP, SWG_RX, 0);
	queue = ask_ring(VHOST_VDPA_GET_VRING_GROUP, SWG_CTRL, 0);
	ASSERT_GE(data, 0);
	ASSERT_GE(queue, 0);
	ASSERT_EQ(ask_ring(VHOST_VDPA_GET_VRING_GROUP, SWG_TX, 0), data);
	EXPECT(queue != data);
	EXPECT_EQ(ask_ring(VHOST_VDPA_SET_GROUP_ASID, 2, 0), -EINVAL);
	EXPECT_EQ(ask_ring(VHOST_VDPA_SET_GROUP_ASID, queue, 2), -EINVAL);
	ASSERT_EQ(ask_ring(VHOST_VDPA_SET_GROUP_ASID, queue, 1), 1);
	ASSERT_EQ(swg_set_status(&m[1]->port, swg_get_status(&m[1]->port) | VIRTIO_CONFIG_S_DRIVER_OK), 0);
	EXPECT_EQ(ask_ring(VHOST_VDPA_SET_GROUP_ASID, queue, 0), -EBUSY);
	expect_pair_works(m[0], m[1], 1);
	post_mode();
	swg_kick(&m[1]->port, SWG_CTRL);
	usleep(SILENCE * 1000);
	EXPECT_EQ(answers(), 0);
	map_space(1, VHOST_IOTLB_UPDATE);
	expect_answers(1);
	expect_pair_works(m[0], m[1], 3);
	map_space(0, VHOST_IOTLB_INVALIDATE);
	post_mode();
	swg_kick(&m[1]->port, SWG_CTRL);
	expect_answers(2);
	expect_seen(m[1]->mac, false, 5);
	map_space(0, VHOST_IOTLB_UPDATE);
	map_space(1, VHOST_IOTLB_INVALIDATE);
	expect_pair_works(m[0], m[1], 7);
	restart(m[1], &(struct swg_options){ .features = CONTROL, .slot = 4096 });
	ASSERT_EQ(set_mode(m[1], VIRTIO_NET_CTRL_RX_PROMISC, 1), VIRTIO_NET_OK);	/* in the guest's space again */
	expect_pair_works(m[0], m[1], 9);
}

/* The port is in use until the last of its spaces is gone. */
TEST(spaces_go_with_their_vmm)
{
	make_two(CONTROL);
	for (int i = 0; i < 4; i++) {
		if (i & 1)
			map_space(1, VHOST_IOTLB_UPDATE);
		if (i & 2)
			ASSERT_EQ(swg_reset(&m[1]->port), 0);
		swg_close(&m[1]->port);
		swg_free(&m[1]->port);
		reopen(m[1]);
		start(m[1], &(struct swg_options){ .features = CONTROL, .slot = 4096 });
		restart(m[0], &(struct swg_options){ .features = CONTROL, .slot = 4096 });
		expect_pair_works(m[0], m[1], i);
	}
	swg_close(&m[1]->port);
	ASSERT_EQ(port_del(m[1]->name), 0);
}

/* A guest that takes offloads no more gets what it can take (XDP in Linux does so). */
TEST(offloads_are_switched_off_and_on)
{
	static const struct flow flow = { .name = "TCP", .gso_size = 1000, .payload = 3000 };
	const uint64_t csum = F(VIRTIO_NET_F_GUEST_CSUM), tso = F(VIRTIO_NET_F_GUEST_TSO4);
	static struct flow_frame frame;
	static uint8_t bytes[SWG_FRAME];
	uint64_t takes[] = { csum | tso, csum, 0, csum | tso };

	make_two(CONTROL | csum | tso | F(VIRTIO_NET_F_CSUM) | F(VIRTIO_NET_F_HOST_TSO4) |
		 F(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS));
	for (size_t i = 0; i < sizeof(takes) / sizeof(*takes); i++) {
		int step = takes[i] & tso ? flow.payload : flow.gso_size;

		ASSERT_EQ(swg_command(&m[1]->port, VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET,
				      &takes[i], 8), VIRTIO_NET_OK);
		flow_make(&frame, &flow, m[1]->mac, m[0]->mac, i);
		ASSERT_EQ(swg_send(&m[0]->port, &frame.header, frame.bytes, frame.length, 0), 0);
		for (int offset = 0; offset < flow.payload; offset += step) {
			int got = swg_receive(&m[1]->port, bytes, sizeof(bytes), SOON);

			ASSERT_EQ(got, frame.head + step);
			EXPECT(!flow_check(&frame, &flow, &m[1]->port.header, bytes, got, offset, step));
			EXPECT_EQ(m[1]->port.header.flags, takes[i] & csum ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0);
		}
	}
	takes[0] = F(VIRTIO_NET_F_GUEST_USO4);
	EXPECT_EQ(swg_command(&m[1]->port, VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, takes, 8),
		  VIRTIO_NET_ERR);
}

TEST_WITHIN(commands_wrap_the_ring, 200)
{
	make_two(CONTROL | F(VIRTIO_RING_F_EVENT_IDX));
	for (int i = 0; i < 70000; i++)
		ASSERT_EQ(set_mode(m[1], VIRTIO_NET_CTRL_RX_PROMISC, i & 1), VIRTIO_NET_OK);
	expect_pair_works(m[0], m[1], 1);
}

static int add_vlan(uint16_t id)
{
	return swg_command(&m[1]->port, VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, &id, 2);
}

/* A driver polls for each answer. Beside it the CPU is busy, and a worker would get it for a tick now and then. */
TEST_WITHIN(commands_take_no_ticks_of_a_busy_cpu, 120)
{
	double begin, seconds;
	pid_t busy;

	make_two(CONTROL);
	keep_to_one_cpu();
	restart(m[1], &(struct swg_options){ .features = CONTROL });
	busy = fork();
	if (!busy)
		for (;;)
			;
	m[1]->port.spins = true;
	begin = swg_now();
	for (int id = 0; id < 4096; id++)
		ASSERT_EQ(add_vlan(id), VIRTIO_NET_OK);
	seconds = swg_now() - begin;
	kill(busy, SIGKILL);
	ktap_say("4096 commands in %.2f s", seconds);
	KTAP_CHECK(seconds <= ktap_factor(), true, "4096 commands took %.2f s", seconds);
	expect_pair_works(m[0], m[1], 1);
}

static void post_command(struct member *at, int size, bool answer)
{
	struct swg_ring *ring = &at->port.ring[SWG_CTRL];
	struct vring_desc pieces[2] = { { .addr = ring->buffers_at + 1, .len = size },
					{ .addr = ring->buffers_at, .len = 1, .flags = VRING_DESC_F_WRITE } };

	ring->buffers[0] = 0x77;
	ASSERT_EQ(swg_post(&at->port, SWG_CTRL, pieces, answer ? 2 : 1, 0, false), 0);
	swg_flush(&at->port, SWG_CTRL);
}

/* What one kick brings in the thread that kicks is limited: the worker does the rest. */
TEST(commands_of_one_kick_are_all_answered)
{
	const int count = 120;
	make_two(CONTROL);
	for (int i = 0; i < count; i++) {
		post_mode();
	}
	swg_kick(&m[1]->port, SWG_CTRL);
	expect_answers(count);
	EXPECT_EQ(m[1]->port.ring[SWG_CTRL].buffers[0], VIRTIO_NET_OK);
}

/* Not in that process: the worker answers. */
TEST(command_kicked_by_another_process_is_answered)
{
	int status;
	pid_t child;

	make_two(CONTROL);
	for (int i = 1; i <= 50; i++) {
		post_mode();
		child = fork();
		if (!child) {
			swg_kick(&m[1]->port, SWG_CTRL);
			_exit(0);
		}
		ASSERT_EQ(waitpid(child, &status, 0), child);
		expect_answers(i);
	}
}

/* Too short or too long is refused; where no answer can be written the port is broken, as with any ring. */
TEST(malformed_commands_harm_nobody)
{
	double end = swg_now() + SOON / 1e3;
	static const int sizes[] = { 1, 2, 4096, 4097, 30000 };

	make_two(CONTROL);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct swg_ring *ring = &m[1]->port.ring[SWG_CTRL];
		uint16_t before = ring->used->idx;

		post_command(m[1], sizes[i], true);
		while (*(volatile __u16 *)&ring->used->idx == before && swg_now() < end)
			usleep(1000);
		EXPECT_EQ(ring->buffers[0], VIRTIO_NET_ERR);
	}
	expect_pair_works(m[0], m[1], 1);
	post_command(m[1], 3, false);
	while (!(swg_get_status(&m[1]->port) & VIRTIO_CONFIG_S_NEEDS_RESET) && swg_now() < end)
		usleep(1000);
	EXPECT(swg_get_status(&m[1]->port) & VIRTIO_CONFIG_S_NEEDS_RESET);
	EXPECT(!(swg_get_status(&m[0]->port) & VIRTIO_CONFIG_S_NEEDS_RESET));
}
