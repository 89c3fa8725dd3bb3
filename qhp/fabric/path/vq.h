/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtqueue: what the driver set up, and the ring while it is in use.
 *
 * Each use of a queue has a type of its own, which begins with this one: see
 * txq.h, rxq.h and ctrlq.h. One rule holds for all of them: a ring has one
 * owner at a time, which has entered the gate with softirqs off, has seen there
 * that the ring is live, and gives up the ring before it leaves the gate. A
 * receiving ring is owned by holding its lock, the others by QZ_VQ_OWNED.
 */
#ifndef QZ_VQ_H
#define QZ_VQ_H

#include <linux/spinlock.h>
#include <linux/task_work.h>
#include <linux/vdpa.h>

#include "uapi/linux/queztl.h"
#include "path/map.h"
#include "pure/bucket.h"
#include "pure/ring.h"

struct qz_port;

enum qz_kind { QZ_RX, QZ_TX, QZ_CTRL };

static inline enum qz_group qz_group_of(enum qz_kind kind)
{
	return kind == QZ_CTRL ? QZ_CTRL_QUEUE : QZ_DATA_QUEUES;
}

/* Bits of &qz_vq.flags. */
enum {
	QZ_VQ_PENDING,	/* task work is queued */
	QZ_VQ_OWNED,	/* the ring has an owner */
	QZ_VQ_AGAIN,	/* ... who has to look again */
};

/* A mapped area of a ring; @vmap is set if its pages are not contiguous. */
struct qz_area {
	void *kva;
	void *vmap;
};

/**
 * struct qz_setup - what a driver sets up for a queue; guarded by port->lock
 * @num: entries
 * @base: where to start in the available ring
 * @seen: where the ring was when it last stopped; a reset does not clear it, as
 *	QEMU 7.2 asks for it only after it has reset the port
 * @ready: the driver enabled the queue
 * @desc: descriptor area, the driver's address
 * @driver: driver area
 * @device: device area
 */
struct qz_setup {
	u16 num;
	u16 base;
	u16 seen;
	bool ready;
	u64 desc;
	u64 driver;
	u64 device;
};

/**
 * struct qz_signal - how to interrupt a driver, and how long that takes
 * @lock: guards the rest; BH off; the vDPA callback is called under it, so
 *	eventfd and KVM locks nest inside
 * @cb: the callback
 * @timed: it was called since it was set
 * @patience: how much longer than usual calls may still take in total, in ns;
 *	it outlives the callback and a reset
 */
struct qz_signal {
	spinlock_t lock;	/* see above */
	struct vdpa_callback cb;
	bool timed;
	struct qz_bucket patience;
};

/**
 * struct qz_vq - a virtqueue
 * @port: its port
 * @index: its number
 * @kind: what it is for; never changes
 * @live: the ring is mapped and may be used; read inside the gate
 * @flags: QZ_VQ_*
 * @tw: the run in a thread of the VMM; not of a receiving queue
 * @runner: the task that @tw was given to, only to compare
 * @ring: the ring, while live
 * @map: the address space that it is in, while live
 * @mem: access to the driver's memory, for @ring
 * @hint: extent found last in @map; owned with the ring
 * @setup: what the driver set up
 * @areas: mappings of the ring's areas
 * @signal: how to interrupt the driver
 * @drops: frames that were not delivered, by reason; anybody may count
 */
struct qz_vq {
	struct qz_port *port;
	u16 index;
	u8 kind;
	bool live;
	unsigned long flags;
	struct callback_head tw;
	struct task_struct *runner;
	struct qz_ring ring;
	const struct qz_map *map;
	struct qz_ring_mem mem;
	u32 hint;
	struct qz_setup setup;
	struct qz_area areas[3];
	struct qz_signal signal;
	atomic64_t drops[QUEZTL_DROP_REASONS];
};

void qz_vq_init(struct qz_vq *vq, struct qz_port *port, u16 index,
		enum qz_kind kind);
void qz_vq_swap(struct qz_vq *a, struct qz_vq *b);
int qz_vq_start(struct qz_vq *vq, const struct qz_map *map);
void qz_vq_stop(struct qz_vq *vq);
void qz_vq_reset(struct qz_vq *vq);
void qz_vq_drop(struct qz_vq *vq, enum queztl_drop reason, u32 len);

/* kick.c */
void qz_kick_init(struct qz_vq *vq);

/* Is the ring mapped? port->lock held. */
static inline bool qz_vq_is_mapped(const struct qz_vq *vq)
{
	return vq->areas[0].kva;
}

/* Inside the gate: may the ring be used until the caller leaves it? */
static inline bool qz_vq_is_live(const struct qz_vq *vq)
{
	return smp_load_acquire(&vq->live);	/* as in qz_vq_start() */
}

/*
 * A driver has kicked: is there a ring to serve? If not, whoever starts the
 * ring serves it afterwards. A VM exit is no barrier after what the guest has
 * written, so a queue that is not live is checked a second time. Any context.
 */
static inline bool qz_vq_takes_kick(const struct qz_vq *vq)
{
	if (likely(READ_ONCE(vq->live)))
		return true;
	smp_mb();	/* the driver's index before live, as in qz_vq_start() */
	return READ_ONCE(vq->live);
}

static inline bool qz_vq_own(struct qz_vq *vq)
{
	return !test_and_set_bit(QZ_VQ_OWNED, &vq->flags);
}

static inline void qz_vq_disown(struct qz_vq *vq)
{
	clear_bit_unlock(QZ_VQ_OWNED, &vq->flags);
	smp_mb__after_atomic();	/* before looking at QZ_VQ_AGAIN */
}

/* Append the next buffer to @chain: see qz_ring_pop(). The caller owns the ring. */
static inline int qz_vq_pop(struct qz_vq *vq, struct qz_chain *chain)
{
	return qz_ring_pop(&vq->ring, chain, &vq->mem);
}

#endif /* QZ_VQ_H */
