// SPDX-License-Identifier: GPL-2.0
/* What ethtool shows of a network device. */

#include <linux/ethtool.h>

#include "module/version.h"
#include "netdev.h"

#define QG_COUNTER(member) \
	{ #member, offsetof(struct qg_net_counters, member) }

static const struct {
	char name[ETH_GSTRING_LEN];
	size_t offset;
} counters[] = {
	QG_COUNTER(connects),
	QG_COUNTER(broken),
	QG_COUNTER(rx_interrupts),
	QG_COUNTER(rx_invalid),
	QG_COUNTER(rx_no_memory),
	QG_COUNTER(tx_doorbells),
	QG_COUNTER(rx_doorbells),
	QG_COUNTER(tx_stopped),
	QG_COUNTER(tx_too_long),
};

static void get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	struct qg_net *net = netdev_priv(dev);

	strscpy(info->driver, "qhp_guest", sizeof(info->driver));
	strscpy(info->version, QZ_VERSION, sizeof(info->version));
	strscpy(info->bus_info, pci_name(net->window->pdev),
		sizeof(info->bus_info));
}

static int get_sset_count(struct net_device *dev, int set)
{
	return set == ETH_SS_STATS ? ARRAY_SIZE(counters) : -EOPNOTSUPP;
}

static void get_strings(struct net_device *dev, u32 set, u8 *to)
{
	size_t i;

	for (i = 0; set == ETH_SS_STATS && i < ARRAY_SIZE(counters); i++)
		memcpy(to + i * ETH_GSTRING_LEN, counters[i].name,
		       ETH_GSTRING_LEN);
}

static void get_stats(struct net_device *dev, struct ethtool_stats *stats,
		      u64 *to)
{
	struct qg_net *net = netdev_priv(dev);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		to[i] = READ_ONCE(*(u64 *)((void *)&net->counters +
					   counters[i].offset));
}

const struct ethtool_ops qg_ethtool_ops = {
	.get_drvinfo = get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_ts_info = ethtool_op_get_ts_info,
	.get_sset_count = get_sset_count,
	.get_strings = get_strings,
	.get_ethtool_stats = get_stats,
};
