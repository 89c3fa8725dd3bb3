// SPDX-License-Identifier: GPL-2.0
/*
 * qzping - UDP or TCP ping-pong between two hosts, one message under way at a time.
 *
 * qzping -s [-T] [-p PORT]                                     the echoing side
 * qzping [-T] [-p PORT] [-n COUNT] [-w WARMUP] [-l SIZE] [-t MS] [-i US] [-r] ADDRESS
 *
 * The client prints one line of JSON: round-trip times in ns, and how many datagrams were lost. A lost datagram costs
 * one time-out and is counted, it never stops the run. -r adds the samples themselves, for pooling several runs.
 * -T is TCP: messages have exactly SIZE bytes, on both sides, and none is lost.
 * -i sleeps for so long before each round trip that is measured. With -r, due_samples are the same round trips from when
 * the sleep was to end.
 * A round trip starts before send() and ends after the matching recv(), by CLOCK_MONOTONIC.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_SIZE 65507

struct options {
	const char *peer;
	int port, count, warmup, size, timeout_ms, pause_us;
	bool server, samples, tcp;
};

static char buffer[MAX_SIZE];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int open_socket(int timeout_ms, bool tcp)
{
	struct timeval limit = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	int fd = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0), on = 1;

	if (fd < 0)
		die("socket");
	if (tcp)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (timeout_ms && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		die("SO_RCVTIMEO");
	return fd;
}

/* One connection at a time. */
static void serve_tcp(const struct options *o)
{
	struct sockaddr_in self = { .sin_family = AF_INET, .sin_port = htons(o->port) };
	int fd = open_socket(0, true), peer, on = 1;
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&self, sizeof(self)) || listen(fd, 4))
		die("listen");
	for (;;) {
		peer = accept(fd, NULL, NULL);
		setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		while ((n = recv(peer, buffer, sizeof(buffer), 0)) > 0)
			if (send(peer, buffer, n, 0) != n)
				break;
		close(peer);
	}
}

static void serve(const struct options *o)
{
	struct sockaddr_in self = { .sin_family = AF_INET, .sin_port = htons(o->port) }, peer;
	int fd = open_socket(0, false);

	if (bind(fd, (struct sockaddr *)&self, sizeof(self)))
		die("bind");
	for (;;) {
		socklen_t len = sizeof(peer);
		ssize_t n = recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&peer, &len);

		if (n > 0)
			sendto(fd, buffer, n, 0, (struct sockaddr *)&peer, len);
	}
}

/* Until now and so many us; when that is. */
static uint64_t pause_for(int us)
{
	uint64_t due = now_ns() + us * 1000ull;
	struct timespec t = { due / 1000000000, due % 1000000000 };

	while (us && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
	return due;
}

/* One round trip; 0 when the answer did not come in time. Late answers to earlier ones are recognised and dropped. */
static uint64_t round_trip(int fd, uint32_t seq, int size)
{
	uint64_t start = now_ns();
	uint32_t answer;

	memcpy(buffer, &seq, sizeof(seq));
	if (send(fd, buffer, size, 0) != size)
		return 0;
	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

		if (n < (ssize_t)sizeof(answer))
			return 0;
		memcpy(&answer, buffer, sizeof(answer));
		if (answer == seq)
			return now_ns() - start;
	}
}

static uint64_t round_trip_tcp(int fd, int size)
{
	uint64_t start = now_ns();
	int got = 0;

	if (send(fd, buffer, size, 0) != size)
		return 0;
	while (got < size) {
		ssize_t n = recv(fd, buffer, size - got, 0);

		if (n <= 0)
			return 0;
		got += n;
	}
	return now_ns() - start;
}

static uint64_t one_trip(const struct options *o, int fd, uint32_t seq)
{
	return o->tcp ? round_trip_tcp(fd, o->size) : round_trip(fd, seq, o->size);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t percentile(const uint64_t *sorted, int n, double p)
{
	int at = p * n;

	return sorted[at < n ? at : n - 1];
}

static void print_samples(const char *name, const uint64_t *samples, int n)
{
	int i;

	printf(",\"%s\":[", name);
	for (i = 0; i < n; i++)
		printf("%s%llu", i ? "," : "", (unsigned long long)samples[i]);
	printf("]");
}

static void report(const struct options *o, uint64_t *rtt, const uint64_t *late, int n, int lost)
{
	double sum = 0;
	int i;

	printf("{\"n\":%d,\"size\":%d,\"lost\":%d", n, o->size, lost);
	if (o->samples)
		print_samples("samples", rtt, n);
	if (o->samples && o->pause_us)
		print_samples("due_samples", late, n);
	for (i = 0; i < n; i++)
		sum += rtt[i];
	qsort(rtt, n, sizeof(*rtt), compare);
	if (n)
		printf(",\"mean\":%.0f,\"min\":%llu,\"p50\":%llu,\"p90\":%llu,\"p99\":%llu,\"p999\":%llu,\"max\":%llu",
		       sum / n, (unsigned long long)rtt[0], (unsigned long long)percentile(rtt, n, .5),
		       (unsigned long long)percentile(rtt, n, .9), (unsigned long long)percentile(rtt, n, .99),
		       (unsigned long long)percentile(rtt, n, .999), (unsigned long long)rtt[n - 1]);
	printf("}\n");
}

static int measure(const struct options *o)
{
	struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = htons(o->port) };
	uint64_t *rtt = calloc(o->count + 1, sizeof(*rtt)), *late = calloc(o->count + 1, sizeof(*late)), due;
	int fd = open_socket(o->timeout_ms, o->tcp), i, n = 0, lost = 0;

	if (!rtt || !late || inet_pton(AF_INET, o->peer, &peer.sin_addr) != 1)
		die(o->peer);
	if (connect(fd, (struct sockaddr *)&peer, sizeof(peer)))
		die("connect");
	for (i = 0; i < o->warmup; i++)
		one_trip(o, fd, 0x80000000u + i);
	for (i = 0; i < o->count; i++) {
		due = pause_for(o->pause_us);
		rtt[n] = one_trip(o, fd, i + 1);
		late[n] = now_ns() - due;
		if (rtt[n])
			n++;
		else
			lost++;
	}
	report(o, rtt, late, n, lost);
	return n ? 0 : 2;
}

int main(int argc, char **argv)
{
	struct options o = { .port = 7007, .count = 500, .warmup = 200, .size = 64, .timeout_ms = 500 };
	int c;

	while ((c = getopt(argc, argv, "sTp:n:w:l:t:i:r")) != -1) {
		switch (c) {
		case 's': o.server = true; break;
		case 'T': o.tcp = true; break;
		case 'p': o.port = atoi(optarg); break;
		case 'n': o.count = atoi(optarg); break;
		case 'w': o.warmup = atoi(optarg); break;
		case 'l': o.size = atoi(optarg); break;
		case 't': o.timeout_ms = atoi(optarg); break;
		case 'i': o.pause_us = atoi(optarg); break;
		case 'r': o.samples = true; break;
		default: return 64;
		}
	}
	if (o.size < (o.tcp ? 1 : 4) || o.size > MAX_SIZE || o.count < 0 || o.timeout_ms < 1 || o.pause_us < 0)
		return 64;
	if (o.server && o.tcp)
		serve_tcp(&o);
	if (o.server)
		serve(&o);
	o.peer = argv[optind];
	return o.peer ? measure(&o) : 64;
}
