// SPDX-License-Identifier: GPL-2.0
/*
 * pace - datagrams at a steady rate to a host that echoes them, whether or not it answers:
 *
 *   pace [-i US] [-l SIZE] ADDRESS PORT
 *
 * Until SIGTERM. One second later, for the last echoes, it prints one JSON object: how many were sent, lost and came twice;
 * the longest time between two echoes that followed each other, in ms; all such times of LONG and more, each after when it
 * began, in s; and how many of each second's datagrams were lost.
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
#define LONG	0.2
#define GAPS	64
#define SECONDS	600

static volatile sig_atomic_t ending;
static bool came[MOST];
static uint32_t sent, received, twice;
static double last, gap, gaps[GAPS][2];
static uint32_t gap_count, first_of[SECONDS + 1];

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
	if (last && at - last > gap)
		gap = at - last;
	if (last && at - last >= LONG && gap_count < GAPS) {
		gaps[gap_count][0] = last - begin;
		gaps[gap_count++][1] = (at - last) * 1e3;
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

static void print_lists(uint32_t seconds)
{
	printf(", \"gaps\": [");
	for (uint32_t i = 0; i < gap_count; i++)
		printf("%s[%.1f, %.1f]", i ? ", " : "", gaps[i][0], gaps[i][1]);
	printf("], \"lost_by_second\": [");
	for (uint32_t i = 0; i < seconds; i++) {
		uint32_t lost = 0;

		for (uint32_t n = first_of[i]; n < first_of[i + 1]; n++)
			lost += !came[n];
		printf("%s%u", i ? ", " : "", lost);
	}
	printf("]");
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int option, fd, us = 5000, size = 64;
	static char data[1500];
	double begin, next;
	uint32_t seconds = 0;

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
		uint32_t number;

		while (seconds < SECONDS && now() - begin >= seconds)
			first_of[seconds++] = sent;
		number = htonl(sent++);

		memcpy(data, &number, sizeof(number));
		(void)!send(fd, data, size, 0);	/* what is not sent is lost */
		next += us / 1e6;
		take_echoes(fd, begin, next);
	}
	take_echoes(fd, begin, now() + 1);
	first_of[seconds] = sent;
	printf("{\"sent\": %u, \"lost\": %u, \"twice\": %u, \"gap_ms\": %.1f", sent, sent - received, twice, gap * 1e3);
	print_lists(seconds);
	printf("}\n");
	return 0;
}
