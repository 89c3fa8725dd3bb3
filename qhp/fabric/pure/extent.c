// SPDX-License-Identifier: GPL-2.0
/* From a driver's addresses to the kernel's: see extent.h. */

#include "extent.h"

/**
 * qz_extent_search - the extent an address is in
 * @extents: by rising address, disjoint
 * @n: number of them
 * @addr: the driver's address
 * @hint: out: its index, if one is found
 *
 * Context: any.
 * Return: the extent, or NULL.
 */
const struct qz_extent *qz_extent_search(const struct qz_extent *extents,
					 u32 n, u64 addr, u32 *hint)
{
	u32 low = 0, high = n, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (qz_extent_has(&extents[mid], addr)) {
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
