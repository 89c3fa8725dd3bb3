// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "fabric.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int device = -1;

int queztl_fd(void)
{
	if (device < 0)
		device = open(QUEZTL_DEVICE, O_RDWR | O_CLOEXEC);
	return device < 0 ? -errno : device;
}

void queztl_close(void)
{
	if (device >= 0)
		close(device);
	device = -1;
}

static int call(unsigned long number, void *argument)
{
	int fd = queztl_fd();

	if (fd < 0)
		return fd;
	return ioctl(fd, number, argument) ? -errno : 0;
}

int fabric_add(const char *name, __u64 *id)
{
	struct queztl_fabric_add_args add = { .size = sizeof(add) };
	int r;

	snprintf(add.name, sizeof(add.name), "%s", name);
	r = call(QUEZTL_FABRIC_ADD, &add);
	if (!r && id)
		*id = add.id;
	return r;
}

int fabric_del(__u64 id)
{
	struct queztl_fabric_del_args del = { .size = sizeof(del), .id = id };

	return call(QUEZTL_FABRIC_DEL, &del);
}

int fabric_find(const char *name, struct queztl_fabric *found)
{
	int r;

	*found = (struct queztl_fabric){ .size = sizeof(*found) };
	while (!(r = call(QUEZTL_FABRIC_NEXT, found)))
		if (!strcmp(found->name, name))
			return 0;
	return r;
}

int fabric_set(const char *name, __u32 mode)
{
	struct queztl_fabric_set_args set = { .size = sizeof(set), .mode = mode };
	struct queztl_fabric found;
	int r = fabric_find(name, &found);

	set.id = found.id;
	return r ? r : call(QUEZTL_FABRIC_SET, &set);
}

int run_program(int quiet, const char *const argv[])
{
	posix_spawn_file_actions_t actions;
	int status = -1, r;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	if (quiet)
		for (int fd = 1; fd <= 2; fd++)
			posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0);
	r = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r)
		return -r;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

int module_users(void)
{
	FILE *file = fopen("/sys/module/queztl/refcnt", "r");
	int users = -1;

	if (file && fscanf(file, "%d", &users) != 1)
		users = -1;
	if (file)
		fclose(file);
	return users;
}

int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

int port_bind(const char *name, const char *driver)
{
	char path[128], link[128] = "";

	snprintf(path, sizeof(path), "/sys/bus/vdpa/devices/%s/driver", name);
	if (readlink(path, link, sizeof(link) - 1) > 0) {
		if (!strcmp(strrchr(link, '/') + 1, driver))
			return 0;
		strcat(path, "/unbind");
		write_text(path, name);
	}
	snprintf(path, sizeof(path), "/sys/bus/vdpa/devices/%s/driver_override", name);
	write_text(path, driver);
	snprintf(path, sizeof(path), "/sys/bus/vdpa/drivers/%s/bind", driver);
	return write_text(path, name);
}

int port_add(const char *name, const char *fabric, const __u8 mac[6], int mtu)
{
	char mgmt[64], address[32], size[16];
	const char *argv[] = { "vdpa", "dev", "add", "name", name, "mgmtdev", mgmt, "mac", address,
			       mtu ? "mtu" : NULL, size, NULL };
	int r;

	snprintf(mgmt, sizeof(mgmt), "queztl/%s", fabric);
	snprintf(address, sizeof(address), "%02x:%02x:%02x:%02x:%02x:%02x",
		 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	snprintf(size, sizeof(size), "%d", mtu);
	r = run_program(0, argv);
	if (r)
		return r < 0 ? r : -EIO;
	return port_bind(name, "vhost_vdpa");
}

int port_del(const char *name)
{
	const char *argv[] = { "vdpa", "dev", "del", name, NULL };
	int r = run_program(0, argv);

	return r > 0 ? -EIO : r;
}

int port_find(const char *name, struct queztl_port *found)
{
	int r;

	*found = (struct queztl_port){ .size = sizeof(*found) };
	while (!(r = call(QUEZTL_PORT_NEXT, found)))
		if (!strcmp(found->name, name))
			return 0;
	return r;
}

int port_find_attached(const char *name, struct queztl_port *found)
{
	int r;

	while (!(r = port_find(name, found)) && found->state & QUEZTL_PORT_DELETED)
		usleep(1000);
	return r;
}

int port_stats(const char *name, struct queztl_port_stats *stats)
{
	struct queztl_port port;
	int r = port_find(name, &port);

	if (r)
		return r;
	*stats = (struct queztl_port_stats){ .size = sizeof(*stats), .id = port.id };
	return call(QUEZTL_PORT_STATS, stats);
}

int port_set(const char *name, __u32 mode)
{
	return port_change(name, 0, mode);
}

int port_change(const char *name, __u32 change, __u32 mode)
{
	struct queztl_port_set_args set = { .size = sizeof(set), .mode = mode, .change = change };
	struct queztl_port port;
	int r = port_find(name, &port);

	set.id = port.id;
	return r ? r : call(QUEZTL_PORT_SET, &set);
}

int port_capture(const char *name, struct queztl_port_capture_args *capture)
{
	struct queztl_port port;
	int r = port_find(name, &port);

	capture->size = sizeof(*capture);
	capture->id = port.id;
	if (!r)
		r = call(QUEZTL_PORT_CAPTURE, capture);
	return r ? r : capture->fd;
}

int port_mirror(const char *name, const char *mirror)
{
	struct queztl_port_mirror set = { .size = sizeof(set) };
	struct queztl_port port;
	int r = port_find(name, &port);

	set.id = port.id;
	if (!r && mirror) {
		r = port_find(mirror, &port);
		set.mirror = port.id;
	}
	return r ? r : call(QUEZTL_PORT_MIRROR_SET, &set);
}

int port_vlan(const char *name, __u32 mode, __u16 native, const __u16 *ids, int n)
{
	struct queztl_port_vlan vlan = { .size = sizeof(vlan), .mode = mode, .native = native };
	struct queztl_port port;
	int r = port_find(name, &port);

	vlan.id = port.id;
	for (int i = 0; i < n; i++)
		if (ids[i])
			vlan.ids[ids[i] / 64] |= 1ULL << ids[i] % 64;
	return r ? r : call(QUEZTL_PORT_VLAN_SET, &vlan);
}

int port_macs(const char *name, __u32 mode, const struct queztl_mac *macs, __u32 n)
{
	struct queztl_port_macs set = { .size = sizeof(set), .mode = mode, .n = n, .macs = (uintptr_t)macs };
	struct queztl_port port;
	int r = port_find(name, &port);

	set.id = port.id;
	return r ? r : call(QUEZTL_PORT_MACS_SET, &set);
}

static int call_peer(unsigned long number, const char *port, const char *other)
{
	struct queztl_peer peer = { .size = sizeof(peer) };
	struct queztl_port found;
	int r = port_find(port, &found);

	peer.port = found.id;
	if (!r)
		r = port_find(other, &found);
	peer.peer = found.id;
	return r ? r : call(number, &peer);
}

int peer_add(const char *port, const char *peer)
{
	return call_peer(QUEZTL_PEER_ADD, port, peer);
}

int peer_del(const char *port, const char *peer)
{
	return call_peer(QUEZTL_PEER_DEL, port, peer);
}

static int call_addr(unsigned long number, const char *port, const char *address)
{
	struct queztl_addr addr = { .size = sizeof(addr) };
	struct queztl_port found;
	unsigned int prefix;
	char text[64];
	int r;

	if (sscanf(address, "%63[^/]/%u", text, &prefix) != 2)
		return -EINVAL;
	addr.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	addr.prefix = prefix;
	if (inet_pton(addr.family, text, addr.addr) != 1)
		return -EINVAL;
	r = port_find(port, &found);
	addr.port = found.id;
	return r ? r : call(number, &addr);
}

int addr_add(const char *port, const char *address)
{
	return call_addr(QUEZTL_ADDR_ADD, port, address);
}

int addr_del(const char *port, const char *address)
{
	return call_addr(QUEZTL_ADDR_DEL, port, address);
}

/* On a busy host a port that was deleted takes a while to leave the bus. */
static void fabric_del_soon(__u64 id)
{
	for (int tries = 0; fabric_del(id) == -EBUSY && tries < 1000; tries++)
		usleep(10000);
}

void fabric_sweep(void)
{
	struct queztl_port port = { .size = sizeof(port) };
	struct queztl_fabric fabric = { .size = sizeof(fabric) };

	/* reserved members are zero on output, so the structures can go in again as they are */
	while (!call(QUEZTL_PORT_NEXT, &port))
		if (!strncmp(port.name, FABRIC_PREFIX, strlen(FABRIC_PREFIX)))
			port_del(port.name);
	while (!call(QUEZTL_FABRIC_NEXT, &fabric))
		if (!strncmp(fabric.name, FABRIC_PREFIX, strlen(FABRIC_PREFIX)))
			fabric_del_soon(fabric.id);
}
