// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "calls.h"
#include "fabric.h"
#include "channel/host.h"
#include "ktap.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

const __u8 world_mac[6] = { 0x52, 0x54, 0, 0, 0, 1 };
static const __u8 peer_mac[6] = { 0x52, 0x54, 0, 0, 0, 2 };

struct world world;

__u64 add_fabric(const char *name)
{
	__u64 id = 0;

	ASSERT_EQ(fabric_add(name, &id), 0);
	return id;
}

static void prepare_attach(void *argument)
{
	((struct queztl_vm_attach_args *)argument)->kvm_fd = world.kvm;
}

static void undo_attach(void *argument)
{
	struct queztl_vm_attach_args *attach = argument;

	EXPECT_EQ(attach->id, world.vm_id);
	EXPECT_EQ(fcntl(attach->vm_fd, F_GETFD), FD_CLOEXEC);
	close(attach->vm_fd);
}

static void prepare_open(void *argument)
{
	((struct queztl_vm_open_args *)argument)->id = world.vm_id;
}

static void undo_open(void *argument)
{
	struct queztl_vm_open_args *open = argument;

	EXPECT_EQ(fcntl(open->vm_fd, F_GETFD), FD_CLOEXEC);
	close(open->vm_fd);
}

static void undo_detach(void *argument)
{
	struct queztl_vm_attach_args attach = { .size = sizeof(attach), .kvm_fd = world.kvm };

	(void)argument;
	ASSERT_EQ(ioctl(world.device, QUEZTL_VM_ATTACH, &attach), 0);
	EXPECT_EQ(attach.id, world.vm_id);
	close(world.vm);
	world.vm = attach.vm_fd;
}

static void prepare_fabric_add(void *argument)
{
	strcpy(((struct queztl_fabric_add_args *)argument)->name, "qtnew");
}

static void undo_fabric_add(void *argument)
{
	EXPECT_EQ(fabric_del(((struct queztl_fabric_add_args *)argument)->id), 0);
}

static void prepare_fabric_del(void *argument)
{
	struct queztl_fabric found;
	int r = fabric_find("qtold", &found);

	((struct queztl_fabric_del_args *)argument)->id = r ? add_fabric("qtold") : found.id;
}

static void prepare_port_stats(void *argument)
{
	((struct queztl_port_stats *)argument)->id = world.port;
}

static void prepare_fabric_set(void *argument)
{
	struct queztl_fabric_set_args *set = argument;

	set->id = world.fabric;
	set->mode = QUEZTL_FABRIC_DENY;
}

static void undo_fabric_set(void *argument)
{
	struct queztl_fabric_set_args set = { .size = sizeof(set), .id = world.fabric };

	(void)argument;
	EXPECT_EQ(ioctl(world.device, QUEZTL_FABRIC_SET, &set), 0);
}

/* The argument may be longer than the call's own. */
static int call_peer(unsigned int number)
{
	struct queztl_peer peer = { .size = sizeof(peer), .port = world.port, .peer = world.peer };

	return ioctl(world.device, number, &peer) ? -errno : 0;
}

static void prepare_peer(void *argument)
{
	struct queztl_peer *peer = argument;

	peer->port = world.port;
	peer->peer = world.peer;
}

static void prepare_peers(void *argument)
{
	int r = call_peer(QUEZTL_PEER_ADD);

	ASSERT(!r || r == -EEXIST);
	prepare_peer(argument);
}

static void prepare_peer_next(void *argument)
{
	prepare_peers(argument);
	((struct queztl_peer *)argument)->peer = 0;
}

static void undo_peer(void *argument)
{
	EXPECT_EQ(((struct queztl_peer *)argument)->peer, world.peer);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL), 0);
}

static void prepare_peers_add(void *argument)
{
	struct queztl_peers *peers = argument;

	peers->port = world.port;
	peers->peers = (uintptr_t)&world.peer;
	peers->n = 1;
}

static void undo_peers_add(void *argument)
{
	(void)argument;
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL), 0);
}

static int call_addr(unsigned int number)
{
	struct queztl_addr addr = { .size = sizeof(addr), .port = world.port, .family = AF_INET, .prefix = 24,
				    .addr = { 10, 1, 2 } };

	return ioctl(world.device, number, &addr) ? -errno : 0;
}

static void prepare_addr(void *argument)
{
	struct queztl_addr *addr = argument;

	addr->port = world.port;
	addr->family = AF_INET;
	addr->prefix = 24;
	memcpy(addr->addr, (const __u8[]){ 10, 1, 2 }, 3);
}

static void prepare_addrs(void *argument)
{
	int r = call_addr(QUEZTL_ADDR_ADD);

	ASSERT(!r || r == -EEXIST);
	prepare_addr(argument);
}

static void prepare_addr_next(void *argument)
{
	prepare_addrs(argument);
	memset(&((struct queztl_addr *)argument)->id, 0, sizeof(struct queztl_addr) - offsetof(struct queztl_addr, id));
}

static void undo_addr(void *argument)
{
	struct queztl_addr *addr = argument;

	EXPECT(addr->id);
	EXPECT_EQ(addr->family, AF_INET);
	EXPECT_EQ(addr->prefix, 24);
	EXPECT(!memcmp(addr->addr, (const __u8[16]){ 10, 1, 2 }, 16));
	EXPECT_EQ(call_addr(QUEZTL_ADDR_DEL), 0);
}

static void prepare_port_set(void *argument)
{
	((struct queztl_port_set_args *)argument)->id = world.port;
	((struct queztl_port_set_args *)argument)->mode = QUEZTL_PORT_UPLINK;
}

/* The usual buffer would be 1024 pages, each of which may be a point at which memory can be short. */
static void prepare_capture(void *argument)
{
	struct queztl_port_capture_args *capture = argument;

	capture->id = world.port;
	capture->bytes = QUEZTL_CAPTURE_BYTES_MIN;
}

static void undo_capture(void *argument)
{
	EXPECT_EQ(close(((struct queztl_port_capture_args *)argument)->fd), 0);
}

static void undo_port_set(void *argument)
{
	((struct queztl_port_set_args *)argument)->mode = 0;
	EXPECT_EQ(ioctl(world.device, QUEZTL_PORT_SET, argument), 0);
}

static void prepare_vlan(void *argument)
{
	struct queztl_port_vlan *vlan = argument;

	vlan->id = world.port;
	vlan->mode = QUEZTL_VLAN_ACCESS;
	vlan->native = 10;
	vlan->ids[0] = 1 << 10;
}

static void undo_vlan(void *argument)
{
	struct queztl_port_vlan none = { .size = sizeof(none), .id = world.port };

	(void)argument;
	EXPECT_EQ(ioctl(world.device, QUEZTL_PORT_VLAN_SET, &none), 0);
}

static void prepare_vlan_get(void *argument)
{
	((struct queztl_port_vlan *)argument)->id = world.port;
}

static const struct queztl_mac mac_beside = { .addr = { 2, 0, 0, 0, 0, 9 } };

static void prepare_macs(void *argument)
{
	struct queztl_port_macs *macs = argument;

	macs->id = world.port;
	macs->mode = QUEZTL_MACS_LIST;
	macs->n = 1;
	macs->macs = (uintptr_t)&mac_beside;
}

static void undo_macs(void *argument)
{
	struct queztl_port_macs none = { .size = sizeof(none), .id = world.port };

	(void)argument;
	EXPECT_EQ(ioctl(world.device, QUEZTL_PORT_MACS_SET, &none), 0);
}

static void prepare_mirror(void *argument)
{
	struct queztl_port_mirror *mirror = argument;

	mirror->id = world.port;
	mirror->mirror = world.peer;
}

static void undo_mirror(void *argument)
{
	struct queztl_port_mirror none = { .size = sizeof(none), .id = world.port };

	(void)argument;
	EXPECT_EQ(ioctl(world.device, QUEZTL_PORT_MIRROR_SET, &none), 0);
}

static void prepare_macs_get(void *argument)
{
	((struct queztl_port_macs *)argument)->id = world.port;
}

static void prepare_mac_next(void *argument)
{
	struct queztl_port_macs macs = { .size = sizeof(macs) };

	prepare_macs(&macs);
	ASSERT_EQ(ioctl(world.device, QUEZTL_PORT_MACS_SET, &macs), 0);
	((struct queztl_mac_next_args *)argument)->port = world.port;
}

static void prepare_rates(void *argument)
{
	struct queztl_port_rates *rates = argument;

	rates->id = world.port;
	rates->set = QUEZTL_PORT_TX_BYTES | QUEZTL_PORT_TX_PACKETS | QUEZTL_PORT_FLOOD;
	rates->tx_bytes = 1000000;
	rates->tx_packets = 1000;
	rates->flood = 100;
}

static void undo_rates(void *argument)
{
	struct queztl_port_rates *rates = argument;

	rates->tx_bytes = rates->tx_packets = 0;
	rates->flood = 2000;
	EXPECT_EQ(ioctl(world.device, QUEZTL_RATES_SET, rates), 0);
}

static void prepare_vm_sched(void *argument)
{
	((struct queztl_vm_sched *)argument)->id = world.vm_id;
}

#define NAME(member, name) snprintf(member, sizeof(member), "%s", name)

static void prepare_window(void *argument)
{
	struct queztl_window_create_args *create = argument;

	NAME(create->name, "qtwnew");
	create->slots = 1;
	create->region = REGION;
}

static void undo_window(void *argument)
{
	struct queztl_window_create_args *create = argument;

	EXPECT_EQ(fcntl(create->fd, F_GETFD), FD_CLOEXEC);
	close(create->fd);
}

static void prepare_rule(void *argument)
{
	struct queztl_channel_rule *rule = argument;

	NAME(rule->name, "qtnew");
	NAME(rule->listener, "qtw");
	NAME(rule->connecter, "qtx");
}

static void undo_rule(void *argument)
{
	(void)argument;
	EXPECT_EQ(channel_deny("qtnew", "qtw", "qtx"), 0);
}

static void prepare_rules(void *argument)
{
	int r = channel_allow("qtnew", "qtw", "qtx");

	ASSERT(!r || r == -EEXIST);
	prepare_rule(argument);
}

/* Somebody listens; what became of an earlier listener is forgotten. */
static int listen_once(int fd, const char *name, int *slot)
{
	struct queztl_channel found;

	if (!channel_find(name, &found))
		return *slot;
	if (*slot >= 0)
		channel_close(fd, *slot);
	*slot = channel_listen(fd, name, 0);
	ASSERT_GE(*slot, 0);
	return *slot;
}

static int gone_slot = -1;

static void prepare_revoke(void *argument)
{
	struct queztl_channel found;

	listen_once(world.window, "qtgone", &gone_slot);
	ASSERT_EQ(channel_find("qtgone", &found), 0);
	((struct queztl_channel_revoke_args *)argument)->id = found.id;
}

/* What was cut stays until its owner closes it. */
static void undo_revoke(void *argument)
{
	(void)argument;
	EXPECT_EQ(channel_close(world.window, gone_slot), 0);
	gone_slot = -1;
}

static void prepare_listen(void *argument)
{
	NAME(((struct queztl_channel_listen_args *)argument)->name, "qtnext");
}

static void undo_listen(void *argument)
{
	struct queztl_channel_listen_args *listen = argument;

	EXPECT_EQ(listen->bytes, REGION);
	EXPECT_EQ(channel_close(world.window, listen->slot), 0);
}

static int back_slot = -1;

static void prepare_connect(void *argument)
{
	listen_once(world.peer_window, "qtback", &back_slot);
	NAME(((struct queztl_channel_connect_args *)argument)->name, "qtback");
}

static void undo_connect(void *argument)
{
	struct queztl_channel_connect_args *connect = argument;

	EXPECT_EQ(connect->bytes, REGION);
	EXPECT_EQ(channel_close(world.window, connect->slot), 0);
	EXPECT_EQ(channel_close(world.peer_window, back_slot), 0);
	back_slot = channel_listen(world.peer_window, "qtback", 0);
}

static void prepare_close(void *argument)
{
	static int slot = -1;

	((struct queztl_channel_slot *)argument)->slot = listen_once(world.window, "qtold", &slot);
}

static void prepare_bell(void *argument)
{
	struct queztl_window_bell_args *bell = argument;

	bell->kick = -1;
	bell->call = -1;
}

#define ROW(name_, size_, ...) { .name = #name_, .number = name_, .size = size_, __VA_ARGS__ }
#define CALL(name_, struct_, ...) { .name = #name_, .number = name_, .size = sizeof(struct struct_), __VA_ARGS__ }

/*
 * One row per ioctl of the header: the Makefile counts them there (QUEZTL_CALLS), and a call the kernel knows without a
 * row here fails the test no_call_without_a_row. Sizes are those of the call's first ABI version.
 */
const struct call calls[] = {
	CALL(QUEZTL_GET_INFO, queztl_info, .fills = true, .reserved = { offsetof(struct queztl_info, reserved) }),
	CALL(QUEZTL_VM_NEXT, queztl_vm_next_args, .fills = true),
	CALL(QUEZTL_VM_ATTACH, queztl_vm_attach_args, .fills = true, .prepare = prepare_attach, .undo = undo_attach),
	CALL(QUEZTL_VM_OPEN, queztl_vm_open_args, .fills = true, .prepare = prepare_open, .undo = undo_open,
	     .reserved = { offsetof(struct queztl_vm_open_args, reserved) }),
	CALL(QUEZTL_VM_INFO, queztl_vm, .fills = true, .on_vm = true,
	     .reserved = { offsetof(struct queztl_vm, reserved) }),
	CALL(QUEZTL_VM_VCPU, queztl_vcpu, .fills = true, .on_vm = true),
	CALL(QUEZTL_VM_STATS, queztl_vm_stats, .fills = true, .on_vm = true),
	CALL(QUEZTL_VM_DETACH, queztl_vm_detach_args, .on_vm = true, .undo = undo_detach),
	CALL(QUEZTL_FABRIC_ADD, queztl_fabric_add_args, .fills = true, .prepare = prepare_fabric_add,
	     .undo = undo_fabric_add),
	CALL(QUEZTL_FABRIC_DEL, queztl_fabric_del_args, .prepare = prepare_fabric_del),
	CALL(QUEZTL_FABRIC_NEXT, queztl_fabric, .fills = true),
	CALL(QUEZTL_FABRIC_SET, queztl_fabric_set_args, .prepare = prepare_fabric_set, .undo = undo_fabric_set,
	     .reserved = { offsetof(struct queztl_fabric_set_args, reserved) }),
	CALL(QUEZTL_PORT_NEXT, queztl_port, .fills = true,
	     .reserved = { offsetof(struct queztl_port, reserved), offsetof(struct queztl_port, reserved) + 2 }),
	ROW(QUEZTL_PORT_STATS, offsetof(struct queztl_port_stats, tx_paced), .fills = true,
	    .grown = sizeof(struct queztl_port_stats), .prepare = prepare_port_stats),
	CALL(QUEZTL_PEER_ADD, queztl_peer, .prepare = prepare_peer, .undo = undo_peer),
	CALL(QUEZTL_PEER_DEL, queztl_peer, .prepare = prepare_peers),
	CALL(QUEZTL_PEER_NEXT, queztl_peer, .fills = true, .prepare = prepare_peer_next, .undo = undo_peer),
	CALL(QUEZTL_PEERS_ADD, queztl_peers, .prepare = prepare_peers_add, .undo = undo_peers_add,
	     .reserved = { offsetof(struct queztl_peers, reserved) }),
	CALL(QUEZTL_ADDR_ADD, queztl_addr, .fills = true, .prepare = prepare_addr, .undo = undo_addr,
	     .reserved = { offsetof(struct queztl_addr, reserved) }),
	CALL(QUEZTL_ADDR_DEL, queztl_addr, .prepare = prepare_addrs,
	     .reserved = { offsetof(struct queztl_addr, reserved) }),
	CALL(QUEZTL_ADDR_NEXT, queztl_addr, .fills = true, .prepare = prepare_addr_next, .undo = undo_addr,
	     .reserved = { offsetof(struct queztl_addr, reserved) }),
	CALL(QUEZTL_PORT_SET, queztl_port_set_args, .prepare = prepare_port_set, .undo = undo_port_set),
	CALL(QUEZTL_PORT_CAPTURE, queztl_port_capture_args, .fills = true, .prepare = prepare_capture, .undo = undo_capture,
	     .reserved = { offsetof(struct queztl_port_capture_args, reserved) }),
	CALL(QUEZTL_PORT_MIRROR_SET, queztl_port_mirror, .prepare = prepare_mirror, .undo = undo_mirror),
	CALL(QUEZTL_PORT_MIRROR_GET, queztl_port_mirror, .fills = true, .prepare = prepare_mirror),
	CALL(QUEZTL_RATES_SET, queztl_port_rates, .prepare = prepare_rates, .undo = undo_rates),
	CALL(QUEZTL_RATES_GET, queztl_port_rates, .fills = true, .prepare = prepare_rates),
	CALL(QUEZTL_PORT_VLAN_SET, queztl_port_vlan, .prepare = prepare_vlan, .undo = undo_vlan,
	     .reserved = { offsetof(struct queztl_port_vlan, reserved) }),
	CALL(QUEZTL_PORT_VLAN_GET, queztl_port_vlan, .fills = true, .prepare = prepare_vlan_get),
	CALL(QUEZTL_PORT_MACS_SET, queztl_port_macs, .prepare = prepare_macs, .undo = undo_macs),
	CALL(QUEZTL_PORT_MACS_GET, queztl_port_macs, .fills = true, .prepare = prepare_macs_get),
	CALL(QUEZTL_MAC_NEXT, queztl_mac_next_args, .fills = true, .prepare = prepare_mac_next, .undo = undo_macs,
	     .reserved = { offsetof(struct queztl_mac_next_args, mac.reserved) }),
	ROW(QUEZTL_SCHED_START, offsetof(struct queztl_sched_start_args, mode), .sched = true, .apart = true,
	    .grown = sizeof(struct queztl_sched_start_args)),
	CALL(QUEZTL_SCHED_STOP, queztl_sched_stop_args, .sched = true, .apart = true),
	ROW(QUEZTL_SCHED_INFO, offsetof(struct queztl_sched, mode), .sched = true, .fills = true,
	    .grown = sizeof(struct queztl_sched), .reserved = { offsetof(struct queztl_sched, reserved) }),
	ROW(QUEZTL_VM_SCHED_SET, offsetof(struct queztl_vm_sched, waits), .sched = true,
	    .grown = sizeof(struct queztl_vm_sched), .prepare = prepare_vm_sched,
	     .reserved = { offsetof(struct queztl_vm_sched, reserved) }),
	ROW(QUEZTL_VM_SCHED_GET, offsetof(struct queztl_vm_sched, waits), .sched = true, .fills = true,
	    .grown = sizeof(struct queztl_vm_sched), .prepare = prepare_vm_sched,
	     .reserved = { offsetof(struct queztl_vm_sched, reserved) }),
	CALL(QUEZTL_WINDOW_CREATE, queztl_window_create_args, .fills = true, .prepare = prepare_window, .undo = undo_window,
	     .reserved = { offsetof(struct queztl_window_create_args, reserved) }),
	CALL(QUEZTL_WINDOW_NEXT, queztl_window, .fills = true),
	CALL(QUEZTL_CHANNEL_ALLOW, queztl_channel_rule, .fills = true, .prepare = prepare_rule, .undo = undo_rule),
	CALL(QUEZTL_CHANNEL_DENY, queztl_channel_rule, .prepare = prepare_rules),
	CALL(QUEZTL_CHANNEL_RULE_NEXT, queztl_channel_rule, .fills = true),
	CALL(QUEZTL_CHANNEL_NEXT, queztl_channel, .fills = true,
	     .reserved = { offsetof(struct queztl_channel, reserved) }),
	CALL(QUEZTL_CHANNEL_REVOKE, queztl_channel_revoke_args, .prepare = prepare_revoke, .undo = undo_revoke),
	CALL(QUEZTL_CHANNEL_LISTEN, queztl_channel_listen_args, .on_window = true, .fills = true, .prepare = prepare_listen,
	     .undo = undo_listen),
	CALL(QUEZTL_CHANNEL_CONNECT, queztl_channel_connect_args, .on_window = true, .fills = true,
	     .prepare = prepare_connect, .undo = undo_connect),
	CALL(QUEZTL_CHANNEL_CLOSE, queztl_channel_slot, .on_window = true, .prepare = prepare_close,
	     .reserved = { offsetof(struct queztl_channel_slot, reserved) }),
	CALL(QUEZTL_CHANNEL_RING, queztl_channel_slot, .on_window = true,
	     .reserved = { offsetof(struct queztl_channel_slot, reserved) }),
	CALL(QUEZTL_WINDOW_EVENTS, queztl_events, .on_window = true, .fills = true),
	CALL(QUEZTL_WINDOW_BELL, queztl_window_bell_args, .on_window = true, .prepare = prepare_bell,
	     .reserved = { offsetof(struct queztl_window_bell_args, reserved) }),
};
_Static_assert(sizeof(calls) / sizeof(calls[0]) == QUEZTL_CALLS, "an ioctl of queztl.h has no row in calls[]");

static void open_vm(void)
{
	struct queztl_vm_attach_args attach = { .size = sizeof(attach) };

	world.kvm = world.vm = -1;
	world.system = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (world.system < 0)
		return;
	world.kvm = ioctl(world.system, KVM_CREATE_VM, 0);
	ASSERT_GE(world.kvm, 0);
	ASSERT_EQ(ioctl(world.kvm, KVM_CREATE_VCPU, 0) < 0, 0);
	attach.kvm_fd = world.kvm;
	ASSERT_EQ(ioctl(world.device, QUEZTL_VM_ATTACH, &attach), 0);
	world.vm = attach.vm_fd;
	world.vm_id = attach.id;
}

/* A channel in slot 0 of both, and rules for what the calls do. */
static void open_windows(void)
{
	static const char *const names[] = { "qtheld", "qtnext", "qtold", "qtgone" };

	ASSERT_EQ(window_create("qtw", QHP_SLOTS_MAX, REGION, &world.window), 0);
	ASSERT_EQ(window_create("qtx", QHP_SLOTS_MAX, REGION, &world.peer_window), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ASSERT_EQ(channel_allow(names[i], "qtw", "qtx"), 0);
	ASSERT_EQ(channel_allow("qtback", "qtx", "qtw"), 0);
	ASSERT_EQ(channel_listen(world.window, "qtheld", 0), 0);
	ASSERT_EQ(channel_connect(world.peer_window, "qtheld"), 0);
	back_slot = channel_listen(world.peer_window, "qtback", 0);
	ASSERT_GE(back_slot, 0);
}

void open_world(void)
{
	struct queztl_info info = { .size = sizeof(info) };
	struct queztl_port port;

	world.device = queztl_fd();
	ASSERT_GE(world.device, 0);
	ASSERT_EQ(ioctl(world.device, QUEZTL_GET_INFO, &info), 0);
	world.sched = info.features & QUEZTL_F_SCHED;
	world.fabric = add_fabric("qtblue");
	ASSERT_EQ(port_add("qtport", "qtblue", world_mac, 0), 0);
	ASSERT_EQ(port_find("qtport", &port), 0);
	world.port = port.id;
	ASSERT_EQ(port_add("qtpeer", "qtblue", peer_mac, 0), 0);
	ASSERT_EQ(port_find("qtpeer", &port), 0);
	world.peer = port.id;
	open_windows();
	open_vm();
}

int fd_of(const struct call *call)
{
	return call->on_vm ? world.vm : call->on_window ? world.window : world.device;
}

bool can_call(const struct call *call)
{
	if (call->apart || (call->sched && !world.sched))
		return false;
	if (world.system >= 0)
		return true;
	return !call->on_vm && call->number != QUEZTL_VM_ATTACH && call->number != QUEZTL_VM_OPEN &&
	       call->number != QUEZTL_VM_NEXT && call->number != QUEZTL_VM_SCHED_SET &&
	       call->number != QUEZTL_VM_SCHED_GET;
}

void prepare(const struct call *call, void *at, __u32 size)
{
	memset(at, 0, size);
	*(__u32 *)at = size;
	if (call->prepare)
		call->prepare(at);
}
