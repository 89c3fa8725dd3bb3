// SPDX-License-Identifier: GPL-2.0
/*
 * What an administrator asks for waits for no VM: not for one that holds a port which is being deleted, nor for a process
 * that is stopped and whose worker somebody else's reset is to end.
 */
#define _GNU_SOURCE
#include "tenant.h"

#include <poll.h>

static struct {
	volatile int ready;
} *shared;
static struct member *held, *other;
static bool brought_up;

static void run_holder(void)
{
	ASSERT_EQ(swg_open(&held->port, held->name), 0);
	if (brought_up)
		ASSERT_EQ(swg_start(&held->port, &(struct swg_options){ 0 }), 0);
	ASSERT_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	shared->ready = 1;
	for (;;)
		pause();
}

static int list_ports(void)
{
	struct queztl_port found;

	return port_find(other->name, &found);
}

static int ask_stats(void)
{
	struct queztl_port_stats stats;

	return port_stats(other->name, &stats);
}

static int list_fabrics(void)
{
	struct queztl_fabric found;

	return fabric_find("qtlan", &found);
}

static int add_fabric(void)
{
	return fabric_add("qtthird", NULL);
}

static int deny(void)
{
	return fabric_set("qtlan", QUEZTL_FABRIC_DENY);
}

static int add_elsewhere(void)
{
	const __u8 mac[6] = { 0x52, 0x54, 0, 0x51, 0, 9 };

	return port_add("qtp9", "qtother", mac, 0);
}

static int show(void)
{
	const char *argv[] = { "vdpa", "dev", "show", NULL };

	return run_program(1, argv);
}

static int show_config(void)
{
	const char *argv[] = { "vdpa", "dev", "config", "show", NULL };

	return run_program(1, argv);
}

static const struct call {
	const char *name;
	int (*call)(void);
} calls[] = {
	{ "port list", list_ports },
	{ "port stats", ask_stats },
	{ "fabric list", list_fabrics },
	{ "vdpa dev show", show },
	{ "vdpa dev add", add_elsewhere },
	{ "fabric add", add_fabric },
	{ "fabric list, again", list_fabrics },
	{ "fabric set deny", deny },
};

static void expect_answers_of(const struct call *some, size_t count, const char *beside)
{
	double slowest = 0;

	for (size_t i = 0; i < count; i++) {
		double begun = swg_now();
		int r = call_within(SOON, some[i].call);

		begun = swg_now() - begun;
		slowest = begun > slowest ? begun : slowest;
		KTAP_CHECK(!r, false, "%s beside %s: %s", some[i].name, beside,
			   r == -ETIMEDOUT ? "no answer" : strerror(-r));
	}
	ktap_say("slowest call: %.0f ms", slowest * 1e3);
}

static void expect_answers(void)
{
	expect_answers_of(calls, sizeof(calls) / sizeof(*calls), "a deletion");
}

static void ask_beside_a_holder(bool up)
{
	struct deletion deletion;
	pid_t holder;

	shared = share(sizeof(*shared));
	brought_up = up;
	make_fabric("qtlan");
	make_fabric("qtother");
	held = make_member("qtlan", 1, 0);
	other = make_member("qtlan", 2, 0);
	holder = fork_tenant(run_holder);
	await(&shared->ready);
	deletion = delete_port(held);
	KTAP_CHECK(deletion.returned, false, "`vdpa dev del`: no answer");
	expect_answers();
	EXPECT_EQ(kill_tenant(holder), 0);
	end_deletion(&deletion);
	EXPECT_EQ(wait_left_behind(SOON), 0);
}

TEST(nobody_waits_for_a_vmm_that_only_opened_its_port)
{
	ask_beside_a_holder(false);
}

TEST(nobody_waits_for_a_vmm_whose_port_is_up)
{
	ask_beside_a_holder(true);
}

/* ---- a reset that waits ---- */

static void run_owner(void)
{
	ASSERT_EQ(swg_set_status(&held->port, swg_get_status(&held->port) | VIRTIO_CONFIG_S_DRIVER_OK), 0);
	shared->ready = 1;
	for (;;)
		pause();
}

static void run_reset(void)
{
	swg_reset(&held->port);
}

TEST(nobody_waits_for_a_reset_beside_a_stopped_vmm)
{
	struct swg_options options = { .no_ready = true };
	pid_t owner, resetting;

	shared = share(sizeof(*shared));
	make_fabric("qtlan");
	make_fabric("qtother");
	held = join("qtlan", 1, 0);
	other = make_member("qtlan", 2, 0);
	start(held, &options);
	owner = fork_tenant(run_owner);
	await(&shared->ready);
	stop_tenant(owner);
	resetting = fork_tenant(run_reset);
	usleep(500000);
	KTAP_CHECK(!call_within(SOON, show_config), false, "`vdpa dev config show` beside a reset: no answer");
	expect_answers();
	resume_tenant(owner);
	EXPECT_EQ(wait_gone(resetting, SOON), 0);
	EXPECT_EQ(wait_left_behind(SOON), 0);
	EXPECT_EQ(kill_tenant(owner), 0);
}

/* ---- a port is changed whose VMM does not run ---- */

static int set_vlan(void)
{
	static const __u16 id = 10;

	return port_vlan(held->name, QUEZTL_VLAN_ACCESS, id, &id, 1);
}

static int clear_vlan(void)
{
	return port_vlan(held->name, QUEZTL_VLAN_NONE, 0, NULL, 0);
}

static int allow_macs(void)
{
	return port_macs(held->name, QUEZTL_MACS_ANY, NULL, 0);
}

static int deny_macs(void)
{
	return port_macs(held->name, QUEZTL_MACS_NONE, NULL, 0);
}

static int pull_cable(void)
{
	return port_change(held->name, QUEZTL_PORT_LINK_DOWN, QUEZTL_PORT_LINK_DOWN);
}

static int plug_cable(void)
{
	return port_change(held->name, QUEZTL_PORT_LINK_DOWN, 0);
}

static int capture(void)
{
	struct queztl_port_capture_args capture = { 0 };
	int fd = port_capture(held->name, &capture);

	return fd < 0 ? fd : close(fd);
}

/* Frames for the stopped one are recorded, and read. */
static void expect_capture(void)
{
	struct queztl_port_capture_args capture = { 0 };
	int fd = port_capture(held->name, &capture);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	static uint8_t bytes[1 << 17];

	ASSERT(fd >= 0);
	ASSERT_EQ(send_to(other, held->mac, 100, 1, 0), 0);
	EXPECT_EQ(poll(&poll_fd, 1, SOON), 1);
	ASSERT_EQ(poll_fd.revents, POLLIN);
	EXPECT_GE(read(fd, bytes, sizeof(bytes)), 100);
	EXPECT_EQ(close(fd), 0);
}

static const struct call changes[] = {
	{ "vlan", set_vlan }, { "no vlan", clear_vlan }, { "any MAC", allow_macs }, { "no other MAC", deny_macs },
	{ "link down", pull_cable }, { "link up", plug_cable }, { "capture", capture },
};

static void run_guest(void)
{
	if (swg_open(&held->port, held->name) || swg_start(&held->port, &(struct swg_options){ 0 }))
		_exit(1);
	shared->ready = 1;
	for (;;)
		pause();
}

TEST(nobody_waits_for_a_stopped_vmm_whose_port_changes)
{
	pid_t guest;

	shared = share(sizeof(*shared));
	make_fabric("qtlan");
	held = make_member("qtlan", 1, 0);
	other = join("qtlan", 2, 0);
	start(other, NULL);
	guest = fork_tenant(run_guest);
	await(&shared->ready);
	stop_tenant(guest);
	expect_answers_of(changes, sizeof(changes) / sizeof(*changes), "a VMM that is stopped");
	expect_capture();
	resume_tenant(guest);
	EXPECT_EQ(kill_tenant(guest), 0);
}
