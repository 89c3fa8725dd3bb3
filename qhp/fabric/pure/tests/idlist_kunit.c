// SPDX-License-Identifier: GPL-2.0
/* The list by rising id. */

#include <kunit/test.h>

#include "../idlist.c"

#define PLACES	64

static struct qz_idlist new_list(struct kunit *test, u32 max)
{
	struct qz_idlist list = { .max = max };

	list.ids = kunit_kcalloc(test, max, sizeof(*list.ids), GFP_KERNEL);
	list.items = kunit_kcalloc(test, max, sizeof(*list.items), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, list.ids);
	KUNIT_ASSERT_NOT_NULL(test, list.items);
	return list;
}

static void *item(u64 id)
{
	return (void *)(uintptr_t)(id + 1);
}

/* Exactly the ids of @bits, in order, each with its item; from after @id on. */
static void expect_from(struct kunit *test, const struct qz_idlist *list,
			u64 id, u64 bits)
{
	u32 i;

	for (i = qz_idlist_after(list, id); i < qz_idlist_n(list); i++) {
		if (!qz_idlist_at(list, i))
			continue;
		KUNIT_ASSERT_GE(test, list->ids[i], id + 1);
		id = list->ids[i];
		KUNIT_ASSERT_TRUE(test, bits >> id & 1);
		KUNIT_ASSERT_PTR_EQ(test, qz_idlist_at(list, i), item(id));
		bits &= ~(1ULL << id);
	}
	KUNIT_ASSERT_EQ(test, bits, 0);
}

static void empty_list_has_nothing(struct kunit *test)
{
	struct qz_idlist list = new_list(test, 1);

	KUNIT_EXPECT_EQ(test, qz_idlist_after(&list, 0), 0);
	qz_idlist_del(&list, 3);
	expect_from(test, &list, 0, 0);
}

static void any_order_ends_in_order(struct kunit *test)
{
	static const u8 orders[][4] = {
		{ 1, 2, 3, 4 }, { 4, 3, 2, 1 }, { 2, 4, 1, 3 }, { 3, 1, 4, 2 },
	};
	int i, j;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		struct qz_idlist list = new_list(test, 4);

		for (j = 0; j < 4; j++)
			qz_idlist_add(&list, orders[i][j], item(orders[i][j]));
		KUNIT_EXPECT_EQ(test, list.n, 4);
		expect_from(test, &list, 0, 0x1e);
	}
}

static void walk_goes_on_after_an_id(struct kunit *test)
{
	struct qz_idlist list = new_list(test, 8);
	u64 id;

	for (id = 2; id <= 16; id += 2)
		qz_idlist_add(&list, id, item(id));
	qz_idlist_del(&list, 8);
	expect_from(test, &list, 3, 0x15450);
	expect_from(test, &list, 4, 0x15440);
	expect_from(test, &list, 7, 0x15400);
	expect_from(test, &list, 8, 0x15400);
	expect_from(test, &list, 16, 0);
	expect_from(test, &list, U64_MAX, 0);
}

/* A list that changes for ever, but never has more than so many items. */
static void removed_places_are_used_again(struct kunit *test)
{
	struct qz_idlist list = new_list(test, 4);
	int i;

	qz_idlist_add(&list, 10, item(10));
	qz_idlist_add(&list, 20, item(20));
	for (i = 0; i < 100; i++) {
		qz_idlist_add(&list, 15, item(15));
		expect_from(test, &list, 0, 0x108400);
		qz_idlist_del(&list, 15);
		expect_from(test, &list, 0, 0x100400);
	}
	KUNIT_EXPECT_EQ(test, list.n, 3);
	qz_idlist_add(&list, 12, item(12));
	KUNIT_EXPECT_EQ(test, list.n, 3);
	expect_from(test, &list, 0, 0x101400);
}

static u32 next_random(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

static void random_changes_are_kept(struct kunit *test)
{
	struct qz_idlist list = new_list(test, PLACES);
	u32 state = 1, id;
	u64 bits = 0;
	int i;

	for (i = 0; i < 20000; i++) {
		id = 1 + next_random(&state) % 63;
		if (bits >> id & 1)
			qz_idlist_del(&list, id);
		else if (list.n < list.max)
			qz_idlist_add(&list, id, item(id));
		else
			continue;
		bits ^= 1ULL << id;
		expect_from(test, &list, 0, bits);
		expect_from(test, &list, id, bits >> id >> 1 << id << 1);
	}
}

static struct kunit_case idlist_cases[] = {
	KUNIT_CASE(empty_list_has_nothing),
	KUNIT_CASE(any_order_ends_in_order),
	KUNIT_CASE(walk_goes_on_after_an_id),
	KUNIT_CASE(removed_places_are_used_again),
	KUNIT_CASE(random_changes_are_kept),
	{}
};

static struct kunit_suite idlist_suite = {
	.name = "queztl_idlist",
	.test_cases = idlist_cases,
};

kunit_test_suite(idlist_suite);
