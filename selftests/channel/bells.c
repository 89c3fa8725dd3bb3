// SPDX-License-Identifier: GPL-2.0
/* Eventfds that ring a peer, and that are signalled when a peer rings. */
#define _GNU_SOURCE
#include "ktap.h"
#include "host.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

/* ms in which what must happen has happened, on a slow host */
#define SOON	(3000 * ktap_factor())

static struct window a, b;

static int new_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	ASSERT_GE(fd, 0);
	return fd;
}

static void signal_it(int fd)
{
	const uint64_t one = 1;

	ASSERT_EQ(write(fd, &one, sizeof(one)), sizeof(one));
}

/* How often it was signalled; 0: not within @ms milliseconds. */
static uint64_t count_of(int fd, int ms)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	uint64_t count = 0;

	if (poll(&poller, 1, ms) == 1)
		ASSERT_EQ(read(fd, &count, sizeof(count)), sizeof(count));
	return count;
}

static struct queztl_events events_of(const struct window *window)
{
	struct queztl_events events;

	ASSERT_EQ(window_events(window->fd, &events), 0);
	return events;
}

TEST(signal_of_a_kick_rings_the_peer)
{
	int kick = new_eventfd(), call = new_eventfd();

	join_windows(&a, &b);
	ASSERT_EQ(window_bell(a.fd, 0, kick, -1), 0);
	ASSERT_EQ(window_bell(b.fd, 0, -1, call), 0);
	events_of(&b);
	for (int i = 0; i < 100; i++) {
		signal_it(kick);
		ASSERT_EQ(count_of(call, SOON), 1);
	}
	EXPECT_EQ(events_of(&b).rung, 1);
	EXPECT_EQ(events_of(&a).rung, 0);
}

TEST(call_by_a_peer_signals)
{
	int call = new_eventfd();

	join_windows(&a, &b);
	ASSERT_EQ(window_bell(b.fd, 0, -1, call), 0);
	ASSERT_EQ(channel_ring(a.fd, 0), 0);
	EXPECT_EQ(count_of(call, SOON), 1);
	ASSERT_EQ(channel_ring(b.fd, 0), 0);
	EXPECT_EQ(count_of(call, 0), 0);
}

TEST(kick_that_came_early_is_not_lost)
{
	int kick = new_eventfd(), call = new_eventfd();

	join_windows(&a, &b);
	signal_it(kick);
	ASSERT_EQ(window_bell(b.fd, 0, -1, call), 0);
	ASSERT_EQ(window_bell(a.fd, 0, kick, -1), 0);
	EXPECT_EQ(count_of(call, SOON), 1);
}

TEST(changes_are_signalled_to_who_did_not_make_them)
{
	int changes = new_eventfd();

	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	a = window_open("qta", 2);
	b = window_open("qtb", 2);
	ASSERT_EQ(window_bell(a.fd, QUEZTL_BELL_CHANGES, -1, changes), 0);
	ASSERT_EQ(channel_listen(a.fd, "qtc", 0), 0);
	EXPECT_EQ(count_of(changes, 0), 0);
	ASSERT_EQ(channel_connect(b.fd, "qtc"), 0);
	EXPECT_EQ(count_of(changes, SOON), 1);
	ASSERT_EQ(channel_close(b.fd, 0), 0);
	EXPECT_EQ(count_of(changes, SOON), 1);
	ASSERT_EQ(channel_close(a.fd, 0), 0);
	EXPECT_EQ(count_of(changes, 0), 0);
}

TEST(bells_are_replaced_and_taken_away)
{
	int kicks[] = { new_eventfd(), new_eventfd() }, calls[] = { new_eventfd(), new_eventfd() };

	join_windows(&a, &b);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(window_bell(a.fd, 0, kicks[i], -1), 0);
		ASSERT_EQ(window_bell(b.fd, 0, -1, calls[i]), 0);
	}
	signal_it(kicks[0]);
	EXPECT_EQ(count_of(calls[1], 20), 0);
	signal_it(kicks[1]);
	EXPECT_EQ(count_of(calls[1], SOON), 1);
	EXPECT_EQ(count_of(calls[0], 0), 0);
	ASSERT_EQ(window_bell(a.fd, 0, -1, -1), 0);
	signal_it(kicks[1]);
	EXPECT_EQ(count_of(calls[1], 20), 0);
}

/* And with the next peer they work again. */
TEST(bells_stay_when_a_channel_closes)
{
	int kick = new_eventfd(), call = new_eventfd();

	join_windows(&a, &b);
	ASSERT_EQ(window_bell(a.fd, 0, kick, -1), 0);
	ASSERT_EQ(window_bell(b.fd, 0, -1, call), 0);
	ASSERT_EQ(channel_close(a.fd, 0), 0);
	signal_it(kick);
	EXPECT_EQ(count_of(call, 20), 0);
	ASSERT_EQ(channel_close(b.fd, 0), 0);
	ASSERT_EQ(channel_listen(a.fd, "qtc", 0), 0);
	ASSERT_EQ(channel_connect(b.fd, "qtc"), 0);
	signal_it(kick);
	EXPECT_EQ(count_of(call, SOON), 1);
}

TEST(bells_that_cannot_be_are_refused)
{
	int pipes[2], fd = new_eventfd();

	a = window_open("qta", 2);
	ASSERT_EQ(pipe(pipes), 0);
	EXPECT_EQ(window_bell(a.fd, 2, fd, -1), -ENOENT);
	EXPECT_EQ(window_bell(a.fd, 0, 1000000, -1), -EBADF);
	EXPECT_EQ(window_bell(a.fd, 0, -1, -2), -EBADF);
	EXPECT_EQ(window_bell(a.fd, 0, pipes[0], -1), -EINVAL);
	EXPECT_EQ(window_bell(a.fd, 0, -1, pipes[0]), -EINVAL);
	EXPECT_EQ(window_bell(a.fd, QUEZTL_BELL_CHANGES, fd, -1), -EINVAL);
	EXPECT_EQ(window_bell(a.fd, QUEZTL_BELL_CHANGES, -1, fd), 0);
}

/* Two owners who agree could have a CPU do nothing else but ring. */
TEST(bells_that_ring_each_other_are_quiet)
{
	int both[] = { new_eventfd(), new_eventfd() };
	uint64_t rung;

	join_windows(&a, &b);
	ASSERT_EQ(window_bell(a.fd, 0, both[0], both[0]), 0);
	ASSERT_EQ(window_bell(b.fd, 0, both[1], both[1]), 0);
	signal_it(both[0]);
	usleep(20000);
	rung = count_of(both[0], 0) + count_of(both[1], 0);
	EXPECT_GE(rung, 2);	/* this one, and the peer's */
	EXPECT_LE(rung, 3);
	usleep(20000);
	EXPECT_EQ(count_of(both[0], 0) + count_of(both[1], 0), 0);
}

static bool stop;

static void *kick_always(void *fd)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		signal_it(*(int *)fd);
	return NULL;
}

/* Somebody kicks all the time while bells change, the channel comes and goes, and the peer's window ends. */
TEST_WITHIN(bells_come_and_go_while_they_ring, 120)
{
	int kick = eventfd(0, EFD_CLOEXEC), call = new_eventfd();
	pthread_t kicker;

	join_windows(&a, &b);
	ASSERT_EQ(pthread_create(&kicker, NULL, kick_always, &kick), 0);
	for (int i = 0; i < 200; i++) {
		ASSERT_EQ(window_bell(a.fd, 0, i % 3 ? kick : -1, -1), 0);
		ASSERT_EQ(window_bell(b.fd, 0, -1, i % 2 ? call : -1), 0);
		ASSERT_EQ(channel_close(i % 5 ? a.fd : b.fd, 0), 0);
		ASSERT_EQ(channel_close(i % 5 ? b.fd : a.fd, 0), 0);
		if (i % 4 == 0) {
			window_close(&b);
			b = window_open("qtb", 1);
		}
		ASSERT_EQ(channel_listen(a.fd, "qtc", 0), 0);
		ASSERT_EQ(channel_connect(b.fd, "qtc"), 0);
	}
	ASSERT_EQ(window_bell(a.fd, 0, kick, -1), 0);
	ASSERT_EQ(window_bell(b.fd, 0, -1, call), 0);
	count_of(call, 0);
	EXPECT_GE(count_of(call, SOON), 1);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(kicker, NULL);
}
