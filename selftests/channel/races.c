// SPDX-License-Identifier: GPL-2.0
/* Calls that meet page faults, and one another. */
#define _GNU_SOURCE
#include "ktap.h"
#include "delays.h"
#include "host.h"

#include <pthread.h>
#include <stdint.h>
#include <sched.h>

#define ROUNDS	200

static struct window a, b;
static bool stop;

static bool goes_on(void)
{
	return !__atomic_load_n(&stop, __ATOMIC_ACQUIRE);
}

/* Reads and writes everywhere, as fast as pages come and go. */
static void *touch(void *argument)
{
	struct window *window = argument;
	unsigned int at = (unsigned int)(uintptr_t)&at;
	volatile char *memory = window->at;

	while (goes_on()) {
		at = at * 1664525 + 1013904223;
		if (at & 1 << 30)
			(void)memory[at % window->bytes];
		else
			memory[at % window->bytes] = 'x';
	}
	return NULL;
}

/* What the peer had is gone when the call returns, whatever other threads of it do meanwhile. */
TEST_WITHIN(revoke_during_faults, 120)
{
	pthread_t threads[2];
	char *peer;

	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	a = window_open("qta", 1);
	b = window_open("qtb", 1);
	peer = peer_of(&b, 0);	/* as long as the directory can be read */
	ASSERT_EQ(pthread_create(&threads[0], NULL, touch, &b), 0);
	ASSERT_EQ(pthread_create(&threads[1], NULL, touch, &b), 0);
	for (int i = 0; i < ROUNDS; i++) {
		char *second;

		ASSERT_EQ(channel_listen(a.fd, "qtc", 0), 0);
		ASSERT_EQ(channel_connect(b.fd, "qtc"), 0);
		memset(own_of(&a, 0), 'a', REGION);
		sched_yield();
		EXPECT_EQ(channel_revoke("qtc"), 0);
		/* b's other threads divert pages of b.at; in a mapping that none writes nothing is left of a's */
		second = mmap(NULL, b.bytes, PROT_READ, MAP_SHARED, b.fd, 0);
		ASSERT(second != MAP_FAILED);
		EXPECT(is_filled(second + (peer - b.at), 0, REGION));
		for (size_t n = 0; n < REGION; n++)
			ASSERT(peer[n] != 'a');
		EXPECT(is_filled(own_of(&a, 0), 'a', REGION));
		munmap(second, b.bytes);
		ASSERT_EQ(channel_close(a.fd, 0), 0);
		ASSERT_EQ(channel_close(b.fd, 0), 0);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
}

#define LARGE	(1024 * 1024)	/* bytes of a region whose page tables take a while */
#define MAPS	8

static void *close_it(void *window)
{
	EXPECT_EQ(channel_close(((struct window *)window)->fd, 0), 0);
	return NULL;
}

static void open_large(const char *name, struct window *window)
{
	ASSERT_EQ(window_create(name, 1, LARGE, &window->fd), 0);
	window_map(window);
}

/* Each page of the slot in each mapping: whoever closes has much to do. */
static void map_often(const struct window *window, char **maps)
{
	for (int i = 0; i < MAPS - 1; i++) {
		maps[i] = mmap(NULL, window->bytes, PROT_READ, MAP_SHARED, window->fd, 0);
		ASSERT(maps[i] != MAP_FAILED);
		for (size_t at = directory_of(window)->first; at < directory_of(window)->first + 2 * LARGE; at += 4096)
			(void)*(volatile char *)(maps[i] + at);
	}
}

/*
 * An end that wants to read on begins to close the channel just before it is denied, and takes its time: the channel is not
 * listed any more, but what was promised to the administrator holds.
 */
TEST_WITHIN(deny_during_a_close, 120)
{
	char *maps[MAPS];
	pthread_t closer;
	char *peer;

	open_large("qta", &a);
	open_large("qtb", &b);
	peer = peer_of(&b, 0) + LARGE - 4096;
	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
		ASSERT_EQ(channel_listen(a.fd, "qtc", 0), 0);
		ASSERT_EQ(channel_connect(b.fd, "qtc"), 0);
		memset(own_of(&a, 0), 'a', LARGE);
		EXPECT_EQ(*(volatile char *)peer, 'a');
		map_often(&a, maps);
		ASSERT_EQ(pthread_create(&closer, NULL, close_it, &b), 0);
		while (slot_state(&a, 0) == QHP_SLOT_CONNECTED)
			;
		if (i % 2)
			EXPECT_EQ(channel_deny("qtc", "qta", "qtb"), 0);
		else
			EXPECT_EQ(channel_close(a.fd, 0), 0);
		EXPECT_EQ(*(volatile char *)peer, 0);
		pthread_join(closer, NULL);
		EXPECT_EQ(*(volatile char *)peer, 0);
		for (int n = 0; n < MAPS - 1; n++)
			ASSERT_EQ(munmap(maps[n], a.bytes), 0);
		if (i % 2)
			EXPECT_EQ(channel_close(a.fd, 0), 0);
		else
			EXPECT_EQ(channel_deny("qtc", "qta", "qtb"), 0);
	}
}

static char *fresh;
static pthread_barrier_t together;

static void *read_fresh(void *seen)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&together);
		for (size_t slot = 0; slot < QHP_SLOTS_MAX; slot++)
			if (*(volatile char *)(fresh + (own_of(&a, slot) - a.at)) != 'a')
				++*(int *)seen;
		pthread_barrier_wait(&together);
	}
	return NULL;
}

/* Threads that are the first to read a page of their own at the same time, as virtual CPUs do, read what is there. */
TEST_WITHIN(first_reads_of_two_threads, 120)
{
	pthread_t thread;
	int seen[2] = { 0 };

	/* a page table of its own for every other slot, or so */
	ASSERT_EQ(window_create("qta", QHP_SLOTS_MAX, LARGE, &a.fd), 0);
	window_map(&a);
	ASSERT_EQ(pthread_barrier_init(&together, NULL, 2), 0);
	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	for (int slot = 0; slot < QHP_SLOTS_MAX; slot++) {
		char name[] = "qtXX";

		snprintf(name, sizeof(name), "qt%02d", slot);
		ASSERT_EQ(channel_allow(name, "qta", "qtb"), 0);
		ASSERT_EQ(channel_listen(a.fd, name, REGION), slot);
		memset(own_of(&a, slot), 'a', REGION);
	}
	fresh = mmap(NULL, a.bytes, PROT_READ, MAP_SHARED, a.fd, 0);
	ASSERT_EQ(pthread_create(&thread, NULL, read_fresh, &seen[0]), 0);
	for (int i = 0; i < ROUNDS; i++) {
		ASSERT(fresh != MAP_FAILED);
		pthread_barrier_wait(&together);
		for (size_t slot = 0; slot < QHP_SLOTS_MAX; slot++)
			if (*(volatile char *)(fresh + (own_of(&a, slot) - a.at)) != 'a')
				seen[1]++;
		pthread_barrier_wait(&together);
		munmap(fresh, a.bytes);
		fresh = mmap(NULL, a.bytes, PROT_READ, MAP_SHARED, a.fd, 0);
	}
	pthread_join(thread, NULL);
	EXPECT_EQ(seen[0] + seen[1], 0);
}

/* Makes and ends channels with whoever is there, at random, and is killed or leaves. */
static void storm(const char *name, unsigned int seed, int calls)
{
	struct window window = { 0 };
	int r;

	while (window_create(name, 4, REGION, &window.fd))
		usleep(100);
	window_map(&window);
	for (int i = 0; i < calls; i++) {
		char channel[] = "qt0";
		int slot = rand_r(&seed) % 4;

		channel[2] += rand_r(&seed) % 2;
		switch (rand_r(&seed) % 8) {
		case 0:
			r = channel_listen(window.fd, channel, 0);
			break;
		case 1:
			r = channel_connect(window.fd, channel);
			break;
		case 2:
			r = channel_close(window.fd, slot);
			break;
		case 3:
			r = channel_ring(window.fd, slot);
			break;
		case 4:
			r = channel_revoke(channel);
			break;
		case 5:
			memset(own_of(&window, slot), i, 2 * REGION);
			r = 0;
			break;
		case 6:
			r = channel_deny(channel, "qta", "qtb");
			break;
		default:
			r = channel_allow(channel, "qta", "qtb");
		}
		ASSERT(r >= 0 || r == -ENOSPC || r == -EADDRINUSE || r == -ECONNREFUSED || r == -EPERM || r == -ENOENT ||
		       r == -ENOTCONN || r == -EEXIST);
	}
}

TEST_WITHIN(storm_of_calls, 180)
{
	static const char *const names[] = { "qta", "qtb" };
	struct queztl_channel channel;
	struct queztl_window found;
	pid_t children[4];
	int status;

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(channel_allow(i ? "qt0" : "qt1", "qta", "qtb"), 0);
		ASSERT_EQ(channel_allow(i ? "qt0" : "qt1", "qtb", "qta"), 0);
	}
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 4; i++) {
			children[i] = fork();
			if (children[i])
				continue;
			storm(names[i % 2], round * 4 + i, 300);
			_exit(0);
		}
		/* one of them in the middle of it */
		usleep(5000 * round);
		kill(children[round % 4], SIGKILL);
		for (int i = 0; i < 4; i++) {
			ASSERT_EQ(waitpid(children[i], &status, 0), children[i]);
			EXPECT(!status || (i == round % 4 && WIFSIGNALED(status)));
		}
	}
	EXPECT_EQ(window_find("qta", &found), -ENOENT);
	EXPECT_EQ(window_find("qtb", &found), -ENOENT);
	EXPECT_EQ(channel_find("qt0", &channel), -ENOENT);
	EXPECT_EQ(channel_find("qt1", &channel), -ENOENT);
}

#define FRESH	(QHP_REGION_MAX / 4)	/* bytes of a region with many pages that nobody has read yet */

/* What an end saw while it still seemed to have a peer. */
static int zeros, headless, refused;

/* Reads a page after the other until one of them reads as zeros. */
static void *read_until_zero(void *arg)
{
	for (int i = 0; i < ROUNDS / 4; i++) {
		pthread_barrier_wait(&together);
		for (size_t at = 4096; *(volatile char *)(fresh + at) == 'a'; at = (at + 4096) % FRESH)
			(void)*(volatile char *)fresh;
		zeros += slot_state(&b, 0) == QHP_SLOT_CONNECTED;
		headless += *(volatile char *)fresh == 'a';
		pthread_barrier_wait(&together);
	}
	return arg;
}

/* Rings until there is nobody. */
static void *ring_until_gone(void *arg)
{
	for (int i = 0; i < ROUNDS / 4; i++) {
		pthread_barrier_wait(&together);
		while (!channel_ring(b.fd, 0))
			;
		refused += slot_state(&b, 0) == QHP_SLOT_CONNECTED;
		pthread_barrier_wait(&together);
	}
	return arg;
}

/*
 * Zeros are no messages, so who reads some asks whether the peer has gone or has written nonsense:
 * the directory, or in a guest the header of the region. They tell before any page reads as zeros,
 * also one that was not read before.
 */
TEST_WITHIN(both_tell_before_anything_reads_as_zeros, 240)
{
	pthread_t reader, ringer;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP("one CPU");
	if (!delays_load("one_in=1 max_us=300"))
		SKIP("no qz_delays.ko");
	ASSERT_EQ(window_create("qta", 1, FRESH, &a.fd), 0);
	ASSERT_EQ(window_create("qtb", 1, FRESH, &b.fd), 0);
	window_map(&a);
	window_map(&b);
	fresh = peer_of(&b, 0);
	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	ASSERT_EQ(pthread_barrier_init(&together, NULL, 3), 0);
	ASSERT_EQ(pthread_create(&reader, NULL, read_until_zero, NULL), 0);
	ASSERT_EQ(pthread_create(&ringer, NULL, ring_until_gone, NULL), 0);
	for (int i = 0; i < ROUNDS / 4; i++) {
		ASSERT_EQ(channel_listen(a.fd, "qtc", 0), 0);
		ASSERT_EQ(channel_connect(b.fd, "qtc"), 0);
		memset(own_of(&a, 0), 'a', FRESH);
		pthread_barrier_wait(&together);
		usleep(100 * (i % 10));
		ASSERT_EQ(i % 2 ? channel_close(a.fd, 0) : channel_revoke("qtc"), 0);
		pthread_barrier_wait(&together);
		channel_close(a.fd, 0);
		ASSERT_EQ(channel_close(b.fd, 0), 0);
	}
	pthread_join(reader, NULL);
	pthread_join(ringer, NULL);
	EXPECT_GE(delays_tell(), 1);
	ASSERT_EQ(delays_unload(), 0);
	ktap_say("of %d times, the directory told late of %d reads and %d rings, the header of %d",
		 ROUNDS / 4, zeros, refused, headless);
	EXPECT_EQ(zeros, 0);
	EXPECT_EQ(refused, 0);
	EXPECT_EQ(headless, 0);
}
