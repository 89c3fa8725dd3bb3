// SPDX-License-Identifier: GPL-2.0
/*
 * The table from addresses to ports and the list by id, as ports come and go, against plain arrays; and floods against
 * what a token bucket may give.
 */
#include "fuzz.h"
#include "qhp/fabric/pure/bucket.c"
#include "qhp/fabric/pure/idlist.c"
#include "qhp/fabric/pure/mactab.c"

#define PORTS	64

static void table(struct fuzz *fuzz)
{
	u32 ports = fuzz_u8(fuzz) % PORTS, slots = qz_mactab_slots(ports);
	struct qz_mactab tab = { .mask = slots - 1, .seed = fuzz_u32(fuzz) };
	u64 keys[PORTS] = { 0 };	/* what each port's address is, if it is there */

	fuzz_check(slots && !(slots & (slots - 1)) && slots >= 2 * ports);
	tab.slots = calloc(slots, sizeof(*tab.slots));
	fuzz_check(tab.slots);
	for (int i = 0; i < 4 * PORTS && fuzz->left; i++) {
		u64 key = 1 + (fuzz_u32(fuzz) & 0xff00000f);	/* few bits: some are equal, some collide */
		u32 port = fuzz_u8(fuzz) % PORTS, has = 0;

		while (has < PORTS && keys[has] != key)
			has++;
		fuzz_check(qz_mactab_find(&tab, key) == (has < PORTS ? keys + has : NULL));
		if (keys[port]) {
			fuzz_check(qz_mactab_del(&tab, keys[port]));
			fuzz_check(!qz_mactab_find(&tab, keys[port]));
			keys[port] = 0;
		} else if (qz_mactab_has_room(&tab, 1)) {
			fuzz_check(qz_mactab_add(&tab, key, keys + port) == (has == PORTS));
			if (has == PORTS)
				keys[port] = key;
		}
	}
	for (u32 i = 0; i < PORTS; i++)
		fuzz_check(!keys[i] || qz_mactab_find(&tab, keys[i]) == keys + i);
	free(tab.slots);
}

static void list(struct fuzz *fuzz)
{
	u64 ids[PORTS], there = 0, seen = 0, id = 0;
	void *items[PORTS] = { 0 };
	struct qz_idlist l = { .max = 1 + fuzz_u8(fuzz) % PORTS, .ids = ids, .items = items };

	for (int i = 0; i < 4 * PORTS && fuzz->left; i++) {
		u32 one = 1 + fuzz_u8(fuzz) % (PORTS - 1);

		if (there >> one & 1)
			qz_idlist_del(&l, one);
		else if (l.n < l.max)
			qz_idlist_add(&l, one, items + one);
		else
			break;
		there ^= 1ULL << one;
	}
	fuzz_check(l.n <= l.max);
	for (u32 i = qz_idlist_after(&l, 0); i < l.n; i++) {
		if (!qz_idlist_at(&l, i))
			continue;
		fuzz_check(ids[i] > id && qz_idlist_at(&l, i) == items + ids[i]);
		id = ids[i];
		seen |= 1ULL << id;
		fuzz_check(qz_idlist_after(&l, id) == i + 1 && qz_idlist_after(&l, id - 1) <= i);
	}
	fuzz_check(seen == there);
}

/*
 * Never more tokens than the burst and what has come since the beginning, but for what rounding gives away: less than
 * a nanosecond's each time. What is charged comes back as a wait, never as more tokens.
 */
static void bucket(struct fuzz *fuzz)
{
	u32 rate = 1 + fuzz_u32(fuzz) % 1000000, burst = 1 + fuzz_u16(fuzz);
	u64 begin = 1ULL << 62, now = begin, taken = 0;
	struct qz_bucket bucket;

	qz_bucket_set(&bucket, rate, burst);
	for (int i = 1; i <= 64 && fuzz->left; i++) {
		u32 tokens = fuzz_u16(fuzz);

		now += fuzz_u32(fuzz);
		if (fuzz_u8(fuzz) % 2) {
			if (!qz_bucket_wait(&bucket, now)) {
				qz_bucket_charge(&bucket, now, tokens);
				taken += tokens;
				now += qz_bucket_wait(&bucket, now);
				fuzz_check(!qz_bucket_wait(&bucket, now));
			}
		} else if (qz_bucket_take(&bucket, now, tokens)) {
			taken += tokens;
		}
		fuzz_check(taken * 1e9 / rate <= burst * 1e9 / rate + (now - begin) + i);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { data, size };

	table(&fuzz);
	list(&fuzz);
	bucket(&fuzz);
	return 0;
}
