// SPDX-License-Identifier: GPL-2.0
/*
 * Walking the segments of a chain: see cursor.h.
 *
 * Context of everything here: inside the gate, softirqs off. What a driver does
 * to its memory meanwhile is its own affair. An uncorrectable memory error ends
 * the copy, and does not crash the host: memory that cannot be read is treated
 * as not mapped.
 */

#include <linux/uaccess.h>

#include "path/cursor.h"
#include "path/scratch.h"

/* Find the memory at the cursor; false at the end, or if it is not mapped. */
static __always_inline bool look(struct qz_cursor *cur)
{
	const struct qz_seg *seg = cur->segs;
	u32 len;

	if (!cur->nsegs)
		return false;
	len = seg->len - cur->offset;
	cur->at = qz_map_find(cur->map, seg->addr + cur->offset, &len,
			      cur->perm, cur->hint);
	if (!cur->at)
		return false;
	cur->left = len;
	return true;
}

/* Up to *len contiguous bytes at the cursor, or NULL. */
static __always_inline void *window(struct qz_cursor *cur, u32 *len)
{
	if (!cur->left && !look(cur))
		return NULL;
	*len = min(*len, cur->left);
	return cur->at;
}

static void next_seg(struct qz_cursor *cur)
{
	cur->segs++;
	cur->nsegs--;
	cur->offset = 0;
}

/* By at most the length of a window. */
static void advance(struct qz_cursor *cur, u32 len)
{
	cur->at += len;
	cur->left -= len;
	cur->offset += len;
	if (!cur->left && cur->offset == cur->segs->len)
		next_seg(cur);
}

/* These return false if the chain ends first, or is not in the map. */

bool qz_cursor_skip(struct qz_cursor *cur, u32 len)
{
	u32 n;

	cur->left = 0;
	for (; len; len -= n) {
		if (!cur->nsegs)
			return false;
		n = min(len, cur->segs->len - cur->offset);
		cur->offset += n;
		if (cur->offset == cur->segs->len)
			next_seg(cur);
	}
	return true;
}

bool qz_cursor_read(struct qz_cursor *cur, void *to, u32 len)
{
	const void *from;
	u32 n;

	for (; len; len -= n, to += n) {
		n = len;
		from = window(cur, &n);
		if (!from || copy_mc_to_kernel(to, from, n))
			return false;
		advance(cur, n);
	}
	return true;
}

bool qz_cursor_write(struct qz_cursor *cur, const void *from, u32 len)
{
	void *to;
	u32 n;

	for (; len; len -= n, from += n) {
		n = len;
		to = window(cur, &n);
		if (!to)
			return false;
		memcpy(to, from, n);
		advance(cur, n);
	}
	return true;
}

/* Add the Internet checksum of the next bytes to *sum. */
bool qz_cursor_sum(struct qz_cursor *cur, u32 len, __wsum *sum)
{
	u8 *bounce = qz_scratch_get()->bounce;
	const void *from;
	u32 n, done;

	for (done = 0; done < len; done += n) {
		n = min_t(u32, len - done, QZ_BOUNCE_BYTES);
		from = window(cur, &n);
		if (!from || copy_mc_to_kernel(bounce, from, n))
			return false;
		*sum = csum_block_add(*sum, csum_partial(bounce, n, 0), done);
		advance(cur, n);
	}
	return true;
}

enum qz_copy qz_cursor_copy(struct qz_cursor *to, struct qz_cursor *from,
			    u32 len)
{
	const void *src;
	void *dst;
	u32 n;

	for (; len; len -= n) {
		n = len;
		src = window(from, &n);
		if (!src)
			return QZ_COPY_BAD_SOURCE;
		dst = window(to, &n);
		if (!dst)
			return QZ_COPY_BAD_TARGET;
		if (copy_mc_to_kernel(dst, src, n))
			return QZ_COPY_BAD_SOURCE;
		advance(from, n);
		advance(to, n);
	}
	return QZ_COPY_DONE;
}
