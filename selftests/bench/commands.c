// SPDX-License-Identifier: GPL-2.0
/*
 * Commands of a driver that polls for each answer, on a CPU that others want:
 *
 *   commands [-n COUNT] [-b BUSY] [-w] PORT
 *
 * COUNT VLANs are added to PORT's filter, beside BUSY processes on the same CPU. With -w another process kicks for the
 * driver, at once, so that the port's worker carries the commands out. Prints one JSON object.
 */
#define _GNU_SOURCE
#include "swguest.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MAX_COUNT	65536
#define VLANS		4096

static struct swg port;
static double took[MAX_COUNT];

static void must(const char *what, int r)
{
	if (r >= 0)
		return;
	fprintf(stderr, "commands: %s: %s\n", what, strerror(-r));
	exit(1);
}

static void keep_to_this_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	must("sched_setaffinity", sched_setaffinity(0, sizeof(one), &one) ? -errno : 0);
}

static void start_child(void (*run)(void))
{
	pid_t child = fork();

	must("fork", child < 0 ? -errno : 0);
	if (child)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run();
	_exit(1);
}

static void be_busy(void)
{
	for (;;)
		;
}

static int asked = -1, kick = -1;

/* Never later than the driver is. */
static void kick_for_others(void)
{
	const struct sched_param param = { .sched_priority = 1 };
	uint64_t count;

	must("sched_setscheduler", sched_setscheduler(0, SCHED_FIFO, &param) ? -errno : 0);
	while (read(asked, &count, sizeof(count)) == sizeof(count))
		must("kick", write(kick, &count, sizeof(count)) < 0 ? -errno : 0);
}

static void let_another_kick(void)
{
	struct swg_ring *ring = &port.ring[SWG_CTRL];

	kick = ring->kick;
	asked = eventfd(0, 0);
	start_child(kick_for_others);
	ring->kick = asked;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	const struct swg_options options = { .features = F(VIRTIO_NET_F_CTRL_VQ) | F(VIRTIO_NET_F_CTRL_VLAN) };
	int option, count = VLANS, busy = 1;
	bool by_worker = false;
	double begin, last;

	while ((option = getopt(argc, argv, "n:b:w")) > 0) {
		if (option == 'n')
			count = atoi(optarg);
		else if (option == 'b')
			busy = atoi(optarg);
		else if (option == 'w')
			by_worker = true;
		else
			return 2;
	}
	if (optind + 1 != argc || count < 1 || count > MAX_COUNT)
		return 2;
	keep_to_this_cpu();
	must(argv[optind], swg_open(&port, argv[optind]));
	must("start", swg_start(&port, &options));
	if (by_worker)
		let_another_kick();
	for (int i = 0; i < busy; i++)
		start_child(be_busy);
	port.spins = true;
	begin = last = swg_now();
	for (int i = 0; i < count; i++) {
		uint16_t id = i % VLANS;
		int answer = swg_command(&port, VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, &id, 2);

		must("command", answer == VIRTIO_NET_OK ? 0 : answer < 0 ? answer : -EPROTO);
		took[i] = swg_now() - last;
		last += took[i];
	}
	last = swg_now() - begin;
	qsort(took, count, sizeof(*took), by_size);
	printf("{\"commands\": %d, \"busy\": %d, \"seconds\": %.6f, \"p50\": %.9f, \"p99\": %.9f, \"max\": %.9f}\n", count,
	       busy, last, took[count / 2], took[count * 99 / 100], took[count - 1]);
	return 0;
}
