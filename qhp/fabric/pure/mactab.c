// SPDX-License-Identifier: GPL-2.0
/* From Ethernet addresses to ports: see mactab.h. */

#include "mactab.h"

static u32 hash_key(const struct qz_mactab *tab, u64 key)
{
	u64 h = (key ^ tab->seed) * 0x9e3779b97f4a7c15ULL;

	return (h >> 32) & tab->mask;
}

/* The slot that has a key, or the free one where it would be. */
static struct qz_mactab_slot *find_slot(const struct qz_mactab *tab, u64 key)
{
	u32 i = hash_key(tab, key);

	while (tab->slots[i].key && tab->slots[i].key != key)
		i = (i + 1) & tab->mask;
	return &tab->slots[i];
}

/* The number of slots of a table for so many ports. */
u32 qz_mactab_slots(u32 ports)
{
	u32 slots = 4;

	while (slots < 2 * ports)
		slots *= 2;
	return slots;
}

/* Is there space for so many more? */
bool qz_mactab_has_room(const struct qz_mactab *tab, u32 ports)
{
	return 2 * (tab->used + ports) <= tab->mask + 1;
}

/*
 * The caller serialises writers, and the table has space.
 *
 * Return: false if the address is taken.
 */
bool qz_mactab_add(struct qz_mactab *tab, u64 key, void *port)
{
	struct qz_mactab_slot *slot = find_slot(tab, key);

	if (slot->port)
		return false;
	/* The port's contents before the port: the key may be there already. */
	smp_store_release(&slot->port, port);
	if (slot->key)
		return true;
	tab->used++;
	/* The port before the key: pairs with qz_mactab_find(). */
	smp_store_release(&slot->key, key);
	return true;
}

/*
 * The caller serialises writers. Readers may still use what they have found.
 *
 * Return: false if there is no such address.
 */
bool qz_mactab_del(struct qz_mactab *tab, u64 key)
{
	struct qz_mactab_slot *slot = find_slot(tab, key);

	if (!slot->port)
		return false;
	WRITE_ONCE(slot->port, NULL);
	return true;
}

/* At any time: finds what was there before, and maybe what is being added. */
void *qz_mactab_find(const struct qz_mactab *tab, u64 key)
{
	u32 i = hash_key(tab, key);
	u64 found;

	for (;; i = (i + 1) & tab->mask) {
		/* The key before the port: pairs with qz_mactab_add(). */
		found = smp_load_acquire(&tab->slots[i].key);
		if (found == key)
			return READ_ONCE(tab->slots[i].port);
		if (!found)
			return NULL;
	}
}
