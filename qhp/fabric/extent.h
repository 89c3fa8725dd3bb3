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

void *qz_extent_find(const struct qz_extent *extents, u32 n, u64 addr,
		     u32 *len, u32 perm, u32 *hint);

#endif /* QZ_EXTENT_H */
