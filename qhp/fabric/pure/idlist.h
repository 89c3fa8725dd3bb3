/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A list by rising id that can be walked while it changes; pure.
 *
 * Readers need no lock, but must have finished before the list is freed. A
 * reader that walks it by rising index, and skips ids that it has seen, sees
 * every item once that stays in the list all the time: items only move to
 * higher indices.
 */
#ifndef QZ_IDLIST_H
#define QZ_IDLIST_H

#include "module/plain.h"

/**
 * struct qz_idlist - the list
 * @n: places in use
 * @max: number of places
 * @ids: the id of each place, never falling
 * @items: the item of each place; NULL where one was removed
 */
struct qz_idlist {
	u32 n;
	u32 max;
	u64 *ids;
	void **items;
};

u32 qz_idlist_after(const struct qz_idlist *list, u64 id);
void qz_idlist_add(struct qz_idlist *list, u64 id, void *item);
void qz_idlist_del(struct qz_idlist *list, u64 id);

/* The item at a place below n; the caller compares its id with the last one. */
static inline void *qz_idlist_at(const struct qz_idlist *list, u32 i)
{
	/* The item before the place that it was moved to: pairs with put(). */
	return smp_load_acquire(&list->items[i]);
}

static inline u32 qz_idlist_n(const struct qz_idlist *list)
{
	return smp_load_acquire(&list->n);	/* before ids: pairs with add */
}

#endif /* QZ_IDLIST_H */
