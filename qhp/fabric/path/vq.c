// SPDX-License-Identifier: GPL-2.0
/* A virtqueue of a port: mapping its ring, starting and stopping it. */

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <uapi/linux/vhost_types.h>

#include "module/trace.h"
#include "path/port.h"

static bool read_memory(void *ctx, u64 addr, void *to, u32 bytes)
{
	struct qz_vq *vq = ctx;

	return qz_map_read(vq->map, addr, to, bytes, &vq->hint);
}

/* The pages of an area that is not contiguous, or ERR_PTR; may sleep. */
static void *vmap_area(const struct qz_map *map, u64 addr, u32 bytes, u32 perm,
		       u32 *hint)
{
	u32 n = PFN_UP(offset_in_page(addr) + bytes), i, len;
	u64 page_addr = addr & PAGE_MASK;
	struct page **pages;
	void *kva = NULL;

	pages = kmalloc_array(n, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < n; i++) {
		len = PAGE_SIZE;
		kva = qz_map_find(map, page_addr + i * PAGE_SIZE, &len, perm,
				  hint);
		if (!kva) {
			kva = ERR_PTR(-EFAULT);
			goto out;
		}
		pages[i] = virt_to_page(kva);
	}
	kva = vmap(pages, n, VM_MAP, PAGE_KERNEL) ?: ERR_PTR(-ENOMEM);
out:
	kfree(pages);
	return kva;
}

static int map_area(struct qz_area *area, const struct qz_map *map, u64 addr,
		    u32 bytes, u32 perm, u32 *hint)
{
	u32 len = bytes;
	void *vmap;

	if (addr + bytes - 1 < addr)
		return -EINVAL;
	area->kva = qz_map_find(map, addr, &len, perm, hint);
	if (!area->kva)
		return -EFAULT;
	if (len == bytes)
		return 0;
	vmap = vmap_area(map, addr, bytes, perm, hint);
	if (IS_ERR(vmap))
		return PTR_ERR(vmap);
	area->vmap = vmap;
	area->kva = area->vmap + offset_in_page(addr);
	return 0;
}

static void unmap_areas(struct qz_vq *vq)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vq->areas); i++)
		vunmap(vq->areas[i].vmap);
	memset(vq->areas, 0, sizeof(vq->areas));
}

static int map_areas(struct qz_vq *vq, const struct qz_map *map)
{
	const struct qz_setup *setup = &vq->setup;
	struct qz_area *areas = vq->areas;
	int err;

	if (!IS_ALIGNED(setup->desc, VRING_DESC_ALIGN_SIZE) ||
	    !IS_ALIGNED(setup->driver, VRING_AVAIL_ALIGN_SIZE) ||
	    !IS_ALIGNED(setup->device, VRING_USED_ALIGN_SIZE))
		return -EINVAL;

	err = map_area(&areas[0], map, setup->desc,
		       qz_ring_desc_bytes(setup->num), VHOST_ACCESS_RO,
		       &vq->hint);
	err = err ?: map_area(&areas[1], map, setup->driver,
			      qz_ring_avail_bytes(setup->num), VHOST_ACCESS_RO,
			      &vq->hint);
	err = err ?: map_area(&areas[2], map, setup->device,
			      qz_ring_used_bytes(setup->num), VHOST_ACCESS_WO,
			      &vq->hint);
	if (err)
		unmap_areas(vq);
	return err;
}

/*
 * Buffers are returned in the order in which they came, one entry each, so the
 * used index starts where the available index does.
 */
static void init_ring(struct qz_vq *vq)
{
	struct qz_ring *ring = &vq->ring;

	ring->num = vq->setup.num;
	ring->last_avail = vq->setup.base;
	ring->used_idx = vq->setup.base;
	ring->signalled = vq->setup.base;
	ring->longest = vq->kind == QZ_RX ? QZ_RX_CHAIN : QZ_CHAIN_MAX;
	ring->event_idx = qz_port_has(vq->port, VIRTIO_RING_F_EVENT_IDX);
	ring->desc = vq->areas[0].kva;
	ring->avail = vq->areas[1].kva;
	ring->used = vq->areas[2].kva;
}

/**
 * qz_vq_start - map a ring and let the data path use it
 * @vq: a virtqueue that is not live
 * @map: the address space that it is in, already the port's
 *
 * Context: process, port->lock held, may sleep.
 * Return: 0; -ENOMEM; another error if the ring is not where the driver said.
 */
int qz_vq_start(struct qz_vq *vq, const struct qz_map *map)
{
	int err;

	lockdep_assert_held(&vq->port->lock);
	err = map_areas(vq, map);
	if (err)
		return err;
	init_ring(vq);
	vq->map = map;
	if (vq->kind == QZ_RX)
		qz_ring_disable_kicks(&vq->ring);
	smp_store_release(&vq->live, true);	/* the ring before live */
	/* Live before broken, see qz_port_break(), and before reading the ring. */
	smp_mb();
	if (READ_ONCE(vq->port->broken))
		WRITE_ONCE(vq->live, false);
	if (vq->kind != QZ_RX)
		qz_exec_run(vq);
	return 0;
}

/**
 * qz_vq_stop - unmap a ring
 * @vq: a virtqueue that is not live, and everybody has left the gate since
 *
 * Context: process, port->lock held, may sleep.
 */
void qz_vq_stop(struct qz_vq *vq)
{
	lockdep_assert_held(&vq->port->lock);
	if (!qz_vq_is_mapped(vq))
		return;
	if (vq->kind == QZ_TX)
		qz_txq_stop(qz_to_txq(vq));
	vq->setup.base = vq->ring.last_avail;
	vq->setup.seen = vq->ring.last_avail;
	unmap_areas(vq);
}

/* Forget what a driver set up. port->lock held, the queue stopped. */
void qz_vq_reset(struct qz_vq *vq)
{
	static const struct vdpa_callback none;

	vq->setup = (struct qz_setup){
		.num = QZ_RING_MAX,
		.seen = vq->setup.seen,
	};
	qz_signal_set(&vq->signal, &none);
}

/*
 * Two queues that are not live exchange their numbers, and what was set up for
 * these numbers. port->lock held.
 */
void qz_vq_swap(struct qz_vq *a, struct qz_vq *b)
{
	struct vdpa_callback cb = a->signal.cb;

	swap(a->setup, b->setup);
	swap(a->index, b->index);
	qz_signal_set(&a->signal, &b->signal.cb);
	qz_signal_set(&b->signal, &cb);
}

/* Count a frame that is not delivered. Any context. */
void qz_vq_drop(struct qz_vq *vq, enum queztl_drop reason, u32 len)
{
	atomic64_inc(&vq->drops[reason]);
	trace_queztl_drop(vq->port->id, reason, len);
}

void qz_vq_init(struct qz_vq *vq, struct qz_port *port, u16 index,
		enum qz_kind kind)
{
	vq->port = port;
	vq->index = index;
	vq->kind = kind;
	vq->setup.num = QZ_RING_MAX;
	vq->mem.read = read_memory;
	vq->mem.ctx = vq;
	qz_kick_init(vq);
	qz_signal_init(&vq->signal);
}

void qz_rxq_init(struct qz_rxq *rxq, struct qz_port *port, u16 pair)
{
	qz_vq_init(&rxq->vq, port, 2 * pair, QZ_RX);
	spin_lock_init(&rxq->lock);
	rxq->txq = &port->txqs[pair];
}

void qz_txq_init(struct qz_txq *txq, struct qz_port *port, u16 pair)
{
	qz_vq_init(&txq->vq, port, 2 * pair + 1, QZ_TX);
	spin_lock_init(&txq->sender_lock);
	txq->rxq = &port->rxqs[pair];
	txq->kicked_on = -1;
	qz_sent_init(txq);
	qz_pace_init(txq);
	qz_backpressure_init(txq);
}

/* The ring is not live, and everybody has left the gate since. May sleep. */
void qz_txq_stop(struct qz_txq *txq)
{
	qz_pace_stop(txq);
	qz_sent_stop(txq);
	qz_handoff_forget(txq);
	txq->resume = (struct qz_resume){};
	txq->late_at = 0;
}
