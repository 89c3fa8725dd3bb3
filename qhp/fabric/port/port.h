/* SPDX-License-Identifier: GPL-2.0 */
/* Ports: what their drivers set up, and how they end. */
#ifndef QZ_PORT_PORT_H
#define QZ_PORT_PORT_H

#include "path/fabric.h"

struct sk_buff;
struct vhost_iotlb;

/* Checksums and segmentation, of what a driver sends and receives. */
#define QZ_OFFLOAD_FEATURES						\
	(BIT_ULL(VIRTIO_NET_F_CSUM) | BIT_ULL(VIRTIO_NET_F_GUEST_CSUM) | \
	 BIT_ULL(VIRTIO_NET_F_HOST_TSO4) | BIT_ULL(VIRTIO_NET_F_GUEST_TSO4) | \
	 BIT_ULL(VIRTIO_NET_F_HOST_TSO6) | BIT_ULL(VIRTIO_NET_F_GUEST_TSO6) | \
	 BIT_ULL(VIRTIO_NET_F_HOST_ECN) | BIT_ULL(VIRTIO_NET_F_GUEST_ECN) | \
	 BIT_ULL(VIRTIO_NET_F_HOST_USO) | BIT_ULL(VIRTIO_NET_F_GUEST_USO4) | \
	 BIT_ULL(VIRTIO_NET_F_GUEST_USO6))

/* Features of a port with several pairs of queues. */
#define QZ_PAIRS_FEATURES						\
	(BIT_ULL(VIRTIO_NET_F_MQ) | BIT_ULL(VIRTIO_NET_F_RSS))

/* Features that need a control queue. */
#define QZ_CTRL_FEATURES						\
	(BIT_ULL(VIRTIO_NET_F_CTRL_VQ) | BIT_ULL(VIRTIO_NET_F_CTRL_RX) | \
	 BIT_ULL(VIRTIO_NET_F_CTRL_RX_EXTRA) |				\
	 BIT_ULL(VIRTIO_NET_F_CTRL_VLAN) |				\
	 BIT_ULL(VIRTIO_NET_F_CTRL_MAC_ADDR) |				\
	 BIT_ULL(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) |			\
	 BIT_ULL(VIRTIO_NET_F_NOTF_COAL) |				\
	 BIT_ULL(VIRTIO_NET_F_GUEST_ANNOUNCE) | QZ_PAIRS_FEATURES)

#define QZ_FABRIC_FEATURES						\
	(BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) | \
	 BIT_ULL(VIRTIO_F_IN_ORDER) |					\
	 BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) |				\
	 BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |				\
	 BIT_ULL(VIRTIO_NET_F_MAC) | BIT_ULL(VIRTIO_NET_F_MTU) |	\
	 BIT_ULL(VIRTIO_NET_F_STATUS) | BIT_ULL(VIRTIO_NET_F_MRG_RXBUF) | \
	 QZ_OFFLOAD_FEATURES | QZ_CTRL_FEATURES)

/* port.c */
void qz_port_init(struct qz_port *port, struct qz_fabric *fabric);
int qz_port_set_up(struct qz_port *port);
void qz_port_start(struct qz_port *port);
void qz_port_stop(struct qz_port *port);
void qz_port_enable(struct qz_vq *vq, bool enable);
void qz_port_set_map(struct qz_port *port, unsigned int space,
		     const struct qz_map *map);
void qz_port_trim_map(struct qz_port *port, unsigned int space,
		      struct vhost_iotlb *iotlb);
void qz_port_set_features(struct qz_port *port, u64 features);
void qz_port_keep(struct qz_port *port);
void qz_port_recall(struct qz_port *port);
void qz_port_free(struct qz_port *port);
void qz_port_wait_all_freed(void);
bool qz_port_is_ready(const struct qz_port *port);

/* leave.c */
extern struct workqueue_struct *qz_leave_wq;

void qz_leave_check(struct qz_port *port);
void qz_leave_begin(struct qz_port *port);

/* vdpa.c */
extern const struct vdpa_config_ops qz_vdpa_ops;

/* vstats.c */
int qz_vstats_get(struct vdpa_device *vdpa, u16 idx, struct sk_buff *msg,
		  struct netlink_ext_ack *extack);

#endif /* QZ_PORT_PORT_H */
