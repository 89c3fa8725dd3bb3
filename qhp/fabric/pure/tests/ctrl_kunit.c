// SPDX-License-Identifier: GPL-2.0
/* What a driver asks of its port, and which frames it gets then. */

#include <kunit/test.h>

/* rss_kunit.c has these, too. */
#define qz_rss_set	ctrl_rss_set
#define qz_rss_hash	ctrl_rss_hash
#define qz_rss_pick	ctrl_rss_pick

#include "../filter.c"
#include "../rss.c"
#include "../ctrl.c"

#define ALL	(~0ULL)
#define US	0x525400000001ULL
#define PAIRS	4

static struct qz_ctrl *new_ctrl(struct kunit *test, u64 features)
{
	struct qz_ctrl *ctrl = kunit_kzalloc(test, sizeof(*ctrl), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ctrl);
	ctrl->mac = US;
	ctrl->pairs = PAIRS;
	qz_ctrl_init(ctrl, features);
	return ctrl;
}

/* A command of @len bytes of data, from memory that ends with it. */
static bool command(struct kunit *test, struct qz_ctrl *ctrl, u8 class, u8 cmd,
		    const void *data, u32 len)
{
	u8 *bytes = kunit_kzalloc(test, 2 + len, GFP_KERNEL);
	u8 ack;

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	bytes[0] = class;
	bytes[1] = cmd;
	if (len)
		memcpy(bytes + 2, data, len);
	ack = qz_ctrl_command(ctrl, bytes, 2 + len);
	kunit_kfree(test, bytes);
	return ack == VIRTIO_NET_OK;
}

static bool rx_mode(struct kunit *test, struct qz_ctrl *ctrl, u8 cmd, u8 on)
{
	return command(test, ctrl, VIRTIO_NET_CTRL_RX, cmd, &on, 1);
}

static bool takes(const struct qz_ctrl *ctrl, u64 to)
{
	u8 head[14] = { to >> 40, to >> 32, to >> 24, to >> 16, to >> 8, to };

	return qz_filter_takes(&ctrl->filter, head, sizeof(head));
}

static bool takes_tagged(const struct qz_ctrl *ctrl, u16 tci)
{
	u8 head[18] = { 0x52, [12] = 0x81, 0x00, tci >> 8, tci };

	return qz_filter_takes(&ctrl->filter, head, sizeof(head));
}

static void interrupted_drivers_continue(struct kunit *test)
{
	struct qz_ctrl *old = new_ctrl(test, ALL), *ctrl = new_ctrl(test, ALL);
	struct qz_ctrl *other = new_ctrl(test, ALL & ~1ULL);
	u8 id[] = { 0x22, 0x01 }, pairs[] = { 3, 0 };
	u32 coal[] = { 8, 300 };
	u64 none = 0;

	KUNIT_ASSERT_TRUE(test, command(test, old, VIRTIO_NET_CTRL_NOTF_COAL,
					VIRTIO_NET_CTRL_NOTF_COAL_TX_SET, coal,
					8));
	KUNIT_ASSERT_TRUE(test, command(test, old, VIRTIO_NET_CTRL_VLAN,
					VIRTIO_NET_CTRL_VLAN_ADD, id, 2));
	KUNIT_ASSERT_TRUE(test, rx_mode(test, old, VIRTIO_NET_CTRL_RX_PROMISC, 0));
	KUNIT_ASSERT_TRUE(test, rx_mode(test, other, VIRTIO_NET_CTRL_RX_PROMISC,
					0));
	KUNIT_ASSERT_TRUE(test, command(test, old, VIRTIO_NET_CTRL_MQ,
					VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, pairs,
					2));
	KUNIT_ASSERT_TRUE(test, command(test, old,
					VIRTIO_NET_CTRL_GUEST_OFFLOADS,
					VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET,
					&none, 8));
	old->mac = 1;	/* these two are the port's */
	old->pairs = 1;
	qz_ctrl_restore(ctrl, old);
	KUNIT_EXPECT_TRUE(test, takes_tagged(ctrl, 0x122));
	KUNIT_EXPECT_FALSE(test, takes_tagged(ctrl, 0x123));
	KUNIT_EXPECT_EQ(test, ctrl->active, 3);
	KUNIT_EXPECT_EQ(test, ctrl->takes, 0ULL);
	KUNIT_EXPECT_EQ(test, ctrl->tx_wish.frames, 8);
	KUNIT_EXPECT_EQ(test, ctrl->tx_wish.ns, 300000);
	KUNIT_EXPECT_EQ(test, ctrl->mac, US);
	KUNIT_EXPECT_EQ(test, ctrl->pairs, PAIRS);
	qz_ctrl_restore(other, old);
	KUNIT_EXPECT_FALSE(test, takes_tagged(other, 0x122));
	KUNIT_EXPECT_EQ(test, other->active, 1);
}

static void driver_that_says_nothing_gets_all(struct kunit *test)
{
	struct qz_ctrl *ctrl = new_ctrl(test, 0);

	KUNIT_EXPECT_TRUE(test, takes(ctrl, US));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, 0xffffffffffffULL));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, 0x01005e000001ULL));
	KUNIT_EXPECT_TRUE(test, takes_tagged(ctrl, 77));
	KUNIT_EXPECT_EQ(test, ctrl->active, 1);
}

/* What QEMU repeats on another host is the difference to its own device's start. */
static void modes_differ_from_promiscuous(struct kunit *test)
{
	struct qz_ctrl *ctrl = new_ctrl(test, ALL);
	u64 group = 0x333300000001ULL;

	KUNIT_EXPECT_TRUE(test, takes(ctrl, group));
	KUNIT_EXPECT_TRUE(test, takes_tagged(ctrl, 77));
	rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_ALLMULTI, 1);
	KUNIT_EXPECT_TRUE(test, takes_tagged(ctrl, 77));
	rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_PROMISC, 0);
	KUNIT_EXPECT_FALSE(test, takes_tagged(ctrl, 77));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, group));
	qz_ctrl_init(ctrl, ALL);
	rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_PROMISC, 0);
	KUNIT_EXPECT_FALSE(test, takes_tagged(ctrl, 77));
	KUNIT_EXPECT_FALSE(test, takes(ctrl, group));
}

static void commands_not_negotiated_are_refused(struct kunit *test)
{
	struct qz_ctrl *ctrl = new_ctrl(test, 0);
	u8 zeros[8] = { 0 };
	int class, cmd, len;

	for (class = 0; class < 8; class++)
		for (cmd = 0; cmd < 8; cmd++)
			for (len = 0; len <= 8; len++)
				KUNIT_EXPECT_FALSE(test, command(test, ctrl, class,
								 cmd, zeros, len));
}

static void receive_modes_filter(struct kunit *test)
{
	struct qz_ctrl *ctrl = new_ctrl(test, ALL);
	u64 group = 0x333300000001ULL;

	KUNIT_EXPECT_TRUE(test, rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_ALLMULTI, 0));
	KUNIT_EXPECT_FALSE(test, takes(ctrl, group));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, 0xffffffffffffULL));
	KUNIT_EXPECT_TRUE(test, rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_PROMISC, 1));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, group));
	KUNIT_EXPECT_TRUE(test, rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_PROMISC, 0));
	KUNIT_EXPECT_TRUE(test, rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_ALLMULTI, 1));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, group));
	KUNIT_EXPECT_TRUE(test, rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_NOMULTI, 1));
	KUNIT_EXPECT_FALSE(test, takes(ctrl, group));
	KUNIT_EXPECT_TRUE(test, rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_NOBCAST, 1));
	KUNIT_EXPECT_FALSE(test, takes(ctrl, 0xffffffffffffULL));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, US));
	KUNIT_EXPECT_TRUE(test, rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_NOUNI, 1));
	KUNIT_EXPECT_FALSE(test, takes(ctrl, US));
	KUNIT_EXPECT_TRUE(test, rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_ALLUNI, 1));
	KUNIT_EXPECT_FALSE(test, rx_mode(test, ctrl, 6, 1));
	KUNIT_EXPECT_FALSE(test, rx_mode(test, ctrl, 0, 2));
}

/* @unicast and @multicast addresses, the latter counting up; returns bytes. */
static u32 make_tables(u8 *data, u32 unicast, u32 multicast)
{
	u8 *at = data;
	u32 i;

	memset(data, 0, 8);
	at[0] = unicast;
	at[1] = unicast >> 8;
	at += 4 + 6 * unicast;
	memset(at, 0, 4);
	at[0] = multicast;
	at[1] = multicast >> 8;
	at += 4;
	for (i = 0; i < multicast; i++, at += 6) {
		memset(at, 0, 6);
		at[0] = 0x01;
		at[4] = i >> 8;
		at[5] = i;
	}
	return at - data;
}

static bool set_tables(struct kunit *test, struct qz_ctrl *ctrl, u32 unicast,
		       u32 multicast, int more)
{
	u8 *data = kunit_kzalloc(test, QZ_CTRL_BYTES, GFP_KERNEL);
	u32 len;

	KUNIT_ASSERT_NOT_NULL(test, data);
	len = make_tables(data, unicast, multicast);
	return command(test, ctrl, VIRTIO_NET_CTRL_MAC,
		       VIRTIO_NET_CTRL_MAC_TABLE_SET, data, len + more);
}

static void multicast_tables_filter(struct kunit *test)
{
	struct qz_ctrl *ctrl = new_ctrl(test, ALL);
	u64 first = 0x010000000000ULL;

	rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_ALLMULTI, 0);
	KUNIT_EXPECT_TRUE(test, set_tables(test, ctrl, 0, 64, 0));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, first));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, first + 63));
	KUNIT_EXPECT_FALSE(test, takes(ctrl, first + 64));
	KUNIT_EXPECT_TRUE(test, set_tables(test, ctrl, 3, 2, 0));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, first + 1));
	KUNIT_EXPECT_FALSE(test, takes(ctrl, first + 2));
	KUNIT_EXPECT_TRUE(test, set_tables(test, ctrl, 0, 65, 0));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, first + 4711));	/* too many: all */
	KUNIT_EXPECT_TRUE(test, set_tables(test, ctrl, 0, 0, 0));
	KUNIT_EXPECT_FALSE(test, takes(ctrl, first));
}

/* Tables too long to be copied; returns whether they were taken. */
static bool set_long_tables(struct kunit *test, struct qz_ctrl *ctrl, u32 unicast,
			    u32 multicast, int more)
{
	u32 len = 2 + 8 + 6 * (unicast + multicast), at;
	u8 *bytes = kunit_kzalloc(test, len, GFP_KERNEL), *table;
	bool done = false;

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	bytes[0] = VIRTIO_NET_CTRL_MAC;
	make_tables(bytes + 2, unicast, multicast);
	len += more;
	at = qz_ctrl_find_multicast(bytes, len);
	KUNIT_ASSERT_LE(test, at, len);
	if (at) {
		table = kunit_kzalloc(test, QZ_CTRL_BYTES, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, table);
		memcpy(table, bytes + at, min_t(u32, len - at, QZ_CTRL_BYTES));
		done = qz_ctrl_multicast(ctrl, table, len - at) == VIRTIO_NET_OK;
		kunit_kfree(test, table);
	}
	kunit_kfree(test, bytes);
	return done;
}

/* Who asked for a group is told from who gets all of them. */
static void members_are_told_from_others(struct kunit *test)
{
	struct qz_filter *filter = kunit_kzalloc(test, sizeof(*filter), GFP_KERNEL);
	const u8 macs[12] = { 1, 0, 0x5e, 0, 0, 1, 1, 0, 0x5e, 0, 0, 2 };
	const u64 group = 0x01005e000002ULL, other = 0x01005e000003ULL;

	KUNIT_ASSERT_NOT_NULL(test, filter);
	qz_filter_init(filter, true, false);
	qz_filter_macs(filter, macs, 2);
	KUNIT_EXPECT_EQ(test, qz_filter_group(filter, group), QZ_FILTER_ALL);
	qz_filter_mode(filter, QZ_FILTER_ALLMULTI, false);
	KUNIT_EXPECT_EQ(test, qz_filter_group(filter, group), QZ_FILTER_JOINED);
	KUNIT_EXPECT_EQ(test, qz_filter_group(filter, other), QZ_FILTER_NONE);
	qz_filter_mode(filter, QZ_FILTER_NOMULTI, true);
	KUNIT_EXPECT_EQ(test, qz_filter_group(filter, group), QZ_FILTER_NONE);
	qz_filter_mode(filter, QZ_FILTER_PROMISC, true);
	KUNIT_EXPECT_EQ(test, qz_filter_group(filter, other), QZ_FILTER_ALL);
	qz_filter_mode(filter, QZ_FILTER_PROMISC, false);
	qz_filter_mode(filter, QZ_FILTER_NOMULTI, false);
	qz_filter_macs(filter, macs, QZ_FILTER_MACS + 1);	/* it reads none */
	KUNIT_EXPECT_EQ(test, qz_filter_group(filter, other), QZ_FILTER_ALL);
}

static void long_tables_mean_all_multicast(struct kunit *test)
{
	struct qz_ctrl *ctrl = new_ctrl(test, ALL);
	u64 first = 0x010000000000ULL, other = 0x3333ff000001ULL;
	u8 other_command[QZ_CTRL_LONG] = { VIRTIO_NET_CTRL_MAC, 77 };
	int cut;

	rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_ALLMULTI, 0);
	KUNIT_EXPECT_TRUE(test, set_long_tables(test, ctrl, 0, 1000, 0));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, other));
	KUNIT_EXPECT_TRUE(test, set_long_tables(test, ctrl, 2000, 2, 0));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, first + 1));
	KUNIT_EXPECT_FALSE(test, takes(ctrl, first + 2));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, US));
	KUNIT_EXPECT_TRUE(test, set_long_tables(test, ctrl, 2000, 65, 0));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, other));
	KUNIT_EXPECT_TRUE(test, set_tables(test, ctrl, 0, 1, 0));
	KUNIT_EXPECT_FALSE(test, takes(ctrl, other));
	for (cut = 1; cut < 20; cut++)
		KUNIT_EXPECT_FALSE(test, set_long_tables(test, ctrl, 2000, 2, -cut));
	KUNIT_EXPECT_FALSE(test, qz_ctrl_find_multicast(other_command, 5000));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, first));
	KUNIT_EXPECT_FALSE(test, takes(ctrl, other));
	qz_ctrl_init(ctrl, 0);
	KUNIT_EXPECT_FALSE(test, set_long_tables(test, ctrl, 2000, 2, 0));
}

static void malformed_tables_are_refused(struct kunit *test)
{
	struct qz_ctrl *ctrl = new_ctrl(test, ALL);
	static const u8 huge[] = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 };
	u32 len;

	rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_ALLMULTI, 0);
	KUNIT_EXPECT_TRUE(test, set_tables(test, ctrl, 1, 1, 0));
	KUNIT_EXPECT_FALSE(test, set_tables(test, ctrl, 1, 2, 1));
	KUNIT_EXPECT_FALSE(test, set_tables(test, ctrl, 1, 2, -1));
	KUNIT_EXPECT_FALSE(test, set_tables(test, ctrl, 1, 2, -12));
	for (len = 0; len < sizeof(huge); len++)
		KUNIT_EXPECT_FALSE(test, command(test, ctrl, VIRTIO_NET_CTRL_MAC,
						 VIRTIO_NET_CTRL_MAC_TABLE_SET,
						 huge, len));
	KUNIT_EXPECT_FALSE(test, command(test, ctrl, VIRTIO_NET_CTRL_MAC,
					 VIRTIO_NET_CTRL_MAC_TABLE_SET, huge, 8));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, 0x010000000000ULL));
	KUNIT_EXPECT_FALSE(test, takes(ctrl, 0x010000000001ULL));
}

static void address_is_the_administrators(struct kunit *test)
{
	struct qz_ctrl *ctrl = new_ctrl(test, ALL);
	u8 mac[6] = { 0x52, 0x54, 0, 0, 0, 1 };

	KUNIT_EXPECT_TRUE(test, command(test, ctrl, VIRTIO_NET_CTRL_MAC,
					VIRTIO_NET_CTRL_MAC_ADDR_SET, mac, 6));
	KUNIT_EXPECT_FALSE(test, command(test, ctrl, VIRTIO_NET_CTRL_MAC,
					 VIRTIO_NET_CTRL_MAC_ADDR_SET, mac, 5));
	mac[5] = 2;
	KUNIT_EXPECT_FALSE(test, command(test, ctrl, VIRTIO_NET_CTRL_MAC,
					 VIRTIO_NET_CTRL_MAC_ADDR_SET, mac, 6));
}

static bool vlan(struct kunit *test, struct qz_ctrl *ctrl, u8 cmd, u16 id)
{
	u8 data[2] = { id, id >> 8 };

	return command(test, ctrl, VIRTIO_NET_CTRL_VLAN, cmd, data, 2);
}

static void vlans_filter_once_negotiated(struct kunit *test)
{
	struct qz_ctrl *ctrl = new_ctrl(test, ALL);

	rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_PROMISC, 0);
	KUNIT_EXPECT_TRUE(test, takes(ctrl, US));
	KUNIT_EXPECT_TRUE(test, takes_tagged(ctrl, 0xe000));	/* priority */
	KUNIT_EXPECT_FALSE(test, takes_tagged(ctrl, 4095));
	KUNIT_EXPECT_TRUE(test, vlan(test, ctrl, VIRTIO_NET_CTRL_VLAN_ADD, 4095));
	KUNIT_EXPECT_TRUE(test, takes_tagged(ctrl, 0x2000 | 4095));
	KUNIT_EXPECT_FALSE(test, takes_tagged(ctrl, 4094));
	KUNIT_EXPECT_TRUE(test, vlan(test, ctrl, VIRTIO_NET_CTRL_VLAN_DEL, 4095));
	KUNIT_EXPECT_FALSE(test, takes_tagged(ctrl, 4095));
	KUNIT_EXPECT_FALSE(test, vlan(test, ctrl, VIRTIO_NET_CTRL_VLAN_ADD, 4096));
	KUNIT_EXPECT_FALSE(test, vlan(test, ctrl, 2, 1));
}

/* As NICs do: a bridge above sees every VLAN. */
static void promiscuous_mode_lifts_every_filter(struct kunit *test)
{
	struct qz_ctrl *ctrl = new_ctrl(test, ALL);

	KUNIT_EXPECT_TRUE(test, rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_PROMISC, 0));
	KUNIT_EXPECT_TRUE(test, rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_NOUNI, 1));
	KUNIT_EXPECT_TRUE(test, rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_NOMULTI, 1));
	KUNIT_EXPECT_TRUE(test, rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_NOBCAST, 1));
	KUNIT_EXPECT_FALSE(test, takes_tagged(ctrl, 77));
	KUNIT_EXPECT_TRUE(test, rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_PROMISC, 1));
	KUNIT_EXPECT_TRUE(test, takes_tagged(ctrl, 77));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, US));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, 0x010000000000ULL));
	KUNIT_EXPECT_TRUE(test, takes(ctrl, 0xffffffffffffULL));
	KUNIT_EXPECT_TRUE(test, rx_mode(test, ctrl, VIRTIO_NET_CTRL_RX_PROMISC, 0));
	KUNIT_EXPECT_FALSE(test, takes_tagged(ctrl, 77));
	KUNIT_EXPECT_FALSE(test, takes(ctrl, 0xffffffffffffULL));
}

static bool pairs(struct kunit *test, struct qz_ctrl *ctrl, u16 n)
{
	u8 data[2] = { n, n >> 8 };

	return command(test, ctrl, VIRTIO_NET_CTRL_MQ,
		       VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, data, 2);
}

static void pairs_are_those_the_port_has(struct kunit *test)
{
	struct qz_ctrl *ctrl = new_ctrl(test, ALL);

	KUNIT_EXPECT_EQ(test, ctrl->active, 1);
	KUNIT_EXPECT_TRUE(test, pairs(test, ctrl, PAIRS));
	KUNIT_EXPECT_FALSE(test, pairs(test, ctrl, 0));
	KUNIT_EXPECT_FALSE(test, pairs(test, ctrl, PAIRS + 1));
	KUNIT_EXPECT_FALSE(test, pairs(test, ctrl, 0x8000));
	KUNIT_EXPECT_EQ(test, ctrl->active, PAIRS);
	qz_ctrl_init(ctrl, ALL);
	KUNIT_EXPECT_EQ(test, ctrl->active, 1);
}

/* Two entries, for queues 0 and @queue, and no key. */
static bool rss(struct kunit *test, struct qz_ctrl *ctrl, u8 queue)
{
	u8 data[] = { 0x3f, 0, 0, 0, 1, 0, 0, 0, 0, 0, queue, 0, PAIRS, 0, 0 };

	return command(test, ctrl, VIRTIO_NET_CTRL_MQ,
		       VIRTIO_NET_CTRL_MQ_RSS_CONFIG, data, sizeof(data));
}

static void rss_is_what_was_said_last(struct kunit *test)
{
	struct qz_ctrl *ctrl = new_ctrl(test, ALL);

	KUNIT_EXPECT_FALSE(test, ctrl->rss.on);
	KUNIT_EXPECT_TRUE(test, rss(test, ctrl, 2));
	KUNIT_EXPECT_TRUE(test, ctrl->rss.on);
	KUNIT_EXPECT_EQ(test, ctrl->active, 3);
	KUNIT_EXPECT_EQ(test, ctrl->rss.table[1], 2);
	KUNIT_EXPECT_FALSE(test, rss(test, ctrl, PAIRS));
	KUNIT_EXPECT_EQ(test, ctrl->rss.table[1], 2);
	/* its hash is for a header that we do not offer */
	KUNIT_EXPECT_FALSE(test, command(test, ctrl, VIRTIO_NET_CTRL_MQ, 2,
					 NULL, 0));
	KUNIT_EXPECT_TRUE(test, pairs(test, ctrl, 2));
	KUNIT_EXPECT_FALSE(test, ctrl->rss.on);
	KUNIT_EXPECT_EQ(test, ctrl->active, 2);
	KUNIT_EXPECT_TRUE(test, rss(test, ctrl, 1));
	qz_ctrl_init(ctrl, ALL);
	KUNIT_EXPECT_FALSE(test, ctrl->rss.on);
	qz_ctrl_init(ctrl, ALL & ~(1ULL << VIRTIO_NET_F_RSS));
	KUNIT_EXPECT_FALSE(test, rss(test, ctrl, 1));
}

static void rss_outlasts_an_interruption(struct kunit *test)
{
	struct qz_ctrl *old = new_ctrl(test, ALL), *ctrl = new_ctrl(test, ALL);

	KUNIT_ASSERT_TRUE(test, rss(test, old, 2));
	qz_ctrl_restore(ctrl, old);
	KUNIT_EXPECT_TRUE(test, ctrl->rss.on);
	KUNIT_EXPECT_EQ(test, ctrl->active, 3);
	KUNIT_EXPECT_EQ(test, ctrl->rss.table[1], 2);
	KUNIT_EXPECT_EQ(test, ctrl->rss.types, 0x3f);
}

static bool offloads(struct kunit *test, struct qz_ctrl *ctrl, u64 bits)
{
	u8 data[8];
	int i;

	for (i = 0; i < 8; i++)
		data[i] = bits >> 8 * i;
	return command(test, ctrl, VIRTIO_NET_CTRL_GUEST_OFFLOADS,
		       VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, data, 8);
}

static void offloads_are_those_negotiated(struct kunit *test)
{
	u64 csum = 1ULL << VIRTIO_NET_F_GUEST_CSUM;
	u64 tso = 1ULL << VIRTIO_NET_F_GUEST_TSO4;
	u64 has_ctrl = 1ULL << VIRTIO_NET_F_CTRL_GUEST_OFFLOADS;
	struct qz_ctrl *ctrl = new_ctrl(test, csum | tso | has_ctrl);

	KUNIT_EXPECT_EQ(test, ctrl->takes, csum | tso);
	KUNIT_EXPECT_TRUE(test, offloads(test, ctrl, csum));
	KUNIT_EXPECT_EQ(test, ctrl->takes, csum);
	KUNIT_EXPECT_FALSE(test, offloads(test, ctrl, 1ULL << VIRTIO_NET_F_GUEST_TSO6));
	KUNIT_EXPECT_FALSE(test, offloads(test, ctrl, has_ctrl));
	KUNIT_EXPECT_EQ(test, ctrl->takes, csum);
	KUNIT_EXPECT_TRUE(test, offloads(test, ctrl, 0));
	KUNIT_EXPECT_EQ(test, ctrl->takes, 0);
}

static void announcing_is_acknowledged(struct kunit *test)
{
	struct qz_ctrl *ctrl = new_ctrl(test, ALL);

	ctrl->announce = true;
	KUNIT_EXPECT_FALSE(test, command(test, ctrl, VIRTIO_NET_CTRL_ANNOUNCE, 1,
					 NULL, 0));
	KUNIT_EXPECT_TRUE(test, ctrl->announce);
	KUNIT_EXPECT_TRUE(test, command(test, ctrl, VIRTIO_NET_CTRL_ANNOUNCE,
					VIRTIO_NET_CTRL_ANNOUNCE_ACK, NULL, 0));
	KUNIT_EXPECT_FALSE(test, ctrl->announce);
}

static bool coalesce(struct kunit *test, struct qz_ctrl *ctrl, u8 cmd, u32 frames,
		     u32 usecs)
{
	u32 data[] = { frames, usecs };

	return command(test, ctrl, VIRTIO_NET_CTRL_NOTF_COAL, cmd, data, 8);
}

static void coalescing_is_that_of_sent_frames(struct kunit *test)
{
	struct qz_ctrl *ctrl = new_ctrl(test, ALL);
	u8 zeros[12] = {};
	u32 len;

	KUNIT_EXPECT_EQ(test, ctrl->tx_wish.frames, 0);	/* as learnt */
	KUNIT_EXPECT_TRUE(test, coalesce(test, ctrl, 0, 20, 100));
	KUNIT_EXPECT_EQ(test, ctrl->tx_wish.frames, 20);
	KUNIT_EXPECT_EQ(test, ctrl->tx_wish.ns, 100000);
	KUNIT_EXPECT_TRUE(test, coalesce(test, ctrl, 1, 0, 0));
	KUNIT_EXPECT_TRUE(test, coalesce(test, ctrl, 1, 1, 0));
	KUNIT_EXPECT_FALSE(test, coalesce(test, ctrl, 1, 2, 0));
	KUNIT_EXPECT_FALSE(test, coalesce(test, ctrl, 1, 0, 1));
	KUNIT_EXPECT_FALSE(test, coalesce(test, ctrl, 2, 0, 0));
	for (len = 0; len <= sizeof(zeros); len++)
		KUNIT_EXPECT_EQ(test, command(test, ctrl,
					      VIRTIO_NET_CTRL_NOTF_COAL, 1,
					      zeros, len), len == 8);
	KUNIT_EXPECT_EQ(test, ctrl->tx_wish.frames, 20);
	KUNIT_EXPECT_TRUE(test, coalesce(test, ctrl, 0, 0, 0));
	KUNIT_EXPECT_EQ(test, ctrl->tx_wish.frames, 1);
	ctrl = new_ctrl(test, ALL & ~(1ULL << VIRTIO_NET_F_NOTF_COAL));
	KUNIT_EXPECT_FALSE(test, coalesce(test, ctrl, 0, 20, 100));
}

static void random_commands_are_survived(struct kunit *test)
{
	struct qz_ctrl *ctrl = new_ctrl(test, ALL);
	u32 seed = 1, round, i, len, done = 0;
	u8 data[40];

	for (round = 0; round < 20000; round++) {
		for (i = 0; i < sizeof(data); i++) {
			seed = seed * 1664525 + 1013904223;
			data[i] = seed >> 30 ? 0 : seed >> 24;
		}
		seed = seed * 1664525 + 1013904223;
		len = (seed >> 8) % (sizeof(data) + 1);
		done += command(test, ctrl, (seed >> 16) % 7, (seed >> 24) % 7,
				data, len);
		KUNIT_ASSERT_TRUE(test, ctrl->active && ctrl->active <= PAIRS);
		KUNIT_ASSERT_LE(test, ctrl->filter.nmacs, QZ_FILTER_MACS);
	}
	KUNIT_EXPECT_GT(test, done, 50);
}

static struct kunit_case ctrl_cases[] = {
	KUNIT_CASE(driver_that_says_nothing_gets_all),
	KUNIT_CASE(modes_differ_from_promiscuous),
	KUNIT_CASE(commands_not_negotiated_are_refused),
	KUNIT_CASE(receive_modes_filter),
	KUNIT_CASE(multicast_tables_filter),
	KUNIT_CASE(members_are_told_from_others),
	KUNIT_CASE(long_tables_mean_all_multicast),
	KUNIT_CASE(malformed_tables_are_refused),
	KUNIT_CASE(address_is_the_administrators),
	KUNIT_CASE(vlans_filter_once_negotiated),
	KUNIT_CASE(promiscuous_mode_lifts_every_filter),
	KUNIT_CASE(pairs_are_those_the_port_has),
	KUNIT_CASE(rss_is_what_was_said_last),
	KUNIT_CASE(rss_outlasts_an_interruption),
	KUNIT_CASE(offloads_are_those_negotiated),
	KUNIT_CASE(announcing_is_acknowledged),
	KUNIT_CASE(coalescing_is_that_of_sent_frames),
	KUNIT_CASE(interrupted_drivers_continue),
	KUNIT_CASE(random_commands_are_survived),
	{}
};

static struct kunit_suite ctrl_suite = {
	.name = "queztl_ctrl",
	.test_cases = ctrl_cases,
};

kunit_test_suite(ctrl_suite);
