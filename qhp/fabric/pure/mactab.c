// SPDX-License-Identifier: GPL-2.0
/* From Ethernet addresses to ports: see mactab.h. */

#include "mactab.h"

static u32 hash_key(const struct qz_mactab *tab, u64 key)
{
	u64 h = (key ^ tab->seed) * 0x9e3779b97f4a7c15ULL;

	return (h >> 32) & tab->mask;
}

/* How many slots a table for this many ports takes. */
u32 qz_mactab_slots(u32 ports)
{
	u32 slots = 8;

	while (slots < 2 * ports)
		slots *= 2;
	return slots;
}

/* Return: false when the address is taken. */
bool qz_mactab_add(struct qz_mactab *tab, u64 key, void *port)
{
	u32 i = hash_key(tab, key);

	for (; tab->slots[i].key; i = (i + 1) & tab->mask)
		if (tab->slots[i].key == key)
			return false;
	tab->slots[i].key = key;
	tab->slots[i].port = port;
	return true;
}

void *qz_mactab_find(const struct qz_mactab *tab, u64 key)
{
	u32 i = hash_key(tab, key);

	for (; tab->slots[i].key; i = (i + 1) & tab->mask)
		if (tab->slots[i].key == key)
			return tab->slots[i].port;
	return NULL;
}
