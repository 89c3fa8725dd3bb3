// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Each call fills in a private structure and copies the result out on success.
 * So what an iteration left in the caller's structure never reaches the kernel
 * as input.
 *
 * The sizes are those of ABI version 2 (checked in abi.c). When a structure
 * grows, its call gets a second symbol version with the new size, and the old
 * symbol keeps the old size: programs that were built earlier allocate the
 * smaller one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "call.h"
#include "queztl.h"

int queztl_open(void)
{
	int fd = open(QUEZTL_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int queztl_get_info(int fd, struct queztl_info *info)
{
	struct queztl_info arg = { .size = sizeof(arg) };
	int ret = call(fd, QUEZTL_GET_INFO, &arg);

	if (!ret)
		*info = arg;
	return ret;
}

int queztl_vm_next(int fd, uint64_t *id)
{
	struct queztl_vm_next_args arg = { .size = sizeof(arg), .id = *id };
	int ret = call(fd, QUEZTL_VM_NEXT, &arg);

	if (!ret)
		*id = arg.id;
	return ret;
}

int queztl_vm_attach(int fd, int kvm_fd, uint64_t *id)
{
	struct queztl_vm_attach_args arg = { .size = sizeof(arg), .kvm_fd = kvm_fd };
	int ret = call(fd, QUEZTL_VM_ATTACH, &arg);

	if (ret)
		return ret;
	if (id)
		*id = arg.id;
	return arg.vm_fd;
}

int queztl_vm_open(int fd, uint64_t id)
{
	struct queztl_vm_open_args arg = { .size = sizeof(arg), .id = id };
	int ret = call(fd, QUEZTL_VM_OPEN, &arg);

	return ret ? ret : arg.vm_fd;
}

int queztl_vm_info(int vm_fd, struct queztl_vm *info)
{
	struct queztl_vm arg = { .size = sizeof(arg) };
	int ret = call(vm_fd, QUEZTL_VM_INFO, &arg);

	if (!ret)
		*info = arg;
	return ret;
}

int queztl_vm_vcpu(int vm_fd, uint32_t index, struct queztl_vcpu *vcpu)
{
	struct queztl_vcpu arg = { .size = sizeof(arg), .index = index };
	int ret = call(vm_fd, QUEZTL_VM_VCPU, &arg);

	if (!ret)
		*vcpu = arg;
	return ret;
}

int queztl_vm_stats_get(int vm_fd, struct queztl_vm_stats *stats)
{
	struct queztl_vm_stats arg = { .size = sizeof(arg) };
	int ret = call(vm_fd, QUEZTL_VM_STATS, &arg);

	if (!ret)
		*stats = arg;
	return ret;
}

int queztl_vm_detach(int vm_fd)
{
	struct queztl_vm_detach_args arg = { .size = sizeof(arg) };

	return call(vm_fd, QUEZTL_VM_DETACH, &arg);
}

int queztl_fabric_add(int fd, const char *name, uint64_t *id)
{
	struct queztl_fabric_add_args arg = { .size = sizeof(arg) };
	int ret = set_name(arg.name, name);

	if (!ret)
		ret = call(fd, QUEZTL_FABRIC_ADD, &arg);
	if (!ret && id)
		*id = arg.id;
	return ret;
}

int queztl_fabric_del(int fd, uint64_t id)
{
	struct queztl_fabric_del_args arg = { .size = sizeof(arg), .id = id };

	return call(fd, QUEZTL_FABRIC_DEL, &arg);
}

int queztl_fabric_set(int fd, uint64_t id, uint32_t mode)
{
	struct queztl_fabric_set_args arg = {
		.size = sizeof(arg), .id = id, .mode = mode };

	return call(fd, QUEZTL_FABRIC_SET, &arg);
}

int queztl_fabric_next(int fd, struct queztl_fabric *fabric)
{
	struct queztl_fabric arg = {
		.size = sizeof(arg), .id = fabric->id };
	int ret = call(fd, QUEZTL_FABRIC_NEXT, &arg);

	if (!ret)
		*fabric = arg;
	return ret;
}

int queztl_fabric_find(int fd, const char *name,
		       struct queztl_fabric *fabric)
{
	struct queztl_fabric next = { 0 };
	int ret;

	while (!(ret = queztl_fabric_next(fd, &next))) {
		if (strncmp(next.name, name, sizeof(next.name)))
			continue;
		*fabric = next;
		return 0;
	}
	return ret;
}

int queztl_port_next(int fd, struct queztl_port *port)
{
	struct queztl_port arg = { .size = sizeof(arg), .id = port->id };
	int ret = call(fd, QUEZTL_PORT_NEXT, &arg);

	if (!ret)
		*port = arg;
	return ret;
}

int queztl_port_find(int fd, const char *name, struct queztl_port *port)
{
	struct queztl_port next = { 0 };
	bool found = false;
	int ret;

	while (!(ret = queztl_port_next(fd, &next))) {
		if (strncmp(next.name, name, sizeof(next.name)))
			continue;
		*port = next;
		found = true;
		if (!(next.state & QUEZTL_PORT_DELETED))
			return 0;
	}
	return ret == -ENOENT && found ? 0 : ret;
}

int queztl_port_stats_get(int fd, uint64_t id, struct queztl_port_stats *stats)
{
	struct queztl_port_stats arg = { .size = sizeof(arg), .id = id };
	int ret = call(fd, QUEZTL_PORT_STATS, &arg);

	if (!ret)
		*stats = arg;
	return ret;
}

int queztl_port_set(int fd, uint64_t id, uint32_t mode)
{
	return queztl_port_change(fd, id, 0, mode);
}

int queztl_port_change(int fd, uint64_t id, uint32_t change, uint32_t mode)
{
	struct queztl_port_set_args arg = {
		.size = sizeof(arg), .id = id, .mode = mode, .change = change };

	return call(fd, QUEZTL_PORT_SET, &arg);
}

int queztl_port_capture(int fd, uint64_t id, uint32_t snaplen, uint32_t bytes)
{
	struct queztl_port_capture_args arg = {
		.size = sizeof(arg), .id = id, .snaplen = snaplen,
		.bytes = bytes };
	int ret = call(fd, QUEZTL_PORT_CAPTURE, &arg);

	return ret ? ret : arg.fd;
}

int queztl_port_mirror_set(int fd, uint64_t id, uint64_t mirror)
{
	struct queztl_port_mirror arg = {
		.size = sizeof(arg), .id = id, .mirror = mirror };

	return call(fd, QUEZTL_PORT_MIRROR_SET, &arg);
}

int queztl_port_mirror_get(int fd, uint64_t id, uint64_t *mirror)
{
	struct queztl_port_mirror arg = { .size = sizeof(arg), .id = id };
	int ret = call(fd, QUEZTL_PORT_MIRROR_GET, &arg);

	if (!ret)
		*mirror = arg.mirror;
	return ret;
}

int queztl_port_vlan_set(int fd, const struct queztl_port_vlan *vlan)
{
	struct queztl_port_vlan arg = *vlan;

	arg.size = sizeof(arg);
	arg.flags = 0;
	arg.reserved = 0;
	return call(fd, QUEZTL_PORT_VLAN_SET, &arg);
}

int queztl_port_vlan_get(int fd, uint64_t id, struct queztl_port_vlan *vlan)
{
	struct queztl_port_vlan arg = { .size = sizeof(arg), .id = id };
	int ret = call(fd, QUEZTL_PORT_VLAN_GET, &arg);

	if (!ret)
		*vlan = arg;
	return ret;
}

int queztl_port_macs_set(int fd, uint64_t id, uint32_t mode,
			 const struct queztl_mac *macs, uint32_t n)
{
	struct queztl_port_macs arg = {
		.size = sizeof(arg), .id = id, .mode = mode, .n = n,
		.macs = (uintptr_t)macs };

	return call(fd, QUEZTL_PORT_MACS_SET, &arg);
}

int queztl_port_macs_get(int fd, uint64_t id, struct queztl_port_macs *macs)
{
	struct queztl_port_macs arg = { .size = sizeof(arg), .id = id };
	int ret = call(fd, QUEZTL_PORT_MACS_GET, &arg);

	if (!ret)
		*macs = arg;
	return ret;
}

int queztl_mac_next(int fd, uint64_t id, struct queztl_mac *mac)
{
	struct queztl_mac_next_args arg = {
		.size = sizeof(arg), .port = id, .mac = *mac };
	int ret = call(fd, QUEZTL_MAC_NEXT, &arg);

	if (!ret)
		*mac = arg.mac;
	return ret;
}

int queztl_rates_set(int fd, const struct queztl_port_rates *rates)
{
	struct queztl_port_rates arg = {
		.size = sizeof(arg), .id = rates->id, .set = rates->set,
		.flood = rates->flood, .tx_bytes = rates->tx_bytes,
		.tx_packets = rates->tx_packets };

	return call(fd, QUEZTL_RATES_SET, &arg);
}

int queztl_rates_get(int fd, uint64_t id, struct queztl_port_rates *rates)
{
	struct queztl_port_rates arg = { .size = sizeof(arg), .id = id };
	int ret = call(fd, QUEZTL_RATES_GET, &arg);

	if (!ret)
		*rates = arg;
	return ret;
}

int queztl_sched_start(int fd, uint32_t slice_us, uint32_t check_us,
		       uint64_t mode)
{
	struct queztl_sched_start_args arg = {
		.size = sizeof(arg), .slice_us = slice_us,
		.check_us = check_us, .mode = mode };

	return call(fd, QUEZTL_SCHED_START, &arg);
}

int queztl_sched_stop(int fd)
{
	struct queztl_sched_stop_args arg = { .size = sizeof(arg) };

	return call(fd, QUEZTL_SCHED_STOP, &arg);
}

int queztl_sched_info(int fd, struct queztl_sched *info)
{
	struct queztl_sched arg = { .size = sizeof(arg) };
	int ret = call(fd, QUEZTL_SCHED_INFO, &arg);

	if (!ret)
		*info = arg;
	return ret;
}

int queztl_vm_sched_set(int fd, const struct queztl_vm_sched *vm)
{
	struct queztl_vm_sched arg = {
		.size = sizeof(arg), .id = vm->id, .set = vm->set,
		.weight = vm->weight, .limit = vm->limit, .mode = vm->mode };

	return call(fd, QUEZTL_VM_SCHED_SET, &arg);
}

int queztl_vm_sched_get(int fd, uint64_t id, struct queztl_vm_sched *vm)
{
	struct queztl_vm_sched arg = { .size = sizeof(arg), .id = id };
	int ret = call(fd, QUEZTL_VM_SCHED_GET, &arg);

	if (!ret)
		*vm = arg;
	return ret;
}

int queztl_peer_add(int fd, uint64_t port, uint64_t peer)
{
	struct queztl_peer arg = {
		.size = sizeof(arg), .port = port, .peer = peer };

	return call(fd, QUEZTL_PEER_ADD, &arg);
}

int queztl_peer_del(int fd, uint64_t port, uint64_t peer)
{
	struct queztl_peer arg = {
		.size = sizeof(arg), .port = port, .peer = peer };

	return call(fd, QUEZTL_PEER_DEL, &arg);
}

int queztl_peer_next(int fd, uint64_t port, uint64_t *peer)
{
	struct queztl_peer arg = {
		.size = sizeof(arg), .port = port, .peer = *peer };
	int ret = call(fd, QUEZTL_PEER_NEXT, &arg);

	if (!ret)
		*peer = arg.peer;
	return ret;
}

int queztl_peers_add(int fd, uint64_t port, const uint64_t *peers, uint32_t n)
{
	struct queztl_peers arg = {
		.size = sizeof(arg), .port = port,
		.peers = (uintptr_t)peers, .n = n };

	return call(fd, QUEZTL_PEERS_ADD, &arg);
}

/* Reads only as many bytes of addr as an address of this family has. */
static int call_addr(int fd, unsigned long request, uint64_t port, int family,
		     const void *addr, unsigned int prefix)
{
	struct queztl_addr arg = { .size = sizeof(arg), .port = port,
		.family = family, .prefix = prefix };

	if (family != AF_INET && family != AF_INET6)
		return -EAFNOSUPPORT;
	if (prefix > UINT8_MAX)
		return -EINVAL;
	memcpy(arg.addr, addr, family == AF_INET ? 4 : 16);
	return call(fd, request, &arg);
}

int queztl_addr_add(int fd, uint64_t port, int family, const void *addr,
		    unsigned int prefix)
{
	return call_addr(fd, QUEZTL_ADDR_ADD, port, family, addr, prefix);
}

int queztl_addr_del(int fd, uint64_t port, int family, const void *addr,
		    unsigned int prefix)
{
	return call_addr(fd, QUEZTL_ADDR_DEL, port, family, addr, prefix);
}

int queztl_addr_next(int fd, struct queztl_addr *addr)
{
	struct queztl_addr arg = {
		.size = sizeof(arg), .port = addr->port, .id = addr->id };
	int ret = call(fd, QUEZTL_ADDR_NEXT, &arg);

	if (!ret)
		*addr = arg;
	return ret;
}
