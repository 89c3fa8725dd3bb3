// SPDX-License-Identifier: GPL-2.0
/* A port that is deleted is silent when `vdpa dev del` returns, and that is at once, whoever still holds its descriptor. */
#define _GNU_SOURCE
#include "tenant.h"

#include <fcntl.h>
#include <sys/ioctl.h>

static struct member *a, *b;

static struct deletion delete_open_port(void)
{
	struct deletion deletion;

	make_fabric("qtlan");
	a = join("qtlan", 1, 0);
	b = join("qtlan", 2, 0);
	start(a, NULL);
	start(b, NULL);
	expect_pair_works(a, b, 1);
	deletion = delete_port(a);
	member_mark(b);
	return deletion;
}

static void close_deleted(struct deletion *deletion)
{
	swg_close(&a->port);
	end_deletion(deletion);
}

TEST(deleting_an_open_port_returns)
{
	struct deletion deletion = delete_open_port();

	KTAP_CHECK(deletion.returned, false, "`vdpa dev del` waits for the one who holds the port, for %.1f s now",
		   deletion.seconds);
	ktap_say("`vdpa dev del` took %.0f ms", deletion.seconds * 1e3);
	close_deleted(&deletion);
}

TEST(a_deleted_port_sends_nothing)
{
	struct deletion deletion = delete_open_port();

	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(send_to(a, b->mac, 60, i, 0), 0);
		swg_kick(&a->port, SWG_TX);
		expect_silence(b);
		ASSERT_EQ(send_to(a, frame_broadcast, 60, i, 0), 0);
		swg_kick(&a->port, SWG_TX);
		expect_silence(b);
	}
	KTAP_CHECK(member_stats(b).rx_packets == b->then.rx_packets, false, "%llu frames of a deleted port arrived",
		   (unsigned long long)(member_stats(b).rx_packets - b->then.rx_packets));
	close_deleted(&deletion);
}

TEST(a_deleted_port_receives_nothing)
{
	struct deletion deletion = delete_open_port();

	ASSERT_EQ(send_to(b, a->mac, 60, 1, 0), 0);
	expect_drops(b, QUEZTL_DROP_NO_PORT, 1, "deleted");
	ASSERT_EQ(send_to(b, frame_broadcast, 60, 1, 0), 0);
	expect_silence(a);
	close_deleted(&deletion);
}

static int add_with_same_address(void)
{
	return port_add("qtp9", "qtlan", a->mac, 0);
}

TEST(a_deleted_ports_address_is_free)
{
	struct deletion deletion = delete_open_port();
	struct member heir = { .name = "qtp9", .mtu = 1500 };

	memcpy(heir.mac, a->mac, sizeof(heir.mac));
	KTAP_CHECK(!call_within(SOON, add_with_same_address), false, "no port can be added with the address");
	if (deletion.returned) {
		ASSERT_EQ(swg_open(&heir.port, heir.name), 0);
		start(&heir, NULL);
		expect_pair_works(&heir, b, 10);
		ASSERT_EQ(send_to(a, b->mac, 60, 1, 0), 0);
		expect_silence(b);
		expect_silence(a);
		expect_pair_works(&heir, b, 20);
	}
	close_deleted(&deletion);
	EXPECT_EQ(wait_left_behind(SOON), 0);
}

static int reopen_node(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/vhost-vdpa-%d", a->port.node);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

/* Whatever its calls return: they return, and nothing is touched that is gone. */
static int call_everything(void)
{
	struct swg *port = &a->port;
	struct vhost_vring_state state = { 0 };
	uint8_t config[64];
	int status;

	for (int round = 0; round < 3; round++) {
		status = swg_get_status(port);
		ioctl(port->fd, VHOST_GET_FEATURES, &port->offered);
		swg_get_config(port, 0, config, 12);
		swg_get_base(port, SWG_TX);
		ioctl(port->fd, VHOST_VDPA_SUSPEND);
		swg_enable(port, SWG_RX, 0);
		swg_enable(port, SWG_RX, 1);
		swg_setup_ring(port, SWG_TX, 256, 0);
		ioctl(port->fd, VHOST_GET_VRING_BASE, &state);
		swg_reset(port);
		swg_negotiate(port, F(VIRTIO_F_VERSION_1) | F(VIRTIO_F_ACCESS_PLATFORM));
		swg_set_status(port, status > 0 ? status : VIRTIO_CONFIG_S_ACKNOWLEDGE);
	}
	return 0;
}

static void expect_name_is_free(void)
{
	int r = -EBUSY;

	for (int ms = 0; ms < SOON && r; ms += 100) {
		const char *argv[] = { "vdpa", "dev", "add", "name", a->name, "mgmtdev", "queztl/qtlan", NULL };

		r = run_program(1, argv);
		if (r)
			usleep(100000);
	}
	EXPECT_EQ(r, 0);
}

TEST(a_deleted_ports_descriptor_still_answers)
{
	struct deletion deletion = delete_open_port();

	KTAP_CHECK(call_within(SOON, reopen_node), false, "the node of a deleted port can be opened again");
	/* in the process that owns it, which is here */
	call_everything();
	swg_map_all(&a->port, true);
	for (int i = 0; i < 3; i++) {
		send_to(a, b->mac, 60, i, 0);
		expect_silence(b);
	}
	close_deleted(&deletion);
	KTAP_CHECK(call_within(SOON, reopen_node), false, "the node of a deleted port can be opened again");
	expect_name_is_free();
	expect_silence(b);
}

/* A VMM whose guest reboots, or is paused, has its port all the same: rmmod, were it let in, would wait for it. */
TEST(a_port_that_was_reset_is_still_open)
{
	struct queztl_port found;
	int before;

	make_fabric("qtlan");
	before = module_users();
	if (before < 0)
		SKIP("the module tells no number of users");
	a = join("qtlan", 1, 0);
	EXPECT_EQ(module_users(), before + 1);
	start(a, NULL);
	ASSERT_EQ(swg_reset(&a->port), 0);
	EXPECT_EQ(module_users(), before + 1);
	ASSERT_EQ(port_find(a->name, &found), 0);
	EXPECT_EQ(found.pid, (unsigned int)getpid());
	swg_close(&a->port);
	EXPECT_EQ(module_users(), before);
	ASSERT_EQ(port_find(a->name, &found), 0);
	EXPECT_EQ(found.pid, 0);
}

#define HUNG	"/proc/sys/kernel/hung_task_timeout_secs"

/* One that keeps it, once with memory mapped and once without: no thread of the kernel looks hung for it. */
TEST_WITHIN(who_keeps_a_deleted_port_hangs_nobody, 60)
{
	struct deletion deletion;
	struct queztl_port found;

	/* Who waits looks round each second, or somewhat later on a busy host. */
	if (write_text(HUNG, "4"))
		SKIP("this kernel does not look for hung tasks");
	make_fabric("qtlan");
	for (int mapped = 0; mapped < 2; mapped++) {
		a = join("qtlan", 1, 0);
		if (mapped)
			start(a, NULL);
		ASSERT_EQ(swg_reset(&a->port), 0);
		deletion = delete_port(a);
		EXPECT(deletion.returned);
		sleep(9);	/* the kernel's log tells */
		ASSERT_EQ(port_find(a->name, &found), 0);
		EXPECT(found.state & QUEZTL_PORT_DELETED);
		close_deleted(&deletion);
		for (int ms = 0; ms < SOON && !port_find(a->name, &found); ms++)
			usleep(1000);
		EXPECT(port_find(a->name, &found));
	}
	write_text(HUNG, "120");
}
