/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fabrics, ports and queues, as their own files know them.
 *
 * Lock order, outermost first:
 *
 *   qz_fabrics_lock	list of fabrics, held over vdpa_mgmtdev_register()
 *   vdpa_dev_lock	vDPA's own, held by it over dev_add and dev_del
 *   fabric->lock	ports of a fabric, their peers, addresses and rates, held
 *			over building and replacing the tables the data path reads
 *   port->lock		what a driver sets up; held over starting and stopping
 *   queue->lock	a receiving ring; BH off; one held at a time
 *   queue->cb_lock	the callback of a queue; BH off; a leaf of ours, taken
 *			with eventfd and KVM locks below it
 *
 * qz_ports_lock guards the list of all ports and is a leaf: qz_port_get() takes
 * a port out with a reference, and whoever then holds fabric->lock sees by
 * port->list whether it is still attached.
 *
 * The data path takes queue->lock and queue->cb_lock only; everything else it
 * reads under qz_fabric_srcu: a fabric's switch table and uplink, a port's map,
 * peers and addresses, and whether a queue is live. What stops a queue clears
 * live and waits for a grace period; then nobody is in the ring.
 */
#ifndef QZ_FABRIC_H
#define QZ_FABRIC_H

#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/if_ether.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/task_work.h>
#include <linux/vdpa.h>
#include <linux/workqueue.h>

#include "uapi/linux/queztl.h"
#include <uapi/linux/virtio_net.h>
#include "pure/bucket.h"
#include "pure/ctrl.h"
#include "path/frame.h"
#include "pure/antispoof.h"
#include "pure/mactab.h"
#include "path/map.h"
#include "module/limits.h"
#include "pure/coalesce.h"
#include "pure/ring.h"

struct vhost_iotlb;
struct vhost_task;

/**
 * struct qz_switch - a fabric's ports, or a port's peers, as the data path sees
 *	them
 * @tab: by Ethernet address
 * @n: number of @ports
 * @ports: all of them, for what goes to everybody; NULL in place of one that
 *	was taken out since the table was built
 */
struct qz_switch {
	struct qz_mactab tab;
	u32 n;
	struct qz_port *ports[] __counted_by(n);
};

/**
 * struct qz_fabric - an isolated layer 2 network
 * @dev: its device on the bus "queztl"; its references are the fabric's
 * @id: its id
 * @mgmt: its vDPA management device
 * @list: in the list of fabrics
 * @mode: QUEZTL_FABRIC_*, written under qz_fabrics_lock
 * @lock: guards @ports, @nports, @dying and replacing @sw; of each port @list
 *	and replacing @view and @antispoof
 * @ports: its ports
 * @nports: number of them
 * @dying: no port may be added any more
 * @sw: the table the data path reads, under SRCU
 * @uplink: the port that leads out, if any; under SRCU, changed under @lock
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
};

/* What a queue is for. */
enum qz_kind { QZ_RX, QZ_TX, QZ_CTRL };

enum {
	QZ_QUEUE_PENDING,	/* a run is scheduled */
	QZ_QUEUE_RUNNING,	/* somebody works on the ring */
	QZ_QUEUE_AGAIN,		/* ... and has to look again */
};

/* A mapped area of a ring; @vmap when its pages are not contiguous. */
struct qz_area {
	void *kva;
	void *vmap;
};

/**
 * struct qz_hold - interrupts for sent frames that are held back
 * @timer: ends it
 * @until: when it ends at the latest, CLOCK_MONOTONIC nanoseconds
 * @bytes: sent since the driver was last interrupted
 * @coalesce: how long is worth while
 */
struct qz_hold {
	struct hrtimer timer;
	u64 until;
	u32 bytes;
	struct qz_coalesce coalesce;
};

/*
 * Counted where the work is done, by whoever owns the ring, but for kicks and
 * drops; read at any time, so never exact.
 */
struct qz_counts {
	u64 packets;
	u64 bytes;
	u64 interrupts;
	u64 held;
	u64 kicks;
	u64 direct_runs;
	u64 worker_runs;
	u64 paced;
	u64 waited;
	u64 commands;
	atomic64_t drops[QUEZTL_DROP_REASONS];
};

/**
 * struct qz_queue - a virtqueue of a port
 * @port: its port
 * @index: its number
 * @kind: what it is for, once it is live
 * @num: entries
 * @desc: descriptor area, the driver's address
 * @driver: driver area
 * @device: device area
 * @base: where to start in the available ring
 * @ready: the driver enabled the queue
 * @live: the ring is mapped and may be used; under SRCU
 * @areas: mappings of the three areas while live
 * @ring: the ring while live
 * @mem: access to the driver's memory, for @ring
 * @chain: the buffer being worked on
 * @hint: extent found last in the port's map
 * @counts: statistics
 * @lock: receiving: guards @ring, @chain, @hint and @counts
 * @cb_lock: guards @cb
 * @cb: how to interrupt the driver
 * @flags: sending: QZ_QUEUE_* bits
 * @tw: sending: the run in the sender's thread
 * @runner: sending: the task @tw was given to, to compare only
 * @sender_lock: sending: guards @sender
 * @sender: sending: the VMM's thread that last sent, a reference; or NULL
 * @work: sending: the run in a worker
 * @hold: sending: interrupts held back
 * @pace: sending: goes on when the port may send again, or is to look again
 *	for room
 * @looks: sending: how often it may look for room
 * @stream: sending: the last run found many frames; owned with the ring
 * @blocked: sending: the last run ended because a receiver was full
 * @kicked_on: sending: the CPU on which the worker was last asked for; or -1
 * @heard_packets: sending: what its pair had received when it last sent
 * @heard_bytes: sending: the same
 * @frame: sending: the frame being worked on
 * @full_since: receiving: when a frame that may wait found no room, ns, if none
 *	has found any since; else 0; guarded by @lock
 * @bufs: receiving: the buffers being filled; guarded by @lock
 */
struct qz_queue {
	struct qz_port *port;
	u16 index;
	u8 kind;
	u16 num;
	u64 desc;
	u64 driver;
	u64 device;
	u16 base;
	bool ready;
	bool live;
	struct qz_area areas[3];
	struct qz_ring ring;
	struct qz_ring_mem mem;
	struct qz_chain chain;
	u32 hint;
	struct qz_counts counts;
	spinlock_t lock;	/* see above */
	spinlock_t cb_lock;	/* see above */
	struct vdpa_callback cb;

	unsigned long flags;
	struct callback_head tw;
	struct task_struct *runner;
	spinlock_t sender_lock;	/* see above */
	struct task_struct *sender;
	struct work_struct work;
	struct qz_hold hold;
	struct hrtimer pace;
	struct qz_bucket looks;
	bool stream;
	bool blocked;
	int kicked_on;
	u64 heard_packets;
	u64 heard_bytes;
	u64 full_since;
	union {
		struct qz_frame frame;
		struct qz_buffers bufs;
	};
};

/**
 * struct qz_worker - a thread of the VMM that runs a port's rings
 * @task: the thread; NULL when there is none
 * @thread: the same, once it has begun; may be looked at while @alive
 * @alive: it may be asked; under SRCU
 * @pending: queues it is to look at
 */
struct qz_worker {
	struct vhost_task *task;
	struct task_struct *thread;
	bool alive;
	DECLARE_BITMAP(pending, QZ_MAX_QUEUES);
};

/**
 * struct qz_port - a port of a fabric, a vDPA network device
 * @vdpa: the vDPA device; its references are the port's
 * @fabric: its fabric, of which it holds a reference; the vDPA device's parent
 * @id: its id
 * @list: in fabric->ports; empty once it is detached
 * @all: in the list of all ports
 * @mac: its Ethernet address
 * @mac_key: the same as a number
 * @mtu: largest payload
 * @lock: guards what the driver sets up
 * @status: virtio status, without NEEDS_RESET
 * @broken: the driver wrote nonsense into a ring
 * @suspended: the VMM asked to stop
 * @pinned: a module reference is held because the port is in use
 * @offered: features offered
 * @features: features negotiated
 * @opener: process that took the port
 * @map: the driver's address space, under SRCU
 * @config_cb: how to tell the driver of a change
 * @flood: broadcast and multicast it may send
 * @view: its peers, under SRCU; all it may send to when the fabric denies
 * @antispoof: its addresses, under SRCU; NULL when it may use any
 * @last_addr: id of the last address it was given
 * @tx_bytes: bytes it may send
 * @tx_packets: packets it may send
 * @ctrl: what the driver sets by command
 * @command: the command being carried out
 * @worker: runs its rings where the sender's thread does not
 * @nqueues: number of @queues: two for each pair, and one for control
 * @queues: its queues
 */
struct qz_port {
	struct vdpa_device vdpa;
	struct qz_fabric *fabric;
	u64 id;
	struct list_head list;
	struct list_head all;
	u8 mac[ETH_ALEN];
	u64 mac_key;
	u16 mtu;
	struct mutex lock;	/* see above */
	u8 status;
	bool broken;
	bool suspended;
	bool pinned;
	u64 offered;
	u64 features;
	struct pid __rcu *opener;
	const struct qz_map __rcu *map;
	struct vdpa_callback config_cb;
	struct qz_bucket flood;
	struct qz_switch __rcu *view;
	struct qz_antispoof __rcu *antispoof;
	u32 last_addr;
	struct qz_bucket tx_bytes;
	struct qz_bucket tx_packets;
	struct qz_ctrl ctrl;
	u8 command[QZ_CTRL_BYTES];
	struct qz_worker worker;
	u16 nqueues;
	struct qz_queue *queues;
};

/* Checksums and cutting, of what a driver sends and of what it receives. */
#define QZ_OFFLOAD_FEATURES						\
	(BIT_ULL(VIRTIO_NET_F_CSUM) | BIT_ULL(VIRTIO_NET_F_GUEST_CSUM) | \
	 BIT_ULL(VIRTIO_NET_F_HOST_TSO4) | BIT_ULL(VIRTIO_NET_F_GUEST_TSO4) | \
	 BIT_ULL(VIRTIO_NET_F_HOST_TSO6) | BIT_ULL(VIRTIO_NET_F_GUEST_TSO6) | \
	 BIT_ULL(VIRTIO_NET_F_HOST_ECN) | BIT_ULL(VIRTIO_NET_F_GUEST_ECN) | \
	 BIT_ULL(VIRTIO_NET_F_HOST_USO) | BIT_ULL(VIRTIO_NET_F_GUEST_USO4) | \
	 BIT_ULL(VIRTIO_NET_F_GUEST_USO6))

/* What takes a control queue. */
#define QZ_CTRL_FEATURES						\
	(BIT_ULL(VIRTIO_NET_F_CTRL_VQ) | BIT_ULL(VIRTIO_NET_F_CTRL_RX) | \
	 BIT_ULL(VIRTIO_NET_F_CTRL_RX_EXTRA) |				\
	 BIT_ULL(VIRTIO_NET_F_CTRL_VLAN) |				\
	 BIT_ULL(VIRTIO_NET_F_CTRL_MAC_ADDR) |				\
	 BIT_ULL(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) |			\
	 BIT_ULL(VIRTIO_NET_F_GUEST_ANNOUNCE) | BIT_ULL(VIRTIO_NET_F_MQ))

#define QZ_FABRIC_FEATURES						\
	(BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) | \
	 BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) |				\
	 BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |				\
	 BIT_ULL(VIRTIO_NET_F_MAC) | BIT_ULL(VIRTIO_NET_F_MTU) |	\
	 BIT_ULL(VIRTIO_NET_F_STATUS) | BIT_ULL(VIRTIO_NET_F_MRG_RXBUF) | \
	 QZ_OFFLOAD_FEATURES | QZ_CTRL_FEATURES)

/* The rates of a port that can be set. */
#define QZ_PORT_RATES							\
	(QUEZTL_PORT_TX_BYTES | QUEZTL_PORT_TX_PACKETS | QUEZTL_PORT_FLOOD)

#define QZ_HDR_LEN	sizeof(struct virtio_net_hdr_mrg_rxbuf)

extern struct srcu_struct qz_fabric_srcu;
extern struct workqueue_struct *qz_fabric_wq;

static inline bool qz_port_has(const struct qz_port *port, unsigned int bit)
{
	return port->features & BIT_ULL(bit);
}

/* fabric.c */
int qz_fabric_create(const char *name, u64 *id);
int qz_fabric_destroy(u64 id);
int qz_fabric_next(struct queztl_fabric_next *next);
int qz_fabric_set_mode(u64 id, u32 mode);

/* switch.c */
struct qz_switch *qz_switch_alloc(u32 nports);
void qz_switch_free(struct qz_switch *sw);
bool qz_switch_add(struct qz_switch *sw, u32 i, struct qz_port *port);
void qz_switch_blank(struct qz_switch *sw, const struct qz_port *port);
int qz_switch_attach(struct qz_fabric *fabric, struct qz_port *port);
void qz_switch_detach(struct qz_fabric *fabric, struct qz_port *port);

/* peer.c */
int qz_peer_add(u64 port_id, u64 peer_id);
int qz_peer_del(u64 port_id, u64 peer_id);
int qz_peer_next(struct queztl_peer *next);
void qz_peer_forget(struct qz_port *port);
const struct qz_switch *qz_peer_reach(const struct qz_port *port);

/* addr.c */
int qz_addr_add(struct queztl_addr *addr);
int qz_addr_del(const struct queztl_addr *addr);
void qz_addr_undo(const struct queztl_addr *addr);
int qz_addr_next(struct queztl_addr *next);
/* uplink.c */
int qz_uplink_set(const struct queztl_port_set *set);
bool qz_uplink_is(const struct qz_port *port);
struct qz_port *qz_uplink_reach(const struct qz_port *port,
				const struct qz_switch *reach);
bool qz_uplink_may_send(const struct qz_port *port, u64 source);

/* port.c */
extern const struct vdpa_mgmtdev_ops qz_port_mgmt_ops;
void qz_port_start(struct qz_port *port);
void qz_port_stop(struct qz_port *port);
void qz_port_set_map(struct qz_port *port, const struct qz_map *map);
void qz_port_trim_map(struct qz_port *port, struct vhost_iotlb *iotlb);
void qz_port_break(struct qz_port *port);
void qz_port_set_features(struct qz_port *port, u64 features);
void qz_port_free(struct qz_port *port);
void qz_port_wait_all_freed(void);
struct qz_port *qz_port_get(u64 id);
void qz_port_put(struct qz_port *port);
int qz_port_next(struct queztl_port_next *next);
int qz_port_stats(struct queztl_port_stats *stats);

/* vdpa.c */
extern const struct vdpa_config_ops qz_vdpa_ops;

/* vstats.c */
int qz_vstats_get(struct vdpa_device *vdpa, u16 idx, struct sk_buff *msg,
		  struct netlink_ext_ack *extack);

/* Append the next buffer to queue->chain: see qz_ring_pop(). */
static inline int qz_queue_pop(struct qz_queue *queue)
{
	return qz_ring_pop(&queue->ring, &queue->chain, &queue->mem);
}

/* queue.c */
int qz_queue_init(struct qz_queue *queue, struct qz_port *port, u16 index);
void qz_queue_free(struct qz_queue *queue);
int qz_queue_start(struct qz_queue *queue, const struct qz_map *map);
void qz_queue_stop(struct qz_queue *queue);

/* run.c */
void qz_run_kick(struct qz_queue *queue);
void qz_run_work(struct qz_queue *queue);
void qz_run_try(struct qz_queue *queue, void (*fn)(struct qz_queue *queue));
void qz_run_init(struct qz_queue *queue);

/* worker.c */
void qz_worker_start(struct qz_port *port);
void qz_worker_stop(struct qz_port *port);
bool qz_worker_queue(struct qz_queue *queue);
void qz_worker_hand_off(struct qz_port *port);

/* deliver.c */
struct qz_run;
int qz_deliver_chain(struct qz_run *run, struct qz_queue *queue);
void qz_deliver_drop(struct qz_queue *queue, enum queztl_drop reason, u32 len);

/* Has the port been given rates? A frame of one that has not pays no more. */
static inline bool qz_port_is_paced(const struct qz_port *port)
{
	return READ_ONCE(port->tx_bytes.rate) ||
	       READ_ONCE(port->tx_packets.rate);
}

/* pace.c */
bool qz_pace_waits(struct qz_queue *queue);
void qz_pace_defer(struct qz_queue *queue, u64 ns);
void qz_pace_charge(struct qz_port *port, const struct qz_frame *frame);
void qz_pace_init(struct qz_queue *queue);
void qz_pace_stop(struct qz_queue *queue);
void qz_pace_flood(struct qz_port *port, u32 rate);
int qz_pace_set(const struct queztl_port_rates *rates);
int qz_pace_get(struct queztl_port_rates *rates);

/* backpressure.c */
void qz_backpressure_init(struct qz_queue *queue);

/* handoff.c */
void qz_handoff_forget(struct qz_queue *queue);

/* ctrlq.c */
void qz_ctrlq_kick(struct qz_queue *queue);
void qz_ctrlq_run(struct qz_queue *queue);

/* notify.c */
void qz_notify_init(struct qz_queue *queue);
void qz_notify_stop(struct qz_queue *queue);
void qz_notify_call(struct qz_queue *queue);
void qz_notify_config(struct qz_port *port);
void qz_notify_sent(struct qz_queue *queue);
void qz_notify_received(struct qz_queue *queue);

#endif /* QZ_FABRIC_H */
