// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "snapshot.h"
#include "calls.h"
#include "channel/host.h"
#include "fabric.h"
#include "ktap.h"

#include <dirent.h>
#include <sys/ioctl.h>

static void count_policy(struct snapshot *now, __u64 port)
{
	struct queztl_peer peer = { .size = sizeof(peer), .port = port };
	struct queztl_addr addr = { .size = sizeof(addr), .port = port };

	while (!ioctl(world.device, QUEZTL_PEER_NEXT, &peer))
		now->peers++;
	while (!ioctl(world.device, QUEZTL_ADDR_NEXT, &addr))
		now->addresses++;
}

struct snapshot take_snapshot(void)
{
	struct queztl_info info = { .size = sizeof(info) };
	struct queztl_fabric fabric = { .size = sizeof(fabric) };
	struct queztl_port port = { .size = sizeof(port) };
	struct snapshot now = { .references = module_users() };
	struct channel_counts channels = channel_counts_now();
	DIR *dir = opendir("/proc/self/fd");

	ASSERT_EQ(ioctl(world.device, QUEZTL_GET_INFO, &info), 0);
	now.vms = info.vms;
	now.fabrics = info.fabrics;
	while (!ioctl(world.device, QUEZTL_FABRIC_NEXT, &fabric))
		now.denying += fabric.mode;
	while (!ioctl(world.device, QUEZTL_PORT_NEXT, &port)) {
		now.ports++;
		count_policy(&now, port.id);
	}
	now.windows = channels.windows;
	now.slots = channels.slots;
	now.rules = channels.rules;
	now.channels = channels.channels;
	while (readdir(dir))
		now.fds++;
	closedir(dir);
	return now;
}

void expect_unchanged(const char *what, struct snapshot then)
{
	struct snapshot now = take_snapshot();

	KTAP_CHECK(!memcmp(&then, &now, sizeof(now)), false,
		   "%s: vms %u %u, fabrics %u %u, ports %u %u, denying %u %u, peers %u %u, addresses %u %u, windows %u %u, slots %u %u, rules %u %u, channels %u %u, fds %d %d, module references %d %d",
		   what, then.vms, now.vms, then.fabrics, now.fabrics, then.ports, now.ports, then.denying, now.denying,
		   then.peers, now.peers, then.addresses, now.addresses,
		   then.windows, now.windows, then.slots, now.slots, then.rules, now.rules, then.channels,
		   now.channels, then.fds, now.fds, then.references,
		   now.references);
}
