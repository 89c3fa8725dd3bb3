// SPDX-License-Identifier: GPL-2.0
/* The pure parts of the fabric in user space: the address table and the token bucket. */
#define KTAP_MAIN
#include "ktap.h"
#include "qhp/fabric/bucket.h"
#include "qhp/fabric/mactab.h"

#define PORTS	1024

static void *port(u64 i)
{
	return (void *)(uintptr_t)(i + 1);
}

static u64 key(u64 i)
{
	return 0x525400000000ULL + i * 0x10001;
}

TEST(every_port_is_found_and_no_other)
{
	struct qz_mactab tab = { .mask = qz_mactab_slots(PORTS) - 1, .seed = 12345 };

	tab.slots = calloc(tab.mask + 1, sizeof(*tab.slots));
	for (u64 i = 0; i < PORTS; i++)
		ASSERT(qz_mactab_add(&tab, key(i), port(i)));
	for (u64 i = 0; i < PORTS; i++)
		ASSERT(qz_mactab_find(&tab, key(i)) == port(i));
	for (u64 i = PORTS; i < 2 * PORTS; i++)
		ASSERT(!qz_mactab_find(&tab, key(i)));
	EXPECT(!qz_mactab_add(&tab, key(7), port(8)));
	free(tab.slots);
}

TEST(table_of_no_ports_finds_nothing)
{
	struct qz_mactab tab = { .mask = qz_mactab_slots(0) - 1 };

	tab.slots = calloc(tab.mask + 1, sizeof(*tab.slots));
	EXPECT(!qz_mactab_find(&tab, key(1)));
	free(tab.slots);
}

TEST(table_is_at_most_half_full)
{
	for (u32 n = 1; n <= 2 * PORTS; n++)
		ASSERT(qz_mactab_slots(n) >= 2 * n && !(qz_mactab_slots(n) & (qz_mactab_slots(n) - 1)));
}

TEST(address_is_read_in_network_order)
{
	const u8 mac[6] = { 1, 2, 3, 4, 5, 6 };

	EXPECT_EQ(qz_mac_key(mac), 0x010203040506);
}

static u32 take_all(struct qz_bucket *bucket, u64 now)
{
	u32 n = 0;

	while (qz_bucket_take(bucket, now))
		n++;
	return n;
}

TEST(bucket_holds_a_burst_and_refills_at_its_rate)
{
	struct qz_bucket bucket;
	u64 second = 1000000000, now = 100 * second;

	qz_bucket_init(&bucket, 2000, 512);
	EXPECT_EQ(take_all(&bucket, now), 512);
	EXPECT_EQ(take_all(&bucket, now), 0);
	EXPECT_EQ(take_all(&bucket, now + second / 20), 100);
	EXPECT_EQ(take_all(&bucket, now + 100 * second), 512);
}

TEST(bucket_gives_its_rate_over_time)
{
	struct qz_bucket bucket;
	u64 now = 1000000000;
	u32 n = 0;

	qz_bucket_init(&bucket, 2000, 512);
	for (u64 end = now + 10 * now; now < end; now += 123457)
		n += take_all(&bucket, now);
	EXPECT_GE(n, 20000);
	EXPECT_LE(n, 20000 + 512);
}

int main(int argc, char **argv)
{
	return ktap_run(argc, argv, NULL);
}
