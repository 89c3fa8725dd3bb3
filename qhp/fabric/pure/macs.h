/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which port uses an Ethernet address beside the ports' own; pure.
 *
 * A table of fixed size that learns, like that of a switch: an address is in one
 * of the places of its set, or in none. A place is one word, so readers need no
 * lock. Writers are serialised by the caller.
 */
#ifndef QZ_MACS_H
#define QZ_MACS_H

#include "module/limits.h"
#include "module/plain.h"

#define QZ_MACS_WAYS	8	/* places of a set */
#define QZ_MACS_SETS	(2 * QZ_MACS_PORTS * QZ_MACS_MAX / QZ_MACS_WAYS)
#define QZ_MACS_SLOTS	(QZ_MACS_SETS * QZ_MACS_WAYS)

/**
 * struct qz_macs_slot - a place
 * @entry: an address, as qz_mac_key(), and in the lowest 16 bits the user's
 *	number; 0: free
 * @seen: when the user last sent from it, in seconds; 0: it is listed, and does
 *	not age
 */
struct qz_macs_slot {
	u64 entry;
	u32 seen;
};

/**
 * struct qz_macs - the table
 * @seed: prevents tenants from choosing addresses that collide
 * @used: places of each user, by its number, which is from 1 to QZ_MACS_USERS
 * @slots: the places, set by set
 */
struct qz_macs {
	u32 seed;
	u16 used[QZ_MACS_USERS + 1];
	struct qz_macs_slot slots[QZ_MACS_SLOTS];
};

u32 qz_macs_find(struct qz_macs *macs, u64 key, u32 now);
bool qz_macs_refresh(struct qz_macs *macs, u64 key, u32 user, u32 now);
bool qz_macs_learn(struct qz_macs *macs, u64 key, u32 user, bool listed, u32 now);
void qz_macs_forget(struct qz_macs *macs, u32 user, u32 from, u32 n);
u64 qz_macs_next(struct qz_macs *macs, u32 user, u64 after, u32 now);

#endif /* QZ_MACS_H */
