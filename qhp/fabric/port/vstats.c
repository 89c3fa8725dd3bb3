// SPDX-License-Identifier: GPL-2.0
/* `vdpa dev vstats`: a port's counters, by queue. */

#include <net/netlink.h>
#include <uapi/linux/vdpa.h>

#include "port/port.h"

struct vstat {
	const char *name;
	size_t offset;
};

/* Each type of queue begins with its struct qz_vq. */
#define VSTAT(_type, _name, _member) \
	{ _name, offsetof(struct _type, _member) }
#define VDROP(_name, _reason) \
	{ "drop_" #_name, offsetof(struct qz_vq, drops[_reason]) }

static_assert(!offsetof(struct qz_rxq, vq));
static_assert(!offsetof(struct qz_txq, vq));
static_assert(!offsetof(struct qz_ctrlq, vq));

static const struct vstat rx_vstats[] = {
	VSTAT(qz_rxq, "rx_packets", packets),
	VSTAT(qz_rxq, "rx_bytes", bytes),
	VSTAT(qz_rxq, "rx_interrupts", interrupts),
	VDROP(down, QUEZTL_DROP_DOWN),
	VDROP(full, QUEZTL_DROP_FULL),
	VDROP(no_space, QUEZTL_DROP_NO_SPACE),
	VDROP(rx_broken, QUEZTL_DROP_RX_BROKEN),
	VDROP(link_down, QUEZTL_DROP_LINK_DOWN),
};

static const struct vstat tx_vstats[] = {
	VSTAT(qz_txq, "tx_packets", counts.packets),
	VSTAT(qz_txq, "tx_bytes", counts.bytes),
	VSTAT(qz_txq, "kicks", counts.kicks),
	VSTAT(qz_txq, "tx_interrupts", counts.interrupts),
	VSTAT(qz_txq, "tx_held", counts.held),
	VSTAT(qz_txq, "direct_runs", counts.direct_runs),
	VSTAT(qz_txq, "worker_runs", counts.worker_runs),
	VSTAT(qz_txq, "tx_paced", counts.paced),
	VSTAT(qz_txq, "tx_waited", counts.waited),
	VDROP(runt, QUEZTL_DROP_RUNT),
	VDROP(too_big, QUEZTL_DROP_TOO_BIG),
	VDROP(bad_header, QUEZTL_DROP_BAD_HEADER),
	VDROP(spoofed, QUEZTL_DROP_SPOOFED),
	VDROP(no_port, QUEZTL_DROP_NO_PORT),
	VDROP(rate, QUEZTL_DROP_RATE),
	VDROP(bad_ring, QUEZTL_DROP_BAD_RING),
	VDROP(denied, QUEZTL_DROP_DENIED),
	VDROP(foreign, QUEZTL_DROP_FOREIGN),
	VDROP(link_down, QUEZTL_DROP_LINK_DOWN),
	VDROP(vlan, QUEZTL_DROP_VLAN),
};

static const struct vstat ctrl_vstats[] = {
	VSTAT(qz_ctrlq, "commands", commands),
	VSTAT(qz_ctrlq, "kicks", kicks),
	VDROP(bad_ring, QUEZTL_DROP_BAD_RING),
};

static const struct {
	const struct vstat *vstats;
	u32 n;
} kinds[] = {
	[QZ_RX] = { rx_vstats, ARRAY_SIZE(rx_vstats) },
	[QZ_TX] = { tx_vstats, ARRAY_SIZE(tx_vstats) },
	[QZ_CTRL] = { ctrl_vstats, ARRAY_SIZE(ctrl_vstats) },
};

static int put_vstat(struct sk_buff *msg, const char *name, u64 value)
{
	if (nla_put_string(msg, VDPA_ATTR_DEV_VENDOR_ATTR_NAME, name) ||
	    nla_put_u64_64bit(msg, VDPA_ATTR_DEV_VENDOR_ATTR_VALUE, value,
			      VDPA_ATTR_PAD))
		return -EMSGSIZE;
	return 0;
}

/* The counters of queue @idx. Process context, called by the vDPA bus. */
int qz_vstats_get(struct vdpa_device *vdpa, u16 idx, struct sk_buff *msg,
		  struct netlink_ext_ack *extack)
{
	const struct qz_port *port = container_of(vdpa, struct qz_port, vdpa);
	const struct qz_vq *vq;
	const struct vstat *vstat;
	int err = 0;
	u32 i;

	if (idx >= port->nvqs) {
		NL_SET_ERR_MSG(extack, "no such virtqueue");
		return -EINVAL;
	}
	vq = READ_ONCE(port->vqs[idx]);
	for (i = 0; i < kinds[vq->kind].n && !err; i++) {
		vstat = &kinds[vq->kind].vstats[i];
		err = put_vstat(msg, vstat->name,
				READ_ONCE(*(u64 *)((void *)vq +
						   vstat->offset)));
	}
	return err;
}
