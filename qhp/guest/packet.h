/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QG_PACKET_H
#define QG_PACKET_H

#include <linux/skbuff.h>

#include "qhp/channel/ring.h"

/* Room for what the network stack puts before a packet. */
#define QG_PACKET_MAX	65536

int qg_packet_describe(const struct sk_buff *skb, struct qhp_packet *header);
struct sk_buff *qg_packet_read(struct net_device *dev, struct napi_struct *napi,
			       const struct qhp_msg *msg);

#endif /* QG_PACKET_H */
