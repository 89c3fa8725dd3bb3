// SPDX-License-Identifier: GPL-2.0
/*
 * qzping - UDP ping-pong between two hosts, one datagram under way at a time.
 *
 * qzping -s [-p PORT]                                          the echoing side
 * qzping [-p PORT] [-n COUNT] [-w WARMUP] [-l SIZE] [-t MS] [-r] ADDRESS
 *
 * The client prints one line of JSON: round-trip times in ns, and how many datagrams were lost. A lost datagram costs
 * one time-out and is counted, it never stops the run. -r adds the samples themselves, for pooling several runs.
 * A round trip starts before send() and ends after the matching recv(), by CLOCK_MONOTONIC.
 */
#include <arpa/inet.h>
#include <errno.h>
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
	int port, count, warmup, size, timeout_ms;
	bool server, samples;
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

static int open_socket(int timeout_ms)
{
	struct timeval limit = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		die("socket");
	if (timeout_ms && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		die("SO_RCVTIMEO");
	return fd;
}

static void serve(const struct options *o)
{
	struct sockaddr_in self = { .sin_family = AF_INET, .sin_port = htons(o->port) }, peer;
	int fd = open_socket(0);

	if (bind(fd, (struct sockaddr *)&self, sizeof(self)))
		die("bind");
	for (;;) {
		socklen_t len = sizeof(peer);
		ssize_t n = recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&peer, &len);

		if (n > 0)
			sendto(fd, buffer, n, 0, (struct sockaddr *)&peer, len);
	}
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

static void report(const struct options *o, uint64_t *rtt, int n, int lost)
{
	double sum = 0;
	int i;

	printf("{\"n\":%d,\"size\":%d,\"lost\":%d", n, o->size, lost);
	if (o->samples) {
		printf(",\"samples\":[");
		for (i = 0; i < n; i++)
			printf("%s%llu", i ? "," : "", (unsigned long long)rtt[i]);
		printf("]");
	}
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
	uint64_t *rtt = calloc(o->count + 1, sizeof(*rtt));
	int fd = open_socket(o->timeout_ms), i, n = 0, lost = 0;

	if (!rtt || inet_pton(AF_INET, o->peer, &peer.sin_addr) != 1)
		die(o->peer);
	if (connect(fd, (struct sockaddr *)&peer, sizeof(peer)))
		die("connect");
	for (i = 0; i < o->warmup; i++)
		round_trip(fd, 0x80000000u + i, o->size);
	for (i = 0; i < o->count; i++) {
		rtt[n] = round_trip(fd, i + 1, o->size);
		if (rtt[n])
			n++;
		else
			lost++;
	}
	report(o, rtt, n, lost);
	return n ? 0 : 2;
}

int main(int argc, char **argv)
{
	struct options o = { .port = 7007, .count = 500, .warmup = 200, .size = 64, .timeout_ms = 500 };
	int c;

	while ((c = getopt(argc, argv, "sp:n:w:l:t:r")) != -1) {
		switch (c) {
		case 's': o.server = true; break;
		case 'p': o.port = atoi(optarg); break;
		case 'n': o.count = atoi(optarg); break;
		case 'w': o.warmup = atoi(optarg); break;
		case 'l': o.size = atoi(optarg); break;
		case 't': o.timeout_ms = atoi(optarg); break;
		case 'r': o.samples = true; break;
		default: return 64;
		}
	}
	if (o.size < 4 || o.size > MAX_SIZE || o.count < 0 || o.timeout_ms < 1)
		return 64;
	if (o.server)
		serve(&o);
	o.peer = argv[optind];
	return o.peer ? measure(&o) : 64;
}
