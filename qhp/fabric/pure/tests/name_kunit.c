// SPDX-License-Identifier: GPL-2.0
/* What a fabric may be called. */

#include <kunit/test.h>

#include "../name.c"

/* What the ioctl hands over: QUEZTL_NAME_MAX bytes, all of them the caller's. */
static bool is_good(struct kunit *test, const char *text)
{
	char *name = kunit_kzalloc(test, QUEZTL_NAME_MAX, GFP_KERNEL);
	size_t len = strlen(text);

	KUNIT_ASSERT_NOT_NULL(test, name);
	memcpy(name, text, min_t(size_t, len, QUEZTL_NAME_MAX));
	return qz_name_is_good(name);
}

static void names_of_letters_digits_and_marks_are_good(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, is_good(test, "blue"));
	KUNIT_EXPECT_TRUE(test, is_good(test, "B"));
	KUNIT_EXPECT_TRUE(test, is_good(test, "0"));
	KUNIT_EXPECT_TRUE(test, is_good(test, "a-b_c.d"));
	KUNIT_EXPECT_TRUE(test, is_good(test, "azAZ09..--__"));
}

static void empty_name_is_bad(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, is_good(test, ""));
}

static void name_begins_with_letter_or_digit(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, is_good(test, "."));
	KUNIT_EXPECT_FALSE(test, is_good(test, ".."));
	KUNIT_EXPECT_FALSE(test, is_good(test, "-a"));
	KUNIT_EXPECT_FALSE(test, is_good(test, "_a"));
}

/* Every byte that is no letter, digit or mark, wherever it stands. */
static void no_other_byte_is_taken(struct kunit *test)
{
	char text[] = "ab";
	int c, good = 0;

	for (c = 1; c < 256; c++) {
		text[1] = c;
		good += is_good(test, text);
	}
	KUNIT_EXPECT_EQ(test, good, 26 + 26 + 10 + 3);
	KUNIT_EXPECT_FALSE(test, is_good(test, "a/b"));
	KUNIT_EXPECT_FALSE(test, is_good(test, "a b"));
	KUNIT_EXPECT_FALSE(test, is_good(test, "a%s"));
	KUNIT_EXPECT_FALSE(test, is_good(test, "a\n"));
	KUNIT_EXPECT_FALSE(test, is_good(test, "\xe9toile"));
	KUNIT_EXPECT_FALSE(test, is_good(test, "a\x80"));
}

static void name_needs_its_nul(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, is_good(test, "1234567890123456789012345678901"));
	KUNIT_EXPECT_FALSE(test, is_good(test,
					 "12345678901234567890123456789012"));
}

static struct kunit_case name_cases[] = {
	KUNIT_CASE(names_of_letters_digits_and_marks_are_good),
	KUNIT_CASE(empty_name_is_bad),
	KUNIT_CASE(name_begins_with_letter_or_digit),
	KUNIT_CASE(no_other_byte_is_taken),
	KUNIT_CASE(name_needs_its_nul),
	{}
};

static struct kunit_suite name_suite = {
	.name = "queztl_name",
	.test_cases = name_cases,
};

kunit_test_suite(name_suite);
