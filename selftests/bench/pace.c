// SPDX-License-Identifier: GPL-2.0
/*
 * pace - datagrams at a steady rate to a host that echoes them, whether or not it answers:
 *
 *   pace [-i US] [-l SIZE] ADDRESS PORT
 *
 * Until SIGTERM. Then one second later, for the last echoes, it prints one JSON object: how many were sent, lost and came
 * twice, and the longest time between two echoes that followed each other, in ms, with when that began.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST	(1 << 22)

static volatile sig_atomic_t ending;
static bool came[MOST];
static uint32_t sent, received, twice;
static double last, gap, gap_at;

static void end(int signal)
{
	(void)signal;
	ending = 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void note(uint32_t number, double begin)
{
	double at = now();

	if (number >= sent)
		return;
	twice += came[number];
	received += !came[number];
	came[number] = true;
	if (last && at - last > gap) {
		gap = at - last;
		gap_at = last - begin;
	}
	last = at;
}

static void take_echoes(int fd, double begin, double until)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	uint32_t number;
	double left;

	while ((left = until - now()) > 0) {
		struct timespec t = { .tv_sec = left, .tv_nsec = (left - (int)left) * 1e9 };

		if (ppoll(&wait, 1, &t, NULL) == 1 && recv(fd, &number, sizeof(number), MSG_DONTWAIT) == sizeof(number))
			note(ntohl(number), begin);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int option, fd, us = 5000, size = 64;
	static char data[1500];
	double begin, next;

	while ((option = getopt(argc, argv, "i:l:")) > 0) {
		if (option == 'i')
			us = atoi(optarg);
		else if (option == 'l')
			size = atoi(optarg);
		else
			return 2;
	}
	if (optind + 2 != argc || us < 1 || size < 4 || size > (int)sizeof(data) ||
	    inet_pton(AF_INET, argv[optind], &to.sin_addr) != 1)
		return 2;
	to.sin_port = htons(atoi(argv[optind + 1]));
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (void *)&to, sizeof(to))) {
		perror("pace");
		return 1;
	}
	signal(SIGTERM, end);
	begin = next = now();
	while (!ending && sent < MOST) {
		uint32_t number = htonl(sent++);

		memcpy(data, &number, sizeof(number));
		(void)!send(fd, data, size, 0);	/* what is not sent is lost */
		next += us / 1e6;
		take_echoes(fd, begin, next);
	}
	take_echoes(fd, begin, now() + 1);
	printf("{\"sent\": %u, \"lost\": %u, \"twice\": %u, \"gap_ms\": %.1f, \"gap_at_s\": %.1f}\n", sent, sent - received,
	       twice, gap * 1e3, gap_at);
	return 0;
}
