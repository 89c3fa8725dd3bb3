// SPDX-License-Identifier: GPL-2.0
/* What each user may do: without CAP_NET_ADMIN one may look, and deal with one's own VMs. */
#define _GNU_SOURCE
#include "ktap.h"
#include "calls.h"
#include "fabric.h"
#include "channel/host.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define NOBODY	65534

static void become_nobody(void)
{
	ASSERT_EQ(setgroups(0, NULL), 0);
	ASSERT_EQ(setresgid(NOBODY, NOBODY, NOBODY), 0);
	ASSERT_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
}

TEST(node_is_closed_to_others)
{
	become_nobody();
	EXPECT_FAILS(open(QUEZTL_DEVICE, O_RDWR), EACCES);
	EXPECT_FAILS(open(QUEZTL_DEVICE, O_RDONLY), EACCES);
}

TEST(fabrics_want_cap_net_admin)
{
	struct queztl_fabric_add_args add = { .size = sizeof(add), .name = "qtno" };
	struct queztl_fabric_del_args del = { .size = sizeof(del) };
	struct queztl_fabric next = { .size = sizeof(next) };

	open_world();
	del.id = add_fabric("qtmine");
	become_nobody();
	EXPECT_FAILS(ioctl(world.device, QUEZTL_FABRIC_ADD, &add), EPERM);
	EXPECT_EQ(add.id, 0);
	EXPECT_FAILS(ioctl(world.device, QUEZTL_FABRIC_DEL, &del), EPERM);
	EXPECT_EQ(ioctl(world.device, QUEZTL_FABRIC_NEXT, &next), 0);	/* looking is free */
	EXPECT_EQ(fabric_find("qtmine", &next), 0);
	EXPECT_EQ(fabric_find("qtno", &next), -ENOENT);
}

/* Whatever else is wrong with the call. */
TEST(policy_wants_cap_net_admin)
{
	struct queztl_fabric_set_args set = { .size = sizeof(set), .mode = 1 };
	struct queztl_peer peer = { .size = sizeof(peer) };
	struct queztl_peers peers = { .size = sizeof(peers), .peers = (uintptr_t)&world.peer, .n = 1 };
	struct queztl_addr addr = { .size = sizeof(addr), .family = AF_INET, .prefix = 32, .addr = { 10, 1, 2, 3 } };
	struct queztl_fabric fabric;

	open_world();
	peers.port = world.port;
	addr.port = peer.port = world.port;
	EXPECT_EQ(ioctl(world.device, QUEZTL_ADDR_ADD, &addr), 0);
	EXPECT_EQ(ioctl(world.device, QUEZTL_PEER_ADD, &(struct queztl_peer){ sizeof(peer), 0, world.port, world.peer }), 0);
	become_nobody();
	for (int wrong = 0; wrong < 2; wrong++) {
		set.id = wrong ? ~0ULL : world.fabric;
		set.mode = wrong ? ~0u : 1;
		peer.peer = wrong ? peer.port : world.peer;
		addr.family = wrong ? 77 : AF_INET;
		EXPECT_FAILS(ioctl(world.device, QUEZTL_FABRIC_SET, &set), EPERM);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_PEER_ADD, &peer), EPERM);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_PEER_DEL, &peer), EPERM);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_PEERS_ADD, &peers), EPERM);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_ADDR_ADD, &addr), EPERM);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_ADDR_DEL, &addr), EPERM);
	}
	EXPECT_EQ(fabric_find("qtblue", &fabric), 0);
	EXPECT_EQ(fabric.mode, 0);
	peer.peer = addr.id = 0;
	EXPECT_EQ(ioctl(world.device, QUEZTL_PEER_NEXT, &peer), 0);	/* looking is free */
	EXPECT_EQ(ioctl(world.device, QUEZTL_ADDR_NEXT, &addr), 0);
}

TEST(rates_want_cap_net_admin)
{
	struct queztl_port_rates rates = { .size = sizeof(rates) };

	open_world();
	rates.id = world.port;
	become_nobody();
	EXPECT_FAILS(ioctl(world.device, QUEZTL_RATES_SET, &rates), EPERM);
	EXPECT_EQ(ioctl(world.device, QUEZTL_RATES_GET, &rates), 0);	/* looking is free */
}

TEST(vlans_want_cap_net_admin)
{
	struct queztl_port_vlan vlan = { .size = sizeof(vlan) };

	open_world();
	vlan.id = world.port;
	become_nobody();
	EXPECT_FAILS(ioctl(world.device, QUEZTL_PORT_VLAN_SET, &vlan), EPERM);
	EXPECT_EQ(ioctl(world.device, QUEZTL_PORT_VLAN_GET, &vlan), 0);	/* looking is free */
}

TEST(macs_want_cap_net_admin)
{
	struct queztl_port_macs macs = { .size = sizeof(macs) };

	open_world();
	macs.id = world.port;
	become_nobody();
	EXPECT_FAILS(ioctl(world.device, QUEZTL_PORT_MACS_SET, &macs), EPERM);
	EXPECT_EQ(ioctl(world.device, QUEZTL_PORT_MACS_GET, &macs), 0);	/* looking is free */
}

TEST(mirrors_want_cap_net_admin)
{
	struct queztl_port_mirror mirror = { .size = sizeof(mirror) };

	open_world();
	mirror.id = world.port;
	become_nobody();
	EXPECT_FAILS(ioctl(world.device, QUEZTL_PORT_MIRROR_SET, &mirror), EPERM);
	EXPECT_EQ(ioctl(world.device, QUEZTL_PORT_MIRROR_GET, &mirror), 0);	/* looking is free */
}

TEST(windows_and_rules_want_cap_net_admin)
{
	struct queztl_window window;
	struct queztl_channel channel;
	int fd;

	open_world();
	become_nobody();
	EXPECT_EQ(window_create("qtno", 1, REGION, &fd), -EPERM);
	EXPECT_EQ(channel_allow("qtno", "qtw", "qtx"), -EPERM);
	EXPECT_EQ(channel_deny("qtheld", "qtw", "qtx"), -EPERM);
	EXPECT_EQ(channel_revoke("qtheld"), -EPERM);
	EXPECT_EQ(window_find("qtw", &window), 0);	/* looking is free */
	EXPECT_EQ(channel_find("qtheld", &channel), 0);
	/* the descriptor is the right to use the window */
	EXPECT_GE(channel_listen(world.window, "qtnext", 0), 0);
	EXPECT_EQ(channel_ring(world.window, 0), 0);
}

TEST(vm_of_another_user_is_eperm)
{
	struct queztl_vm_open_args open = { .size = sizeof(open) };
	struct queztl_vm_detach_args detach = { .size = sizeof(detach) };
	struct queztl_vm info = { .size = sizeof(info) };

	open_world();
	if (world.system < 0)
		SKIP("no /dev/kvm");
	become_nobody();
	open.id = world.vm_id;
	EXPECT_FAILS(ioctl(world.device, QUEZTL_VM_OPEN, &open), EPERM);
	EXPECT_FAILS(ioctl(world.vm, QUEZTL_VM_DETACH, &detach), EPERM);
	EXPECT_EQ(ioctl(world.vm, QUEZTL_VM_INFO, &info), 0);	/* the descriptor is the right to look */
}

TEST(own_vm_is_opened_without_rights)
{
	struct queztl_vm_attach_args attach = { .size = sizeof(attach) };
	struct queztl_vm_open_args open = { .size = sizeof(open) };
	struct queztl_vm info = { .size = sizeof(info) };
	struct queztl_vm_detach_args detach = { .size = sizeof(detach) };

	open_world();
	if (world.system < 0)
		SKIP("no /dev/kvm");
	become_nobody();
	attach.kvm_fd = ioctl(world.system, KVM_CREATE_VM, 0);
	ASSERT_GE(attach.kvm_fd, 0);
	ASSERT_EQ(ioctl(world.device, QUEZTL_VM_ATTACH, &attach), 0);
	EXPECT_NE(attach.id, world.vm_id);
	open.id = attach.id;
	ASSERT_EQ(ioctl(world.device, QUEZTL_VM_OPEN, &open), 0);
	ASSERT_EQ(ioctl(open.vm_fd, QUEZTL_VM_INFO, &info), 0);
	EXPECT_EQ(info.uid, NOBODY);
	EXPECT_EQ(info.pid, getpid());
	EXPECT_EQ(ioctl(open.vm_fd, QUEZTL_VM_DETACH, &detach), 0);
	EXPECT_FAILS(ioctl(open.vm_fd, QUEZTL_VM_INFO, &info), ENOENT);
}
