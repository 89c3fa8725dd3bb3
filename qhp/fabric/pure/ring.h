/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device's side of a split virtqueue (virtio 1.2, section 2.7).
 *
 * Pure: no locks, no allocation, no sleeping. The caller makes sure that one
 * thread at a time works on a ring, and that the three areas stay mapped.
 * Everything in them is written by a hostile driver: each word is read once
 * into our own memory, and only that copy is checked and used.
 */
#ifndef QZ_RING_H
#define QZ_RING_H

#include "module/plain.h"

/**
 * struct qz_seg - a piece of a buffer, in the driver's addresses, unchecked
 * @addr: address
 * @len: bytes, not 0
 */
struct qz_seg {
	u64 addr;
	u32 len;
};

/* Entries of an indirect table that are copied at the cost of reading one. */
#define QZ_TABLE_STEP	16

/**
 * struct qz_chain - one buffer of the driver, or several gathered
 * @head: what to return in the used ring
 * @out: segments the device reads; they come first
 * @in: segments the device writes
 * @max: size of @segs
 * @out_len: bytes in the @out segments
 * @in_len: bytes in the @in segments
 * @walked: descriptors read; entries of indirect tables count in addition, as a
 *	QZ_TABLE_STEP-th of one each
 * @single: take a buffer only if it has one descriptor
 * @segs: the segments
 * @table: room for an indirect table of &qz_ring.longest entries
 */
struct qz_chain {
	u16 head;
	u16 out;
	u16 in;
	u16 max;
	u32 out_len;
	u32 in_len;
	u32 walked;
	bool single;
	struct qz_seg *segs;
	struct vring_desc *table;
};

/**
 * struct qz_ring - a virtqueue
 * @num: entries, a power of two
 * @last_avail: next entry of the available ring to look at
 * @used_idx: next entry of the used ring to write
 * @signalled: used_idx when the driver was last known to need no interrupt
 * @longest: descriptors that a buffer may have; a longer one is nonsense
 * @event_idx: VIRTIO_F_EVENT_IDX was negotiated
 * @desc: descriptor area, driver writes
 * @avail: driver area, driver writes
 * @used: device area, device writes
 */
struct qz_ring {
	u16 num;
	u16 last_avail;
	u16 used_idx;
	u16 signalled;
	u16 longest;
	bool event_idx;
	const struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
};

/**
 * struct qz_ring_mem - access to the driver's memory
 * @read: copies @bytes of an indirect table; false if not all are mapped
 * @ctx: its first argument
 */
struct qz_ring_mem {
	bool (*read)(void *ctx, u64 addr, void *to, u32 bytes);
	void *ctx;
};

/* Bytes of the three areas. */
static inline size_t qz_ring_desc_bytes(u16 num)
{
	return sizeof(struct vring_desc) * num;
}

static inline size_t qz_ring_avail_bytes(u16 num)
{
	return sizeof(u16) * (3 + (size_t)num);
}

static inline size_t qz_ring_used_bytes(u16 num)
{
	return sizeof(u16) * 3 + sizeof(struct vring_used_elem) * num;
}

/* Empty a chain, to take a buffer into it. */
static inline void qz_chain_reset(struct qz_chain *chain)
{
	chain->out = 0;
	chain->in = 0;
	chain->out_len = 0;
	chain->in_len = 0;
	chain->walked = 0;
}

/* Return a buffer; the driver sees it after qz_ring_publish(). */
static inline void qz_ring_push(struct qz_ring *ring, u16 head, u32 len)
{
	struct vring_used_elem *elem;

	elem = &ring->used->ring[ring->used_idx & (ring->num - 1)];
	WRITE_ONCE(elem->id, (__force __virtio32)cpu_to_le32(head));
	WRITE_ONCE(elem->len, (__force __virtio32)cpu_to_le32(len));
	ring->used_idx++;
}

u16 qz_ring_avail_idx(const struct qz_ring *ring);
int qz_ring_pop(struct qz_ring *ring, struct qz_chain *chain,
		const struct qz_ring_mem *mem);
void qz_ring_unpop(struct qz_ring *ring);
void qz_ring_publish(struct qz_ring *ring);
bool qz_ring_wants_signal(const struct qz_ring *ring);
bool qz_ring_catch_up(struct qz_ring *ring);
void qz_ring_signalled(struct qz_ring *ring);
void qz_ring_disable_kicks(struct qz_ring *ring);
bool qz_ring_enable_kicks(struct qz_ring *ring);
void qz_ring_postpone_kicks(struct qz_ring *ring, u16 ahead);

#endif /* QZ_RING_H */
