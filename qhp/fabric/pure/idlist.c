// SPDX-License-Identifier: GPL-2.0
/* A list by rising id: see idlist.h. */

#include "idlist.h"

/**
 * qz_idlist_after - where to go on after an id
 * @list: the list, which may change meanwhile
 * @id: the last id seen, 0 to begin
 *
 * Return: the first place with a larger id, or n.
 */
u32 qz_idlist_after(const struct qz_idlist *list, u64 id)
{
	u32 low = 0, high = qz_idlist_n(list), mid;

	/* Most often an item is added at the end. */
	if (high && READ_ONCE(list->ids[high - 1]) <= id)
		return high;
	while (low < high) {
		mid = low + (high - low) / 2;
		/* Before the places after it: what was here was moved there. */
		if (smp_load_acquire(&list->ids[mid]) <= id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * The id comes after what was put before, and after n, for readers that search;
 * and all of that comes before the item. Pairs with qz_idlist_after() and
 * qz_idlist_at().
 */
static void put(struct qz_idlist *list, u32 i, u64 id, void *item)
{
	smp_store_release(&list->ids[i], id);		/* as above */
	smp_store_release(&list->items[i], item);	/* as above */
}

/**
 * qz_idlist_add - add an item
 * @list: the list, which has space: n < max; the caller serialises writers
 * @id: its id, which no item in the list has
 * @item: the item
 *
 * It goes to the place that it had before, if it had one. Otherwise the items
 * after it make space, beginning at the end, up to the next place whose item
 * was removed. A reader may meet an item twice then, but misses none.
 */
void qz_idlist_add(struct qz_idlist *list, u64 id, void *item)
{
	u32 at = qz_idlist_after(list, id), i;

	if (at && list->ids[at - 1] == id && !list->items[at - 1]) {
		put(list, at - 1, id, item);
		return;
	}
	for (i = at; i < list->n && list->items[i];)
		i++;
	if (i == list->n) {
		WRITE_ONCE(list->ids[i], i > at ? list->ids[i - 1] : id);
		smp_store_release(&list->n, i + 1);	/* ids before n */
	}
	for (; i > at; i--)
		put(list, i, list->ids[i - 1], list->items[i - 1]);
	put(list, at, id, item);
}

/*
 * Remove the item with an id, if there is one. The caller serialises writers.
 */
void qz_idlist_del(struct qz_idlist *list, u64 id)
{
	u32 at = qz_idlist_after(list, id);

	if (at && list->ids[at - 1] == id)
		WRITE_ONCE(list->items[at - 1], NULL);
}
