// SPDX-License-Identifier: GPL-2.0
/* A virtqueue of a port: mapping its ring, starting and stopping it. */

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <uapi/linux/vhost_types.h>

#include "fabric.h"

static bool read_desc(void *ctx, u64 addr, struct vring_desc *desc)
{
	struct qz_queue *queue = ctx;
	const struct qz_map *map = srcu_dereference(queue->port->map,
						    &qz_fabric_srcu);

	return qz_map_read(map, addr, desc, sizeof(*desc), &queue->hint);
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

static void unmap_areas(struct qz_queue *queue)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(queue->areas); i++)
		vunmap(queue->areas[i].vmap);
	memset(queue->areas, 0, sizeof(queue->areas));
}

static int map_areas(struct qz_queue *queue, const struct qz_map *map)
{
	struct qz_area *areas = queue->areas;
	u16 num = queue->num;
	int err;

	if (!IS_ALIGNED(queue->desc, VRING_DESC_ALIGN_SIZE) ||
	    !IS_ALIGNED(queue->driver, VRING_AVAIL_ALIGN_SIZE) ||
	    !IS_ALIGNED(queue->device, VRING_USED_ALIGN_SIZE))
		return -EINVAL;

	err = map_area(&areas[0], map, queue->desc, qz_ring_desc_bytes(num),
		       VHOST_ACCESS_RO, &queue->hint);
	err = err ?: map_area(&areas[1], map, queue->driver,
			      qz_ring_avail_bytes(num), VHOST_ACCESS_RO,
			      &queue->hint);
	err = err ?: map_area(&areas[2], map, queue->device,
			      qz_ring_used_bytes(num), VHOST_ACCESS_WO,
			      &queue->hint);
	if (err)
		unmap_areas(queue);
	return err;
}

/*
 * Buffers are returned in the order they came, one entry each, so the used
 * index is where the available index was.
 */
static void init_ring(struct qz_queue *queue)
{
	struct qz_ring *ring = &queue->ring;

	ring->num = queue->num;
	ring->last_avail = queue->base;
	ring->used_idx = queue->base;
	ring->signalled = queue->base;
	ring->event_idx = qz_port_has(queue->port, VIRTIO_RING_F_EVENT_IDX);
	ring->desc = queue->areas[0].kva;
	ring->avail = queue->areas[1].kva;
	ring->used = queue->areas[2].kva;
	queue->hold.bytes = 0;
	queue->full_since = 0;
}

/**
 * qz_queue_start - map a ring and let the data path use it
 * @queue: a queue that is not live
 * @map: the driver's address space, already the port's
 *
 * Context: process, port->lock held, may sleep.
 * Return: 0; -ENOMEM; another error when the ring is not where the driver said.
 */
int qz_queue_start(struct qz_queue *queue, const struct qz_map *map)
{
	int err;

	lockdep_assert_held(&queue->port->lock);
	err = map_areas(queue, map);
	if (err)
		return err;
	init_ring(queue);
	if (queue->kind == QZ_RX)
		qz_ring_disable_kicks(&queue->ring);
	smp_store_release(&queue->live, true);	/* the ring before live */
	smp_mb();	/* live before broken, as in qz_port_break() */
	if (READ_ONCE(queue->port->broken))
		WRITE_ONCE(queue->live, false);
	if (queue->kind != QZ_RX)
		qz_worker_queue(queue);
	return 0;
}

/**
 * qz_queue_stop - take the ring back from the data path
 * @queue: a queue that is not live, with a grace period since
 *
 * Context: process, port->lock held, may sleep.
 */
void qz_queue_stop(struct qz_queue *queue)
{
	lockdep_assert_held(&queue->port->lock);
	if (!queue->areas[0].kva)
		return;
	qz_pace_stop(queue);
	qz_notify_stop(queue);
	qz_handoff_forget(queue);
	queue->base = queue->ring.last_avail;
	unmap_areas(queue);
}

/* May sleep. */
int qz_queue_init(struct qz_queue *queue, struct qz_port *port, u16 index)
{
	queue->port = port;
	queue->index = index;
	queue->num = QZ_RING_MAX;
	queue->kicked_on = -1;
	queue->mem.read_desc = read_desc;
	queue->mem.ctx = queue;
	spin_lock_init(&queue->lock);
	spin_lock_init(&queue->sender_lock);
	qz_notify_init(queue);
	qz_pace_init(queue);
	qz_backpressure_init(queue);
	qz_run_init(queue);
	queue->chain.max = QZ_CHAIN_MAX;
	queue->chain.segs = kvcalloc(QZ_CHAIN_MAX, sizeof(struct qz_seg),
				     GFP_KERNEL_ACCOUNT);
	return queue->chain.segs ? 0 : -ENOMEM;
}

/*
 * Nobody has a reference on the port. Whoever gave up the last one may have
 * queued the worker just before, long after the queue was stopped; the worker
 * finds it so, but needs it to look. May sleep.
 */
void qz_queue_free(struct qz_queue *queue)
{
	if (queue->port)	/* else it was never initialised */
		cancel_work_sync(&queue->work);
	kvfree(queue->chain.segs);
}
