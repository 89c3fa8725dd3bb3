/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of KUnit that suites of pure parts use, on top of ktap.h: the same file is a KUnit suite in a kernel and a
 * program here, built with sanitizers. A case runs in a process of its own, so what it allocates ends with it.
 */
#ifndef QUEZTL_KUNIT_TEST_H
#define QUEZTL_KUNIT_TEST_H

#define KTAP_MAIN
#include "ktap.h"

#define GFP_KERNEL		0
#define MODULE_LICENSE(text)
#define MODULE_DESCRIPTION(text)
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

struct kunit {
	void *priv;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
};

struct kunit_suite {
	const char *name;
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

#define KUNIT_CASE(case_)	{ .run_case = case_, .name = #case_ }
#define KUNIT_CASE_SLOW(case_)	KUNIT_CASE(case_)

static struct kunit_suite *kunit_suite;		/* one a program */

static void kunit_run(void)
{
	struct kunit_case *case_ = kunit_suite->test_cases;
	struct kunit test = { NULL };

	while (strcmp(case_->name, ktap_running->name))
		case_++;
	if (kunit_suite->init)
		ASSERT_EQ(kunit_suite->init(&test), 0);
	case_->run_case(&test);
	if (kunit_suite->exit)
		kunit_suite->exit(&test);
}

static void kunit_register(struct kunit_suite *suite)
{
	kunit_suite = suite;
	for (struct kunit_case *case_ = suite->test_cases; case_->run_case; case_++) {
		struct ktap_test *test = calloc(1, sizeof(*test));

		*test = (struct ktap_test){ case_->name, kunit_run, KTAP_SECONDS, NULL };
		ktap_register(test);
	}
}

#define kunit_test_suite(suite_) \
	int main(int argc, char **argv) \
	{ \
		kunit_register(&(suite_)); \
		return ktap_run(argc, argv, NULL); \
	}

static inline void *kunit_kzalloc(struct kunit *test, size_t size, int gfp)
{
	(void)test;
	(void)gfp;
	return calloc(1, size);
}

static inline void kunit_kfree(struct kunit *test, const void *memory)
{
	(void)test;
	free((void *)memory);
}

static inline void *kunit_kcalloc(struct kunit *test, size_t n, size_t size, int gfp)
{
	return kunit_kzalloc(test, n * size, gfp);
}

/* What a suite expects. The types are compared as they are, as the kernel does. */
#define KUNIT_CHECK(test_, ok_, fatal_, text_, ...) do { \
	(void)(test_); \
	KTAP_CHECK(ok_, fatal_, "expected %s" __VA_ARGS__, text_); \
} while (0)
#define KUNIT_BINARY(test_, a_, op_, b_, fatal_) do { \
	__typeof__(a_) a__ = (a_); \
	__typeof__(b_) b__ = (b_); \
	(void)(test_); \
	KTAP_CHECK(a__ op_ b__, fatal_, "expected %s %s %s, got %#llx and %#llx", #a_, #op_, #b_, \
		   (unsigned long long)a__, (unsigned long long)b__); \
} while (0)
#define KUNIT_POINTERS(test_, a_, op_, b_, fatal_) do { \
	const void *a__ = (a_), *b__ = (b_); \
	(void)(test_); \
	KTAP_CHECK(a__ op_ b__, fatal_, "expected %s %s %s, got %p and %p", #a_, #op_, #b_, a__, b__); \
} while (0)
#define KUNIT_STRINGS(test_, a_, b_, fatal_) do { \
	const char *a__ = (a_), *b__ = (b_); \
	(void)(test_); \
	KTAP_CHECK(!strcmp(a__, b__), fatal_, "expected %s == %s, got \"%s\" and \"%s\"", #a_, #b_, a__, b__); \
} while (0)

#define KUNIT_EXPECT_TRUE(test_, ok_)		KUNIT_CHECK(test_, ok_, false, #ok_)
#define KUNIT_EXPECT_FALSE(test_, ok_)		KUNIT_CHECK(test_, !(ok_), false, "not " #ok_)
#define KUNIT_EXPECT_EQ(test_, a_, b_)		KUNIT_BINARY(test_, a_, ==, b_, false)
#define KUNIT_EXPECT_NE(test_, a_, b_)		KUNIT_BINARY(test_, a_, !=, b_, false)
#define KUNIT_EXPECT_LE(test_, a_, b_)		KUNIT_BINARY(test_, a_, <=, b_, false)
#define KUNIT_EXPECT_LT(test_, a_, b_)		KUNIT_BINARY(test_, a_, <, b_, false)
#define KUNIT_EXPECT_GE(test_, a_, b_)		KUNIT_BINARY(test_, a_, >=, b_, false)
#define KUNIT_EXPECT_GT(test_, a_, b_)		KUNIT_BINARY(test_, a_, >, b_, false)
#define KUNIT_EXPECT_PTR_EQ(test_, a_, b_)	KUNIT_POINTERS(test_, a_, ==, b_, false)
#define KUNIT_EXPECT_NULL(test_, p_)		KUNIT_POINTERS(test_, p_, ==, NULL, false)
#define KUNIT_EXPECT_NOT_NULL(test_, p_)	KUNIT_POINTERS(test_, p_, !=, NULL, false)
#define KUNIT_EXPECT_STREQ(test_, a_, b_)	KUNIT_STRINGS(test_, a_, b_, false)
#define KUNIT_ASSERT_TRUE(test_, ok_)		KUNIT_CHECK(test_, ok_, true, #ok_)
#define KUNIT_ASSERT_FALSE(test_, ok_)		KUNIT_CHECK(test_, !(ok_), true, "not " #ok_)
#define KUNIT_ASSERT_EQ(test_, a_, b_)		KUNIT_BINARY(test_, a_, ==, b_, true)
#define KUNIT_ASSERT_LE(test_, a_, b_)		KUNIT_BINARY(test_, a_, <=, b_, true)
#define KUNIT_ASSERT_LT(test_, a_, b_)		KUNIT_BINARY(test_, a_, <, b_, true)
#define KUNIT_ASSERT_GE(test_, a_, b_)		KUNIT_BINARY(test_, a_, >=, b_, true)
#define KUNIT_ASSERT_PTR_EQ(test_, a_, b_)	KUNIT_POINTERS(test_, a_, ==, b_, true)
#define KUNIT_ASSERT_NOT_NULL(test_, p_)	KUNIT_POINTERS(test_, p_, !=, NULL, true)

/* With a text of the caller's. */
#define KUNIT_EXPECT_EQ_MSG(test_, a_, b_, ...) do { \
	(void)(test_); \
	KTAP_CHECK((a_) == (b_), false, __VA_ARGS__); \
} while (0)
#define KUNIT_EXPECT_TRUE_MSG(test_, ok_, ...)	KUNIT_EXPECT_EQ_MSG(test_, !(ok_), 0, __VA_ARGS__)
#define KUNIT_EXPECT_FALSE_MSG(test_, ok_, ...)	KUNIT_EXPECT_EQ_MSG(test_, !(ok_), 1, __VA_ARGS__)

#endif /* QUEZTL_KUNIT_TEST_H */
