// SPDX-License-Identifier: GPL-2.0
/* Which port uses an address beside the ports' own: see macs.h. */

#include "macs.h"

static u64 key_of(u64 entry)
{
	return entry >> 16;
}

static u32 user_of(u64 entry)
{
	return entry & 0xffff;
}

static struct qz_macs_slot *set_of(struct qz_macs *macs, u64 key)
{
	u64 h = (key ^ macs->seed) * 0x9e3779b97f4a7c15ULL;

	return &macs->slots[(h >> 32) % QZ_MACS_SETS * QZ_MACS_WAYS];
}

/* The user has been silent for so long that others may have the address. */
static bool is_old(const struct qz_macs_slot *slot, u32 now)
{
	u32 seen = READ_ONCE(slot->seen);

	return seen && now - seen > QZ_MACS_AGE && (s32)(now - seen) > 0;
}

static struct qz_macs_slot *find(struct qz_macs *macs, u64 key)
{
	struct qz_macs_slot *slot = set_of(macs, key);
	u32 i;

	for (i = 0; i < QZ_MACS_WAYS; i++, slot++)
		if (key_of(READ_ONCE(slot->entry)) == key)
			return slot;
	return NULL;
}

/**
 * qz_macs_find - who uses an address?
 * @macs: the table; may be changed meanwhile
 * @key: the address, not 0
 * @now: time in seconds, not 0
 *
 * Return: the user's number; 0 if nobody does.
 */
u32 qz_macs_find(struct qz_macs *macs, u64 key, u32 now)
{
	struct qz_macs_slot *slot = find(macs, key);
	u64 entry;

	if (!slot || is_old(slot, now))
		return 0;
	entry = READ_ONCE(slot->entry);	/* it may be another one by now */
	return key_of(entry) == key ? user_of(entry) : 0;
}

/*
 * A user sends from an address. Without a lock: in a race with a writer another
 * address gets older than it is, or younger.
 *
 * Return: false if the address is not the user's.
 */
bool qz_macs_refresh(struct qz_macs *macs, u64 key, u32 user, u32 now)
{
	struct qz_macs_slot *slot = find(macs, key);
	u32 seen;

	if (!slot || READ_ONCE(slot->entry) != (key << 16 | user))
		return false;
	seen = READ_ONCE(slot->seen);
	if (seen && seen != now)
		WRITE_ONCE(slot->seen, now);
	return true;
}

static void set(struct qz_macs *macs, struct qz_macs_slot *slot, u64 entry,
		u32 seen)
{
	if (slot->entry)
		macs->used[user_of(slot->entry)]--;
	if (entry)
		macs->used[user_of(entry)]++;
	WRITE_ONCE(slot->seen, seen);
	WRITE_ONCE(slot->entry, entry);
}

/*
 * A place for one more address of a user: a free one, or that of an old address.
 * A user that has its number of addresses gets the place of its own one that it
 * has not used for the longest time, if the set has such a one.
 */
static struct qz_macs_slot *make_room(struct qz_macs *macs, u64 key, u32 user,
				      u32 now)
{
	bool full = macs->used[user] >= QZ_MACS_MAX;
	struct qz_macs_slot *slot = set_of(macs, key), *oldest = NULL;
	u32 i;

	for (i = 0; i < QZ_MACS_WAYS; i++, slot++) {
		if (!full && (!slot->entry || is_old(slot, now)))
			return slot;
		if (!slot->entry || user_of(slot->entry) != user || !slot->seen)
			continue;
		if (!oldest || now - slot->seen > now - oldest->seen)
			oldest = slot;
	}
	return oldest;
}

/**
 * qz_macs_learn - a user begins to use an address
 * @macs: the table; the caller serialises writers
 * @key: the address, not 0
 * @user: the user's number
 * @listed: it was given the address: it gets it from whoever has it, and keeps it
 * @now: time in seconds, not 0
 *
 * Return: false if the address is another user's, or there is no space.
 */
bool qz_macs_learn(struct qz_macs *macs, u64 key, u32 user, bool listed, u32 now)
{
	struct qz_macs_slot *slot = find(macs, key);

	if (slot && user_of(slot->entry) != user && !listed &&
	    (!is_old(slot, now) || macs->used[user] >= QZ_MACS_MAX))
		return false;
	if (!slot)
		slot = make_room(macs, key, user, now);
	if (!slot)
		return false;
	set(macs, slot, key << 16 | user, listed ? 0 : now);
	return true;
}

/* Forget a user's addresses among @n places. The caller serialises writers. */
void qz_macs_forget(struct qz_macs *macs, u32 user, u32 from, u32 n)
{
	u32 i;

	for (i = from; i < from + n && i < QZ_MACS_SLOTS; i++)
		if (user_of(macs->slots[i].entry) == user)
			set(macs, &macs->slots[i], 0, 0);
}

/* The user's next larger address, 0 if there is none. */
u64 qz_macs_next(struct qz_macs *macs, u32 user, u64 after, u32 now)
{
	u64 entry, next = 0;
	u32 i;

	for (i = 0; i < QZ_MACS_SLOTS; i++) {
		entry = READ_ONCE(macs->slots[i].entry);
		if (user_of(entry) != user || key_of(entry) <= after ||
		    is_old(&macs->slots[i], now))
			continue;
		if (!next || key_of(entry) < next)
			next = key_of(entry);
	}
	return next;
}
