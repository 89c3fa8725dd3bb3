/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fabrics and ports as the administrator sees them.
 *
 * Lock order, outermost first:
 *
 *   vdpa_dev_lock	vDPA's own, which it holds during dev_add and dev_del
 *   fabric->lock	ports of a fabric, their peers and addresses; never held
 *			while waiting for the gate
 *   port->lock		what a driver sets up; held while queues are started
 *			and stopped, including the wait for the gate
 *   rxq->lock		a receiving ring; BH off; one held at a time
 *   mac_users->lock	addresses beside the ports' own; BH off; a leaf
 *   txq->sender_lock	the thread that a hand-off is for; BH off; a leaf
 *   capture->lock	room in a capture; BH off; a leaf
 *   signal->lock	how to interrupt a driver; BH off; eventfd and KVM
 *			locks nest inside, but none of ours
 *
 * qz_fabrics_lock (the list of fabrics) and the xa_lock of the list of all
 * ports are leaves and never held for long: a call finds a fabric or a port by
 * its id, takes a reference and lets go. A call that then holds fabric->lock
 * sees by port->attached whether the port was deleted meanwhile.
 *
 * What the data path reads without a lock it reads inside the gate (gate.h).
 */
#ifndef QZ_ADMIN_H
#define QZ_ADMIN_H

#include "port/port.h"

struct qz_call;

/* fabric.c */
int qz_fabric_create(const char *name, u64 *id);
int qz_fabric_destroy(u64 id);
int qz_fabric_next(struct queztl_fabric *next);
int qz_fabric_set_mode(u64 id, u32 mode);

/* switch.c */
struct qz_switch *qz_switch_alloc(u32 nports);
void qz_switch_retire(struct qz_switch *sw);
int qz_switch_grow(const struct qz_switch *old, u32 more,
		   struct qz_switch **grown);
bool qz_switch_add(struct qz_switch *sw, struct qz_port *port);
bool qz_switch_del(struct qz_switch *sw, const struct qz_port *port);
int qz_switch_attach(struct qz_fabric *fabric, struct qz_port *port);
void qz_switch_detach(struct qz_port *port);
void qz_switch_leave(struct qz_fabric *fabric, struct qz_port *port);

/* peer.c */
int qz_peer_add(u64 port_id, u64 peer_id);
int qz_peer_del(u64 port_id, u64 peer_id);
int qz_peers_add(u64 port_id, u64 *ids, u32 n);
int qz_peer_next(struct queztl_peer *next);
void qz_peer_forget(struct qz_port *port);

/* addr.c */
int qz_addr_add(struct queztl_addr *addr);
int qz_addr_del(const struct queztl_addr *addr);
void qz_addr_undo(const struct queztl_addr *addr);
int qz_addr_next(struct queztl_addr *next);

/* uplink.c */
int qz_uplink_set(struct qz_port *port, bool on);

/* portset.c */
int qz_port_set(const struct queztl_port_set_args *set);
bool qz_port_set_special(struct qz_port *port, u32 mask, u32 bits);

/* portvlan.c */
int qz_port_vlan_set(const struct queztl_port_vlan *from);
int qz_port_vlan_get(struct queztl_port_vlan *to);

/* portmacs.c */
int qz_port_macs_set(const struct queztl_port_macs *set,
		     const struct queztl_mac *macs);
int qz_port_macs_get(struct queztl_port_macs *get);
int qz_port_macs_next(struct queztl_mac_next_args *next);
struct qz_mac_list *qz_port_macs_take(struct qz_port *port);
void qz_port_macs_forget(struct qz_fabric *fabric, struct qz_mac_list *list);

/* capture.c */
int qz_capture_open(struct qz_call *call);

/* mirror.c */
int qz_port_mirror_set(const struct queztl_port_mirror *set);
int qz_port_mirror_get(struct queztl_port_mirror *get);
void qz_port_mirror_forget(struct qz_port *port);

/* rates.c */
int qz_rates_set(const struct queztl_port_rates *rates);
int qz_rates_get(struct queztl_port_rates *rates);

/* mgmt.c */
extern const struct vdpa_mgmtdev_ops qz_mgmt_ops;

/* portlist.c */
int qz_portlist_add(struct qz_port *port);
void qz_portlist_del(struct qz_port *port);
struct qz_port *qz_port_get(u64 id);
void qz_port_put(struct qz_port *port);
int qz_port_next(struct queztl_port *next);
int qz_port_stats(struct queztl_port_stats *stats);

#endif /* QZ_ADMIN_H */
