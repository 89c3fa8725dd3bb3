// SPDX-License-Identifier: GPL-2.0
/* Whose memory is seen, until when, and who pays for it. */
#define _GNU_SOURCE
#include "ktap.h"
#include "cgroup.h"
#include "fabric.h"
#include "host.h"

#include <poll.h>
#include <sys/stat.h>

/* Everything of both windows is mapped by the processors, too. */
static void fill(struct window *a, struct window *b)
{
	memset(own_of(a, 0), 'a', REGION);
	memset(own_of(b, 0), 'b', REGION);
	EXPECT(is_filled(peer_of(a, 0), 'b', REGION));
	EXPECT(is_filled(peer_of(b, 0), 'a', REGION));
}

TEST(each_end_sees_what_the_other_writes)
{
	struct window a, b;

	join_windows(&a, &b);
	EXPECT(is_filled(own_of(&a, 0), 0, REGION));
	EXPECT(is_filled(peer_of(&a, 0), 0, REGION));
	fill(&a, &b);
	memset(own_of(&a, 0), 'c', REGION);
	EXPECT(is_filled(peer_of(&b, 0), 'c', REGION));
}

TEST(revoked_reads_as_zeros_and_the_own_region_stays)
{
	struct window a, b;

	join_windows(&a, &b);
	fill(&a, &b);
	EXPECT_EQ(channel_revoke("qtc"), 0);
	EXPECT(is_filled(peer_of(&a, 0), 0, REGION));
	EXPECT(is_filled(peer_of(&b, 0), 0, REGION));
	EXPECT(is_filled(own_of(&a, 0), 'a', REGION));
	memset(own_of(&a, 0), 'c', REGION);
	EXPECT(is_filled(own_of(&a, 0), 'c', REGION));
	EXPECT(is_filled(peer_of(&b, 0), 0, REGION));
	EXPECT_EQ(slot_state(&a, 0), QHP_SLOT_REVOKED);
	EXPECT_EQ(channel_revoke("qtc"), -ENOENT);
	EXPECT_EQ(channel_ring(a.fd, 0), -ENOTCONN);
	EXPECT_EQ(channel_close(a.fd, 0), 0);
	EXPECT(is_filled(own_of(&a, 0), 0, REGION));
}

TEST(closed_reads_as_zeros_at_both_ends)
{
	struct window a, b;

	join_windows(&a, &b);
	fill(&a, &b);
	EXPECT_EQ(channel_close(b.fd, 0), 0);
	EXPECT(is_filled(peer_of(&a, 0), 0, REGION));
	EXPECT(is_filled(own_of(&a, 0), 'a', REGION));
	EXPECT(is_filled(peer_of(&b, 0), 0, REGION));
	EXPECT(is_filled(own_of(&b, 0), 0, REGION));
	EXPECT_EQ(slot_state(&a, 0), QHP_SLOT_CLOSED);
}

/* A write into a free slot goes nowhere, and is gone when the slot is used. */
TEST(slot_that_is_used_again_is_new)
{
	struct window a, b;

	join_windows(&a, &b);
	fill(&a, &b);
	for (int i = 0; i < 10; i++) {
		EXPECT_EQ(channel_close(a.fd, 0), 0);
		EXPECT_EQ(channel_close(b.fd, 0), 0);
		memset(own_of(&a, 0), 'x', 2 * REGION);
		memset(own_of(&b, 0), 'y', 2 * REGION);
		ASSERT_EQ(channel_listen(a.fd, "qtc", 0), 0);
		EXPECT(is_filled(own_of(&a, 0), 0, REGION));
		ASSERT_EQ(channel_connect(b.fd, "qtc"), 0);
		EXPECT(is_filled(own_of(&b, 0), 0, REGION));
		EXPECT(is_filled(peer_of(&b, 0), 0, REGION));
		EXPECT(is_filled(peer_of(&a, 0), 0, REGION));
		fill(&a, &b);
	}
}

TEST(smaller_region_ends_where_it_says)
{
	struct window a = { 0 }, b = { 0 };

	ASSERT_EQ(window_create("qta", 1, 4 * REGION, &a.fd), 0);
	ASSERT_EQ(window_create("qtb", 1, 2 * REGION, &b.fd), 0);
	window_map(&a);
	window_map(&b);
	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	ASSERT_EQ(channel_listen(a.fd, "qtc", REGION), 0);
	ASSERT_EQ(channel_connect(b.fd, "qtc"), 0);
	memset(own_of(&a, 0), 'a', 4 * REGION);
	EXPECT(is_filled(peer_of(&b, 0), 'a', REGION));
	EXPECT(is_filled(peer_of(&b, 0) + REGION, 0, REGION));
}

/* Killed while it writes. Its peer is told, and keeps what is its own. */
TEST(dead_peer_takes_nothing_along)
{
	struct pollfd poller = { .events = POLLIN };
	struct queztl_events events;
	struct queztl_window found;
	struct window a = window_open("qta", 1);
	pid_t child;
	int ends[2];
	char byte;

	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	ASSERT_EQ(pipe(ends), 0);
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(channel_listen(a.fd, "qtc", 0), 0);
		memset(own_of(&a, 0), 'a', REGION);
		child = fork();
		if (!child) {
			struct window b;

			close(a.fd);
			b = window_open("qtb", 1);
			ASSERT_EQ(channel_connect(b.fd, "qtc"), 0);
			memset(own_of(&b, 0), 'b', REGION);
			ASSERT_EQ(write(ends[1], "", 1), 1);
			for (int n = 0;; n++)
				memset(own_of(&b, 0), n, REGION);
		}
		ASSERT_EQ(read(ends[0], &byte, 1), 1);
		ASSERT_EQ(window_events(a.fd, &events), 0);
		kill(child, SIGKILL);
		poller.fd = a.fd;
		ASSERT_EQ(poll(&poller, 1, -1), 1);
		ASSERT_EQ(waitpid(child, NULL, 0), child);
		EXPECT_EQ(slot_state(&a, 0), QHP_SLOT_CLOSED);
		EXPECT(is_filled(peer_of(&a, 0), 0, REGION));
		EXPECT(is_filled(own_of(&a, 0), 'a', REGION));
		EXPECT_EQ(window_find("qtb", &found), -ENOENT);
		ASSERT_EQ(channel_close(a.fd, 0), 0);
	}
	EXPECT_EQ(window_find("qta", &found), 0);
	EXPECT_EQ(found.used, 0);
	EXPECT_EQ(found.memory, 0);
}

/* The descriptor may be closed; what is mapped lives on, and ends with the mapping. */
TEST(window_lives_as_long_as_it_is_mapped)
{
	struct queztl_window found;
	struct window a, b;

	join_windows(&a, &b);
	fill(&a, &b);
	close(b.fd);
	fill(&a, &b);
	EXPECT_EQ(window_find("qtb", &found), 0);
	EXPECT_EQ(found.used, 1);
	EXPECT_EQ(found.memory, REGION);
	EXPECT_EQ(munmap(b.at, b.bytes), 0);
	EXPECT_EQ(window_find("qtb", &found), -ENOENT);
	EXPECT(is_filled(peer_of(&a, 0), 0, REGION));
	EXPECT_EQ(slot_state(&a, 0), QHP_SLOT_CLOSED);
}

#define CGROUP "/sys/fs/cgroup/" FABRIC_PREFIX "little"

/* Each end pays for its own region; one that cannot is refused, and not killed. */
TEST(memory_is_charged_to_whoever_listens_or_connects)
{
	const __u32 region = 4 * 1024 * 1024;
	struct window a = { 0 }, b = { 0 };
	long long before;
	char pid[16];

	if (write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory"))
		SKIP("no memory controller");
	mkdir(CGROUP, 0755);
	ASSERT_EQ(window_create("qta", 4, region, &a.fd), 0);
	ASSERT_EQ(window_create("qtb", 4, region, &b.fd), 0);
	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	ASSERT_EQ(channel_allow("qtc", "qtb", "qta"), 0);
	ASSERT_EQ(channel_listen(a.fd, "qtc", 0), 0);

	snprintf(pid, sizeof(pid), "%d", getpid());
	ASSERT_EQ(write_text(CGROUP "/cgroup.procs", pid), 0);
	before = read_number(CGROUP "/memory.current");
	ASSERT_EQ(channel_connect(b.fd, "qtc"), 0);
	EXPECT_GE(read_number(CGROUP "/memory.current") - before, region / 2);	/* it is counted per CPU, in batches */
	EXPECT_LE(read_number(CGROUP "/memory.current") - before, region * 3 / 2);
	ASSERT_EQ(write_text(CGROUP "/memory.swap.max", "0") && errno != ENOENT, 0);
	ASSERT_EQ(write_text(CGROUP "/memory.max", "6M"), 0);
	EXPECT_EQ(channel_listen(b.fd, "qtc", 0), -ENOMEM);
	EXPECT_EQ(channel_close(b.fd, 0), 0);
	EXPECT_EQ(channel_listen(b.fd, "qtc", 0), 0);
	ASSERT_EQ(write_text("/sys/fs/cgroup/cgroup.procs", pid), 0);
	close(a.fd);
	close(b.fd);
	for (int i = 0; i < 100 && rmdir(CGROUP) && errno != ENOENT; i++)
		usleep(10000);
}
