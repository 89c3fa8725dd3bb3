/* SPDX-License-Identifier: GPL-2.0 */
/* The control queue: what a driver asks of its port (virtio 1.2, 5.1.6.5); pure. */
#ifndef QZ_CTRL_H
#define QZ_CTRL_H

#include "coalesce.h"
#include "filter.h"
#include "rss.h"

/*
 * The longest command that is copied: tables of a few hundred addresses. Of a
 * longer one its first QZ_CTRL_LONG bytes, up to the number of unicast
 * addresses, tell where the second table is.
 */
#define QZ_CTRL_BYTES		4096
#define QZ_CTRL_LONG		(sizeof(struct virtio_net_ctrl_hdr) + sizeof(u32))

/**
 * struct qz_ctrl - what a driver may set by command
 * @features: what it negotiated
 * @mac: the port's address, as qz_mac_key(); the administrator's
 * @pairs: queue pairs of the port
 * @active: queue pairs the driver uses, or the receiving queues up to the last
 *	one in its table; others read it without a lock
 * @takes: QZ_CTRL_OFFLOADS it takes now; others read it without a lock
 * @tx_wish: how interrupts for sent frames are held back; others read it without
 *	a lock
 * @announce: the device asked the driver to announce itself
 * @filter: the frames that it wants to see
 * @rss: which of its queues get them; others read it without a lock
 */
struct qz_ctrl {
	u64 features;
	u64 mac;
	u16 pairs;
	u16 active;
	u64 takes;
	struct qz_coalesce_wish tx_wish;
	bool announce;
	struct qz_filter filter;
	struct qz_rss rss;
};

#define QZ_CTRL_OFFLOADS						\
	(1ULL << VIRTIO_NET_F_GUEST_CSUM | 1ULL << VIRTIO_NET_F_GUEST_TSO4 | \
	 1ULL << VIRTIO_NET_F_GUEST_TSO6 | 1ULL << VIRTIO_NET_F_GUEST_ECN | \
	 1ULL << VIRTIO_NET_F_GUEST_USO4 | 1ULL << VIRTIO_NET_F_GUEST_USO6)

void qz_ctrl_init(struct qz_ctrl *ctrl, u64 features);
void qz_ctrl_restore(struct qz_ctrl *ctrl, const struct qz_ctrl *old);
u8 qz_ctrl_command(struct qz_ctrl *ctrl, const u8 *command, u32 len);
u32 qz_ctrl_find_multicast(const u8 *command, u32 len);
u8 qz_ctrl_multicast(struct qz_ctrl *ctrl, const u8 *table, u32 len);

#endif /* QZ_CTRL_H */
