// SPDX-License-Identifier: GPL-2.0
/* The device's side of a split virtqueue: see ring.h. */

#include "ring.h"

/* Where the next descriptor is read from while a chain is walked. */
struct walk {
	u64 table;	/* address of an indirect table, 0 in the ring itself */
	u32 num;	/* entries of the ring or of that table */
	u32 left;	/* how many may still be read: ends every loop */
};

void qz_chain_reset(struct qz_chain *chain)
{
	chain->out = 0;
	chain->in = 0;
	chain->out_len = 0;
	chain->in_len = 0;
}

/* Ring words are little endian (VERSION_1) and change under us. */
static u16 load16(const __virtio16 *where)
{
	return le16_to_cpu((__force __le16)READ_ONCE(*where));
}

static void store16(__virtio16 *where, u16 value)
{
	WRITE_ONCE(*where, (__force __virtio16)cpu_to_le16(value));
}

static u16 read_avail_idx(const struct qz_ring *ring)
{
	return load16(&ring->avail->idx);
}

static bool read_ring_desc(const struct qz_ring *ring, u32 i,
			   struct vring_desc *desc)
{
	desc->addr = READ_ONCE(ring->desc[i].addr);
	desc->len = READ_ONCE(ring->desc[i].len);
	desc->flags = READ_ONCE(ring->desc[i].flags);
	desc->next = READ_ONCE(ring->desc[i].next);
	return true;
}

static bool read_desc(const struct qz_ring *ring, struct walk *walk, u32 i,
		      const struct qz_ring_mem *mem, struct vring_desc *desc)
{
	if (i >= walk->num || !walk->left)
		return false;
	walk->left--;
	if (!walk->table)
		return read_ring_desc(ring, i, desc);
	return mem->read_desc(mem->ctx, walk->table + i * sizeof(*desc), desc);
}

static bool enter_table(struct walk *walk, u64 addr, u32 len, u16 flags,
			u16 max)
{
	u32 num = len / sizeof(struct vring_desc);

	if (walk->table || (flags & VRING_DESC_F_NEXT))
		return false;
	if (!addr || !num || len % sizeof(struct vring_desc) || num > max)
		return false;
	walk->table = addr;
	walk->num = num;
	walk->left = num;
	return true;
}

/* Sums stay below 2^32: no more than 65535 segments, checked as they grow. */
static bool add_seg(struct qz_chain *chain, u64 addr, u32 len, bool in)
{
	u16 n = chain->out + chain->in;
	u32 *sum = in ? &chain->in_len : &chain->out_len;

	if (!len)
		return true;
	if (n == chain->max || addr + len - 1 < addr || *sum + len < *sum)
		return false;
	chain->segs[n].addr = addr;
	chain->segs[n].len = len;
	*sum += len;
	if (in)
		chain->in++;
	else
		chain->out++;
	return true;
}

static bool walk_chain(const struct qz_ring *ring, struct qz_chain *chain,
		       u16 head, const struct qz_ring_mem *mem)
{
	struct walk walk = { .num = ring->num, .left = ring->num };
	bool seen_in = chain->in;	/* of a buffer gathered before */
	struct vring_desc desc;
	u32 i = head, len;
	u16 flags;
	u64 addr;

	do {
		if (!read_desc(ring, &walk, i, mem, &desc))
			return false;
		addr = le64_to_cpu((__force __le64)desc.addr);
		len = le32_to_cpu((__force __le32)desc.len);
		flags = le16_to_cpu((__force __le16)desc.flags);
		i = le16_to_cpu((__force __le16)desc.next);

		if (flags & VRING_DESC_F_INDIRECT) {
			if (!enter_table(&walk, addr, len, flags, chain->max))
				return false;
			i = 0;
			flags = VRING_DESC_F_NEXT;
			continue;
		}
		/* Everything to read comes before everything to write. */
		if (seen_in && !(flags & VRING_DESC_F_WRITE))
			return false;
		seen_in = flags & VRING_DESC_F_WRITE;
		if (!add_seg(chain, addr, len, seen_in))
			return false;
	} while (flags & VRING_DESC_F_NEXT);
	return true;
}

/**
 * qz_ring_pop - take the next buffer
 * @ring: the ring
 * @chain: its segments are appended here
 * @mem: access to indirect tables
 *
 * Return: 1 when there was one, 0 when the ring is empty, -EINVAL when the
 * driver wrote nonsense and the ring must not be used any more.
 */
int qz_ring_pop(struct qz_ring *ring, struct qz_chain *chain,
		const struct qz_ring_mem *mem)
{
	u16 pending = read_avail_idx(ring) - ring->last_avail;
	u16 head;

	if (!pending)
		return 0;
	if (unlikely(pending > ring->num))
		return -EINVAL;

	smp_rmb();	/* the index before what it covers */
	head = load16(&ring->avail->ring[ring->last_avail & (ring->num - 1)]);
	if (unlikely(head >= ring->num))
		return -EINVAL;
	if (unlikely(!walk_chain(ring, chain, head, mem)))
		return -EINVAL;

	chain->head = head;
	ring->last_avail++;
	return 1;
}

/* Return a buffer; the driver sees it after qz_ring_publish(). */
void qz_ring_push(struct qz_ring *ring, u16 head, u32 len)
{
	struct vring_used_elem *elem;

	elem = &ring->used->ring[ring->used_idx & (ring->num - 1)];
	WRITE_ONCE(elem->id, (__force __virtio32)cpu_to_le32(head));
	WRITE_ONCE(elem->len, (__force __virtio32)cpu_to_le32(len));
	ring->used_idx++;
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
 * Has the driver moved its event since we last looked? Then it has seen what
 * lies before the event, and only what lies behind still wants an interrupt.
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

/* The driver was signalled, or wants none for what was published so far. */
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

/* Return: true when buffers came meanwhile, for which there may be no kick. */
bool qz_ring_enable_kicks(struct qz_ring *ring)
{
	if (ring->event_idx)
		write_avail_event(ring, ring->last_avail);
	else
		store16(&ring->used->flags, 0);
	smp_mb();	/* the wish before the second look */
	return read_avail_idx(ring) != ring->last_avail;
}
