/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A driver's address space: a flat, sorted table from the driver's addresses to
 * the kernel's own mapping of the same memory. Once made it never changes, so
 * it is read inside the gate without locks.
 *
 * vhost-vdpa pins guest memory, but unpins it before it tells us. So a table
 * holds references of its own on the pages that it points to.
 */
#ifndef QZ_MAP_H
#define QZ_MAP_H

#include "pure/extent.h"

struct vhost_iotlb;

/*
 * A VMM that carries out commands of its guest itself gives the control queue an
 * address space of its own, with the VMM's memory in it. The guest's memory is in
 * the other one. See VHOST_VDPA_SET_GROUP_ASID: a space is called ASID there.
 */
#define QZ_SPACES	2

/* Queues that are in the same address space. */
enum qz_group { QZ_DATA_QUEUES, QZ_CTRL_QUEUE, QZ_GROUPS };

/**
 * struct qz_map - an address space
 * @identity: addresses are the kernel's DMA addresses (virtio_vdpa)
 * @n: number of extents
 * @extents: by rising address, disjoint
 */
struct qz_map {
	bool identity;
	u32 n;
	struct qz_extent extents[] __counted_by(n);
};

extern const struct qz_map qz_map_identity;

struct qz_map *qz_map_create(struct vhost_iotlb *iotlb);
void qz_map_trim(struct qz_map *map, struct vhost_iotlb *iotlb);
void qz_map_free(const struct qz_map *map);
void *qz_map_find_identical(u64 addr);
bool qz_map_read(const struct qz_map *map, u64 addr, void *to, u32 len,
		 u32 *hint);

/**
 * qz_map_find - where the kernel sees a driver's memory
 * @map: the address space; the caller is inside the gate in which it was read,
 *	or holds port->lock
 * @addr: the driver's address
 * @len: in: bytes wanted, not 0; out: how many of them are contiguous
 * @perm: VHOST_ACCESS_RO to read, VHOST_ACCESS_WO to write
 * @hint: index of the extent found last; any value will do
 *
 * Context: any.
 * Return: the kernel's address, or NULL if it is not mapped with @perm.
 */
static inline void *qz_map_find(const struct qz_map *map, u64 addr, u32 *len,
				u32 perm, u32 *hint)
{
	if (unlikely(map->identity))
		return qz_map_find_identical(addr);
	return qz_extent_find(map->extents, map->n, addr, len, perm, hint);
}

#endif /* QZ_MAP_H */
