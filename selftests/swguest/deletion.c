// SPDX-License-Identifier: GPL-2.0
/* `vdpa dev del` of a port that a process has open: the port is silent at once, and nobody waits for the process. */
#define _GNU_SOURCE
#include "world.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>

#define NOT_LONG	10.0	/* seconds on a busy machine: a call that waits for a process has no end here */

static struct member *m[2];

static __u32 state_of(struct member *member)
{
	struct queztl_port port;

	ASSERT_EQ(port_find(member->name, &port), 0);
	return port.state;
}

/* Until the port is in no list; a process that lets go of it takes a while to end. */
static void expect_gone(struct member *member)
{
	double end = swg_now() + SOON / 1e3;
	struct queztl_port port;

	while (!port_find(member->name, &port) && swg_now() < end)
		usleep(1000);
	EXPECT_EQ(port_find(member->name, &port), -ENOENT);
}

static int driver_ok(struct member *member)
{
	return swg_set_status(&member->port, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			      VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
}

/* Nothing from the port to its neighbour, nothing back. */
static void expect_silent(struct member *deleted, struct member *neighbour)
{
	member_mark(neighbour);
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(send_to(deleted, i % 2 ? neighbour->mac : frame_broadcast, 60, i, 0), 0);
		ASSERT_EQ(send_to(neighbour, deleted->mac, 60, i, 0), 0);
	}
	expect_drops(neighbour, QUEZTL_DROP_NO_PORT, 20, "deleted");
	expect_silence(neighbour);
	EXPECT(!swg_used_any(&deleted->port, SWG_RX));
}

static double worst;

#define TIMED(call) ({ \
	double begun = swg_now(), took; \
	__auto_type r = (call); \
	took = swg_now() - begun; \
	worst = took > worst ? took : worst; \
	KTAP_CHECK(took < NOT_LONG * ktap_factor(), false, "%s took %.3f s", #call, took); \
	r; })

/* What an administrator may ask for meanwhile, none of which has to do with whoever has the port open. */
static void expect_others_are_served(struct member *deleted)
{
	const char *const show[] = { "vdpa", "dev", "show", NULL }, *const mgmt[] = { "vdpa", "mgmtdev", "show", NULL };
	struct queztl_fabric fabric;
	struct queztl_port_stats stats;
	struct queztl_port port;
	__u64 id;

	ASSERT_EQ(TIMED(fabric_add("qtother", &id)), 0);
	EXPECT_EQ(TIMED(fabric_set("qtother", QUEZTL_FABRIC_DENY)), 0);
	EXPECT_EQ(TIMED(fabric_set("qtlan", 0)), 0);
	EXPECT_EQ(TIMED(fabric_find("qtother", &fabric)), 0);
	EXPECT_EQ(TIMED(port_find(deleted->name, &port)), 0);
	EXPECT_EQ(TIMED(port_stats(deleted->name, &stats)), 0);
	EXPECT_EQ(TIMED(run_program(1, show)), 0);
	EXPECT_EQ(TIMED(run_program(1, mgmt)), 0);
	EXPECT_EQ(TIMED(fabric_del(id)), 0);
}

static void expect_no_policy(struct member *deleted, struct member *other)
{
	EXPECT_EQ(peer_add(deleted->name, other->name), -ENOENT);
	EXPECT_EQ(peer_add(other->name, deleted->name), -ENOENT);
	EXPECT_EQ(peer_del(deleted->name, other->name), -ENOENT);
	EXPECT_EQ(addr_add(deleted->name, "10.0.0.1/32"), -ENOENT);
	EXPECT_EQ(port_set(deleted->name, QUEZTL_PORT_UPLINK), -ENOENT);
}

TEST(open_port_is_deleted_at_once)
{
	struct queztl_fabric fabric;
	struct queztl_port port;

	make_lan(m, 2, NULL);
	expect_pair_works(m[0], m[1], 1);
	ASSERT_EQ(TIMED(port_del(m[0]->name)), 0);
	expect_silent(m[0], m[1]);
	ASSERT_EQ(port_find(m[0]->name, &port), 0);
	EXPECT_EQ(port.state, QUEZTL_PORT_OPEN | QUEZTL_PORT_DELETED);
	EXPECT_EQ(port.pid, getpid());
	expect_others_are_served(m[0]);
	expect_no_policy(m[0], m[1]);
	EXPECT_EQ(TIMED(port_del(m[0]->name)), 0);	/* once more: nothing happens */
	ASSERT_EQ(fabric_find("qtlan", &fabric), 0);
	EXPECT_EQ(fabric.ports, 2);
	EXPECT_EQ(TIMED(fabric_del(fabric.id)), -EBUSY);
	EXPECT_NE(TIMED(port_add(m[0]->name, "qtlan", m[0]->mac, 0)), 0);
	swg_close(&m[0]->port);
	expect_gone(m[0]);
	ASSERT_EQ(port_add(m[0]->name, "qtlan", m[0]->mac, 0), 0);
	ktap_say("the longest call took %.0f ms", worst * 1e3);
}

/* No driver does anything: the process only has the descriptor. */
TEST(idle_holder_does_not_matter)
{
	make_fabric("qtlan");
	m[0] = join("qtlan", 1, 0);
	m[1] = join("qtlan", 2, 0);
	start(m[1], NULL);
	ASSERT_EQ(TIMED(port_del(m[0]->name)), 0);
	EXPECT_EQ(state_of(m[0]), QUEZTL_PORT_DELETED);
	expect_others_are_served(m[0]);
	swg_close(&m[0]->port);
	expect_gone(m[0]);
}

/* The last reset of a process looks like any other; one that stays does not make others wait either. */
TEST(reset_does_not_let_go)
{
	make_lan(m, 2, NULL);
	ASSERT_EQ(swg_reset(&m[0]->port), 0);
	ASSERT_EQ(TIMED(port_del(m[0]->name)), 0);
	expect_others_are_served(m[0]);
	EXPECT_EQ(state_of(m[0]), QUEZTL_PORT_DELETED);
	swg_close(&m[0]->port);
	expect_gone(m[0]);
}

TEST(address_is_free_at_once)
{
	struct member *heir;

	make_lan(m, 2, NULL);
	ASSERT_EQ(port_del(m[0]->name), 0);
	ASSERT_EQ(port_add("qtheir", "qtlan", m[0]->mac, 0), 0);
	heir = calloc(1, sizeof(*heir));
	*heir = (struct member){ .name = "qtheir", .mtu = 1500 };
	memcpy(heir->mac, m[0]->mac, 6);
	ASSERT_EQ(swg_open(&heir->port, heir->name), 0);
	start(heir, NULL);
	expect_pair_works(heir, m[1], 1);
	for (int i = 0; i < 20; i++)
		ASSERT_EQ(send_to(m[0], m[1]->mac, 60, i, 0), 0);
	expect_silence(m[1]);
	expect_silence(heir);
	swg_close(&m[0]->port);
	expect_gone(m[0]);
	expect_pair_works(heir, m[1], 3);
}

/* A driver can do what it likes with a deleted port but bring it up. */
TEST(deleted_port_stays_down)
{
	static const struct swg_options options = { 0 };

	make_lan(m, 2, NULL);
	ASSERT_EQ(port_del(m[0]->name), 0);
	EXPECT_EQ(driver_ok(m[0]), 0);
	EXPECT(!(state_of(m[0]) & QUEZTL_PORT_UP));
	swg_enable(&m[0]->port, SWG_TX, 0);
	swg_enable(&m[0]->port, SWG_TX, 1);
	swg_map_all(&m[0]->port, true);
	expect_silent(m[0], m[1]);
	swg_reset(&m[0]->port);
	swg_start(&m[0]->port, &options);
	EXPECT_EQ(state_of(m[0]) & ~QUEZTL_PORT_OPEN, QUEZTL_PORT_DELETED);
	expect_silent(m[0], m[1]);
	swg_close(&m[0]->port);
	expect_gone(m[0]);
}

/*
 * A driver that sends a command waits for its answer, some without end: virtio_net with a lock held that everybody who
 * configures a network needs.
 */
TEST(deleted_port_answers_commands)
{
	static const struct swg_options options = { .features = F(VIRTIO_NET_F_CTRL_VQ) | F(VIRTIO_NET_F_CTRL_RX) };
	uint8_t on = 1;

	make_lan(m, 2, &options);
	ASSERT_EQ(port_del(m[0]->name), 0);
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(swg_command(&m[0]->port, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, &on, 1),
			  VIRTIO_NET_OK);
	expect_silent(m[0], m[1]);
	ASSERT_EQ(swg_reset(&m[0]->port), 0);
	ASSERT_EQ(swg_start(&m[0]->port, &options), 0);
	EXPECT_EQ(swg_command(&m[0]->port, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, &on, 1), VIRTIO_NET_OK);
	expect_silent(m[0], m[1]);
	swg_close(&m[0]->port);
	expect_gone(m[0]);
}

/* A network device of the host that is up, and has things to tell its device on the way down. */
TEST(busy_interface_is_gone_when_the_command_returns)
{
	struct queztl_port port;
	char command[256];

	make_fabric("qtlan");
	for (int i = 0; i < 3; i++) {
		m[0] = join("qtlan", 1, 0);
		swg_close(&m[0]->port);
		ASSERT_EQ(port_bind(m[0]->name, "virtio_vdpa"), 0);
		snprintf(command, sizeof(command),
			 "d=$(basename /sys/bus/vdpa/devices/%s/virtio*/net/*); ip link set $d up promisc on allmulticast on",
			 m[0]->name);
		ASSERT_EQ(run_program(0, (const char *const[]){ "sh", "-c", command, NULL }), 0);
		ASSERT_EQ(port_del(m[0]->name), 0);
		EXPECT_EQ(port_find(m[0]->name, &port), -ENOENT);
	}
}

static volatile bool stop;

static void *hold_again(void *argument)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", (int)(long)argument);
	while (!stop) {
		fd = open(path, O_RDWR);
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

/*
 * A process that has the node by O_PATH opens it anew as often as it can: an open() that comes between the end of the
 * one before and vhost-vdpa's own must not make that wait for ever.
 */
TEST(opens_beside_the_deletion_end)
{
	struct queztl_port port;
	pthread_t thread[2];
	char path[64];
	int fd;

	make_fabric("qtlan");
	for (int i = 0; i < 10; i++) {
		m[0] = join("qtlan", 1, 0);
		snprintf(path, sizeof(path), "/dev/vhost-vdpa-%d", m[0]->port.node);
		fd = open(path, O_PATH);
		ASSERT_GE(fd, 0);
		stop = false;
		for (int j = 0; j < 2; j++)
			ASSERT_EQ(pthread_create(&thread[j], NULL, hold_again, (void *)(long)fd), 0);
		usleep(1000 * i);
		ASSERT_EQ(TIMED(port_del(m[0]->name)), 0);
		swg_close(&m[0]->port);
		for (int j = 0; j < 500 && !port_find(m[0]->name, &port); j++)
			usleep(1000);
		stop = true;
		for (int j = 0; j < 2; j++)
			ASSERT_EQ(pthread_join(thread[j], NULL), 0);
		expect_gone(m[0]);
		close(fd);
	}
}

/* Where nobody has to be waited for the command has done all of it when it returns. */
TEST(closed_port_is_gone_when_the_command_returns)
{
	struct queztl_fabric fabric;
	struct queztl_port port;

	make_fabric("qtlan");
	for (int i = 0; i < 3; i++) {
		m[0] = join("qtlan", 1, 0);
		swg_close(&m[0]->port);
		if (i == 1)
			ASSERT_EQ(port_bind(m[0]->name, "virtio_vdpa"), 0);
		if (i == 2)
			ASSERT_EQ(write_text("/sys/bus/vdpa/drivers/vhost_vdpa/unbind", m[0]->name), 0);
		ASSERT_EQ(port_del(m[0]->name), 0);
		if (i != 1 && ktap_factor() > 1)
			usleep(200000);		/* it waits 50 ms, whatever the kernel */
		EXPECT_EQ(port_find(m[0]->name, &port), -ENOENT);
	}
	ASSERT_EQ(fabric_find("qtlan", &fabric), 0);
	EXPECT_EQ(fabric_del(fabric.id), 0);
}
