// SPDX-License-Identifier: GPL-2.0
/* Who may listen and connect, and to how much. */
#define _GNU_SOURCE
#include "ktap.h"
#include "host.h"

static struct window open_unmapped(const char *name, __u32 slots, __u32 region)
{
	struct window window = { 0 };

	ASSERT_EQ(window_create(name, slots, region, &window.fd), 0);
	return window;
}

TEST(without_a_rule_nobody_may)
{
	struct window a = open_unmapped("qta", 1, REGION), b = open_unmapped("qtb", 1, REGION);

	EXPECT_EQ(channel_listen(a.fd, "qtc", 0), -EPERM);
	EXPECT_EQ(channel_connect(b.fd, "qtc"), -EPERM);
	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	/* each in its role, and under this name only */
	EXPECT_EQ(channel_listen(b.fd, "qtc", 0), -EPERM);
	EXPECT_EQ(channel_listen(a.fd, "qtd", 0), -EPERM);
	EXPECT_EQ(channel_connect(b.fd, "qtc"), -ECONNREFUSED);
	EXPECT_EQ(channel_listen(a.fd, "qtc", 0), 0);
	EXPECT_EQ(channel_connect(a.fd, "qtc"), -EPERM);
	EXPECT_EQ(channel_connect(b.fd, "qtc"), 0);
	/* one listener has one peer */
	EXPECT_EQ(channel_connect(b.fd, "qtc"), -ECONNREFUSED);
}

/* A listener that one window may use is none to a window that may only use another one. */
TEST(a_rule_is_about_two_windows)
{
	struct window a = open_unmapped("qta", 1, REGION), b = open_unmapped("qtb", 1, REGION),
		      c = open_unmapped("qtd", 1, REGION);

	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	ASSERT_EQ(channel_allow("qtc", "qte", "qtd"), 0);
	EXPECT_EQ(channel_listen(a.fd, "qtc", 0), 0);
	EXPECT_EQ(channel_connect(c.fd, "qtc"), -ECONNREFUSED);
	EXPECT_EQ(channel_connect(b.fd, "qtc"), 0);
}

TEST(deny_cuts_what_no_other_rule_allows)
{
	struct queztl_channel found;
	struct window a, b;

	join_windows(&a, &b);
	ASSERT_EQ(channel_allow("qtd", "qta", "qtb"), 0);
	EXPECT_EQ(channel_listen(a.fd, "qtd", 0), 1);
	memset(own_of(&a, 0), 1, REGION);
	EXPECT(is_filled(peer_of(&b, 0), 1, REGION));
	EXPECT_EQ(channel_deny("qtc", "qtb", "qta"), -ENOENT);
	EXPECT_EQ(channel_deny("qtc", "qta", "qtb"), 0);
	EXPECT(is_filled(peer_of(&b, 0), 0, REGION));
	EXPECT_EQ(channel_find("qtc", &found), -ENOENT);
	EXPECT_EQ(channel_find("qtd", &found), 0);
	EXPECT_EQ(slot_state(&a, 1), QHP_SLOT_LISTENING);
	EXPECT_EQ(slot_state(&a, 0), QHP_SLOT_REVOKED);
	EXPECT_EQ(slot_state(&b, 0), QHP_SLOT_REVOKED);
	EXPECT_EQ(channel_deny("qtd", "qta", "qtb"), 0);
	EXPECT_EQ(slot_state(&a, 1), QHP_SLOT_REVOKED);
	EXPECT_EQ(channel_deny("qtd", "qta", "qtb"), -ENOENT);
	EXPECT_EQ(channel_connect(b.fd, "qtd"), -EPERM);
}

TEST(names_and_rules_are_taken_once)
{
	struct window a = open_unmapped("qta", 2, REGION), b = open_unmapped("qtb", 2, REGION);
	int fd;

	EXPECT_EQ(window_create("qta", 1, REGION, &fd), -EEXIST);
	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	EXPECT_EQ(channel_allow("qtc", "qta", "qtb"), -EEXIST);
	ASSERT_EQ(channel_allow("qtc", "qtb", "qta"), 0);
	EXPECT_EQ(channel_listen(a.fd, "qtc", 0), 0);
	EXPECT_EQ(channel_listen(a.fd, "qtc", 0), -EADDRINUSE);
	EXPECT_EQ(channel_listen(b.fd, "qtc", 0), -EADDRINUSE);
	close(a.fd);
	EXPECT_EQ(channel_listen(b.fd, "qtc", 0), 0);
	EXPECT_EQ(window_create("qta", 1, REGION, &fd), 0);
}

TEST(values_out_of_range_are_einval)
{
	static const __u32 regions[] = { 0, 1, 4096, REGION - 1, REGION + 4096, 3 * REGION, 2 * QHP_REGION_MAX, ~0u };
	static const char *const names[] = { "", "-qt", "q t", "qt/", "qt\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	struct window a = open_unmapped("qta", 1, 2 * REGION);
	int fd;

	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	for (size_t i = 0; i < sizeof(regions) / sizeof(*regions); i++) {
		EXPECT_EQ(window_create("qtb", 1, regions[i], &fd), -EINVAL);
		if (regions[i])
			EXPECT_EQ(channel_listen(a.fd, "qtc", regions[i]), -EINVAL);
	}
	EXPECT_EQ(channel_listen(a.fd, "qtc", 4 * REGION), -EINVAL);
	EXPECT_EQ(window_create("qtb", 0, REGION, &fd), -EINVAL);
	EXPECT_EQ(window_create("qtb", QHP_SLOTS_MAX + 1, REGION, &fd), -EINVAL);
	EXPECT_EQ(window_create("qtb", ~0u, REGION, &fd), -EINVAL);
	/* the last one is cut off to a name that is too long by one: it has no NUL */
	for (size_t i = 0; i + 1 < sizeof(names) / sizeof(*names); i++) {
		EXPECT_EQ(window_create(names[i], 1, REGION, &fd), -EINVAL);
		EXPECT_EQ(channel_listen(a.fd, names[i], 0), -EINVAL);
		EXPECT_EQ(channel_connect(a.fd, names[i]), -EINVAL);
		EXPECT_EQ(channel_allow(names[i], "qta", "qtb"), -EINVAL);
		EXPECT_EQ(channel_allow("qtc", names[i], "qtb"), -EINVAL);
		EXPECT_EQ(channel_allow("qtc", "qta", names[i]), -EINVAL);
		EXPECT_EQ(channel_deny("qtc", "qta", names[i]), -EINVAL);
	}
	EXPECT_EQ(channel_listen(a.fd, "qtc", REGION), 0);
}

/* The listener says how large; what does not fit is refused, and takes no slot. */
TEST(window_without_room_is_refused)
{
	struct window a = open_unmapped("qta", 3, 4 * REGION), b = open_unmapped("qtb", 1, REGION);

	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	ASSERT_EQ(channel_listen(a.fd, "qtc", 2 * REGION), 0);
	EXPECT_EQ(channel_connect(b.fd, "qtc"), -EMSGSIZE);
	EXPECT_EQ(channel_close(a.fd, 0), 0);
	ASSERT_EQ(channel_listen(a.fd, "qtc", REGION), 0);
	EXPECT_EQ(channel_connect(b.fd, "qtc"), 0);
	ASSERT_EQ(channel_listen(a.fd, "qtc", REGION), 1);
	EXPECT_EQ(channel_connect(b.fd, "qtc"), -ENOSPC);
	EXPECT_EQ(channel_close(b.fd, 0), 0);
	EXPECT_EQ(channel_close(b.fd, 0), -ENOENT);
	EXPECT_EQ(channel_close(b.fd, 1), -ENOENT);
	EXPECT_EQ(channel_connect(b.fd, "qtc"), 0);
	ASSERT_EQ(channel_listen(a.fd, "qtc", REGION), 2);
	EXPECT_EQ(channel_close(a.fd, 0), 0);
	EXPECT_EQ(channel_close(a.fd, 2), 0);
	ASSERT_EQ(channel_listen(a.fd, "qtc", REGION), 0);
	EXPECT_EQ(channel_close(a.fd, 0), 0);
	EXPECT_EQ(channel_listen(a.fd, "qtc", REGION), 0);
}

TEST(window_joined_to_itself)
{
	struct window a = window_open("qta", 2);

	ASSERT_EQ(channel_allow("qtc", "qta", "qta"), 0);
	ASSERT_EQ(channel_listen(a.fd, "qtc", 0), 0);
	ASSERT_EQ(channel_connect(a.fd, "qtc"), 1);
	memset(own_of(&a, 0), 1, REGION);
	memset(own_of(&a, 1), 2, REGION);
	EXPECT(is_filled(peer_of(&a, 0), 2, REGION));
	EXPECT(is_filled(peer_of(&a, 1), 1, REGION));
	EXPECT_EQ(channel_ring(a.fd, 0), 0);
	EXPECT_EQ(channel_close(a.fd, 1), 0);
	EXPECT(is_filled(peer_of(&a, 0), 0, REGION));
	EXPECT(is_filled(own_of(&a, 0), 1, REGION));
}
