// SPDX-License-Identifier: GPL-2.0
/* The table from addresses to ports against a plain list, and floods against what a token bucket may give. */
#include "fuzz.h"
#include "qhp/fabric/pure/bucket.c"
#include "qhp/fabric/pure/mactab.c"

#define PORTS	64

static void table(struct fuzz *fuzz)
{
	u32 ports = fuzz_u8(fuzz) % PORTS, slots = qz_mactab_slots(ports), n = 0;
	struct qz_mactab tab = { .mask = slots - 1, .seed = fuzz_u32(fuzz) };
	u64 keys[PORTS], key;

	fuzz_check(slots && !(slots & (slots - 1)) && slots >= 2 * ports);
	tab.slots = calloc(slots, sizeof(*tab.slots));
	fuzz_check(tab.slots);
	while (n < ports) {
		key = 1 + (fuzz_u32(fuzz) & 0xff0000ff);	/* few bits: some are equal, some collide */
		if (!qz_mactab_add(&tab, key, keys + n)) {
			fuzz_check(qz_mactab_find(&tab, key));
			ports--;
			continue;
		}
		keys[n++] = key;
	}
	for (u32 i = 0; i < n; i++)
		fuzz_check(qz_mactab_find(&tab, keys[i]) == keys + i);
	for (u32 i = 0; i < 8; i++) {
		u64 *found;

		key = fuzz_u64(fuzz) >> 16;
		found = key ? qz_mactab_find(&tab, key) : NULL;
		fuzz_check(!found || *found == key);
	}
	free(tab.slots);
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
	bucket(&fuzz);
	return 0;
}
