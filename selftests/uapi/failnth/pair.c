// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "pair.h"
#include "calls.h"

struct member *pair[2];
__u32 seed;

void expect_lan_works(void)
{
	seed += 2;
	expect_pair_works(pair[0], pair[1], seed);
}

/*
 * A guest whose memory is no two pages in a row: its rings have to be mapped. It is touched before mlockall() is told to
 * touch what is new.
 */
static struct member *join_scattered(const char *fabric, int number)
{
	struct member *member;

	ASSERT_EQ(munlockall(), 0);
	member = join(fabric, number, 0);
	madvise(member->port.memory, member->port.size, MADV_NOHUGEPAGE);
	for (int odd = 0; odd < 2; odd++)
		for (uint32_t at = odd * PAGE; at < member->port.size; at += 2 * PAGE)
			member->port.memory[at] = 1;
	ASSERT_EQ(mlockall(MCL_CURRENT | MCL_FUTURE), 0);
	return member;
}

void make_scattered_pair(void)
{
	make_fabric("qtlan");
	pair[0] = join("qtlan", 1, 0);
	pair[1] = join_scattered("qtlan", 2);
	start(pair[0], NULL);
	world.device = queztl_fd();
}

void start_victim(void)
{
	static const struct swg_options whole = { .num = 1024 };

	ASSERT_EQ(swg_reset(&pair[1]->port), 0);
	ASSERT_EQ(swg_start(&pair[1]->port, &whole), 0);
}

void expect_victim_recovers(void)
{
	start_victim();
	expect_lan_works();
}
