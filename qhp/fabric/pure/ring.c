// SPDX-License-Identifier: GPL-2.0
/* The device's side of a split virtqueue: see ring.h. */

#include "ring.h"

/* A descriptor, read once. */
struct desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

/* Where the next descriptor is read from while a chain is walked. */
struct walk {
	const struct vring_desc *table;	/* the ring's, or our copy of another */
	u32 num;	/* its entries */
	u32 left;	/* entries that may still be read: ends every loop */
	bool indirect;
};

/* Ring words are little endian (VERSION_1) and may change at any time. */
static u16 load16(const __virtio16 *where)
{
	return le16_to_cpu((__force __le16)READ_ONCE(*where));
}

static void store16(__virtio16 *where, u16 value)
{
	WRITE_ONCE(*where, (__force __virtio16)cpu_to_le16(value));
}

/* How far the driver has filled the available ring. */
u16 qz_ring_avail_idx(const struct qz_ring *ring)
{
	return load16(&ring->avail->idx);
}

static struct desc decode(const struct vring_desc *desc)
{
	return (struct desc){
		.addr = le64_to_cpu((__force __le64)READ_ONCE(desc->addr)),
		.len = le32_to_cpu((__force __le32)READ_ONCE(desc->len)),
		.flags = le16_to_cpu((__force __le16)READ_ONCE(desc->flags)),
		.next = le16_to_cpu((__force __le16)READ_ONCE(desc->next)),
	};
}

static bool read_desc(struct walk *walk, u32 i, struct desc *desc)
{
	if (i >= walk->num || !walk->left)
		return false;
	walk->left--;
	*desc = decode(&walk->table[i]);
	return true;
}

/*
 * An indirect table is copied whole: to find and to check memory for each entry
 * takes longer than to walk it, in whatever order its entries are linked.
 */
static bool enter_table(const struct qz_ring *ring, struct qz_chain *chain,
			struct walk *walk, const struct desc *desc,
			const struct qz_ring_mem *mem)
{
	u32 num = desc->len / sizeof(struct vring_desc);

	if (walk->indirect || (desc->flags & VRING_DESC_F_NEXT))
		return false;
	if (!desc->addr || !num || desc->len % sizeof(struct vring_desc) ||
	    num > ring->longest)
		return false;
	chain->walked += num / QZ_TABLE_STEP;
	if (!mem->read(mem->ctx, desc->addr, chain->table, desc->len))
		return false;
	*walk = (struct walk){
		.table = chain->table,
		.num = num,
		.left = num,
		.indirect = true,
	};
	return true;
}

/*
 * Everything to read comes before everything to write; @seen_in is set once
 * something to write has come.
 * Sums stay below 2^32: no more than 65535 segments, checked as they grow.
 */
static __always_inline bool add_seg(struct qz_chain *chain, struct desc desc,
				    bool seen_in)
{
	bool in = desc.flags & VRING_DESC_F_WRITE;
	u32 *sum = in ? &chain->in_len : &chain->out_len;
	u16 n = chain->out + chain->in;

	if (seen_in && !in)
		return false;
	if (!desc.len)
		return true;
	if (n >= chain->max || desc.addr + desc.len - 1 < desc.addr ||
	    *sum + desc.len < *sum)
		return false;
	chain->segs[n].addr = desc.addr;
	chain->segs[n].len = desc.len;
	*sum += desc.len;
	if (in)
		chain->in++;
	else
		chain->out++;
	return true;
}

/* Beginning with the first descriptor, which has been read. */
static noinline bool walk_chain(const struct qz_ring *ring,
				struct qz_chain *chain, struct desc desc,
				const struct qz_ring_mem *mem)
{
	struct walk walk = {
		.table = ring->desc,
		.num = ring->num,
		.left = min(ring->num, ring->longest) - 1,
	};
	bool seen_in = chain->in;	/* of a buffer gathered before */
	u32 i;

	for (;;) {
		if (desc.flags & VRING_DESC_F_INDIRECT) {
			if (!enter_table(ring, chain, &walk, &desc, mem))
				return false;
			i = 0;
		} else {
			if (!add_seg(chain, desc, seen_in))
				return false;
			if (!(desc.flags & VRING_DESC_F_NEXT))
				return true;
			seen_in = desc.flags & VRING_DESC_F_WRITE;
			i = desc.next;
		}
		if (!read_desc(&walk, i, &desc))
			return false;
		chain->walked++;
	}
}

/* Most buffers have one descriptor. */
static int take_chain(const struct qz_ring *ring, struct qz_chain *chain,
		      u16 head, const struct qz_ring_mem *mem)
{
	struct desc desc = decode(&ring->desc[head]);
	bool good;

	chain->walked++;
	if (desc.flags & (VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT)) {
		if (chain->single)
			return -EAGAIN;
		good = walk_chain(ring, chain, desc, mem);
	} else {
		good = add_seg(chain, desc, chain->in);
	}
	return likely(good) ? 0 : -EINVAL;
}

/**
 * qz_ring_pop - take the next buffer
 * @ring: the ring
 * @chain: its segments are appended here
 * @mem: access to indirect tables
 *
 * Return: 1 if there was one, 0 if the ring is empty, -EAGAIN if the buffer has
 * more descriptors than @chain is to take, -EINVAL if the driver wrote nonsense
 * and the ring must no longer be used.
 */
int qz_ring_pop(struct qz_ring *ring, struct qz_chain *chain,
		const struct qz_ring_mem *mem)
{
	u16 pending = qz_ring_avail_idx(ring) - ring->last_avail;
	u16 head;
	int err;

	if (!pending)
		return 0;
	if (unlikely(pending > ring->num))
		return -EINVAL;

	smp_rmb();	/* the index before what it covers */
	head = load16(&ring->avail->ring[ring->last_avail & (ring->num - 1)]);
	if (unlikely(head >= ring->num))
		return -EINVAL;
	err = take_chain(ring, chain, head, mem);
	if (unlikely(err))
		return err;

	chain->head = head;
	ring->last_avail++;
	return 1;
}

/* The buffer taken last was not used, and will be taken again. */
void qz_ring_unpop(struct qz_ring *ring)
{
	ring->last_avail--;
}

void qz_ring_publish(struct qz_ring *ring)
{
	smp_wmb();	/* elements and data before the index */
	store16(&ring->used->idx, ring->used_idx);
}

/* Does the driver ask for an interrupt for what was published? */
bool qz_ring_wants_signal(const struct qz_ring *ring)
{
	u16 event;

	if (ring->signalled == ring->used_idx)
		return false;
	smp_mb();	/* the published index before the driver's wish */
	if (!ring->event_idx)
		return !(load16(&ring->avail->flags) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	event = load16(&ring->avail->ring[ring->num]);
	return vring_need_event(event, ring->used_idx, ring->signalled);
}

/*
 * Has the driver moved its event index since the last check? Then it has seen
 * the entries before it, and wants an interrupt only for those from there on.
 */
bool qz_ring_catch_up(struct qz_ring *ring)
{
	u16 published = ring->used_idx - ring->signalled;
	u16 seen;

	if (!ring->event_idx)
		return false;
	seen = load16(&ring->avail->ring[ring->num]) - ring->signalled;
	if (!seen || seen > published)
		return false;
	ring->signalled += seen;
	return true;
}

/* The driver was interrupted, or wants no interrupt for what was published. */
void qz_ring_signalled(struct qz_ring *ring)
{
	ring->signalled = ring->used_idx;
}

static void write_avail_event(struct qz_ring *ring, u16 event)
{
	/* The avail event follows the used ring's last element. */
	store16((__virtio16 *)&ring->used->ring[ring->num], event);
}

/* With EVENT_IDX: an event half the index space away never comes. */
void qz_ring_disable_kicks(struct qz_ring *ring)
{
	if (ring->event_idx)
		write_avail_event(ring, ring->last_avail + 0x8000);
	else
		store16(&ring->used->flags, VRING_USED_F_NO_NOTIFY);
}

/* Return: true if buffers came meanwhile, for which there may be no kick. */
bool qz_ring_enable_kicks(struct qz_ring *ring)
{
	if (ring->event_idx)
		write_avail_event(ring, ring->last_avail);
	else
		store16(&ring->used->flags, 0);
	smp_mb();	/* the wish before the second look */
	return qz_ring_avail_idx(ring) != ring->last_avail;
}

/*
 * Kicks are enabled, and somebody will check the ring soon: the next kick need
 * only come when the driver is @ahead buffers ahead of the device.
 */
void qz_ring_postpone_kicks(struct qz_ring *ring, u16 ahead)
{
	if (ring->event_idx)
		write_avail_event(ring, ring->last_avail + ahead - 1);
}
