// SPDX-License-Identifier: GPL-2.0
/* Tests that fail in every way a test can: selftests/run checks that the harness says so. */
#define KTAP_MAIN
#include "ktap.h"

TEST(passes)
{
	EXPECT_EQ(1, 1);
}

TEST(fails)
{
	EXPECT_EQ(1, 2);
}

TEST(fails_then_skips)
{
	EXPECT(0);
	SKIP("too late");
}

TEST(crashes)
{
	*(volatile int *)NULL = 1;
}

TEST_WITHIN(hangs, 1)
{
	for (;;)
		pause();
}

TEST(skips)
{
	SKIP("no reason");
}

TEST(exits_with_zero_after_a_failure)
{
	EXPECT(0);
	exit(0);
}

int main(int argc, char **argv)
{
	return ktap_run(argc, argv, NULL);
}
