// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that lies about everything it can write: each index, entry and header of its region, its
 * requests, its doorbells. A peer that uses ring.h stays within the regions, and its other channel
 * goes on. QZ_USER_LIE_SECONDS: for how long, 5 by default.
 */
#define _GNU_SOURCE
#include "ktap.h"
#include "exchange.h"
#include "fabric.h"
#include "vm.h"

#include <poll.h>
#include <sys/prctl.h>

#define SOCKET	"/tmp/" FABRIC_PREFIX "liar.sock"
#define SLOTS	2
#define VECTORS	(SLOTS + 1)
#define BURST	8

static unsigned int random_state;

static __u32 some(__u32 below)
{
	return ((__u32)rand_r(&random_state) << 16 ^ rand_r(&random_state)) % below;
}

static time_t seconds(void)
{
	const char *said = getenv("QZ_USER_LIE_SECONDS");

	return said && atoi(said) > 0 ? atoi(said) : 5;
}

/* ---- the guest that lies ---- */

static struct liar {
	struct vm vm;
	int slot;
	struct qhp_ends ends;
	struct qhp_tx tx;
	struct qhp_rx rx;
} liar;

static struct qhp_mailbox *mailbox_of_liar(void)
{
	return (struct qhp_mailbox *)(liar.vm.window.at + directory_of(&liar.vm.window)->mailbox);
}

/* A good request. Its answer may be overwritten by a bad one's. */
static int ask(struct qhp_request request)
{
	struct qhp_mailbox *mailbox = mailbox_of_liar();

	request.number = 0;
	mailbox->request = request;
	do
		liar.vm.number++;
	while (!liar.vm.number || liar.vm.number == qhp_read(&mailbox->answer.number));
	qhp_store_release(&mailbox->request.number, liar.vm.number);
	vm_kick(&liar.vm, QHP_VECTOR_CONTROL);
	for (int i = 0; i < 100; i++) {
		if (qhp_load_acquire(&mailbox->answer.number) == liar.vm.number)
			return mailbox->answer.error ? mailbox->answer.error : (int)mailbox->answer.slot;
		vm_wait(&liar.vm, QHP_VECTOR_CONTROL, 10);
	}
	return -ETIMEDOUT;
}

static void kick_any(void)
{
	vm_kick(&liar.vm, some(VECTORS));
}

static void ask_anything(void)
{
	struct qhp_mailbox *mailbox = mailbox_of_liar();

	for (size_t n = 0; n < sizeof(*mailbox); n++)
		((char *)mailbox)[n] = some(256);
	if (some(4))
		mailbox->request.op = some(6);
	if (some(4))
		mailbox->request.slot = some(2 * SLOTS);
	if (some(2))
		strcpy(mailbox->request.name, "qtc");
	vm_kick(&liar.vm, QHP_VECTOR_CONTROL);
}

/* Into the directory, the peer's region, or a slot that is free; and then it wants to see again. */
static void write_what_is_not_its_own(void)
{
	char *peer = peer_of(&liar.vm.window, some(SLOTS));

	memset(peer + some(REGION - 64), some(256), 64);
	memset(liar.vm.window.at + some(liar.vm.window.bytes / 4096) * 4096, some(256), 4096);
	memset(liar.vm.window.at, some(256), 4096);
	ASSERT_EQ(munmap(liar.vm.window.at, liar.vm.window.bytes), 0);
	window_map(&liar.vm.window);
	liar.ends = ends_of(&liar.vm.window, liar.slot);
	liar.tx.ends = liar.ends;
	liar.tx.ring = (__u8 *)(liar.ends.own + 1);
	liar.rx.ends = liar.ends;
	liar.rx.ring = liar.rx.ring ? (const __u8 *)(liar.ends.peer + 1) : NULL;
}

/* One as good as any other, or beside it. */
static __u32 any_number(__u32 good)
{
	switch (some(6)) {
	case 0:
		return some(2) ? 0 : -1;
	case 1:
		return some(~0u);
	case 2:
		return good + some(REGION);
	default:
		return good + (__s32)(some(65) - 32) * (some(3) ? 8 : 1);
	}
}

static void lie_about_a_number(void)
{
	static const size_t counters[] = { offsetof(struct qhp_region, tail),
					   offsetof(struct qhp_region, rx_event),
					   offsetof(struct qhp_region, tx_event) };
	size_t at = some(4) ? counters[some(3)] : some(sizeof(struct qhp_region) / 4) * 4;
	__u32 *number = (__u32 *)((char *)liar.ends.own + at);

	qhp_write(number, any_number(qhp_read(number)));
}

static void lie_in_an_entry(void)
{
	__u32 at = some(2) ? liar.tx.at : some(REGION - sizeof(struct qhp_region));
	struct qhp_entry *entry = (struct qhp_entry *)((char *)(liar.ends.own + 1) + at / 8 * 8);

	if ((char *)entry >= (char *)liar.ends.own + REGION)
		entry = (struct qhp_entry *)(liar.ends.own + 1);
	qhp_write(&entry->what, (__u64)some(4) << 32 | any_number(some(600)));
}

static void lie_in_some_bytes(void)
{
	memset((char *)liar.ends.own + some(REGION - 256), some(256), 1 + some(255));
}

static void release_all(void)
{
	struct qhp_msg msg;
	__u64 features;

	if (!liar.rx.ring && qhp_rx_attach(&liar.rx, &liar.ends, &features))
		return;
	while (qhp_rx_peek(&liar.rx, &msg) == 1)
		;
	qhp_rx_release(&liar.rx, REGION);
}

/* As who does not lie. It may find its own lies, as what the peer has. */
static void send_some(void)
{
	void *at;

	for (__u32 n = some(40); n; n--) {
		__u32 length = some(8) ? some(300) : some(REGION / 2);

		if (qhp_tx_reserve(&liar.tx, length, &at))
			break;
		memset(at, length, length);
		qhp_tx_commit(&liar.tx);
		if (some(4))
			qhp_tx_publish(&liar.tx);
	}
	if (some(2))
		release_all();
}

static void prepare_region(void)
{
	liar.ends = ends_of(&liar.vm.window, liar.slot);
	liar.ends.bytes = REGION;
	memset(liar.ends.own, 0, sizeof(*liar.ends.own));
	qhp_region_init(&liar.tx, &liar.ends, 0);
	liar.rx.ring = NULL;
	vm_kick(&liar.vm, QHP_VECTOR_SLOT(liar.slot));
}

static void connect_again(void)
{
	int slot;

	for (int i = 0; i < SLOTS; i++)
		ask((struct qhp_request){ .op = QHP_OP_CLOSE, .slot = i });
	slot = ask((struct qhp_request){ .op = QHP_OP_CONNECT, .name = "qtc" });
	if (slot < 0 || slot >= SLOTS)
		return;
	liar.slot = slot;
	prepare_region();
}

static void lie_once(void)
{
	switch (some(32)) {
	case 0 ... 9:
		send_some();
		break;
	case 10 ... 17:
		lie_about_a_number();
		break;
	case 18 ... 23:
		lie_in_an_entry();
		break;
	case 24 ... 25:
		lie_in_some_bytes();
		break;
	case 26 ... 28:
		kick_any();
		break;
	case 29:
		ask_anything();
		break;
	case 30:
		prepare_region();
		break;
	default:
		write_what_is_not_its_own();
	}
}

static void lie(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	random_state = 7;
	ASSERT_EQ(vm_start(&liar.vm, SOCKET, VECTORS), 0);
	liar.ends = ends_of(&liar.vm.window, 0);
	for (;;) {
		if (slot_state(&liar.vm.window, liar.slot) != QHP_SLOT_CONNECTED)
			connect_again();
		lie_once();
	}
}

/* ---- who talks to it, and to somebody else ---- */

static struct victim {
	struct window window;
	int slot;		/* where the liar is */
	bool attached;
	__u32 waits;		/* for its region */
	struct qhp_tx tx;
	struct qhp_rx rx;
	unsigned long long read, sent, broken, closed, unprepared;
	__u64 sum;		/* of all bytes of messages */
} victim;

static void offer(void)
{
	struct qhp_ends ends;

	victim.slot = channel_listen(victim.window.fd, "qtc", 0);
	ASSERT_GE(victim.slot, 0);
	ends = ends_of(&victim.window, victim.slot);
	victim.attached = false;
	victim.waits = 0;
	ASSERT_EQ(qhp_region_init(&victim.tx, &ends, 0), 0);
}

static void offer_again(unsigned long long *why)
{
	++*why;
	ASSERT_EQ(channel_close(victim.window.fd, victim.slot), 0);
	offer();
}

/* All that a message may be is within the region that the peer writes, and not its header. */
static void read_message(const struct qhp_msg *msg)
{
	const char *ring = (const char *)(victim.rx.ends.peer + 1), *end = (const char *)victim.rx.ends.peer + REGION;
	const volatile __u8 *bytes = msg->data;

	ASSERT((const char *)msg->data >= ring && (const char *)msg->data <= end);
	ASSERT(msg->len <= end - (const char *)msg->data);
	for (__u32 i = 0; i < msg->len; i++)
		victim.sum += bytes[i];
	victim.read++;
}

/* False: it is broken, for ever. */
static bool receive_some(void)
{
	struct qhp_msg msgs[BURST];
	int got = qhp_rx_peek_burst(&victim.rx, msgs, 1 + some(BURST));

	ASSERT(got >= 0 || got == -EPROTO);
	ASSERT(got <= BURST);
	for (int i = 0; i < got; i++)
		read_message(&msgs[i]);
	if (got > 0 && some(8) && qhp_rx_release(&victim.rx, some(got + 1)))
		channel_ring(victim.window.fd, victim.slot);
	ASSERT(victim.rx.next - victim.rx.tail <= victim.rx.bytes);
	if (got < 0 || victim.rx.broken)
		EXPECT_EQ(qhp_rx_peek_burst(&victim.rx, msgs, BURST), -EPROTO);
	return got >= 0 && !victim.rx.broken;
}

static bool send_one(void)
{
	__u32 length = some(4) ? some(300) : some(REGION / 2);
	char *ring = (char *)(victim.tx.ends.own + 1), *end = (char *)victim.tx.ends.own + REGION;
	void *at;
	int r = qhp_tx_reserve(&victim.tx, length, &at);

	ASSERT(!r || r == -EAGAIN || r == -EMSGSIZE || r == -EPROTO);
	if (!r) {
		ASSERT((char *)at >= ring && (char *)at + length <= end);
		memset(at, length, length);
		qhp_tx_commit(&victim.tx);
		if (qhp_tx_publish(&victim.tx))
			channel_ring(victim.window.fd, victim.slot);
		victim.sent++;
	}
	return r != -EPROTO;
}

/* One look at what the liar says. */
static void face_liar(void)
{
	__u32 state = slot_state(&victim.window, victim.slot);
	__u64 features;
	int r;

	if (state == QHP_SLOT_LISTENING)
		return;
	if (state != QHP_SLOT_CONNECTED) {
		ASSERT_EQ(state, QHP_SLOT_CLOSED);
		offer_again(&victim.closed);
		return;
	}
	if (!victim.attached) {
		r = qhp_rx_attach(&victim.rx, &victim.tx.ends, &features);
		ASSERT(!r || r == -EAGAIN || r == -EPROTO);
		victim.attached = !r;
		if (r == -EPROTO || (r && ++victim.waits > 1000))
			offer_again(&victim.unprepared);
		return;
	}
	if (!receive_some() || !send_one())
		offer_again(&victim.broken);
	else if (some(4) == 0)
		qhp_rx_arm(&victim.rx);
}

/* One more message of the other peer's, by bells alone. */
static void hear_friend(struct exchange *friend)
{
	struct pollfd poller = { .fd = victim.window.fd, .events = POLLIN };
	__u32 received = friend->received;
	struct queztl_events events;
	enum exchange_state state;

	for (;;) {
		state = exchange_step(friend);
		ASSERT(state != EXCHANGE_CUT);
		if (friend->received != received)
			break;
		if (state == EXCHANGE_BUSY)
			continue;
		ASSERT_EQ(poll(&poller, 1, -1), 1);
		ASSERT_EQ(window_events(victim.window.fd, &events), 0);
	}
}

/* The liar's writes reach nothing that is the victim's. */
static void expect_own_region(const char *copy)
{
	const struct qhp_region *own = victim.tx.ends.own;

	ASSERT(!memcmp(copy, own, REGION));
	ASSERT_EQ(own->magic, QHP_REGION_MAGIC);
	ASSERT(!qhp_read(qhp_tx_entry(&victim.tx, victim.tx.hidden_at)));
	ASSERT_EQ(own->tail, victim.attached ? victim.rx.tail : 0);
}

/* ---- the other peer ---- */

static void be_friend(void)
{
	struct exchange exchange;
	struct window c;
	struct pollfd poller = { .events = POLLIN };
	struct queztl_events events;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	c = window_open("qtd", 1);
	poller.fd = c.fd;
	ASSERT_EQ(channel_connect(c.fd, "qtf"), 0);
	exchange_start(&exchange, &c, 0, 1, 2);
	for (;;) {
		if (exchange_step(&exchange) == EXCHANGE_BUSY)
			continue;
		ASSERT_EQ(poll(&poller, 1, -1), 1);
		ASSERT_EQ(window_events(c.fd, &events), 0);
	}
}

static pid_t start(void (*run)(void))
{
	pid_t child = fork();

	if (!child) {
		close(victim.window.fd);
		run();
		_exit(1);
	}
	return child;
}

static void end_it(pid_t child)
{
	EXPECT_EQ(waitpid(child, NULL, WNOHANG), 0);	/* it has not failed */
	kill(child, SIGKILL);
	ASSERT_EQ(waitpid(child, NULL, 0), child);
}

static __u64 diverted_of(const char *name)
{
	struct queztl_window found;

	ASSERT_EQ(window_find(name, &found), 0);
	return found.diverted;
}

TEST(guest_that_lies_about_everything_harms_nobody)
{
	static char copy[REGION];
	pid_t server = serve_start("qta", SLOTS, REGION, SOCKET), lying, friendly;
	struct exchange friend;
	struct vm successor;
	time_t end;
	int slot;

	random_state = 1;
	ASSERT_EQ(channel_allow("qtc", "qtb", "qta"), 0);
	ASSERT_EQ(channel_allow("qtf", "qtb", "qtd"), 0);
	victim.window = window_open("qtb", SLOTS);
	slot = channel_listen(victim.window.fd, "qtf", 0);
	ASSERT_GE(slot, 0);
	exchange_start(&friend, &victim.window, slot, 2, 1);
	offer();
	friendly = start(be_friend);
	lying = start(lie);
	end = time(NULL) + seconds();
	while (time(NULL) < end) {
		for (int i = 0; i < 8; i++)
			face_liar();
		memcpy(copy, victim.tx.ends.own, REGION);
		hear_friend(&friend);
		expect_own_region(copy);
		ASSERT_EQ(ktap_shared->failed, 0);
	}
	ktap_say("%ld s: %llu messages of the liar were read, %llu sent to it, %u of the friend were read",
		 (long)seconds(), victim.read, victim.sent, friend.received);
	ktap_say("the liar was broken %llu times, unprepared %llu, gone %llu; %llu writes went nowhere",
		 victim.broken, victim.unprepared, victim.closed,
		 (unsigned long long)diverted_of("qta"));
	EXPECT_GE(victim.read, 1);
	EXPECT_GE(victim.broken, 1);
	EXPECT_EQ(diverted_of("qtb"), 0);
	EXPECT_GE(diverted_of("qta"), 1);
	end_it(lying);
	end_it(friendly);
	/* the next guest is served as the first one was */
	ASSERT_EQ(vm_start(&successor, SOCKET, VECTORS), 0);
	offer_again(&victim.closed);
	EXPECT_EQ(vm_connect(&successor, "qtc"), 0);
	vm_stop(&successor);
	EXPECT_EQ(serve_stop(server), 0);
}

__attribute__((constructor)) static void set_limit(void)
{
	guest_that_lies_about_everything_harms_nobody_test.seconds += seconds();
}
