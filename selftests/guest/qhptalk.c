// SPDX-License-Identifier: GPL-2.0
/*
 * What a program in a guest does with /dev/qhp, straight by its calls.
 *
 *	qhptalk listen|connect NAME send COUNT	send messages, check the echo
 *	qhptalk listen|connect NAME ask COUNT	the same, one at a time, with pauses
 *	qhptalk listen|connect NAME echo	send back until the peer goes
 *	qhptalk listen|connect NAME hold	say hello, wait until the peer goes
 *	qhptalk tcp ADDRESS PORT		send standard input by TCP, in long pieces; wait for the end
 *	qhptalk rules NAME			what the calls refuse
 *	qhptalk gone NAME			hold a channel while the device goes
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "qhp/channel/ring.h"

#define WAIT_MS		60000
#define LONGEST		20000u
#define PAUSE_US	20000

struct channel {
	int fd;
	struct qhp_open open;
	struct qhp_ends ends;
	struct qhp_tx tx;
	struct qhp_rx rx;
};

static void fail(const char *what)
{
	errx(1, "not so: %s", what);
}

#define check(condition)	do { if (!(condition)) fail(#condition); } while (0)

static const char *device(void)
{
	return getenv("QHP_DEVICE") ?: "/dev/qhp";
}

static int try_open(struct channel *c, const char *how, const char *name)
{
	*c = (struct channel){ .open.size = sizeof(c->open) };
	snprintf(c->open.name, sizeof(c->open.name), "%s", name);
	c->fd = open(device(), O_RDWR | O_CLOEXEC);
	if (c->fd < 0)
		err(1, "%s", device());
	return ioctl(c->fd, *how == 'l' ? QHP_LISTEN : QHP_CONNECT, &c->open) ? -errno : 0;
}

static void map(struct channel *c)
{
	c->ends.bytes = c->open.bytes;
	c->ends.own = mmap(NULL, c->open.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, QHP_MMAP_OWN);
	c->ends.peer = mmap(NULL, c->open.bytes, PROT_READ, MAP_SHARED, c->fd, QHP_MMAP_PEER);
	if (c->ends.own == MAP_FAILED || c->ends.peer == MAP_FAILED)
		err(1, "mmap");
}

static uint32_t events(struct channel *c, uint32_t *rung)
{
	struct qhp_events e = { .size = sizeof(e) };

	if (ioctl(c->fd, QHP_EVENTS, &e))
		err(1, "QHP_EVENTS");
	if (rung)
		*rung = e.rung;
	return e.state;
}

static short wait_for(struct channel *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int ret = poll(&p, 1, WAIT_MS);

	if (ret < 0)
		err(1, "poll");
	if (!ret)
		errx(1, "nothing happens, state %u", events(c, NULL));
	return p.revents;
}

static void ring(struct channel *c)
{
	if (ioctl(c->fd, QHP_RING) && errno != ENOTCONN)
		err(1, "QHP_RING");
}

/* Whether the peer is there. */
static bool sleep_once(struct channel *c)
{
	short seen = wait_for(c);

	events(c, NULL);
	return !(seen & POLLHUP);
}

static bool meet(struct channel *c)
{
	__u64 features;
	int ret;

	if (qhp_region_init(&c->tx, &c->ends, 0))
		errx(1, "qhp_region_init");
	while (events(c, NULL) == QHP_SLOT_LISTENING)
		if (!sleep_once(c))
			return false;
	ring(c);
	while ((ret = qhp_rx_attach(&c->rx, &c->ends, &features)) == -EAGAIN)
		if (!sleep_once(c))
			return false;
	if (ret)
		errx(1, "qhp_rx_attach: %s", strerror(-ret));
	return true;
}

static bool get(struct channel *c, struct qhp_msg *msg)
{
	int ret;

	while (!(ret = qhp_rx_peek(&c->rx, msg))) {
		if (!qhp_rx_arm(&c->rx) && !sleep_once(c))
			return false;
	}
	if (ret < 0)
		errx(1, "the peer breaks the protocol");
	return true;
}

static bool put(struct channel *c, const void *data, uint32_t len)
{
	void *at;
	int ret;

	while ((ret = qhp_tx_reserve(&c->tx, len, &at)) == -EAGAIN)
		if (!qhp_tx_arm(&c->tx) && !sleep_once(c))
			return false;
	if (ret)
		errx(1, "qhp_tx_reserve: %s", strerror(-ret));
	memcpy(at, data, len);
	qhp_tx_commit(&c->tx);
	if (qhp_tx_publish(&c->tx))
		ring(c);
	return true;
}

static void release(struct channel *c)
{
	if (qhp_rx_release(&c->rx, 1))
		ring(c);
}

static uint32_t length_of(unsigned int i)
{
	static const uint32_t lengths[] = { 8, 64, 120, 121, 1500, LONGEST, 0 };

	return lengths[i % 7];
}

static void fill(unsigned char *data, uint32_t len, unsigned int i)
{
	for (uint32_t at = 0; at < len; at++)
		data[at] = at * 7 + i;
}

static void check_message(struct channel *c, unsigned int i)
{
	static unsigned char expected[LONGEST];
	struct qhp_msg msg;

	fill(expected, length_of(i), i);
	if (!get(c, &msg))
		errx(1, "the peer is gone before message %u", i);
	if (msg.len != length_of(i) || memcmp(msg.data, expected, msg.len))
		errx(1, "message %u of %u bytes comes back as one of %u", i, length_of(i), msg.len);
	release(c);
}

/* Some are under way at a time. */
static int do_send(struct channel *c, unsigned int count)
{
	static unsigned char data[LONGEST];
	unsigned int back = 0;

	for (unsigned int i = 0; i < count; i++) {
		fill(data, length_of(i), i);
		if (!put(c, data, length_of(i)))
			errx(1, "the peer is gone at message %u", i);
		if (i % 8 != 7)
			continue;
		while (back < i)
			check_message(c, back++);
	}
	while (back < count)
		check_message(c, back++);
	printf("%u messages came back\n", count);
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* After each pause both ends sleep. */
static int do_ask(struct channel *c, unsigned int count)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < count; i++) {
		unsigned char data[LONGEST];
		uint64_t begun;

		usleep(PAUSE_US);
		fill(data, length_of(i), i);
		begun = now_ns();
		if (!put(c, data, length_of(i)))
			errx(1, "the peer is gone at message %u", i);
		check_message(c, i);
		total += now_ns() - begun;
	}
	printf("%u messages came back, each after %llu us\n", count, (unsigned long long)total / count / 1000);
	return 0;
}

static int do_echo(struct channel *c)
{
	unsigned int count = 0;
	struct qhp_msg msg;

	while (get(c, &msg) && put(c, msg.data, msg.len)) {
		release(c);
		count++;
	}
	printf("%u messages, then state %u\n", count, events(c, NULL));
	return 0;
}

static int do_hold(struct channel *c)
{
	if (!put(c, "hello", 5))
		errx(1, "the peer is gone at once");
	while (sleep_once(c))
		;
	printf("gone, state %u\n", events(c, NULL));
	return 0;
}

static int do_channel(char **argv)
{
	struct channel c;
	int ret = try_open(&c, argv[1], argv[2]);

	if (ret) {
		printf("%s %s: %s\n", argv[1], argv[2], strerror(-ret));
		return -ret;
	}
	map(&c);
	if (!meet(&c))
		errx(1, "the peer is gone before it came");
	if (*argv[3] == 'a')
		return do_ask(&c, argv[4] ? atoi(argv[4]) : 10);
	if (*argv[3] == 's')
		return do_send(&c, argv[4] ? atoi(argv[4]) : 100);
	return *argv[3] == 'e' ? do_echo(&c) : do_hold(&c);
}

static bool fails(void *got, int why)
{
	return got == MAP_FAILED && errno == why;
}

static void check_unopened(void)
{
	struct qhp_events e = { .size = sizeof(e) };
	int fd = open(device(), O_RDWR);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	check(fd >= 0);
	check(ioctl(fd, QHP_EVENTS, &e) && errno == ENOTCONN);
	check(ioctl(fd, QHP_RING) && errno == ENOTCONN);
	check(ioctl(fd, _IO('Y', 0x7f), &e) && errno == ENOTTY);
	check(fails(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0), ENOTCONN));
	check(poll(&p, 1, 0) == 0);
	close(fd);
}

static void check_arguments(void)
{
	struct { struct qhp_open open; uint32_t more[4]; } large = { .open.size = sizeof(large) };
	struct qhp_open o = { .size = sizeof(o) - 4 };
	int fd = open(device(), O_RDWR);

	check(ioctl(fd, QHP_CONNECT, &o) && errno == EINVAL);
	o.size = 0x100000;
	check(ioctl(fd, QHP_CONNECT, &o) && errno == E2BIG);
	o.size = sizeof(o);
	o.flags = 1;
	check(ioctl(fd, QHP_CONNECT, &o) && errno == EINVAL);
	o.flags = 0;
	memset(o.name, 'x', sizeof(o.name));
	check(ioctl(fd, QHP_CONNECT, &o) && errno == EINVAL);
	large.more[3] = 1;
	check(ioctl(fd, QHP_CONNECT, &large) && errno == E2BIG);
	check(ioctl(fd, QHP_CONNECT, NULL) && errno == EFAULT);
	close(fd);
}

static void check_mappings(struct channel *c)
{
	uint32_t bytes = c->open.bytes;
	int fd = c->fd, rw = PROT_READ | PROT_WRITE;

	check(fails(mmap(NULL, bytes, rw, MAP_SHARED, fd, QHP_MMAP_PEER), EACCES));
	check(fails(mmap(NULL, bytes, rw, MAP_PRIVATE, fd, QHP_MMAP_OWN), EINVAL));
	check(fails(mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, QHP_MMAP_PEER), EINVAL));
	check(fails(mmap(NULL, 2 * bytes, rw, MAP_SHARED, fd, QHP_MMAP_OWN), EINVAL));
	check(fails(mmap(NULL, bytes, rw, MAP_SHARED, fd, 4096), EINVAL));
	check(fails(mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, QHP_MMAP_PEER + 4096), EINVAL));
	check(fails(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 2 * QHP_MMAP_PEER), EINVAL));
	check(fails(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 1ll << 40), EINVAL));
	check(mprotect((void *)c->ends.peer, bytes, rw) && errno == EACCES);
	check(mprotect(c->ends.own, bytes, rw | PROT_EXEC) && errno == EACCES);
	check(!mprotect(c->ends.own, bytes, PROT_READ));
	check(!mprotect(c->ends.own, bytes, rw));
	check(munmap((char *)c->ends.own + 4096, 4096) == 0);
}

static int do_rules(const char *name)
{
	struct channel c, second;
	uint32_t rung;

	check_unopened();
	check_arguments();
	check(!try_open(&c, "connect", name));
	map(&c);
	check(ioctl(c.fd, QHP_LISTEN, &c.open) && errno == EISCONN);
	check_mappings(&c);
	check(!try_open(&second, "connect", name));
	check(second.open.slot != c.open.slot);
	close(second.fd);
	wait_for(&c);
	check(events(&c, &rung) == QHP_SLOT_CONNECTED);
	check(rung == 1);
	check(events(&c, &rung) == QHP_SLOT_CONNECTED && !rung);
	close(c.fd);
	/* The mappings still have the channel. */
	check(c.ends.peer->magic == QHP_REGION_MAGIC);
	printf("rules hold\n");
	return 0;
}

static sigjmp_buf after_bus_error;

static void on_bus_error(int signal)
{
	(void)signal;
	siglongjmp(after_bus_error, 1);
}

static bool is_readable(const volatile uint32_t *at)
{
	if (sigsetjmp(after_bus_error, 1))
		return false;
	(void)*at;
	return true;
}

static int do_gone(const char *name)
{
	struct qhp_events e = { .size = sizeof(e) };
	struct channel c;
	short seen;

	signal(SIGBUS, on_bus_error);
	check(!try_open(&c, "connect", name));
	map(&c);
	check(is_readable(&c.ends.own->magic) && is_readable(&c.ends.peer->magic));
	wait_for(&c);
	events(&c, NULL);
	printf("have it\n");
	fflush(stdout);
	do
		seen = wait_for(&c);
	while (!(seen & POLLHUP) && !ioctl(c.fd, QHP_EVENTS, &e));
	check(seen & POLLERR);
	check(ioctl(c.fd, QHP_EVENTS, &e) && errno == ENODEV);
	check(ioctl(c.fd, QHP_RING) && errno == ENODEV);
	check(!is_readable(&c.ends.own->magic) && !is_readable(&c.ends.peer->magic));
	printf("gone\n");
	return 0;
}

/* A sender that writes little at a time gives the network stack nothing to put into long packets. */
static int do_tcp(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	static char data[1 << 18];
	ssize_t got;

	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		err(1, "%s", address);
	while ((got = read(0, data, sizeof(data))) > 0)
		for (ssize_t sent = 0, n; sent < got; sent += n)
			if ((n = write(fd, data + sent, got - sent)) < 0)
				err(1, "write");
	shutdown(fd, SHUT_WR);
	return read(fd, data, 1) != 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "tcp"))
		return do_tcp(argv[2], argv[3]);
	if (argc == 3 && *argv[1] == 'r')
		return do_rules(argv[2]);
	if (argc == 3 && *argv[1] == 'g')
		return do_gone(argv[2]);
	if (argc >= 4)
		return do_channel(argv);
	errx(2, "usage: qhptalk listen|connect NAME send|ask|echo|hold [COUNT] | tcp ADDRESS PORT | rules NAME | gone NAME");
}
