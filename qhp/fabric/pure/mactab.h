/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From Ethernet addresses to ports; pure. Ports come and go in place while
 * readers use the table, who need no lock but must have finished before it is
 * freed.
 */
#ifndef QZ_MACTAB_H
#define QZ_MACTAB_H

#include "module/plain.h"

/* An address as a number; 0 is no port's. */
static inline u64 qz_mac_key(const u8 *mac)
{
	/* Two expressions become two loads; compilers do not optimise one. */
	u32 high = (u32)mac[0] << 24 | mac[1] << 16 | mac[2] << 8 | mac[3];
	u16 low = mac[4] << 8 | mac[5];

	return (u64)high << 16 | low;
}

static inline bool qz_mac_is_unicast(u64 key)
{
	return key && !(key >> 40 & 1);
}

/**
 * struct qz_mactab_slot - a place of the hash table
 * @key: address, 0 if the slot is free; once written it stays
 * @port: the port that has it; NULL if the address was removed
 */
struct qz_mactab_slot {
	u64 key;
	void *port;
};

/**
 * struct qz_mactab - open addressing, at most half full
 * @mask: number of slots - 1, a power of two
 * @seed: prevents tenants from choosing addresses that collide
 * @used: slots with a key, those of removed addresses included
 * @slots: the slots
 *
 * A removed address keeps its slot: a reader that has just compared the key
 * must not find the port of another address there. The same address may return
 * to its slot; for others the slot is lost until the table is built anew.
 */
struct qz_mactab {
	u32 mask;
	u32 seed;
	u32 used;
	struct qz_mactab_slot *slots;
};

u32 qz_mactab_slots(u32 ports);
bool qz_mactab_has_room(const struct qz_mactab *tab, u32 ports);
bool qz_mactab_add(struct qz_mactab *tab, u64 key, void *port);
bool qz_mactab_del(struct qz_mactab *tab, u64 key);
void *qz_mactab_find(const struct qz_mactab *tab, u64 key);

#endif /* QZ_MACTAB_H */
