/* SPDX-License-Identifier: GPL-2.0 */
/* Walking the segments of a chain, through its driver's address space. */
#ifndef QZ_CURSOR_H
#define QZ_CURSOR_H

#include "path/map.h"
#include "pure/ring.h"

/**
 * struct qz_cursor - a place in a chain's segments
 * @map: the driver's address space
 * @segs: the segment that it is in
 * @nsegs: number of segments from there on
 * @offset: offset in that segment
 * @perm: VHOST_ACCESS_RO to read, VHOST_ACCESS_WO to write
 * @hint: for qz_map_find()
 * @at: where the kernel sees that place, if @left is not 0
 * @left: number of contiguous bytes there; 0 if it has not been looked up
 */
struct qz_cursor {
	const struct qz_map *map;
	const struct qz_seg *segs;
	u32 nsegs;
	u32 offset;
	u32 perm;
	u32 *hint;
	u8 *at;
	u32 left;
};

/*
 * At the beginning of a chain's segments. Written field by field: a literal would
 * be built on the stack and copied, for each frame.
 */
static inline void qz_cursor_begin(struct qz_cursor *cur,
				   const struct qz_map *map,
				   const struct qz_seg *segs, u32 nsegs,
				   u32 perm, u32 *hint)
{
	cur->map = map;
	cur->segs = segs;
	cur->nsegs = nsegs;
	cur->offset = 0;
	cur->perm = perm;
	cur->hint = hint;
	cur->left = 0;
}

/*
 * The result of a copy between two drivers: whose memory could not be accessed.
 */
enum qz_copy { QZ_COPY_DONE, QZ_COPY_BAD_SOURCE, QZ_COPY_BAD_TARGET };

bool qz_cursor_skip(struct qz_cursor *cur, u32 len);
bool qz_cursor_read(struct qz_cursor *cur, void *to, u32 len);
bool qz_cursor_write(struct qz_cursor *cur, const void *from, u32 len);
bool qz_cursor_sum(struct qz_cursor *cur, u32 len, __wsum *sum);
enum qz_copy qz_cursor_copy(struct qz_cursor *to, struct qz_cursor *from,
			    u32 len);

#endif /* QZ_CURSOR_H */
