// SPDX-License-Identifier: GPL-2.0
/* Messages between processes: ring.h on the memory of the kernel. */
#define _GNU_SOURCE
#include "ktap.h"
#include "host.h"

#include <poll.h>

#define LARGE	30000	/* nearly half of a ring */

/* One end of a channel, which sleeps in poll(). */
struct end {
	struct window window;
	int slot;
	struct qhp_tx tx;
	struct qhp_rx rx;
};

static void wait_for_event(struct end *end)
{
	struct pollfd poller = { .fd = end->window.fd, .events = POLLIN };
	struct queztl_events events;

	ASSERT_EQ(poll(&poller, 1, -1), 1);
	ASSERT_EQ(window_events(end->window.fd, &events), 0);
}

static void start(struct end *end)
{
	struct qhp_ends ends = ends_of(&end->window, end->slot);
	__u64 features;
	int r;

	ASSERT_EQ(qhp_region_init(&end->tx, &ends, 0), 0);
	while ((r = qhp_rx_attach(&end->rx, &ends, &features)) == -EAGAIN)
		usleep(100);
	ASSERT_EQ(r, 0);
}

static void *reserve(struct end *end, __u32 len)
{
	void *at;
	int r;

	while ((r = qhp_tx_reserve(&end->tx, len, &at)) == -EAGAIN)
		if (!qhp_tx_arm(&end->tx))
			wait_for_event(end);
	ASSERT_EQ(r, 0);
	return at;
}

static void publish(struct end *end)
{
	qhp_tx_commit(&end->tx);
	if (qhp_tx_publish(&end->tx))
		ASSERT_EQ(channel_ring(end->window.fd, end->slot), 0);
}

static struct qhp_msg receive(struct end *end)
{
	struct qhp_msg msg;
	int r;

	while (!(r = qhp_rx_peek(&end->rx, &msg)))
		if (!qhp_rx_arm(&end->rx))
			wait_for_event(end);
	ASSERT_EQ(r, 1);
	return msg;
}

static void release(struct end *end)
{
	if (qhp_rx_release(&end->rx, 1))
		ASSERT_EQ(channel_ring(end->window.fd, end->slot), 0);
}

static __u32 length_of(__u32 i)
{
	return i % 8 ? i % 200 : i * 977 % LARGE;
}

/* Sends back what it gets. */
static void echo(struct window window, __u32 messages)
{
	struct end end = { .window = window };
	struct qhp_msg msg;

	window_map(&end.window);
	end.slot = channel_connect(window.fd, "qtc");
	ASSERT_GE(end.slot, 0);
	start(&end);
	for (__u32 i = 0; i < messages; i++) {
		msg = receive(&end);
		memcpy(reserve(&end, msg.len), msg.data, msg.len);
		release(&end);
		publish(&end);
	}
}

static void expect_answer(struct end *end, __u32 i)
{
	struct qhp_msg msg = receive(end);

	ASSERT_EQ(msg.len, length_of(i));
	ASSERT(is_filled(msg.data, i, msg.len));
	release(end);
}

static void run_echo(__u32 messages, __u32 ahead)
{
	struct end end = { .window = window_open("qta", 1) };
	struct window peer;
	int status, done[2];
	pid_t child;
	char byte;

	ASSERT_EQ(window_create("qtb", 1, REGION, &peer.fd), 0);
	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	end.slot = channel_listen(end.window.fd, "qtc", 0);
	ASSERT_GE(end.slot, 0);
	ASSERT_EQ(pipe(done), 0);
	child = fork();
	if (!child) {
		close(done[1]);
		echo(peer, messages);
		/* its messages go with it, so it waits until they are read */
		ASSERT_EQ(read(done[0], &byte, 1), 0);
		_exit(0);
	}
	close(peer.fd);
	start(&end);
	for (__u32 i = 0; i < messages; i++) {
		memset(reserve(&end, length_of(i)), i, length_of(i));
		publish(&end);
		if (i >= ahead)
			expect_answer(&end, i - ahead);
	}
	for (__u32 i = messages - ahead; i < messages; i++)
		expect_answer(&end, i);
	close(done[1]);
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
}

TEST(echo_of_one_message_at_a_time)
{
	run_echo(1000, 0);
}

TEST(echo_of_some_messages_at_a_time)
{
	run_echo(1000, 1);
}

static short ready(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };

	ASSERT_GE(poll(&poller, 1, 0), 0);
	return poller.revents;
}

TEST(events_name_the_slot_and_are_told_once)
{
	struct queztl_events events;
	struct window a, b;

	join_windows(&a, &b);
	ASSERT_EQ(channel_allow("qtd", "qtb", "qta"), 0);
	EXPECT_EQ(channel_listen(b.fd, "qtd", 0), 1);
	EXPECT_EQ(channel_connect(a.fd, "qtd"), 1);

	/* somebody connected to a's slot 0 and to b's slot 1; nobody is told of its own calls */
	EXPECT_EQ(ready(a.fd), POLLIN);
	EXPECT_EQ(window_events(a.fd, &events), 0);
	EXPECT_EQ(events.changed, 1);
	EXPECT_EQ(events.rung, 0);
	EXPECT_EQ(window_events(b.fd, &events), 0);
	EXPECT_EQ(events.changed, 2);
	EXPECT_EQ(ready(a.fd), 0);
	EXPECT_EQ(ready(b.fd), 0);

	EXPECT_EQ(channel_ring(a.fd, 1), 0);
	EXPECT_EQ(channel_ring(a.fd, 1), 0);
	EXPECT_EQ(ready(a.fd), 0);
	EXPECT_EQ(ready(b.fd), POLLIN);
	EXPECT_EQ(window_events(b.fd, &events), 0);
	EXPECT_EQ(events.rung, 2);
	EXPECT_EQ(events.changed, 0);
	EXPECT_EQ(ready(b.fd), 0);

	EXPECT_EQ(channel_ring(a.fd, 2), -ENOENT);
	EXPECT_EQ(channel_ring(a.fd, -1), -ENOENT);
	EXPECT_EQ(channel_close(b.fd, 1), 0);
	EXPECT_EQ(channel_ring(a.fd, 1), -ENOTCONN);
	EXPECT_EQ(ready(b.fd), 0);
	EXPECT_EQ(window_events(a.fd, &events), 0);
	EXPECT_EQ(events.changed, 2);
}

/* A peer rings whoever waits, however many there are. */
TEST(many_waiters_are_woken)
{
	struct window a, b;
	int ends[2], status;
	char byte;

	join_windows(&a, &b);
	ASSERT_EQ(window_events(a.fd, &(struct queztl_events){ 0 }), 0);
	ASSERT_EQ(pipe(ends), 0);
	for (int i = 0; i < 20; i++) {
		if (fork())
			continue;
		struct pollfd poller = { .fd = a.fd, .events = POLLIN };

		if (write(ends[1], "", 1) != 1 || poll(&poller, 1, -1) != 1)
			_exit(1);
		_exit(0);
	}
	for (int i = 0; i < 20; i++)
		ASSERT_EQ(read(ends[0], &byte, 1), 1);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(channel_ring(b.fd, 0), 0);
		usleep(10000);
	}
	for (int i = 0; i < 20; i++) {
		ASSERT(wait(&status) > 0);
		EXPECT_EQ(status, 0);
	}
}

TEST(directory_says_what_is_there)
{
	struct window a, b;
	const struct qhp_directory *directory;
	__u32 generation;

	join_windows(&a, &b);
	directory = directory_of(&a);
	EXPECT_EQ(directory->magic, QHP_WINDOW_MAGIC);
	EXPECT_EQ(directory->version, QHP_VERSION);
	EXPECT_EQ(directory->slots, 2);
	EXPECT_EQ(directory->region, REGION);
	EXPECT_EQ(directory->first % QHP_UNIT, 0);
	EXPECT_EQ(a.bytes & (a.bytes - 1), 0);
	EXPECT_LE(directory->first + 4 * REGION, a.bytes);
	EXPECT(!strcmp(directory->slot[0].name, "qtc"));
	EXPECT_EQ(directory->slot[0].bytes, REGION);
	EXPECT_EQ(slot_state(&a, 0), QHP_SLOT_CONNECTED);
	EXPECT_EQ(slot_state(&a, 1), QHP_SLOT_FREE);
	EXPECT_EQ(channel_listen(a.fd, "qtc", 0), 1);
	EXPECT_EQ(slot_state(&a, 1), QHP_SLOT_LISTENING);
	generation = directory->slot[1].generation;
	EXPECT_EQ(channel_close(a.fd, 1), 0);
	EXPECT_EQ(slot_state(&a, 1), QHP_SLOT_FREE);
	EXPECT_EQ(channel_listen(a.fd, "qtc", 0), 1);
	EXPECT_NE(directory->slot[1].generation, generation);
	EXPECT_EQ(channel_close(b.fd, 0), 0);
	EXPECT_EQ(slot_state(&a, 0), QHP_SLOT_CLOSED);
	EXPECT_EQ(slot_state(&b, 0), QHP_SLOT_FREE);
}
