/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A network device over a channel: IP packets as messages. Files: netcreate.c makes
 * it, netlink.c gets it a channel, netdev.c sends and receives, packet.c turns
 * packets into messages and back.
 */
#ifndef QG_NETDEV_H
#define QG_NETDEV_H

#include <linux/netdevice.h>
#include <linux/workqueue.h>

#include "qhp/channel/ring.h"
#include "end.h"

/**
 * struct qg_net_counters - what only `ethtool -S` shows; each has one writer
 * @connects: times that a peer was there
 * @broken: times that the peer wrote something impossible
 * @rx_interrupts: times that the peer rang, or the slot was polled
 * @rx_invalid: messages that are no packets
 * @rx_no_memory: packets that there was no memory for
 * @tx_doorbells: times that the peer was rung for a packet
 * @rx_doorbells: times that it was rung because there is room again
 * @tx_stopped: times that the ring was full
 * @tx_too_long: packets that do not fit into the region
 */
struct qg_net_counters {
	u64 connects;
	u64 broken;
	u64 rx_interrupts;
	u64 rx_invalid;
	u64 rx_no_memory;
	u64 tx_doorbells;
	u64 rx_doorbells;
	u64 tx_stopped;
	u64 tx_too_long;
};

/* For the counters of each direction, which has one writer. */
struct qg_net_traffic {
	u64_stats_t packets;
	u64_stats_t bytes;
	struct u64_stats_sync sync;
};

/**
 * struct qg_net - the network device
 * @dev: it
 * @window: the window
 * @node: of the window's nets; protected by RTNL
 * @name: of the channel
 * @op: QHP_OP_LISTEN or QHP_OP_CONNECT
 * @end: its end of the channel
 * @link: makes, watches and renews the channel; the following belong to it
 * @is_wanted: the device is up
 * @has_end: @end is there, and @tx
 * @is_up: @rx too: packets pass
 * @said: the error that the log had last
 * @wait: before the next attempt, in jiffies
 * @up_since: when it came, in jiffies
 * @is_broken: the peer broke the protocol
 * @tx: the sender's side; under the lock of the TX queue
 * @rx: the receiver's side; in @napi
 * @napi: the receiver
 * @sent: packets
 * @received: packets
 * @counters: more of them
 */
struct qg_net {
	struct net_device *dev;
	struct qg_window *window;
	struct list_head node;
	char name[QHP_NAME_MAX];
	u32 op;

	struct qg_end end;
	struct delayed_work link;
	bool is_wanted;
	bool has_end;
	bool is_up;
	int said;
	unsigned long wait;
	unsigned long up_since;
	bool is_broken;

	struct qhp_tx tx;
	struct qhp_rx rx;
	struct napi_struct napi;
	struct qg_net_traffic sent;
	struct qg_net_traffic received;
	struct qg_net_counters counters;
};

static inline void qg_count(u64 *counter)
{
	WRITE_ONCE(*counter, *counter + 1);
}

static inline void qg_count_packet(struct qg_net_traffic *traffic,
				   unsigned int bytes)
{
	u64_stats_update_begin(&traffic->sync);
	u64_stats_inc(&traffic->packets);
	u64_stats_add(&traffic->bytes, bytes);
	u64_stats_update_end(&traffic->sync);
}

extern const struct attribute_group *qg_net_groups[];

int qg_net_init(void);
void qg_net_exit(void);
void qg_nets_remove(struct qg_window *window);

void qg_net_setup(struct net_device *dev);
void qg_net_start(struct qg_net *net);
void qg_net_stop(struct qg_net *net);
int qg_net_poll(struct napi_struct *napi, int budget);

int qg_link_init(void);
void qg_link_exit(void);
void qg_link_prepare(struct qg_net *net);
void qg_link_open(struct qg_net *net);
void qg_link_close(struct qg_net *net);
void qg_link_broken(struct qg_net *net);

extern const struct ethtool_ops qg_ethtool_ops;

#endif /* QG_NETDEV_H */
