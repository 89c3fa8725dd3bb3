/* SPDX-License-Identifier: GPL-2.0 */
/* A fabric, and where a frame may go in it, as the data path sees them. */
#ifndef QZ_FABRIC_H
#define QZ_FABRIC_H

#include <linux/slab.h>

#include "path/port.h"
#include "pure/idlist.h"
#include "pure/macs.h"

/**
 * struct qz_switch - a fabric's ports, or a port's peers, as the data path sees
 *	them
 * @rcu: frees it when no reader is left
 * @live: number of ports in it
 * @tab: the ports by Ethernet address
 * @list: the ports by id, for frames to all of them: see qz_switch_next()
 */
struct qz_switch {
	struct rcu_head rcu;
	u32 live;
	struct qz_mactab tab;
	struct qz_idlist list;
};

/**
 * struct qz_mac_list - the addresses that a port may use beside its own
 * @user: its number in &struct qz_mac_users
 * @any: those that nobody else uses
 * @n: number of @keys
 * @keys: these, as qz_mac_key(), by rising number
 */
struct qz_mac_list {
	u32 user;
	bool any;
	u32 n;
	u64 keys[] __counted_by(n);
};

/**
 * struct qz_mac_users - who uses which addresses beside the ports' own
 * @lock: serialises writers of @macs; BH off; a leaf
 * @taken: numbers in use, a bit each; guarded by fabric->lock
 * @users: the ports by number; read inside the gate
 * @macs: the addresses
 */
struct qz_mac_users {
	spinlock_t lock;	/* see above */
	DECLARE_BITMAP(taken, QZ_MACS_USERS + 1);
	struct qz_port *users[QZ_MACS_USERS + 1];
	struct qz_macs macs;
};

/**
 * struct qz_fabric - an isolated layer 2 network
 * @dev: its device on the bus "queztl"; its references are the fabric's
 * @id: its id
 * @mgmt: its vDPA management device
 * @list: in the list of fabrics
 * @mode: QUEZTL_FABRIC_*
 * @lock: guards @ports, @nports, @dying and the replacement of @sw; of each
 *	port @list, @attached and the replacement of @view and @antispoof
 * @ports: its ports, and those deleted that have not left the bus yet
 * @nports: number of them
 * @dying: no port may be added any more
 * @sw: the table that the data path reads inside the gate
 * @uplink: the port that leads out, if any; read inside the gate, changed under
 *	@lock
 * @mac_users: addresses beside the ports' own; NULL until a port may use some;
 *	then it stays
 */
struct qz_fabric {
	struct device dev;
	u64 id;
	struct vdpa_mgmt_dev mgmt;
	struct list_head list;
	u32 mode;
	struct mutex lock;	/* see above */
	struct list_head ports;
	u32 nports;
	bool dying;
	struct qz_switch __rcu *sw;
	struct qz_port __rcu *uplink;
	struct qz_mac_users *mac_users;
};

/* To be called when no reader is left, or there never was one. */
static inline void qz_switch_free(struct qz_switch *sw)
{
	kvfree(sw);
}

/* Where a flood continues after the port with an id; 0 to begin. */
static inline u32 qz_switch_after(const struct qz_switch *sw, u64 id)
{
	return id ? qz_idlist_after(&sw->list, id) : 0;
}

/*
 * The next port of a flood, at place *i or later, with an id above *id; both
 * are advanced. NULL at the end. Inside the gate.
 */
static inline struct qz_port *qz_switch_next(const struct qz_switch *sw, u32 *i,
					     u64 *id)
{
	struct qz_port *port;

	while (*i < qz_idlist_n(&sw->list)) {
		port = qz_idlist_at(&sw->list, (*i)++);
		if (port && port->id > *id) {	/* else it was seen before */
			*id = port->id;
			return port;
		}
	}
	return NULL;
}

/* reach.c */
const struct qz_switch *qz_reach_of(const struct qz_port *port);
bool qz_reach_has(const struct qz_switch *reach, const struct qz_port *port);
bool qz_reach_is_uplink(const struct qz_port *port);
struct qz_port *qz_reach_uplink(const struct qz_port *port,
				const struct qz_switch *reach);
struct qz_port *qz_reach_unknown(const struct qz_port *port,
				 const struct qz_switch *reach, u64 key);
bool qz_reach_may_send_as(const struct qz_port *port, u64 source);

/* macs.c */
u32 qz_macs_now(void);
struct qz_port *qz_macs_user(const struct qz_fabric *fabric, u64 key);
bool qz_macs_may_send(const struct qz_port *port, u64 source);

#endif /* QZ_FABRIC_H */
