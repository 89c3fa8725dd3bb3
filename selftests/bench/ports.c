// SPDX-License-Identifier: GPL-2.0
/*
 * Many ports, as an administrator and a VMM have them:
 *
 *   ports add FIRST COUNT PAIRS FABRIC    qtm0, qtm1, ...
 *   ports start FIRST COUNT PAIRS         open and start them
 *   ports del FIRST COUNT
 *   ports mesh                            make each the peer of all others: prints the seconds that took
 *
 * The first two then say "ready", and do one more for each line of stdin. The guests of `start` are idle, so all have the
 * same memory; the VMM is one process.
 */
#define _GNU_SOURCE
#include "fabric.h"
#include "frame.h"
#include "mq.h"
#include "vdpanl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#define PREFIX	FABRIC_PREFIX "m"
#define NUM	256		/* entries of a ring, as QEMU has them */

static void must(const char *what, int r)
{
	if (r >= 0)
		return;
	fprintf(stderr, "ports: %s: %s\n", what, strerror(-r));
	exit(1);
}

static const char *name_of(int i)
{
	static char name[32];

	snprintf(name, sizeof(name), PREFIX "%d", i);
	return name;
}

static void call_vdpa(const char *name)
{
	must(name, vdpanl_send());
	must(name, vdpanl_answer());
}

static void add(int i, int pairs, const char *fabric)
{
	__u8 mac[6];

	frame_mac(mac, i + 1);
	vdpanl_prepare_add(name_of(i), fabric, mac);
	if (pairs > 1)
		vdpanl_put_pairs((__u16)pairs);
	call_vdpa(name_of(i));
}

static void del(int first, int count)
{
	must("netlink", vdpanl_open());
	for (int i = first; i < first + count; i++) {
		vdpanl_prepare_del(name_of(i));
		call_vdpa(name_of(i));
	}
}

static void start(int i, int pairs, const char *unused)
{
	static uint8_t *memory;
	static uint32_t size;
	struct mq *mq = malloc(sizeof(*mq));

	(void)unused;
	if (!memory)
		memory = mq_memory(0, NUM, 2048, &size);
	must("memory", mq && memory ? 0 : -ENOMEM);
	must(name_of(i), mq_open(mq, name_of(i), pairs, NUM, 2048, memory, size));
	must(name_of(i), mq_start(mq));
}

static void do_all(int first, int count, int pairs, const char *fabric,
		   void (*one)(int i, int pairs, const char *fabric))
{
	struct rlimit files = { 1 << 17, 1 << 17 };
	char line[16];
	int i = first;

	must("files", setrlimit(RLIMIT_NOFILE, &files) ? -errno : 0);
	if (fabric)
		must("netlink", vdpanl_open());
	while (i < first + count)
		one(i++, pairs, fabric);
	for (;; i++) {
		printf("ready\n");
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			return;
		one(i, pairs, fabric);
	}
}

static int list(__u64 *ids, int room)
{
	struct queztl_port port = { .size = sizeof(port) };
	int n = 0;

	while (n < room && !ioctl(queztl_fd(), QUEZTL_PORT_NEXT, &port))
		if (!strncmp(port.name, PREFIX, strlen(PREFIX)))
			ids[n++] = port.id;
	return n;
}

/* As queztl policy allow --mesh: one call for each port, with those behind it. */
static void mesh(void)
{
	static __u64 ids[QUEZTL_PEERS_MAX];
	int n = list(ids, QUEZTL_PEERS_MAX);
	double first = 0, longest = 0, last = 0, began = swg_now();

	for (int i = 0; i < n - 1; i++) {
		struct queztl_peers peers = { .size = sizeof(peers), .port = ids[i], .peers = (uintptr_t)&ids[i + 1],
					      .n = n - 1 - i };
		double then = swg_now(), took;

		must("peers", ioctl(queztl_fd(), QUEZTL_PEERS_ADD, &peers) ? -errno : 0);
		took = swg_now() - then;
		if (!i)
			first = took;
		last = took;
		if (took > longest)
			longest = took;
	}
	printf("{\"ports\": %d, \"seconds\": %.6f, \"first\": %.6f, \"longest\": %.6f, \"last\": %.6f}\n", n, swg_now() - began,
	       first, longest, last);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int number[3] = { 0 };

	for (int i = 0; i < 3 && 2 + i < argc; i++)
		number[i] = atoi(argv[2 + i]);
	if (!strcmp(what, "add") && argc == 6)
		do_all(number[0], number[1], number[2], argv[5], add);
	else if (!strcmp(what, "start") && argc == 5)
		do_all(number[0], number[1], number[2], NULL, start);
	else if (!strcmp(what, "del") && argc == 4)
		del(number[0], number[1]);
	else if (!strcmp(what, "mesh") && argc == 2)
		mesh();
	else
		return 2;
	return 0;
}
