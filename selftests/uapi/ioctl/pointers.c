// SPDX-License-Identifier: GPL-2.0
/* Arguments that cannot be read or written, whole or in part. */
#define _GNU_SOURCE
#include "ktap.h"
#include "calls.h"
#include "refused.h"
#include "snapshot.h"

#include <sys/ioctl.h>

TEST(bad_pointer_is_efault)
{
	char *page = mmap(NULL, ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *bad[] = { NULL, (void *)1, page, page + ROOM - 4, (void *)-1L, (void *)-ROOM, (void *)(1L << 47),
			(void *)0xffffffff81000000 };
	struct snapshot then, now;

	open_world();
	for_each_call(call) {
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
			then = take_snapshot();
			EXPECT_FAILS(ioctl(fd_of(call), call->number, bad[i]), EFAULT);
			now = take_snapshot();
			EXPECT(!memcmp(&then, &now, sizeof(now)));
		}
	}
}

/* The last bytes of the argument are on a page of another protection. */
static char *straddle(const struct call *call, char *pages, int tail, int protection)
{
	char *at = pages + ROOM - (call->size - tail);

	mprotect(pages, 2 * ROOM, PROT_READ | PROT_WRITE);
	memset(pages, 0, 2 * ROOM);
	prepare(call, at, call->size);
	if (protection == PROT_READ)
		mprotect(tail == (int)call->size ? at : pages + ROOM, ROOM, PROT_READ);
	else
		mprotect(pages + ROOM, ROOM, protection);
	return at;
}

TEST(half_unreadable_is_efault)
{
	char *pages = mmap(NULL, 2 * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	open_world();
	for_each_call(call) {
		const int tails[] = { 1, 4, call->size - 4 };

		for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
			char *at = straddle(call, pages, tails[i], PROT_NONE);

			expect_refused(call, fd_of(call), call->number, at, call->size - tails[i], EFAULT,
				       "bytes unreadable", tails[i]);
		}
	}
}

/* Nothing is written and nothing has changed: no fabric made, no descriptor left over, not even half an answer. */
TEST(read_only_is_efault)
{
	char *pages = mmap(NULL, 2 * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	open_world();
	for_each_call(call) {
		const int tails[] = { call->size, 1, 4, call->size - 4 };

		for (size_t i = 0; call->fills && i < ARRAY_SIZE(tails); i++) {
			char *at = straddle(call, pages, tails[i], PROT_READ);

			expect_refused(call, fd_of(call), call->number, at, call->size, EFAULT, "bytes read-only",
				       tails[i]);
		}
	}
	mprotect(pages, 2 * ROOM, PROT_READ | PROT_WRITE);
}
