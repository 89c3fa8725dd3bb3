/* SPDX-License-Identifier: GPL-2.0 */
/* A port, as the data path knows it. */
#ifndef QZ_PORT_H
#define QZ_PORT_H

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/if_ether.h>
#include <linux/mutex.h>
#include <linux/vdpa.h>

#include "module/limits.h"
#include "path/complain.h"
#include "path/ctrlq.h"
#include "path/exec.h"
#include "path/gate.h"
#include "path/rxq.h"
#include "path/txq.h"
#include "pure/antispoof.h"
#include "pure/bucket.h"
#include "pure/ctrl.h"
#include "pure/mactab.h"
#include "pure/vlan.h"

struct qz_capture;
struct qz_fabric;
struct qz_mac_list;
struct qz_switch;

/*
 * Bits of &qz_port.special, 0 for most ports. A frame is received as it is, and
 * nothing further is checked, if sender and receiver have the same: none, or the
 * same VLAN. See &qz_frame.special.
 */
enum {
	QZ_PORT_LINK_DOWN	= 1 << 0,	/* it neither sends nor receives */
	QZ_PORT_TRUNK		= 1 << 1,	/* it has several VLANs */
	QZ_PORT_ACCESS		= 1 << 2,	/* it has one, see qz_port_access() */
	QZ_PORT_CAPTURED	= 1 << 3,	/* see &qz_port.capture */
	QZ_PORT_MIRRORED	= 1 << 4,	/* see &qz_port.mirror */
};

/* What becomes of a frame does not depend on these of its sender. */
#define QZ_PORT_WATCHED	(QZ_PORT_CAPTURED | QZ_PORT_MIRRORED)

#define QZ_PORT_VLANS	(~(u32)(QZ_PORT_LINK_DOWN | QZ_PORT_WATCHED))

/* What an access port of a VLAN has in &qz_port.special. */
static inline u32 qz_port_access(u16 vlan)
{
	return QZ_PORT_ACCESS | (u32)vlan << 16;
}

/**
 * struct qz_port - a port of a fabric, a vDPA network device
 * @vdpa: the vDPA device; its references are the port's
 * @fabric: its fabric, of which it holds a reference; the vDPA device's parent
 * @id: its id
 * @list: in fabric->ports, until it has left the bus
 * @attached: it is in its fabric's table: not deleted
 * @mac: its Ethernet address
 * @mac_key: the same as a number
 * @mtu: largest payload
 * @special: QZ_PORT_*: what its frames are checked for in addition; read inside
 *	the gate, changed under fabric->lock
 * @lock: guards what the driver sets up; held while queues are started and
 *	stopped
 * @status: virtio status, without NEEDS_RESET
 * @broken: the driver wrote nonsense into a ring, or nobody can run the rings
 * @suspended: the VMM asked to stop
 * @pinned: a module reference is held because the port is in use
 * @mapped: address spaces in which a process has mapped memory since it opened the
 *	port
 * @deleted: it never runs again, and leaves the bus when nobody has it open;
 *	set without @lock, and read inside the gate
 * @leaving: @leave was queued, which happens once
 * @offered: features offered
 * @features: features negotiated
 * @opener_lock: a leaf, for who asks @opener without @lock
 * @opener: process that opened the port or last set it up; kept when a deleted
 *	port is closed
 * @maps: the driver's address spaces; guarded by @lock, changed while no queue is
 *	live
 * @spaces: which of them each group of queues is in; likewise
 * @config: how to tell the driver of a change
 * @patience: how much longer than usual calls of other ports' drivers may still
 *	take in total, in ns, before their own workers have to make them
 * @flood: budget for the broadcast and multicast frames it sends
 * @view: its peers, the only ports it may send to if the fabric denies; read
 *	inside the gate
 * @antispoof: its addresses; NULL if it may use any; read inside the gate
 * @capture: who records what it sends and receives, if anybody does; read inside the
 *	gate, changed under fabric->lock
 * @mirror: the port that gets copies of what it sends and receives, if any; read
 *	inside the gate, changed under fabric->lock
 * @vlan: its VLANs; NULL if it was given none; read inside the gate
 * @macs: addresses that it may use beside its own; NULL if none; read inside the
 *	gate
 * @last_addr: id of the last address it was given
 * @tx_bytes: budget for the bytes it sends
 * @tx_packets: budget for the packets it sends
 * @ctrl: what the driver sets by command
 * @silence: stops the port once it is deleted
 * @leave: takes the port off the bus
 * @left: completed when it has left the bus
 * @exec: who executes what it causes
 * @nvqs: number of @vqs: two for each pair, and one for control
 * @vqs: its queues by their numbers, which depend on the features
 * @rxqs: receiving queues, by pair
 * @txqs: sending queues, by pair
 * @ctrlq: the control queue
 * @complaint: what is to be logged
 */
struct qz_port {
	struct vdpa_device vdpa;
	struct qz_fabric *fabric;
	u64 id;
	struct list_head list;
	bool attached;
	u8 mac[ETH_ALEN];
	u64 mac_key;
	u16 mtu;
	u32 special;
	struct mutex lock;	/* see above */
	u8 status;
	bool broken;
	bool suspended;
	bool pinned;
	u8 mapped;
	bool deleted;
	bool leaving;
	u64 offered;
	u64 features;
	spinlock_t opener_lock;	/* see above */
	struct pid *opener;
	const struct qz_map *maps[QZ_SPACES];
	u8 spaces[QZ_GROUPS];
	struct qz_signal config;
	struct qz_bucket patience;
	struct qz_bucket flood;
	struct qz_switch __rcu *view;
	struct qz_antispoof __rcu *antispoof;
	struct qz_capture __rcu *capture;
	struct qz_port __rcu *mirror;
	struct qz_vlan __rcu *vlan;
	struct qz_mac_list __rcu *macs;
	u32 last_addr;
	struct qz_bucket tx_bytes;
	struct qz_bucket tx_packets;
	struct qz_ctrl ctrl;
	struct work_struct silence;
	struct work_struct leave;
	struct completion left;
	struct qz_exec exec;
	u16 nvqs;
	struct qz_vq **vqs;
	struct qz_rxq *rxqs;
	struct qz_txq *txqs;
	struct qz_ctrlq ctrlq;
	struct qz_complaint complaint;
};

static inline bool qz_port_has(const struct qz_port *port, unsigned int bit)
{
	return port->features & BIT_ULL(bit);
}

/*
 * Does the port have rate limits? A frame of a port without any pays for
 * nothing but this test.
 */
static inline bool qz_port_is_paced(const struct qz_port *port)
{
	return READ_ONCE(port->tx_bytes.rate) ||
	       READ_ONCE(port->tx_packets.rate);
}

/* pace.c */
u32 qz_pace_burst(u64 rate, u32 ms);
void qz_pace_flood(struct qz_port *port, u32 rate);

/* break.c */
void qz_port_break(struct qz_port *port, enum qz_break why);

/* signal.c */
void qz_signal_init(struct qz_signal *signal);
void qz_signal_init_port(struct qz_port *port);
void qz_signal_set(struct qz_signal *signal, const struct vdpa_callback *cb);
void qz_signal_driver(struct qz_vq *vq, struct qz_port *caller);
void qz_signal_config(struct qz_port *port);
void qz_signal_here(struct qz_signal *signal);

#endif /* QZ_PORT_H */
