// SPDX-License-Identifier: GPL-2.0
/* From a driver's addresses to the kernel's: see extent.h. */

#include "extent.h"

static bool extent_has(const struct qz_extent *extent, u64 addr)
{
	return addr >= extent->start && addr <= extent->last;
}

static const struct qz_extent *find_extent(const struct qz_extent *extents,
					   u32 n, u64 addr, u32 *hint)
{
	u32 low = 0, high = n, mid;

	if (*hint < n && extent_has(&extents[*hint], addr))
		return &extents[*hint];
	while (low < high) {
		mid = (low + high) / 2;
		if (extent_has(&extents[mid], addr)) {
			*hint = mid;
			return &extents[mid];
		}
		if (addr < extents[mid].start)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
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
 * Context: any.
 * Return: the kernel's address, or NULL when it is not mapped like that.
 */
void *qz_extent_find(const struct qz_extent *extents, u32 n, u64 addr,
		     u32 *len, u32 perm, u32 *hint)
{
	const struct qz_extent *extent = find_extent(extents, n, addr, hint);

	if (!extent || !(extent->perm & perm))
		return NULL;
	if (extent->last - addr < *len - 1)
		*len = extent->last - addr + 1;
	return extent->kva + (addr - extent->start);
}
