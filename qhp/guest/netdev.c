// SPDX-License-Identifier: GPL-2.0
/*
 * Packets of a network device, out and in. Each is copied once into the region, and
 * once out of the peer's.
 */

#include <linux/if_arp.h>
#include <linux/netdevice.h>
#include <net/ip_tunnels.h>
#include <net/pkt_sched.h>

#include "netdev.h"
#include "packet.h"

/* The peer gets room back after so many packets, or at once after a long one. */
#define QG_RELEASE		16
#define QG_LONG			4096

static void publish(struct qg_net *net)
{
	if (qhp_tx_publish(&net->tx)) {
		qg_count(&net->counters.tx_doorbells);
		qg_end_ring(&net->end);
	}
}

/*
 * The ring is full. What is in it is published first, or nobody would ever make
 * room. The peer rings when it does, and qg_net_poll() goes on.
 */
static void stop_queue(struct qg_net *net)
{
	publish(net);
	qg_count(&net->counters.tx_stopped);
	netif_stop_queue(net->dev);
	if (qhp_tx_arm(&net->tx))
		netif_start_queue(net->dev);
}

static int put(struct qg_net *net, const struct sk_buff *skb)
{
	struct qhp_packet header;
	void *at;
	int err;

	if (qg_packet_describe(skb, &header))
		return -EINVAL;
	err = qhp_tx_reserve(&net->tx, sizeof(header) + skb->len, &at);
	if (err)
		return err;
	memcpy(at, &header, sizeof(header));
	if (skb_copy_bits(skb, 0, at + sizeof(header), skb->len))
		return -EINVAL;
	qhp_tx_commit(&net->tx);
	return 0;
}

static netdev_tx_t xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct qg_net *net = netdev_priv(dev);
	int err = put(net, skb);

	if (err == -EAGAIN) {
		stop_queue(net);
		return NETDEV_TX_BUSY;
	}
	if (!err) {
		skb_tx_timestamp(skb);
		qg_count_packet(&net->sent, skb->len);
	} else {
		if (err == -EMSGSIZE)
			qg_count(&net->counters.tx_too_long);
		if (err == -EPROTO)
			qg_link_broken(net);
		DEV_STATS_INC(dev, tx_dropped);
	}
	if (!netdev_xmit_more())
		publish(net);
	if (err)
		dev_kfree_skb_any(skb);
	else
		dev_consume_skb_any(skb);
	return NETDEV_TX_OK;
}

/* Room in the ring, for a queue that was stopped? */
static void wake_queue(struct qg_net *net)
{
	struct netdev_queue *queue = netdev_get_tx_queue(net->dev, 0);

	if (!netif_tx_queue_stopped(queue))
		return;
	__netif_tx_lock(queue, smp_processor_id());
	if (netif_tx_queue_stopped(queue) &&
	    qhp_read(&net->tx.ends.peer->tail) != net->tx.tail)
		netif_tx_wake_queue(queue);
	__netif_tx_unlock(queue);
}

static void receive(struct qg_net *net, const struct qhp_msg *msg)
{
	struct sk_buff *skb = qg_packet_read(net->dev, &net->napi, msg);

	if (skb == ERR_PTR(-ENOMEM)) {
		qg_count(&net->counters.rx_no_memory);
		DEV_STATS_INC(net->dev, rx_dropped);
	} else if (IS_ERR(skb)) {
		qg_count(&net->counters.rx_invalid);
		DEV_STATS_INC(net->dev, rx_errors);
	} else {
		qg_count_packet(&net->received, skb->len);
		napi_gro_receive(&net->napi, skb);
	}
}

static void release(struct qg_net *net, unsigned int n)
{
	if (qhp_rx_release(&net->rx, n)) {
		qg_count(&net->counters.rx_doorbells);
		qg_end_ring(&net->end);
	}
}

/* Return: how many; less than @budget: there are no more. */
static int receive_some(struct qg_net *net, int budget)
{
	unsigned int held = 0;
	struct qhp_msg msg;
	int n, got = 0;

	for (n = 0; n < budget; n++) {
		got = qhp_rx_peek(&net->rx, &msg);
		if (got != 1)
			break;
		receive(net, &msg);
		if (++held < QG_RELEASE && msg.len < QG_LONG)
			continue;
		release(net, held);
		held = 0;
	}
	release(net, held);
	if (got < 0)
		qg_link_broken(net);
	return n;
}

int qg_net_poll(struct napi_struct *napi, int budget)
{
	struct qg_net *net = container_of(napi, struct qg_net, napi);
	int n;

	wake_queue(net);
	n = receive_some(net, budget);
	/*
	 * Arm while net->rx is still ours: after napi_complete_done() an interrupt
	 * may start the next poll on another CPU. One that comes in between makes
	 * napi_complete_done() schedule us again.
	 */
	if (n == budget || (!net->rx.broken && qhp_rx_arm(&net->rx)))
		return budget;
	napi_complete_done(napi, n);
	return n;
}

/* There is a peer. Context: the link's worker. */
void qg_net_start(struct qg_net *net)
{
	napi_enable(&net->napi);
	netif_start_queue(net->dev);
	netif_carrier_on(net->dev);
	/* It may have sent already. */
	local_bh_disable();
	napi_schedule(&net->napi);
	local_bh_enable();
}

/* Afterwards nobody is in the functions above. */
void qg_net_stop(struct qg_net *net)
{
	netif_carrier_off(net->dev);
	napi_disable(&net->napi);
	netif_tx_disable(net->dev);
}

static int net_open(struct net_device *dev)
{
	/* Until there is a peer. */
	netif_stop_queue(dev);
	qg_link_open(netdev_priv(dev));
	return 0;
}

static int net_stop(struct net_device *dev)
{
	qg_link_close(netdev_priv(dev));
	return 0;
}

/* RTNL is held, in the next too. */
static int net_init(struct net_device *dev)
{
	struct qg_net *net = netdev_priv(dev);

	list_add(&net->node, &net->window->nets);
	return 0;
}

static void net_uninit(struct net_device *dev)
{
	struct qg_net *net = netdev_priv(dev);

	list_del(&net->node);
}

static void read_traffic(const struct qg_net_traffic *traffic, u64 *packets,
			 u64 *bytes)
{
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&traffic->sync);
		*packets = u64_stats_read(&traffic->packets);
		*bytes = u64_stats_read(&traffic->bytes);
	} while (u64_stats_fetch_retry(&traffic->sync, start));
}

static void net_get_stats(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
	struct qg_net *net = netdev_priv(dev);

	netdev_stats_to_stats64(stats, &dev->stats);
	read_traffic(&net->sent, &stats->tx_packets, &stats->tx_bytes);
	read_traffic(&net->received, &stats->rx_packets, &stats->rx_bytes);
}

static const struct net_device_ops operations = {
	.ndo_init = net_init,
	.ndo_open = net_open,
	.ndo_stop = net_stop,
	.ndo_uninit = net_uninit,
	.ndo_start_xmit = xmit,
	.ndo_get_stats64 = net_get_stats,
};

/* Like a tunnel: IP without a link layer. */
void qg_net_setup(struct net_device *dev)
{
	dev->netdev_ops = &operations;
	dev->ethtool_ops = &qg_ethtool_ops;
	dev->header_ops = &ip_tunnel_header_ops;
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	dev->hard_header_len = 0;
	dev->addr_len = 0;
	/* Without it there is no qdisc, and what finds the ring full is lost. */
	dev->tx_queue_len = DEFAULT_TX_QUEUE_LEN;
	dev->mtu = ETH_DATA_LEN;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = ETH_MAX_MTU;
	dev->features = NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA |
			NETIF_F_HW_CSUM | NETIF_F_ALL_TSO;
	dev->hw_features = dev->features;
	dev->needs_free_netdev = true;
}
