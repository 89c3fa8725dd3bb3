// SPDX-License-Identifier: GPL-2.0
/*
 * A window without queztl.ko: the server of an ivshmem-doorbell device, and the peer of each channel. What the peer does,
 * and what the host answers, is in the name of the channel: see behaviours. Prints what the guest asks for.
 *
 *	standin SOCKET SLOTS REGION VECTORS
 */
#define _GNU_SOURCE
#include <endian.h>
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "qhp/channel/ring.h"

#define FIRST		QHP_UNIT
#define MAILBOX		8192
#define MEET_MS		20	/* after which a peer comes to who listens */
#define LATE_MS		12000	/* longer than a guest waits */
#define QUIET_MS	2000	/* without a doorbell: none may be missing then */
#define FLAP		300	/* messages after which a peer goes */

/* What names begin with. */
enum behaviour {
	ECHO, MIRROR, FLAPPING, ALONE, MUTE, GARBAGE, CLOSING, REVOKING,
	REFUSE, DENY, SILENT, LATE, BADSLOT, BADBYTES, BADERROR, BEHAVIOURS,
};

static const char *const behaviours[BEHAVIOURS] = {
	[ECHO] = "echo",		/* sends back what it gets */
	[MIRROR] = "mirror",		/* sends packets back, source and destination exchanged */
	[FLAPPING] = "flap",		/* the same, and goes now and then */
	[ALONE] = "alone",		/* no peer comes */
	[MUTE] = "mute",		/* the peer does not prepare its region */
	[GARBAGE] = "garbage",		/* has a head that cannot be */
	[CLOSING] = "closing",		/* closes at the first message */
	[REVOKING] = "revoking",
	[REFUSE] = "refuse",
	[DENY] = "deny",
	[SILENT] = "silent",
	[LATE] = "late",
	[BADSLOT] = "badslot",
	[BADBYTES] = "badbytes",
	[BADERROR] = "baderror",
};

struct peer {
	enum behaviour behaviour;
	long long meets;
	struct qhp_ends ends;
	struct qhp_tx tx;
	struct qhp_rx rx;
	bool started, attached;
	unsigned int messages;
	struct qhp_msg held;
	bool holds;
};

static char *window;
static size_t bytes;
static uint32_t slots, region, vectors;
static struct peer peers[QHP_SLOTS_MAX];
static int kick[1 + QHP_SLOTS_MAX], call[1 + QHP_SLOTS_MAX];
static int client = -1;
static uint32_t answered;
static long long late_at;
static uint32_t late_number;
static int late_slot;

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

static struct qhp_directory *directory(void)
{
	return (struct qhp_directory *)window;
}

static struct qhp_mailbox *mailbox(void)
{
	return (struct qhp_mailbox *)(window + MAILBOX);
}

static char *own_region(uint32_t slot)
{
	return window + FIRST + 2ull * slot * region;
}

static void interrupt(uint32_t vector)
{
	const uint64_t one = 1;

	if (write(call[vector < vectors ? vector : 0], &one, sizeof(one)) < 0)
		warn("eventfd");
}

/* -- peers -- */
static void set_state(uint32_t slot, uint32_t state)
{
	__atomic_store_n(&directory()->slot[slot].state, state, __ATOMIC_RELEASE);
}

static void connect_peer(uint32_t slot)
{
	set_state(slot, QHP_SLOT_CONNECTED);
	peers[slot].started = true;
}

static void end_peer(uint32_t slot, uint32_t state)
{
	set_state(slot, state);
	peers[slot].started = false;
	memset(own_region(slot) + region, 0, region);
	interrupt(0);
}

static void start_peer(uint32_t slot)
{
	struct peer *peer = &peers[slot];
	uint64_t features = peer->behaviour == MIRROR || peer->behaviour == FLAPPING ? QHP_FEATURE_PACKETS : 0;

	if (peer->tx.ring || peer->behaviour == MUTE)
		return;
	if (qhp_region_init(&peer->tx, &peer->ends, features))
		errx(1, "qhp_region_init");
	if (peer->behaviour == GARBAGE)
		qhp_store_release((__u64 *)(peer->ends.own + 1), 0x12345678u);
	interrupt(1 + slot);
}

/* An IP packet comes back as if from where it went to: no checksum changes by that. */
static void reflect(unsigned char *packet)
{
	size_t at = packet[0] >> 4 == 4 ? 12 : 8, len = packet[0] >> 4 == 4 ? 4 : 16;
	unsigned char source[16];

	memcpy(source, packet + at, len);
	memcpy(packet + at, packet + at + len, len);
	memcpy(packet + at + len, source, len);
}

static bool send_back(uint32_t slot, struct peer *peer)
{
	void *at;
	int ret = qhp_tx_reserve(&peer->tx, peer->held.len, &at);

	if (ret == -EAGAIN)
		return false;
	if (ret)
		errx(1, "slot %u: the guest writes an impossible tail", slot);
	memcpy(at, peer->held.data, peer->held.len);
	if ((peer->behaviour == MIRROR || peer->behaviour == FLAPPING) && peer->held.len > 56)
		reflect((unsigned char *)at + sizeof(struct qhp_packet));
	qhp_tx_commit(&peer->tx);
	if (qhp_tx_publish(&peer->tx))
		interrupt(1 + slot);
	peer->holds = false;
	if (qhp_rx_release(&peer->rx, 1))
		interrupt(1 + slot);
	return true;
}

static bool has_had_enough(const struct peer *peer)
{
	return peer->behaviour == CLOSING || peer->behaviour == REVOKING ||
	       (peer->behaviour == FLAPPING && peer->messages >= FLAP);
}

/* Whether it did something. */
static bool exchange(uint32_t slot, struct peer *peer)
{
	bool busy = false;
	int got = 1;

	while (peer->holds || (got = qhp_rx_peek(&peer->rx, &peer->held)) == 1) {
		if (!peer->holds)
			peer->messages++;
		peer->holds = true;
		if (has_had_enough(peer)) {
			end_peer(slot, peer->behaviour == REVOKING ? QHP_SLOT_REVOKED : QHP_SLOT_CLOSED);
			return true;
		}
		if (!send_back(slot, peer))
			return busy;
		busy = true;
	}
	if (got < 0)
		errx(1, "slot %u: the guest breaks the protocol", slot);
	return busy;
}

static bool attach(struct peer *peer)
{
	__u64 features;
	int ret;

	if (peer->attached)
		return true;
	ret = qhp_rx_attach(&peer->rx, &peer->ends, &features);
	if (ret == -EPROTO)
		errx(1, "the guest has an invalid region");
	peer->attached = !ret;
	return peer->attached;
}

static bool run_peer(uint32_t slot)
{
	struct peer *peer = &peers[slot];

	if (peer->meets && now_ms() >= peer->meets) {
		peer->meets = 0;
		connect_peer(slot);
		interrupt(0);
	}
	if (!peer->started)
		return false;
	start_peer(slot);
	return peer->tx.ring && peer->behaviour != GARBAGE && attach(peer) && exchange(slot, peer);
}

/* Nobody can sleep: somebody has written in the meantime. */
static bool arm(uint32_t slot)
{
	struct peer *peer = &peers[slot];

	if (!peer->started || !peer->attached)
		return false;
	if (peer->holds)
		return qhp_tx_arm(&peer->tx);
	return qhp_rx_arm(&peer->rx);
}

/* -- requests -- */
static enum behaviour behaviour_of(const char *name)
{
	for (int b = 0; b < BEHAVIOURS; b++)
		if (!strncmp(name, behaviours[b], strlen(behaviours[b])))
			return b;
	return ECHO;
}

static void close_slot(uint32_t slot)
{
	directory()->slot[slot].bytes = 0;
	set_state(slot, QHP_SLOT_FREE);
	memset(&peers[slot], 0, sizeof(peers[slot]));
	memset(own_region(slot), 0, 2 * region);
}

static int open_slot(const struct qhp_request *request, enum behaviour behaviour)
{
	struct qhp_slot *found;
	uint32_t slot = 0;

	while (slot < slots && directory()->slot[slot].state != QHP_SLOT_FREE)
		slot++;
	if (slot == slots)
		return -ENOSPC;
	found = &directory()->slot[slot];
	found->generation++;
	found->bytes = region;
	memcpy(found->name, request->name, sizeof(found->name));
	peers[slot].behaviour = behaviour;
	peers[slot].ends.own = (struct qhp_region *)(own_region(slot) + region);
	peers[slot].ends.peer = (const struct qhp_region *)own_region(slot);
	peers[slot].ends.bytes = region;
	if (request->op == QHP_OP_CONNECT) {
		connect_peer(slot);
	} else {
		set_state(slot, QHP_SLOT_LISTENING);
		peers[slot].meets = behaviour == ALONE ? 0 : now_ms() + MEET_MS;
	}
	return slot;
}

static int make_call(const struct qhp_request *request, enum behaviour behaviour)
{
	switch (request->op) {
	case QHP_OP_RESET:
		for (uint32_t slot = 0; slot < slots; slot++)
			close_slot(slot);
		return 0;
	case QHP_OP_CLOSE:
		if (request->slot >= slots || !directory()->slot[request->slot].state)
			return -ENOENT;
		close_slot(request->slot);
		return 0;
	default:
		break;
	}
	if (behaviour == REFUSE)
		return -ECONNREFUSED;
	if (behaviour == DENY)
		return -EPERM;
	if (behaviour == BADSLOT || behaviour == BADBYTES || behaviour == BADERROR)
		return 0;
	return open_slot(request, behaviour);
}

static void give_answer(uint32_t number, int ret, uint32_t size)
{
	struct qhp_answer *answer = &mailbox()->answer;

	answer->error = ret < 0 ? ret : 0;
	answer->slot = ret < 0 ? 0 : ret;
	answer->bytes = size;
	qhp_store_release(&answer->number, number);
	interrupt(0);
}

static void give_bad_answer(uint32_t number, enum behaviour behaviour)
{
	if (behaviour == BADERROR)
		mailbox()->answer.error = 12345;
	if (behaviour != BADERROR) {
		give_answer(number, behaviour == BADSLOT ? 1000 : 0, behaviour == BADBYTES ? 12345 : region);
		return;
	}
	qhp_store_release(&mailbox()->answer.number, number);
	interrupt(0);
}

static void serve_request(void)
{
	static const char *const ops[] = { "?", "reset", "listen", "connect", "close" };
	struct qhp_request request;
	enum behaviour behaviour;
	bool names;
	int ret;

	memcpy(&request, &mailbox()->request, sizeof(request));
	answered = request.number;
	behaviour = behaviour_of(request.name);
	names = request.op == QHP_OP_LISTEN || request.op == QHP_OP_CONNECT;
	if (names && behaviour == SILENT) {
		printf("%s %s: no answer\n", ops[request.op], request.name);
		return;
	}
	ret = make_call(&request, behaviour);
	printf("%s %s%d: %d\n", ops[request.op < 5 ? request.op : 0], names ? request.name : "",
	       names ? 0 : (int)request.slot, ret);
	if (names && behaviour == LATE) {
		late_at = now_ms() + LATE_MS;
		late_number = request.number;
		late_slot = ret;
	} else if (names && behaviour >= BADSLOT) {
		give_bad_answer(request.number, behaviour);
	} else {
		give_answer(request.number, ret, region);
	}
}

/* -- the device -- */
static void send_number(int64_t number, int fd)
{
	union {
		char room[CMSG_SPACE(sizeof(fd))];
		struct cmsghdr align;
	} control = { .room = { 0 } };
	int64_t wire = htole64(number);
	struct iovec data = { &wire, sizeof(wire) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *header = &control.align;

		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	if (sendmsg(client, &message, MSG_NOSIGNAL) != sizeof(wire))
		warn("sendmsg");
}

static void greet(int fd)
{
	send_number(0, -1);
	send_number(1, -1);
	send_number(-1, fd);
	for (uint32_t i = 0; i < vectors; i++)
		send_number(QHP_PEER_HOST, kick[i]);
	for (uint32_t i = 0; i < vectors; i++)
		send_number(1, call[i]);
}

static int make_window(void)
{
	int fd = memfd_create("window", MFD_CLOEXEC);

	for (bytes = 1 << 20; bytes < FIRST + 2ull * slots * region;)
		bytes *= 2;
	if (fd < 0 || ftruncate(fd, bytes))
		err(1, "memfd");
	window = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (window == MAP_FAILED)
		err(1, "mmap");
	*directory() = (struct qhp_directory){
		.magic = QHP_WINDOW_MAGIC, .version = QHP_VERSION, .slots = slots, .region = region,
		.first = FIRST, .mailbox = MAILBOX };
	return fd;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1))
		err(1, "%s", path);
	return fd;
}

static bool take(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count);
}

static bool take_kicks(void)
{
	bool any = false;

	for (uint32_t i = 0; i < vectors; i++)
		any |= take(kick[i]);
	return any;
}

/* Until the guest is gone. */
static void serve(void)
{
	struct pollfd polled[2 + QHP_SLOTS_MAX];
	bool slept = false, rung = false;

	for (uint32_t i = 0; i < vectors; i++)
		polled[i] = (struct pollfd){ .fd = kick[i], .events = POLLIN };
	polled[vectors] = (struct pollfd){ .fd = client, .events = POLLRDHUP };
	for (;;) {
		bool busy = false, awake = false, waits = late_at;

		if (mailbox()->request.number && mailbox()->request.number != answered)
			serve_request();
		if (late_at && now_ms() >= late_at) {
			late_at = 0;
			give_answer(late_number, late_slot, region);
		}
		for (uint32_t slot = 0; slot < slots; slot++) {
			busy |= run_peer(slot);
			waits |= peers[slot].meets;
		}
		if (busy && slept && !rung)
			printf("lost doorbell\n");
		for (uint32_t slot = 0; slot < slots; slot++)
			awake |= arm(slot);
		fflush(stdout);
		slept = poll(polled, vectors + 1, awake ? 0 : waits ? 1 : QUIET_MS) == 0 && !awake && !waits;
		rung = take_kicks();
		if (polled[vectors].revents)
			return;
	}
}

int main(int argc, char **argv)
{
	int listener, fd;

	if (argc != 5)
		errx(2, "usage: standin SOCKET SLOTS REGION VECTORS");
	slots = atoi(argv[2]);
	region = atoi(argv[3]);
	vectors = atoi(argv[4]);
	for (uint32_t i = 0; i < vectors; i++) {
		kick[i] = eventfd(0, EFD_NONBLOCK);
		call[i] = eventfd(0, EFD_NONBLOCK);
	}
	fd = make_window();
	listener = listen_at(argv[1]);
	printf("ready\n");
	fflush(stdout);
	client = accept(listener, NULL, NULL);
	if (client < 0)
		err(1, "accept");
	greet(fd);
	serve();
	return 0;
}
