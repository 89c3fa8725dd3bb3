// SPDX-License-Identifier: GPL-2.0
/* Calls on channels that are in use, eventfds, large windows, and what their owners map. */
#define _GNU_SOURCE
#include "ktap.h"
#include "calls.h"
#include "channel/host.h"
#include "fabric.h"
#include "inject.h"
#include "snapshot.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#define LARGE	(1024 * 1024)	/* a region whose list of pages is more than a page */

static struct window a, b;
static struct snapshot ready, idle;

static void open_both(__u32 slots, __u32 region)
{
	world.device = queztl_fd();
	ASSERT_EQ(window_create("qta", slots, region, &a.fd), 0);
	ASSERT_EQ(window_create("qtb", slots, region, &b.fd), 0);
	window_map(&a);
	window_map(&b);
}

/* ---- channels that are cut while both ends have them mapped ---- */

/* A slot that is not connected is closed, and connected anew. */
static void prepare_connected(void)
{
	int r = channel_allow("qtc", "qta", "qtb");

	ASSERT(!r || r == -EEXIST);
	if (slot_state(&a, 0) != QHP_SLOT_CONNECTED) {
		channel_close(a.fd, 0);
		channel_close(b.fd, 0);
		ASSERT_EQ(channel_listen(a.fd, "qtc", 0), 0);
		ASSERT_EQ(channel_connect(b.fd, "qtc"), 0);
	}
	memset(own_of(&a, 0), 'a', REGION);
	memset(own_of(&b, 0), 'b', REGION);
	EXPECT(is_filled(peer_of(&a, 0), 'b', REGION));
	EXPECT(is_filled(peer_of(&b, 0), 'a', REGION));
	ready = take_snapshot();
}

static void expect_still_connected(void)
{
	EXPECT_EQ(slot_state(&a, 0), QHP_SLOT_CONNECTED);
	EXPECT_EQ(slot_state(&b, 0), QHP_SLOT_CONNECTED);
	EXPECT(is_filled(peer_of(&a, 0), 'b', REGION));
	EXPECT(is_filled(peer_of(&b, 0), 'a', REGION));
	EXPECT_EQ(channel_ring(a.fd, 0), 0);
	expect_unchanged("a channel that was to be cut", ready);
}

static void expect_cut(void)
{
	EXPECT_NE(slot_state(&b, 0), QHP_SLOT_CONNECTED);
	EXPECT(is_filled(peer_of(&a, 0), 0, REGION));
	EXPECT(is_filled(peer_of(&b, 0), 0, REGION));
	EXPECT_EQ(channel_ring(b.fd, 0), -ENOTCONN);
}

static int close_it(void)
{
	return channel_close(a.fd, 0);
}

/* What finds the channel is no part of the call. */
static struct queztl_channel found;

static void prepare_to_revoke(void)
{
	prepare_connected();
	ASSERT_EQ(channel_find("qtc", &found), 0);
}

static int revoke_it(void)
{
	struct queztl_channel_revoke_args revoke = { .size = sizeof(revoke), .id = found.id };

	return ioctl(world.device, QUEZTL_CHANNEL_REVOKE, &revoke) ? -errno : 0;
}

static int deny_it(void)
{
	return channel_deny("qtc", "qta", "qtb");
}

TEST_WITHIN(channels_in_use_are_cut, 120)
{
	static const struct sweep sweeps[] = {
		{ .name = "QUEZTL_CHANNEL_CLOSE, connected", .prepare = prepare_connected, .call = close_it },
		{ .name = "QUEZTL_CHANNEL_REVOKE, connected", .prepare = prepare_to_revoke, .call = revoke_it },
		{ .name = "QUEZTL_CHANNEL_DENY, connected", .prepare = prepare_connected, .call = deny_it },
	};

	inject_or_skip();
	open_both(1, REGION);
	for (size_t i = 0; i < ARRAY_SIZE(sweeps); i++) {
		struct sweep sweep = sweeps[i];

		sweep.failed = expect_still_connected;
		sweep.succeeded = expect_cut;
		EXPECT_GE(inject_sweep(&sweep), 1);
	}
}

/* ---- eventfds ---- */

static int kicks[2], signals[2];	/* those that the slot has, and those that it would get */

static void signal_it(int fd)
{
	ASSERT_EQ(eventfd_write(fd, 1), 0);
}

static eventfd_t count_of(int fd, int ms)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	eventfd_t count = 0;

	if (poll(&poller, 1, ms) == 1)
		ASSERT_EQ(eventfd_read(fd, &count), 0);
	return count;
}

static int set_bells(void)
{
	return window_bell(a.fd, 0, kicks[1], signals[1]);
}

static void prepare_bells(void)
{
	ASSERT_EQ(window_bell(a.fd, 0, kicks[0], signals[0]), 0);
	ready = take_snapshot();
}

/* A kick of the one it has rings b, and b's ring comes by the one it has. */
static void expect_bells(int which)
{
	struct queztl_events events;
	int peer = eventfd(0, EFD_CLOEXEC);

	ASSERT_EQ(window_events(b.fd, &events), 0);
	ASSERT_EQ(window_bell(b.fd, 0, -1, peer), 0);
	signal_it(kicks[which]);
	EXPECT_EQ(count_of(peer, 3000 * ktap_factor()), 1);
	signal_it(kicks[!which]);
	EXPECT_EQ(count_of(peer, 20), 0);
	EXPECT_EQ(channel_ring(b.fd, 0), 0);
	EXPECT_EQ(count_of(signals[which], 3000 * ktap_factor()), 1);
	EXPECT_EQ(count_of(signals[!which], 0), 0);
	/* what was signalled is forgotten, so that it rings nobody when it is set */
	count_of(kicks[!which], 0);
	count_of(kicks[which], 0);
	ASSERT_EQ(window_bell(b.fd, 0, -1, -1), 0);
	close(peer);
}

static void bells_failed(void)
{
	expect_unchanged("QUEZTL_WINDOW_BELL", ready);
	expect_bells(0);
}

static void bells_succeeded(void)
{
	expect_bells(1);
}

TEST(eventfds_of_a_slot)
{
	const struct sweep sweep = { .name = "QUEZTL_WINDOW_BELL, two eventfds", .prepare = prepare_bells,
				     .call = set_bells, .failed = bells_failed, .succeeded = bells_succeeded };

	inject_or_skip();
	open_both(1, REGION);
	prepare_connected();
	for (int i = 0; i < 2; i++) {
		kicks[i] = eventfd(0, EFD_CLOEXEC);
		signals[i] = eventfd(0, EFD_CLOEXEC);
	}
	EXPECT_GE(inject_sweep(&sweep), 1);
}

/* ---- what takes more memory than the table's calls ---- */

static struct window made;

static int create_large(void)
{
	return window_create("qtwnew", QHP_SLOTS_MAX, QHP_REGION_MAX, &made.fd);
}

static void expect_idle(void)
{
	expect_unchanged("a failed call", idle);
}

static void large_created(void)
{
	window_map(&made);
	EXPECT_EQ(directory_of(&made)->slots, QHP_SLOTS_MAX);
	EXPECT_EQ(slot_state(&made, QHP_SLOTS_MAX - 1), QHP_SLOT_FREE);
	window_close(&made);
	expect_idle();
}

TEST(window_of_the_largest_size)
{
	const struct sweep sweep = { .name = "QUEZTL_WINDOW_CREATE, 64 slots", .call = create_large,
				     .failed = expect_idle, .succeeded = large_created };

	inject_or_skip();
	world.device = queztl_fd();
	idle = take_snapshot();
	EXPECT_GE(inject_sweep(&sweep), 8);
}

static int listen_large(void)
{
	int slot = channel_listen(a.fd, "qtc", LARGE);

	return slot < 0 ? slot : 0;
}

/* The peer gets all of it. */
static void large_listens(void)
{
	ASSERT_EQ(channel_connect(b.fd, "qtc"), 0);
	memset(own_of(&a, 0), 'a', LARGE);
	EXPECT(is_filled(peer_of(&b, 0), 'a', LARGE));
	EXPECT_EQ(channel_close(b.fd, 0), 0);
	EXPECT_EQ(channel_close(a.fd, 0), 0);
	expect_idle();
}

static int connect_large(void)
{
	return channel_connect(b.fd, "qtc");
}

/* Somebody else may still connect. */
static void connect_failed(void)
{
	EXPECT_EQ(slot_state(&a, 0), QHP_SLOT_LISTENING);
	expect_unchanged("QUEZTL_CHANNEL_CONNECT", ready);
}

static void prepare_listener(void)
{
	if (slot_state(&a, 0) == QHP_SLOT_FREE)
		ASSERT_EQ(channel_listen(a.fd, "qtc", LARGE), 0);
	ready = take_snapshot();
}

static void connected(void)
{
	memset(own_of(&b, 0), 'b', LARGE);
	EXPECT(is_filled(peer_of(&a, 0), 'b', LARGE));
	EXPECT_EQ(channel_close(b.fd, 0), 0);
	EXPECT_EQ(channel_close(a.fd, 0), 0);
	expect_idle();
}

TEST_WITHIN(regions_of_many_pages, 300)
{
	const struct sweep listening = { .name = "QUEZTL_CHANNEL_LISTEN, 256 pages", .call = listen_large,
					 .failed = expect_idle, .succeeded = large_listens };
	const struct sweep connecting = { .name = "QUEZTL_CHANNEL_CONNECT, 256 pages",
					  .prepare = prepare_listener, .call = connect_large,
					  .failed = connect_failed, .succeeded = connected };

	inject_or_skip();
	open_both(1, LARGE);
	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	idle = take_snapshot();
	EXPECT_GE(inject_sweep(&listening), LARGE / getpagesize());
	EXPECT_GE(inject_sweep(&connecting), LARGE / getpagesize());
}

/* ---- mappings ---- */

#define MAPS	8	/* at most, of a window */

static char *second;

static int map_it(void)
{
	second = mmap(NULL, b.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, b.fd, 0);
	return second == MAP_FAILED ? -errno : 0;
}

static void mapped(void)
{
	EXPECT(is_filled(second + (peer_of(&b, 0) - b.at), 'a', REGION));
	ASSERT_EQ(munmap(second, b.bytes), 0);
}

/* One that failed does not count as one. */
static void expect_all_maps(void)
{
	char *maps[MAPS] = { b.at };

	for (int i = 1; i < MAPS; i++) {
		maps[i] = mmap(NULL, b.bytes, PROT_READ, MAP_SHARED, b.fd, 0);
		EXPECT(maps[i] != MAP_FAILED);
	}
	EXPECT_FAILS(mmap(NULL, b.bytes, PROT_READ, MAP_SHARED, b.fd, 0), EMFILE);
	for (int i = 1; i < MAPS; i++)
		ASSERT_EQ(munmap(maps[i], b.bytes), 0);
}

TEST(mapping_of_a_window)
{
	const struct sweep sweep = { .name = "mmap of a window", .call = map_it, .failed = expect_all_maps,
				     .succeeded = mapped };

	inject_or_skip();
	open_both(1, REGION);
	prepare_connected();
	EXPECT_GE(inject_sweep(&sweep), 2);
	expect_all_maps();
}

/* Far from all other mappings, so that it shares no page table with them. */
#define FAR	((char *)(1ull << 36))

static void prepare_fresh(void)
{
	second = mmap(FAR, b.bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, b.fd, 0);
	ASSERT_EQ(second, FAR);
	second += peer_of(&b, 0) - b.at;
}

static char seen;

/* A fault without memory is tried again: nobody sees what is not there. */
static int read_fresh(void)
{
	seen = *(volatile char *)second;
	return 0;
}

static void unmap_fresh(void)
{
	ASSERT_EQ(munmap(second - (peer_of(&b, 0) - b.at), b.bytes), 0);
}

static void was_read(void)
{
	EXPECT_EQ(seen, 'a');
	unmap_fresh();
}

static int write_fresh(void)
{
	*(volatile char *)second = 'x';
	return 0;
}

static void was_written(void)
{
	EXPECT_EQ(*(volatile char *)second, 'x');
	EXPECT(is_filled(own_of(&a, 0), 'a', REGION));
	unmap_fresh();
}

static char *own;

static void prepare_own(void)
{
	prepare_fresh();
	own = second + (own_of(&b, 0) - peer_of(&b, 0));
}

static int write_own(void)
{
	*(volatile char *)own = 'w';
	return 0;
}

static void own_was_written(void)
{
	EXPECT_EQ(*peer_of(&a, 0), 'w');
	unmap_fresh();
}

/* At the first touch of a mapping page tables are made. */
TEST_WITHIN(page_faults_of_a_window, 120)
{
	static const struct sweep sweeps[] = {
		{ .name = "read of the peer's region", .prepare = prepare_fresh, .call = read_fresh,
		  .succeeded = was_read },
		{ .name = "write to the peer's region", .prepare = prepare_fresh, .call = write_fresh,
		  .succeeded = was_written },
		{ .name = "write to the own region", .prepare = prepare_own, .call = write_own,
		  .succeeded = own_was_written },
	};

	inject_or_skip();
	open_both(1, REGION);
	prepare_connected();
	for (size_t i = 0; i < ARRAY_SIZE(sweeps); i++)
		EXPECT_GE(inject_sweep(&sweeps[i]), 1);
}
