// SPDX-License-Identifier: GPL-2.0
/* An argument that is shorter or longer than the module's own: what older and newer programs pass. */
#define _GNU_SOURCE
#include "ktap.h"
#include "calls.h"
#include "refused.h"

#include <sys/ioctl.h>

TEST(exact_size_is_taken)
{
	static char argument[ROOM];

	open_world();
	for_each_call(call) {
		memset(argument, 0xa5, sizeof(argument));
		prepare(call, argument, call->size);
		KTAP_CHECK(!ioctl(fd_of(call), call->number, argument), false, "%s: %s", call->name, strerror(errno));
		EXPECT_EQ(*(__u32 *)argument, call->size);
		for (size_t i = call->size; i < sizeof(argument); i++)
			KTAP_CHECK(argument[i] == (char)0xa5, true, "%s wrote beyond its size", call->name);
		for (int i = 0; call->reserved[i]; i++)
			KTAP_CHECK(!argument[call->reserved[i]], false, "%s: reserved is not zero", call->name);
		if (call->undo) {
			call->undo(argument);
			continue;
		}
		/* what came out may go in: it is ignored */
		if (ioctl(fd_of(call), call->number, argument))
			EXPECT_EQ(errno, ENOENT);
	}
}

TEST(longer_zero_is_taken)
{
	static char argument[ROOM];
	static const int more[] = { 1, 4, 8, 100, 1000 };

	open_world();
	for_each_call(call) {
		for (size_t m = 0; m < ARRAY_SIZE(more); m++) {
			memset(argument, 0xa5, sizeof(argument));
			prepare(call, argument, call->size + more[m]);
			KTAP_CHECK(!ioctl(fd_of(call), call->number, argument), false, "%s + %d: %s", call->name,
				   more[m], strerror(errno));
			for (size_t i = call->size; i < sizeof(argument); i++)
				KTAP_CHECK(argument[i] == (i < call->size + more[m] ? 0 : (char)0xa5), true,
					   "%s wrote what it does not know", call->name);
			if (call->undo)
				call->undo(argument);
		}
	}
}

static __u32 size_now(const struct call *call)
{
	return call->grown ? call->grown : call->size;
}

TEST(longer_nonzero_is_e2big)
{
	static char argument[ROOM];
	static const int more[] = { 1, 4, 8, 100, 1000 };

	open_world();
	for_each_call(call) {
		for (size_t m = 0; m < ARRAY_SIZE(more); m++) {
			prepare(call, argument, size_now(call) + more[m]);
			argument[size_now(call) + more[m] - 1] = 1;
			expect_refused(call, fd_of(call), call->number, argument, ROOM, E2BIG, "last byte set", more[m]);
			prepare(call, argument, size_now(call) + more[m]);
			argument[size_now(call)] = 1;
			expect_refused(call, fd_of(call), call->number, argument, ROOM, E2BIG, "first byte set", more[m]);
		}
	}
}

TEST(too_small_is_einval)
{
	static char argument[ROOM];

	open_world();
	for_each_call(call) {
		const __u32 sizes[] = { 0, 1, 4, 7, call->size - 1, call->size - 4, call->size - 8 };

		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			prepare(call, argument, call->size);
			*(__u32 *)argument = sizes[i];
			expect_refused(call, fd_of(call), call->number, argument, ROOM, EINVAL, "size", sizes[i]);
		}
	}
}

TEST(huge_is_e2big)
{
	static char argument[3 * ROOM];
	static const __u32 sizes[] = { ROOM + 1, 2 * ROOM, 0x7fffffff, 0x80000000, 0xffffffff };

	open_world();
	for_each_call(call) {
		memset(argument, 0, sizeof(argument));
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			prepare(call, argument, call->size);
			*(__u32 *)argument = sizes[i];
			expect_refused(call, fd_of(call), call->number, argument, sizeof(argument), E2BIG, "size",
				       sizes[i]);
		}
	}
}
