// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "meddler.h"
#include "fabric.h"
#include "ktap.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#define READERS		10
#define ROOM		(1 << 17)
#define SNAPLENS	4

enum { MEDDLED_VLAN, MEDDLED_MACS, MEDDLED_LINK, MEDDLED_KINDS };

static uint64_t changes[MEDDLED_KINDS], refused, captures, busy, records, lost, killed;

#define count(counter) __atomic_fetch_add(&(counter), 1, __ATOMIC_RELAXED)
#define add(counter, n) __atomic_fetch_add(&(counter), n, __ATOMIC_RELAXED)

/* ---- changes ---- */

/* @result: of a call for a port that may have been deleted meanwhile. */
static void note(int kind, int result)
{
	if (!result) {
		count(changes[kind]);
		return;
	}
	count(refused);
	KTAP_CHECK(result == -ENOENT || result == -EEXIST || result == -ENOSPC, false, "change %d: %s", kind,
		   strerror(-result));
}

static void change_vlan(struct mutator *mutator, const char *port)
{
	static const __u16 ids[][3] = { { 10 }, { 20 }, { 10, 20 }, { 10, 20, 4094 } };
	const __u16 *some = ids[mutate_random(mutator, 4)];

	switch (mutate_random(mutator, 4)) {
	case 0:
		note(MEDDLED_VLAN, port_vlan(port, QUEZTL_VLAN_ACCESS, some[0], some, 1));
		break;
	case 1:
		note(MEDDLED_VLAN, port_vlan(port, QUEZTL_VLAN_TRUNK, mutate_random(mutator, 2) ? some[0] : 0, some, 3));
		break;
	default:
		note(MEDDLED_VLAN, port_vlan(port, QUEZTL_VLAN_NONE, 0, NULL, 0));
	}
}

/* Some of those that hostile frames come from, see mutate.c; two ports may have the same. */
static void change_macs(struct mutator *mutator, const char *port)
{
	struct queztl_mac macs[8] = { 0 };
	__u32 n = 1 + mutate_random(mutator, 8);

	for (__u32 i = 0; i < n; i++)
		mutate_nested(macs[i].addr, i);
	switch (mutate_random(mutator, 4)) {
	case 0:
		note(MEDDLED_MACS, port_macs(port, QUEZTL_MACS_LIST, macs, n));
		break;
	case 1:
		note(MEDDLED_MACS, port_macs(port, QUEZTL_MACS_NONE, NULL, 0));
		break;
	default:
		note(MEDDLED_MACS, port_macs(port, QUEZTL_MACS_ANY, NULL, 0));
	}
}

static void change_link(struct mutator *mutator, const char *port)
{
	note(MEDDLED_LINK, port_change(port, QUEZTL_PORT_LINK_DOWN, QUEZTL_PORT_LINK_DOWN));
	usleep(mutate_random(mutator, 2000));
	note(MEDDLED_LINK, port_change(port, QUEZTL_PORT_LINK_DOWN, 0));
}

void meddle(struct mutator *mutator, const char *port)
{
	switch (mutate_random(mutator, 5)) {
	case 0:
	case 1:
		change_vlan(mutator, port);
		break;
	case 2:
	case 3:
		change_macs(mutator, port);
		break;
	default:
		change_link(mutator, port);
	}
}

void meddle_undo(const char *port)
{
	EXPECT_EQ(port_vlan(port, QUEZTL_VLAN_NONE, 0, NULL, 0), 0);
	EXPECT_EQ(port_macs(port, QUEZTL_MACS_NONE, NULL, 0), 0);
	EXPECT_EQ(port_change(port, QUEZTL_PORT_LINK_DOWN, 0), 0);
}

void meddle_tell(void)
{
	ktap_say("%llu changes of VLANs, %llu of addresses, %llu of links, %llu refused; %llu captures (%llu busy), "
		 "%llu records, %llu lost, %llu readers killed", (unsigned long long)changes[MEDDLED_VLAN],
		 (unsigned long long)changes[MEDDLED_MACS], (unsigned long long)changes[MEDDLED_LINK],
		 (unsigned long long)refused, (unsigned long long)captures, (unsigned long long)busy,
		 (unsigned long long)records, (unsigned long long)lost, (unsigned long long)killed);
	for (int kind = 0; kind < MEDDLED_KINDS; kind++)
		EXPECT_GE(changes[kind], 1);
}

/* ---- captures ---- */

static volatile bool reading;
static pthread_t threads[READERS];
static const char *const *names;
static int nnames, nreaders, pause_us;
static uint64_t reader_seed;

static const char *check_record(const struct queztl_capture_record *record, ssize_t left, uint32_t snaplen)
{
	const uint8_t *bytes = (const void *)(record + 1);

	if (left < (ssize_t)sizeof(*record) || left < (ssize_t)(sizeof(*record) + ((record->captured + 7) & ~7)))
		return "a record is cut";
	if (!record->time || !record->bytes || record->captured > snaplen ||
	    record->captured != (record->bytes < snaplen ? record->bytes : snaplen))
		return "the lengths of a record are wrong";
	if (record->flags & ~(QUEZTL_CAPTURE_SENT | QUEZTL_CAPTURE_DROPPED | QUEZTL_CAPTURE_NEEDS_CSUM) ||
	    record->drop >= QUEZTL_DROP_REASONS || record->reserved[0] || record->reserved[1] || record->reserved[2])
		return "the flags of a record are wrong";
	for (uint32_t i = record->captured; i & 7; i++)
		if (bytes[i])
			return "the padding of a record is not 0";
	return NULL;
}

/* All that there is. */
static void take_records(int fd, uint32_t snaplen)
{
	static __thread uint8_t bytes[ROOM] __attribute__((aligned(8)));
	ssize_t got = read(fd, bytes, sizeof(bytes)), at = 0;

	KTAP_CHECK(got >= 0 || errno == EAGAIN, false, "a capture cannot be read: %s", strerror(errno));
	while (at < got) {
		const struct queztl_capture_record *record = (void *)(bytes + at);
		const char *wrong = check_record(record, got - at, snaplen);

		KTAP_CHECK(!wrong, false, "%s", wrong);
		if (wrong)
			return;
		add(lost, record->lost);
		count(records);
		at += (sizeof(*record) + record->captured + 7) & ~7;
	}
}

static void read_for_a_while(struct mutator *mutator, int fd, uint32_t snaplen)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	for (int i = mutate_random(mutator, 20); i && reading; i--)
		if (poll(&poll_fd, 1, mutate_random(mutator, 20)) > 0)
			take_records(fd, snaplen);
}

/* It waits in the kernel most of the time, and has the only descriptor. To fork would copy what devices have pinned. */
static void read_and_be_killed(struct mutator *mutator, int fd)
{
	char *argv[] = { "cat", NULL };
	posix_spawn_file_actions_t actions;
	pid_t child;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	r = posix_spawnp(&child, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fd);
	EXPECT_EQ(r, 0);
	if (r)
		return;
	usleep(mutate_random(mutator, 50000));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	count(killed);
}

static void capture_once(struct mutator *mutator)
{
	static const uint32_t snaplens[SNAPLENS] = { 1, 61, 200, QUEZTL_CAPTURE_SNAPLEN_MAX };
	uint32_t snaplen = snaplens[mutate_random(mutator, SNAPLENS)];
	struct queztl_port_capture_args capture = { .snaplen = snaplen, .bytes = QUEZTL_CAPTURE_BYTES_MIN };
	int how = mutate_random(mutator, 8), fd = port_capture(names[mutate_random(mutator, nnames)], &capture);

	if (fd < 0) {
		count(busy);
		KTAP_CHECK(fd == -EBUSY || fd == -ENOENT, false, "a port cannot be captured: %s", strerror(-fd));
		return;
	}
	count(captures);
	if (how == 0) {
		read_and_be_killed(mutator, fd);
		return;
	}
	if (how == 1) {
		usleep(mutate_random(mutator, 50000));	/* it never reads */
	} else if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0) {
		read_for_a_while(mutator, fd, snaplen);
	}
	close(fd);
}

static void *run_reader(void *number)
{
	struct mutator own = { .state = reader_seed + (uintptr_t)number + 1 };

	while (reading) {
		capture_once(&own);
		usleep(mutate_random(&own, pause_us));
	}
	return NULL;
}

void readers_start(int readers, int pause, const char *const ports[], int many, uint64_t seed)
{
	ASSERT(readers <= READERS);
	pause_us = pause;
	nreaders = readers;
	names = ports;
	nnames = many;
	reader_seed = seed;
	reading = true;
	for (uintptr_t i = 0; i < (uintptr_t)nreaders; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, run_reader, (void *)i), 0);
}

void readers_end(void)
{
	reading = false;
	for (int i = 0; i < nreaders; i++)
		pthread_join(threads[i], NULL);
	EXPECT_GE(captures, 1);
	EXPECT_GE(records, 1);
}
