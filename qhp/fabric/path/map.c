// SPDX-License-Identifier: GPL-2.0
/* A driver's address space: see map.h. */

#include <linux/err.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vhost_iotlb.h>
#include <uapi/linux/vhost_types.h>

#include "path/map.h"

/* A driver on virtio_vdpa is the kernel itself: its addresses are trusted. */
const struct qz_map qz_map_identity = { .identity = true };

/*
 * One reference for each folio that an extent touches. A folio that is
 * referenced cannot be split, so put_extent() finds the same folios.
 */
static void get_extent(const struct qz_extent *extent)
{
	unsigned long pfn = PHYS_PFN(virt_to_phys(extent->kva));
	unsigned long end = pfn + PFN_UP(extent->last - extent->start + 1);
	struct folio *folio;

	while (pfn < end) {
		folio = page_folio(pfn_to_page(pfn));
		folio_get(folio);
		pfn = folio_pfn(folio) + folio_nr_pages(folio);
	}
}

static void put_extent(const struct qz_extent *extent)
{
	unsigned long pfn = PHYS_PFN(virt_to_phys(extent->kva));
	unsigned long end = pfn + PFN_UP(extent->last - extent->start + 1);
	struct folio *folio;

	while (pfn < end) {
		folio = page_folio(pfn_to_page(pfn));
		pfn = folio_pfn(folio) + folio_nr_pages(folio);
		folio_put(folio);
	}
}

/* vhost-vdpa pinned these pages, so they exist and are memory. */
static int add_extent(struct qz_map *map, const struct vhost_iotlb_map *entry)
{
	struct qz_extent *extent;

	if (!PAGE_ALIGNED(entry->start) || !PAGE_ALIGNED(entry->addr))
		return -EINVAL;
	if (!pfn_valid(PHYS_PFN(entry->addr)))
		return -EINVAL;

	extent = &map->extents[map->n - 1];
	extent->start = entry->start;
	extent->last = entry->last;
	extent->kva = phys_to_virt(entry->addr);
	extent->perm = entry->perm;
	get_extent(extent);
	return 0;
}

static u32 count_entries(struct vhost_iotlb *iotlb)
{
	struct vhost_iotlb_map *entry;
	u32 n = 0;

	for (entry = vhost_iotlb_itree_first(iotlb, 0, U64_MAX); entry;
	     entry = vhost_iotlb_itree_next(entry, 0, U64_MAX))
		n++;
	return n;
}

/**
 * qz_map_create - a table of what vhost-vdpa mapped
 * @iotlb: its interval tree, held still by the caller; iterated in order
 *
 * Context: process, may sleep.
 * Return: the table or ERR_PTR.
 */
struct qz_map *qz_map_create(struct vhost_iotlb *iotlb)
{
	struct vhost_iotlb_map *entry;
	struct qz_map *map;
	u32 n = count_entries(iotlb);
	int err;

	map = kvzalloc(struct_size(map, extents, n), GFP_KERNEL_ACCOUNT);
	if (!map)
		return ERR_PTR(-ENOMEM);

	for (entry = vhost_iotlb_itree_first(iotlb, 0, U64_MAX); entry;
	     entry = vhost_iotlb_itree_next(entry, 0, U64_MAX)) {
		map->n++;
		err = add_extent(map, entry);
		if (err) {
			map->n--;
			qz_map_free(map);
			return ERR_PTR(err);
		}
		cond_resched();
	}
	return map;
}

static bool is_still_mapped(const struct qz_extent *extent,
			    struct vhost_iotlb *iotlb)
{
	const struct vhost_iotlb_map *entry;

	entry = vhost_iotlb_itree_first(iotlb, extent->start, extent->last);
	return entry && entry->start == extent->start &&
	       entry->last == extent->last && entry->perm == extent->perm &&
	       phys_to_virt(entry->addr) == extent->kva;
}

/**
 * qz_map_trim - remove what is no longer mapped
 * @map: a table that nobody reads
 * @iotlb: what vhost-vdpa has mapped now
 *
 * It needs no memory and cannot fail.
 *
 * Context: process, may sleep.
 */
void qz_map_trim(struct qz_map *map, struct vhost_iotlb *iotlb)
{
	u32 i, n = 0;

	for (i = 0; i < map->n; i++) {
		if (is_still_mapped(&map->extents[i], iotlb))
			map->extents[n++] = map->extents[i];
		else
			put_extent(&map->extents[i]);
		cond_resched();
	}
	map->n = n;
}

/* To be called when no reader is left. May sleep. */
void qz_map_free(const struct qz_map *map)
{
	u32 i;

	if (!map || map->identity)
		return;
	for (i = 0; i < map->n; i++) {
		put_extent(&map->extents[i]);
		cond_resched();
	}
	kvfree(map);
}

/* qz_map_find() for virtio_vdpa, whose addresses are the kernel's own. */
void *qz_map_find_identical(u64 addr)
{
	return pfn_valid(PHYS_PFN(addr)) ? phys_to_virt(addr) : NULL;
}

/* Copy from a driver's memory; false if not all of it may be read. */
bool qz_map_read(const struct qz_map *map, u64 addr, void *to, u32 len,
		 u32 *hint)
{
	const void *from;
	u32 n;

	for (; len; len -= n, addr += n, to += n) {
		n = len;
		from = qz_map_find(map, addr, &n, VHOST_ACCESS_RO, hint);
		if (!from || copy_mc_to_kernel(to, from, n))
			return false;
	}
	return true;
}
