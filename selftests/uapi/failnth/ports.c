// SPDX-License-Identifier: GPL-2.0
/* Ports made and deleted by netlink. */
#define _GNU_SOURCE
#include "ktap.h"
#include "calls.h"
#include "inject.h"
#include "pair.h"
#include "snapshot.h"
#include "vdpanl.h"

#define SWEPT		"qtswept"
#define SWEPT_NUMBER	9

static __u8 swept_mac[6];
static struct snapshot ready, idle;

static const int netlink_errors[] = { ENOMEM, EFAULT, ENOBUFS, 0 };

static void make_pair(void)
{
	make_lan(pair, 2, NULL);
	frame_mac(swept_mac, SWEPT_NUMBER);
	ASSERT_EQ(vdpanl_open(), 0);
	world.device = queztl_fd();
}

/* A frame to it is dropped for want of such a port. */
static void expect_port_is_unknown(void)
{
	member_mark(pair[0]);
	ASSERT_EQ(send_to(pair[0], swept_mac, 100, 0, 0), 0);
	expect_drops(pair[0], QUEZTL_DROP_NO_PORT, 1, "a port that is not there");
}

static bool is_there(void)
{
	struct queztl_port port;

	return !port_find_attached(SWEPT, &port);
}

static void remove_port(void)
{
	vdpanl_prepare_del(SWEPT);
	ASSERT_EQ(vdpanl_send(), 0);
	ASSERT_EQ(vdpanl_answer(), 0);
}

static void prepare_port_add(void)
{
	vdpanl_prepare_add(SWEPT, "qtlan", swept_mac);
}

static int port_add_result(int r)
{
	if (!r)
		r = vdpanl_answer();
	return r == -ENOBUFS && is_there() ? 0 : r;
}

static void port_not_added(void)
{
	EXPECT(!is_there());
	expect_unchanged("vdpa dev add", idle);
	expect_port_is_unknown();
	expect_lan_works();
}

static void port_added(void)
{
	EXPECT(is_there());
	remove_port();
	port_not_added();
}

TEST_WITHIN(port_add_by_netlink, 300)
{
	const struct sweep sweep = { .name = "vdpa dev add", .prepare = prepare_port_add, .call = vdpanl_send,
				     .result = port_add_result, .failed = port_not_added, .succeeded = port_added,
				     .errors = netlink_errors };

	inject_or_skip();
	make_pair();
	idle = take_snapshot();
	EXPECT_GE(inject_sweep(&sweep), 10);
}

static void prepare_port_del(void)
{
	if (!is_there()) {
		prepare_port_add();
		ASSERT_EQ(vdpanl_send(), 0);
		ASSERT_EQ(vdpanl_answer(), 0);
	}
	ready = take_snapshot();
	vdpanl_prepare_del(SWEPT);
}

static int port_del_result(int r)
{
	if (!r)
		r = vdpanl_answer();
	return r == -ENOBUFS && !is_there() ? 0 : r;
}

static void port_not_deleted(void)
{
	EXPECT(is_there());
	expect_unchanged("vdpa dev del", ready);
	expect_lan_works();
}

TEST_WITHIN(port_del_by_netlink, 300)
{
	const struct sweep sweep = { .name = "vdpa dev del", .prepare = prepare_port_del, .call = vdpanl_send,
				     .result = port_del_result, .failed = port_not_deleted,
				     .succeeded = port_not_added, .errors = netlink_errors };

	inject_or_skip();
	make_pair();
	idle = take_snapshot();
	EXPECT_GE(inject_sweep(&sweep), 3);
}
