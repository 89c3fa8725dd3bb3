// SPDX-License-Identifier: GPL-2.0
/*
 * qhpping - round trips, streams and connections over a channel, by libqueztl
 *
 *	qhpping [-w WINDOW] listen CHANNEL		serve one peer after the other
 *	qhpping [-w WINDOW] connect CHANNEL rtt [-n TRIPS] [-u WARMUP] [-l BYTES] [-s SPIN_NS] [-r]
 *	qhpping [-w WINDOW] connect CHANNEL stream [-n MESSAGES] [-l BYTES] [-s SPIN_NS]
 *	qhpping [-w WINDOW] connect CHANNEL connect [-n TIMES] [-r]
 *
 * In a guest it uses /dev/qhp; with -w it is a process of the host and makes a window of that name.
 *
 * Each end spins for SPIN_NS at most before it sleeps: 0 is never, the default is for as long as it takes. In a stream
 * each message is written in place, every byte, and read in place, every byte. A connection is from before the call
 * until the first byte of the peer's answer.
 *
 * Prints one line of JSON, times in ns by CLOCK_MONOTONIC; -r: with all samples.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <qhp.h>
#include <queztl.h>

#define SPIN_ALWAYS	4000000000u
#define WAIT_MS		60000
#define RETRY_US	1000
#define REGION		0x100000u

enum mode { RTT, STREAM };

/* What the listener is asked for, in the first message. */
struct hello {
	uint32_t mode;
	uint32_t spin_ns;
	uint64_t count;
};

struct options {
	const char *window, *channel, *what;
	uint64_t count, warmup;
	uint32_t len, spin_ns;
	bool raw;
};

static struct qhp_window window;

static void die(const char *what, int error)
{
	fprintf(stderr, "qhpping: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(1);
}

static void check(const char *what, int ret)
{
	if (ret < 0)
		die(what, ret);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* -- messages -------------------------------------------------------------------------------------------------------- */
static void *reserve(struct qhp *end, uint32_t len)
{
	void *at;
	int ret;

	while ((ret = qhp_reserve(end, len, &at)) == -EAGAIN)
		check("wait for room", qhp_wait(end, QHP_ROOM, WAIT_MS));
	check("reserve", ret);
	return at;
}

static void send(struct qhp *end, const void *data, uint32_t len)
{
	memcpy(reserve(end, len), data, len);
	check("send", qhp_commit(end, 0));
}

/* Return: 1, or 0: the peer has gone. */
static int next(struct qhp *end, struct qhp_msg *msg)
{
	int ret;

	while (!(ret = qhp_peek(end, msg))) {
		ret = qhp_wait(end, QHP_MESSAGE, WAIT_MS);
		if (!ret)
			die("wait for a message", ETIMEDOUT);
		if (ret < 0)
			break;
	}
	if (ret < 0 && ret != -ECONNRESET)
		die("receive", ret);
	return ret == 1;
}

/* A message of this size, copied. */
static void receive(struct qhp *end, void *data, uint32_t len)
{
	struct qhp_msg msg;

	if (!next(end, &msg) || msg.len != len)
		die("receive", EBADMSG);
	memcpy(data, msg.data, len);
	check("release", qhp_release(end, 1));
}

static uint64_t sum(const void *data, uint32_t len)
{
	const uint64_t *word = data;
	uint64_t all = 0;

	for (uint32_t i = 0; i < len / sizeof(*word); i++)
		all += word[i];
	return all;
}

/* -- the listener ---------------------------------------------------------------------------------------------------- */
static void serve_trips(struct qhp *end, uint64_t count)
{
	struct qhp_msg msg;

	for (uint64_t i = 0; i < count && next(end, &msg); i++) {
		send(end, msg.data, msg.len);
		check("release", qhp_release(end, 1));
	}
}

/* Answers with the time from the first message to the last one, and the sum of all. */
static void serve_stream(struct qhp *end, uint64_t count)
{
	uint64_t answer[2] = { 0, 0 }, begun = 0;
	struct qhp_msg msg;

	for (uint64_t i = 0; i < count && next(end, &msg); i++) {
		if (!i)
			begun = now_ns();
		answer[1] += sum(msg.data, msg.len);
		check("release", qhp_release(end, 1));
	}
	answer[0] = now_ns() - begun;
	send(end, answer, sizeof(answer));
}

static void serve(const struct options *o, struct qhp_window *own)
{
	struct hello hello;
	struct qhp_msg msg;
	struct qhp end;

	for (;;) {
		check("listen", qhp_listen(&end, own, o->channel, REGION));
		while (!(qhp_wait(&end, QHP_PEER, -1) & QHP_PEER))
			;
		receive(&end, &hello, sizeof(hello));
		end.spin_max_ns = hello.spin_ns;
		if (hello.mode == RTT)
			serve_trips(&end, hello.count);
		else
			serve_stream(&end, hello.count);
		/* The peer goes when it has read everything. */
		while (next(&end, &msg))
			;
		check("close", qhp_close(&end));
	}
}

/* -- the other end --------------------------------------------------------------------------------------------------- */
static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print(const struct options *o, uint64_t *samples)
{
	uint64_t n = o->count, all = 0;

	for (uint64_t i = 0; i < n; i++)
		all += samples[i];
	qsort(samples, n, sizeof(*samples), compare);
	printf("{\"n\": %llu, \"lost\": 0, \"mean\": %llu, \"min\": %llu, \"p50\": %llu, \"p99\": %llu, \"max\": %llu",
	       (unsigned long long)n, (unsigned long long)(all / n), (unsigned long long)samples[0],
	       (unsigned long long)samples[n / 2], (unsigned long long)samples[n * 99 / 100],
	       (unsigned long long)samples[n - 1]);
	for (uint64_t i = 0; o->raw && i < n; i++)
		printf("%s%llu", i ? ", " : ", \"samples\": [", (unsigned long long)samples[i]);
	printf("%s}\n", o->raw ? "]" : "");
}

static uint64_t *make_samples(uint64_t count)
{
	uint64_t *samples = calloc(count, sizeof(*samples));

	if (!samples)
		die("samples", ENOMEM);
	return samples;
}

static void say_hello(struct qhp *end, const struct options *o, enum mode mode, uint64_t count)
{
	struct hello hello = { mode, o->spin_ns, count };

	end->spin_max_ns = o->spin_ns;
	send(end, &hello, sizeof(hello));
}

/* Return: when the call began that succeeded. */
static uint64_t connect_to(struct qhp *end, const struct options *o, struct qhp_window *own)
{
	uint64_t begun;
	int ret;

	for (;;) {
		begun = now_ns();
		ret = qhp_connect(end, own, o->channel);
		if (ret != -ECONNREFUSED)
			break;
		usleep(RETRY_US);
	}
	check("connect", ret);
	return begun;
}

static void ping(const struct options *o, struct qhp *end)
{
	uint64_t *samples = make_samples(o->count), begun;
	uint8_t *message = calloc(1, o->len);

	say_hello(end, o, RTT, o->warmup + o->count);
	for (uint64_t i = 0; i < o->warmup + o->count; i++) {
		begun = now_ns();
		send(end, message, o->len);
		receive(end, message, o->len);
		if (i >= o->warmup)
			samples[i - o->warmup] = now_ns() - begun;
	}
	print(o, samples);
}

static void stream(const struct options *o, struct qhp *end)
{
	uint64_t answer[2], expected = 0;

	say_hello(end, o, STREAM, o->count);
	for (uint64_t i = 0; i < o->count; i++) {
		uint64_t *word = reserve(end, o->len);

		for (uint32_t n = 0; n < o->len / sizeof(*word); n++)
			word[n] = i;
		expected += i * (o->len / sizeof(*word));
		check("send", qhp_commit(end, 0));
	}
	receive(end, answer, sizeof(answer));
	if (answer[1] != expected)
		die("stream", EBADMSG);
	printf("{\"ns\": %llu, \"bytes\": %llu, \"bits_per_second\": %.0f}\n", (unsigned long long)answer[0],
	       (unsigned long long)(o->count - 1) * o->len, (o->count - 1) * 8e9 * o->len / answer[0]);
}

static void connect_often(const struct options *o, struct qhp_window *own)
{
	uint64_t *samples = make_samples(o->count), begun;
	char byte = 'x';
	struct qhp end;

	for (uint64_t i = 0; i < o->count; i++) {
		begun = connect_to(&end, o, own);
		say_hello(&end, o, RTT, 1);
		send(&end, &byte, sizeof(byte));
		receive(&end, &byte, sizeof(byte));
		samples[i] = now_ns() - begun;
		check("close", qhp_close(&end));
	}
	print(o, samples);
}

static void talk(const struct options *o, struct qhp_window *own)
{
	struct qhp end;

	if (*o->what == 'c') {
		connect_often(o, own);
		return;
	}
	connect_to(&end, o, own);
	if (*o->what == 'r')
		ping(o, &end);
	else
		stream(o, &end);
	check("close", qhp_close(&end));
}

static struct qhp_window *open_window(const char *name)
{
	int device = queztl_open(), fd;

	check("/dev/queztl", device);
	fd = queztl_window_create(device, name, 1, REGION, NULL);
	check("window", fd);
	check("window", qhp_window_map(&window, fd));
	return &window;
}

static void usage(void)
{
	fprintf(stderr, "usage: qhpping [-w WINDOW] listen CHANNEL | connect CHANNEL rtt|stream|connect [-n N] [-u N] [-l BYTES] [-s NS] [-r]\n");
	exit(2);
}

static void parse(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "w:n:u:l:s:r")) != -1) {
		switch (c) {
		case 'w': o->window = optarg; break;
		case 'n': o->count = strtoull(optarg, NULL, 0); break;
		case 'u': o->warmup = strtoull(optarg, NULL, 0); break;
		case 'l': o->len = strtoul(optarg, NULL, 0); break;
		case 's': o->spin_ns = strtoul(optarg, NULL, 0); break;
		case 'r': o->raw = true; break;
		default: usage();
		}
	}
}

int main(int argc, char **argv)
{
	struct options o = { .count = 1000, .len = 64, .spin_ns = SPIN_ALWAYS };
	struct qhp_window *own;
	bool listens;

	parse(&o, argc, argv);		/* of glibc: options may be anywhere */
	argv += optind;
	argc -= optind;
	listens = argc == 2 && !strcmp(argv[0], "listen");
	if (!listens && (argc != 3 || strcmp(argv[0], "connect") || !strchr("rsc", *argv[2]) || !o.count || !o.len))
		usage();
	o.channel = argv[1];
	o.what = argv[2];
	own = o.window ? open_window(o.window) : NULL;
	if (listens)
		serve(&o, own);
	talk(&o, own);
	return 0;
}
