// SPDX-License-Identifier: GPL-2.0
/* The memory of the ends of channels. */

#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "channel.h"

/* What is read where there is no region. */
struct page *qz_zero_page;

static void free_region(struct qz_region *region)
{
	u32 i;

	for (i = 0; i < region->npages; i++)
		__free_page(region->pages[i]);
	kvfree(region);
}

void qz_region_put(struct qz_region *region)
{
	if (region && refcount_dec_and_test(&region->ref))
		free_region(region);
}

/**
 * qz_region_alloc - zeroed memory, charged to the caller's memory cgroup
 * @bytes: how much, a multiple of QHP_UNIT
 *
 * A cgroup without so much memory is no reason to kill its tasks.
 *
 * Context: process, without locks.
 * Return: the region, with one reference, or an error pointer.
 */
struct qz_region *qz_region_alloc(u32 bytes)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO |
			  __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	u32 npages = bytes >> PAGE_SHIFT;
	struct qz_region *region;

	region = kvzalloc(struct_size(region, pages, npages),
			  GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!region)
		return ERR_PTR(-ENOMEM);
	refcount_set(&region->ref, 1);
	for (; region->npages < npages; region->npages++) {
		struct page *page = NULL;

		if (!fatal_signal_pending(current))
			page = alloc_page(gfp);
		if (!page) {
			free_region(region);
			return ERR_PTR(-ENOMEM);
		}
		region->pages[region->npages] = page;
		cond_resched();
	}
	return region;
}

int qz_region_init(void)
{
	qz_zero_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	return qz_zero_page ? 0 : -ENOMEM;
}

void qz_region_exit(void)
{
	__free_page(qz_zero_page);
}
