/* SPDX-License-Identifier: GPL-2.0 */
/* From a driver's addresses to the kernel's; pure. */
#ifndef QZ_EXTENT_H
#define QZ_EXTENT_H

#include "module/plain.h"

/**
 * struct qz_extent - memory that is contiguous for driver and kernel
 * @start: the driver's first address, page aligned
 * @last: the driver's last address
 * @kva: where the kernel sees @start
 * @perm: VHOST_ACCESS_RO, _WO or _RW
 */
struct qz_extent {
	u64 start;
	u64 last;
	u8 *kva;
	u32 perm;
};

const struct qz_extent *qz_extent_search(const struct qz_extent *extents,
					 u32 n, u64 addr, u32 *hint);

static inline bool qz_extent_has(const struct qz_extent *extent, u64 addr)
{
	return addr >= extent->start && addr <= extent->last;
}

/**
 * qz_extent_find - where the kernel sees a driver's memory
 * @extents: by rising address, disjoint
 * @n: number of them
 * @addr: the driver's address
 * @len: in: bytes wanted, not 0; out: how many of them are contiguous
 * @perm: VHOST_ACCESS_RO to read, VHOST_ACCESS_WO to write
 * @hint: index of the extent found last; any value will do
 *
 * It is called several times for each frame, and mostly finds the extent found
 * last.
 *
 * Context: any.
 * Return: the kernel's address, or NULL if it is not mapped with @perm.
 */
static inline void *qz_extent_find(const struct qz_extent *extents, u32 n,
				   u64 addr, u32 *len, u32 perm, u32 *hint)
{
	const struct qz_extent *extent = NULL;

	if (*hint < n)
		extent = &extents[*hint];
	if (unlikely(!extent || !qz_extent_has(extent, addr))) {
		extent = qz_extent_search(extents, n, addr, hint);
		if (!extent)
			return NULL;
	}
	if (unlikely(!(extent->perm & perm)))
		return NULL;
	if (unlikely(extent->last - addr < *len - 1))
		*len = extent->last - addr + 1;
	return extent->kva + (addr - extent->start);
}

#endif /* QZ_EXTENT_H */
