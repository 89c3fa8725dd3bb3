// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "bystanders.h"
#include "meddler.h"
#include "mutate.h"
#include "races.h"
#include "world.h"

#include <pthread.h>
#include <sys/ioctl.h>

static volatile bool racing;
static __u64 fabric;
static uint64_t rule_seed;

static void list_vms(void)
{
	struct queztl_vm_next_args next = { .size = sizeof(next) };

	while (!ioctl(queztl_fd(), QUEZTL_VM_NEXT, &next)) {
		struct queztl_vm_open_args vm = { .size = sizeof(vm), .id = next.id };
		struct queztl_vm info = { .size = sizeof(info) };
		struct queztl_vm_stats stats = { .size = sizeof(stats) };

		if (ioctl(queztl_fd(), QUEZTL_VM_OPEN, &vm))
			continue;
		ioctl(vm.vm_fd, QUEZTL_VM_INFO, &info);
		ioctl(vm.vm_fd, QUEZTL_VM_STATS, &stats);
		close(vm.vm_fd);
	}
	EXPECT_EQ(errno, ENOENT);
}

static void *list(void *unused)
{
	while (racing) {
		struct queztl_port port = { .size = sizeof(port) };
		struct queztl_fabric next = { .size = sizeof(next) };

		while (!ioctl(queztl_fd(), QUEZTL_PORT_NEXT, &port)) {
			struct queztl_port_stats stats = { .size = sizeof(stats), .id = port.id };

			if (ioctl(queztl_fd(), QUEZTL_PORT_STATS, &stats))
				EXPECT_EQ(errno, ENOENT);
		}
		EXPECT_EQ(errno, ENOENT);
		while (!ioctl(queztl_fd(), QUEZTL_FABRIC_NEXT, &next))
			;
		EXPECT_EQ(errno, ENOENT);
		list_vms();
		did.listings++;
		usleep(5000);
	}
	return unused;
}

/* One fabric that is in use, and one that comes and goes while somebody makes ports of it. */
static void *fly(void *unused)
{
	while (racing) {
		__u64 id;
		int r = fabric_del(fabric);

		EXPECT_EQ(r, -EBUSY);
		did.refused++;
		r = fabric_add("qtfly", &id);
		if (!r) {
			usleep(50000);
			for (int i = 0; i < 1000 && fabric_del(id) == -EBUSY; i++) {
				port_del("qtfp");
				usleep(1000);
			}
			did.flights++;
		}
	}
	return unused;
}

/* The fabric may be gone by now, or just going. */
static void *land(void *unused)
{
	const char *argv[] = { "vdpa", "dev", "add", "name", "qtfp", "mgmtdev", "queztl/qtfly", NULL };

	while (racing) {
		run_program(1, argv);
		usleep(20000);
	}
	return unused;
}

static bool find_netdev(char name[32])
{
	const char *script = "basename /sys/bus/vdpa/devices/qtn0/virtio*/net/*";
	FILE *pipe = popen(script, "r");
	bool found = pipe && fgets(name, 32, pipe) && name[0] != '*';

	if (pipe)
		pclose(pipe);
	name[strcspn(name, "\n")] = 0;
	return found;
}

/* The kernel as driver: its netdev says something as soon as it is up. */
static void *bind_and_unbind(void *unused)
{
	char netdev[32] = "";
	const char *up[] = { "ip", "link", "set", netdev, "up", NULL };

	while (racing) {
		port_bind(names[NETDEV], "virtio_vdpa");
		if (find_netdev(netdev))
			run_program(1, up);
		usleep(100000);
		port_bind(names[NETDEV], "vhost_vdpa");
		did.bindings++;
	}
	return unused;
}

/*
 * The fabric is closed and opened, the racers, which come and go, get and lose peers and addresses. The innocent ones
 * are peers, so a frame of theirs that does not arrive is a fault.
 */
static void *rule(void *unused)
{
	struct mutator own = { .state = rule_seed };

	while (racing) {
		const char *racer = names[RACER + mutate_random(&own, RACERS)], *other = names[mutate_random(&own, PORTS)];

		switch (mutate_random(&own, 6)) {
		case 0:
			fabric_set("qtlan", QUEZTL_FABRIC_DENY);
			break;
		case 1:
			fabric_set("qtlan", 0);
			break;
		case 2:
			peer_add(racer, other);
			break;
		case 3:
			peer_del(other, racer);
			break;
		case 4:
			addr_add(racer, "10.0.0.1/32");
			break;
		default:
			addr_del(racer, "10.0.0.1/32");
		}
		did.rulings++;
		usleep(mutate_random(&own, 2000));
	}
	EXPECT_EQ(fabric_set("qtlan", 0), 0);
	for (int i = 0; i < RACERS; i++)
		addr_del(names[RACER + i], "10.0.0.1/32");
	return unused;
}

/* What racers and the netdev may do changes while they do it. */
static void *change(void *unused)
{
	struct mutator own = { .state = rule_seed + 7 };

	while (racing) {
		meddle(&own, names[RACER + mutate_random(&own, RACERS + 1)]);
		usleep(mutate_random(&own, 5000));
	}
	for (int i = 0; i <= RACERS; i++)
		meddle_undo(names[RACER + i]);
	return unused;
}

static void *(*const bystanders[])(void *) = { list, fly, land, bind_and_unbind, rule, change };
#define BYSTANDERS (sizeof(bystanders) / sizeof(*bystanders))
static pthread_t threads[BYSTANDERS];

void bystanders_start(uint64_t fabric_id, uint64_t seed)
{
	fabric = fabric_id;
	rule_seed = seed + 99;
	racing = true;
	for (size_t i = 0; i < BYSTANDERS; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, bystanders[i], NULL), 0);
	readers_start(10, 20000, names, PORTS, seed);
}

void bystanders_end(void)
{
	racing = false;
	for (size_t i = 0; i < BYSTANDERS; i++)
		pthread_join(threads[i], NULL);
	readers_end();
	meddle_tell();
}
