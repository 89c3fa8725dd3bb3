// SPDX-License-Identifier: GPL-2.0
/* The table of Ethernet addresses. */

#include <kunit/test.h>

#include "../mactab.c"

#define PORTS	1024

static void *port(u64 i)
{
	return (void *)(uintptr_t)(i + 1);
}

static u64 key(u64 i)
{
	return 0x525400000000ULL + i * 0x10001;
}

static struct qz_mactab new_table(struct kunit *test, u32 ports, u32 seed)
{
	u32 slots = qz_mactab_slots(ports);
	struct qz_mactab tab = { .mask = slots - 1, .seed = seed };

	tab.slots = kunit_kcalloc(test, slots, sizeof(*tab.slots), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, tab.slots);
	return tab;
}

static void every_port_is_found_and_no_other(struct kunit *test)
{
	struct qz_mactab tab = new_table(test, PORTS, 12345);
	u64 i;

	for (i = 0; i < PORTS; i++)
		KUNIT_ASSERT_TRUE(test, qz_mactab_add(&tab, key(i), port(i)));
	for (i = 0; i < PORTS; i++)
		KUNIT_ASSERT_PTR_EQ(test, qz_mactab_find(&tab, key(i)), port(i));
	for (i = PORTS; i < 2 * PORTS; i++)
		KUNIT_ASSERT_PTR_EQ(test, qz_mactab_find(&tab, key(i)), NULL);
}

static void an_address_is_one_ports(struct kunit *test)
{
	struct qz_mactab tab = new_table(test, 2, 1);

	KUNIT_EXPECT_TRUE(test, qz_mactab_add(&tab, key(7), port(7)));
	KUNIT_EXPECT_FALSE(test, qz_mactab_add(&tab, key(7), port(8)));
	KUNIT_EXPECT_PTR_EQ(test, qz_mactab_find(&tab, key(7)), port(7));
}

/* All keys in the same slot: found by walking, also over the table's end. */
static void collisions_are_walked_over(struct kunit *test)
{
	struct qz_mactab tab = new_table(test, 4, 99);
	u64 keys[4], k = 0;
	u32 n = 0, i;

	while (n < 4)
		if (hash_key(&tab, ++k) == tab.mask)
			keys[n++] = k;
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, qz_mactab_add(&tab, keys[i], port(i)));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_PTR_EQ(test, qz_mactab_find(&tab, keys[i]), port(i));
	KUNIT_EXPECT_NULL(test, qz_mactab_find(&tab, keys[3]));
}

static void removed_address_is_not_found(struct kunit *test)
{
	struct qz_mactab tab = new_table(test, PORTS, 7);
	u64 i;

	for (i = 0; i < PORTS; i++)
		KUNIT_ASSERT_TRUE(test, qz_mactab_add(&tab, key(i), port(i)));
	for (i = 0; i < PORTS; i += 2)
		KUNIT_ASSERT_TRUE(test, qz_mactab_del(&tab, key(i)));
	for (i = 0; i < PORTS; i++)
		KUNIT_ASSERT_PTR_EQ(test, qz_mactab_find(&tab, key(i)),
				    i % 2 ? port(i) : NULL);
	KUNIT_EXPECT_FALSE(test, qz_mactab_del(&tab, key(0)));
	KUNIT_EXPECT_FALSE(test, qz_mactab_del(&tab, key(PORTS)));
}

/* A reader who has compared a key must not find another's port behind it. */
static void slot_of_a_removed_address_is_nobody_elses(struct kunit *test)
{
	struct qz_mactab tab = new_table(test, PORTS, 3);
	struct qz_mactab_slot *slot;
	u64 i;

	KUNIT_ASSERT_TRUE(test, qz_mactab_add(&tab, key(0), port(0)));
	slot = find_slot(&tab, key(0));
	KUNIT_ASSERT_TRUE(test, qz_mactab_del(&tab, key(0)));
	for (i = 1; i < PORTS; i++)
		KUNIT_ASSERT_TRUE(test, qz_mactab_add(&tab, key(i), port(i)));
	KUNIT_EXPECT_EQ(test, slot->key, key(0));
	KUNIT_EXPECT_NULL(test, slot->port);
	KUNIT_EXPECT_EQ(test, tab.used, PORTS);
	KUNIT_ASSERT_TRUE(test, qz_mactab_add(&tab, key(0), port(9)));
	KUNIT_EXPECT_PTR_EQ(test, slot->port, port(9));
	KUNIT_EXPECT_EQ(test, tab.used, PORTS);
}

static void removed_addresses_take_room(struct kunit *test)
{
	struct qz_mactab tab = new_table(test, 8, 1);
	u64 i;

	for (i = 0; qz_mactab_has_room(&tab, 1); i++) {
		KUNIT_ASSERT_TRUE(test, qz_mactab_add(&tab, key(i), port(i)));
		KUNIT_ASSERT_TRUE(test, qz_mactab_del(&tab, key(i)));
	}
	KUNIT_EXPECT_EQ(test, i, 8);
}

static void table_of_no_ports_finds_nothing(struct kunit *test)
{
	struct qz_mactab tab = new_table(test, 0, 0);

	KUNIT_EXPECT_NULL(test, qz_mactab_find(&tab, key(1)));
}

static void table_is_at_most_half_full(struct kunit *test)
{
	u32 n, slots;

	for (n = 1; n <= 2 * PORTS; n++) {
		slots = qz_mactab_slots(n);
		KUNIT_ASSERT_GE(test, slots, 2 * n);
		KUNIT_ASSERT_EQ(test, slots & (slots - 1), 0);
	}
}

static void seeds_move_addresses(struct kunit *test)
{
	struct qz_mactab a = new_table(test, PORTS, 1);
	struct qz_mactab b = new_table(test, PORTS, 2);
	u32 moved = 0;
	u64 i;

	for (i = 0; i < PORTS; i++)
		moved += hash_key(&a, key(i)) != hash_key(&b, key(i));
	KUNIT_EXPECT_GE(test, moved, PORTS / 2);
}

static void address_is_read_in_network_order(struct kunit *test)
{
	const u8 mac[6] = { 0xf1, 2, 3, 4, 5, 0xf6 };

	KUNIT_EXPECT_EQ(test, qz_mac_key(mac), 0xf102030405f6ULL);
}

static struct kunit_case mactab_cases[] = {
	KUNIT_CASE(every_port_is_found_and_no_other),
	KUNIT_CASE(an_address_is_one_ports),
	KUNIT_CASE(collisions_are_walked_over),
	KUNIT_CASE(removed_address_is_not_found),
	KUNIT_CASE(slot_of_a_removed_address_is_nobody_elses),
	KUNIT_CASE(removed_addresses_take_room),
	KUNIT_CASE(table_of_no_ports_finds_nothing),
	KUNIT_CASE(table_is_at_most_half_full),
	KUNIT_CASE(seeds_move_addresses),
	KUNIT_CASE(address_is_read_in_network_order),
	{}
};

static struct kunit_suite mactab_suite = {
	.name = "queztl_mactab",
	.test_cases = mactab_cases,
};

kunit_test_suite(mactab_suite);
