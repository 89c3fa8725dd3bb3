// SPDX-License-Identifier: GPL-2.0
/* Partners of a VM: the frequent ones stay. */

#include <kunit/test.h>

#include "../partners.c"

static const struct qz_partner *find(const struct qz_partners *partners, u64 id)
{
	unsigned int i;

	for (i = 0; i < QZ_PARTNERS; i++)
		if (partners->partner[i].id == id)
			return &partners->partner[i];
	return NULL;
}

static void both_directions_are_counted(struct kunit *test)
{
	struct qz_partners partners = {};
	const struct qz_partner *p;
	unsigned int i;

	for (i = 0; i < 5; i++)
		qz_partners_count(&partners, 7, i < 3);
	qz_partners_count(&partners, 9, true);
	p = find(&partners, 7);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, p->sent, 3);
	KUNIT_EXPECT_EQ(test, p->received, 2);
	p = find(&partners, 9);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, p->sent, 1);
	KUNIT_EXPECT_EQ(test, p->received, 0);
}

static void as_many_as_fit_are_exact(struct kunit *test)
{
	struct qz_partners partners = {};
	u64 id, i;

	for (id = 1; id <= QZ_PARTNERS; id++)
		for (i = 0; i < id; i++)
			qz_partners_count(&partners, id, false);
	for (id = 1; id <= QZ_PARTNERS; id++) {
		const struct qz_partner *p = find(&partners, id);

		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_EQ(test, p->received, id);
	}
}

/* Many that come once do not drive out one that comes often. */
static void frequent_ones_stay(struct kunit *test)
{
	struct qz_partners partners = {};
	const struct qz_partner *p;
	u64 i;

	for (i = 0; i < 1000; i++) {
		qz_partners_count(&partners, 100 + i, true);
		if (i % 4 == 0)
			qz_partners_count(&partners, 1, true);
	}
	p = find(&partners, 1);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, p->sent, 250);
}

/* Two new ones that alternate must not replace each other for ever. */
static void new_ones_get_in_and_stay(struct kunit *test)
{
	struct qz_partners partners = {};
	const struct qz_partner *p;
	u64 id, i;

	for (id = 1; id <= QZ_PARTNERS; id++)
		for (i = 0; i < 100; i++)
			qz_partners_count(&partners, id, true);
	for (i = 0; i < 100; i++)
		qz_partners_count(&partners, 50 + i % 2, false);
	for (id = 50; id < 52; id++) {
		p = find(&partners, id);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_EQ(test, p->received, 50);
		KUNIT_EXPECT_EQ(test, p->sent, 0);
		KUNIT_EXPECT_EQ(test, p->rank, 150);
	}
}

static struct kunit_case partners_cases[] = {
	KUNIT_CASE(both_directions_are_counted),
	KUNIT_CASE(as_many_as_fit_are_exact),
	KUNIT_CASE(frequent_ones_stay),
	KUNIT_CASE(new_ones_get_in_and_stay),
	{}
};

static struct kunit_suite partners_suite = {
	.name = "queztl_partners",
	.test_cases = partners_cases,
};

kunit_test_suite(partners_suite);
