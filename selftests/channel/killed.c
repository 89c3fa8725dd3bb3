// SPDX-License-Identifier: GPL-2.0
/* Owners that are killed at any moment, again and again. */
#define _GNU_SOURCE
#include "ktap.h"
#include "exchange.h"
#include "fabric.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define CYCLES	(1000 / ktap_factor())	/* a debug kernel takes half a second for each */
#define MOST	60	/* messages before one is killed */
#define CGROUP	"/sys/fs/cgroup/" FABRIC_PREFIX "killed"
#define LITTLE	(1024 * 1024)	/* CPUs keep some of it; a page of each of 1000 would be 4 MB */

static struct window a;
static unsigned int random_state = 1;
static int early, connected, in_transfer;

static unsigned long long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ull + now.tv_nsec / 1000;
}

/* What the killed ones take is counted apart from all others. */
static bool make_cgroup(void)
{
	if (write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory"))
		return false;
	return !mkdir(CGROUP, 0755) || errno == EEXIST;
}

static void wait_for_bell(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	struct queztl_events events;

	ASSERT_EQ(poll(&poller, 1, -1), 1);
	ASSERT_EQ(window_events(fd, &events), 0);
}

/* Talks until it is killed. */
static void talk(int cycle, bool in_cgroup)
{
	struct exchange exchange;
	struct window b;
	int slot;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(a.fd);
	if (in_cgroup)
		ASSERT_EQ(write_text(CGROUP "/cgroup.procs", "0"), 0);
	b = window_open("qtb", 1);
	slot = channel_connect(b.fd, "qtc");
	ASSERT_EQ(slot, 0);
	exchange_start(&exchange, &b, slot, 2 * cycle + 1, 2 * cycle);
	for (;;)
		if (exchange_step(&exchange) != EXCHANGE_BUSY)
			wait_for_bell(b.fd);
}

static void listen_again(struct exchange *exchange)
{
	ASSERT_EQ(channel_listen(a.fd, "qtc", 0), 0);
	exchange_start(exchange, &a, 0, 0, 0);
}

/* Until so many messages have come, whenever that is. */
static void answer(struct exchange *exchange, __u32 messages)
{
	while (exchange->received < messages)
		if (exchange_step(exchange) != EXCHANGE_BUSY && exchange->received < messages)
			wait_for_bell(a.fd);
}

/* Until then, whatever has come. */
static void answer_until(struct exchange *exchange, unsigned long long end)
{
	while (now_us() < end)
		exchange_step(exchange);
}

static void expect_told(void)
{
	struct queztl_events events;

	ASSERT_EQ(window_events(a.fd, &events), 0);
	EXPECT_EQ(events.changed, 1);
}

/* Its peer is told, by all ways there are, and has what is its own. */
static void expect_error(struct exchange *exchange)
{
	enum exchange_state state;
	struct qhp_msg msg;

	EXPECT_EQ(slot_state(&a, 0), QHP_SLOT_CLOSED);
	expect_told();
	EXPECT_EQ(channel_ring(a.fd, 0), -ENOTCONN);
	while ((state = exchange_step(exchange)) == EXCHANGE_BUSY)
		;
	EXPECT_EQ(state, EXCHANGE_CUT);
	if (exchange->received)
		EXPECT_EQ(qhp_rx_peek(&exchange->rx, &msg), -EPROTO);
	EXPECT(is_filled(peer_of(&a, 0), 0, REGION));
	EXPECT_EQ(exchange->tx.ends.own->magic, QHP_REGION_MAGIC);
	EXPECT(!qhp_read(qhp_tx_entry(&exchange->tx, exchange->tx.hidden_at)));
}

static void kill_it(pid_t child)
{
	struct queztl_window found;
	int status;

	kill(child, SIGKILL);
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_EQ(window_find("qtb", &found), -ENOENT);
}

/*
 * Half of them are killed after some messages, so in the midst of a transfer; half after some time,
 * while they make their window, connect, map it or write. @typical: us until the first message; it
 * is updated. Return: whether it was connected.
 */
static bool run_cycle(struct exchange *exchange, int cycle, bool in_cgroup,
		      unsigned long long *typical)
{
	unsigned long long begun = now_us();
	pid_t child = fork();

	if (!child)
		talk(cycle, in_cgroup);
	if (cycle % 2) {
		answer_until(exchange, begun + rand_r(&random_state) % (2 * *typical));
	} else {
		answer(exchange, 1);
		*typical = (*typical * 7 + now_us() - begun) / 8 + 1;
		answer(exchange, 1 + rand_r(&random_state) % MOST);
	}
	kill_it(child);
	if (slot_state(&a, 0) == QHP_SLOT_LISTENING) {
		early++;
		return false;
	}
	connected++;
	in_transfer += exchange->received > 0;
	expect_error(exchange);
	ASSERT_EQ(channel_close(a.fd, 0), 0);
	return true;
}

static void expect_memory_is_back(void)
{
	long long left = 0;

	/* tasks and their page tables are freed some time after they are gone */
	for (int i = 0; i < 300 * ktap_factor(); i++) {
		left = read_number(CGROUP "/memory.current");
		if (left < LITTLE)
			break;
		usleep(10000);
	}
	ktap_say("%lld bytes are left of %d processes", left, CYCLES);
	EXPECT_LE(left, LITTLE);
	for (int i = 0; i < 100 && rmdir(CGROUP) && errno != ENOENT; i++)
		usleep(10000);
}

/* All of the memory of a window and its channels counts in the cgroup; kmemleak sees what does not, see l1/all.sh. */
TEST_WITHIN(killed_owners_leave_nothing, 300)
{
	struct channel_counts before = channel_counts_now(), after;
	int references = module_users();
	bool in_cgroup = make_cgroup(), again = true;
	const int cycles = CYCLES;
	unsigned long long typical = 1000;
	struct queztl_window found;
	struct exchange exchange;

	if (!in_cgroup)
		ktap_say("no memory controller: memory is not counted");
	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	a = window_open("qta", 1);
	for (int cycle = 0; cycle < cycles; cycle++) {
		/* who was never connected listens on, to the next one */
		if (again)
			listen_again(&exchange);
		exchange.sends = 2 * cycle;
		exchange.expects = 2 * cycle + 1;
		again = run_cycle(&exchange, cycle, in_cgroup, &typical);
		ASSERT_EQ(ktap_shared->failed, 0);
	}
	ktap_say("%d were killed before they were connected, %d later, %d of these after messages",
		 early, connected, in_transfer);
	EXPECT_GE(in_transfer, cycles / 2);
	if (!again)
		ASSERT_EQ(channel_close(a.fd, 0), 0);
	ASSERT_EQ(window_find("qta", &found), 0);
	EXPECT_EQ(found.used, 0);
	EXPECT_EQ(found.memory, 0);
	EXPECT_EQ(found.diverted, 0);
	window_close(&a);
	channel_sweep();
	after = channel_counts_now();
	EXPECT(!memcmp(&before, &after, sizeof(before)));
	EXPECT_EQ(module_users(), references);
	if (in_cgroup)
		expect_memory_is_back();
}
