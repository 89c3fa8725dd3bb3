// SPDX-License-Identifier: GPL-2.0
/*
 * Objects appear and disappear while they are read: one that no longer exists
 * when it is read is left out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "snapshot.h"

static void name_ports(struct snapshot *shot,
		       const struct queztl_fabric *fabric)
{
	for (size_t i = 0; i < shot->port_count; i++) {
		struct port *port = &shot->ports[i];

		if (port->port.fabric_id != fabric->id)
			continue;
		memcpy(port->fabric, fabric->name, sizeof(fabric->name));
		port->mode = fabric->mode;
	}
}

static int read_fabrics(int fd, struct snapshot *shot)
{
	struct queztl_fabric fabric = { 0 };
	int ret;

	while (!(ret = queztl_fabric_next(fd, &fabric)))
		name_ports(shot, &fabric);
	return ret == -ENOENT ? 0 : ret;
}

static int read_port(int fd, const struct queztl_port *next,
		     struct snapshot *shot)
{
	struct port *port;
	int ret;

	shot->ports = grow(shot->ports,
			   (shot->port_count + 1) * sizeof(*shot->ports));
	port = &shot->ports[shot->port_count];
	port->port = *next;
	port->fabric[0] = '\0';
	port->mode = 0;
	ret = queztl_port_stats_get(fd, next->id, &port->stats);
	if (!ret)
		shot->port_count++;
	return ret == -ENOENT ? 0 : ret;
}

int read_ports(int fd, struct snapshot *shot)
{
	struct queztl_port next = { 0 };
	int ret;

	while (!(ret = queztl_port_next(fd, &next))) {
		ret = read_port(fd, &next, shot);
		if (ret)
			return ret;
	}
	return ret == -ENOENT ? read_fabrics(fd, shot) : ret;
}

static int read_vm(int fd, uint64_t id, struct snapshot *shot)
{
	int vm_fd = queztl_vm_open(fd, id);
	struct vm *vm;
	int ret;

	if (vm_fd < 0)
		return vm_fd;
	shot->vms = grow(shot->vms, (shot->vm_count + 1) * sizeof(*shot->vms));
	vm = &shot->vms[shot->vm_count];
	ret = queztl_vm_info(vm_fd, &vm->info);
	if (!ret)
		ret = queztl_vm_stats_get(vm_fd, &vm->stats);
	if (!ret)
		shot->vm_count++;
	close(vm_fd);
	return ret;
}

static int read_vms(int fd, struct snapshot *shot)
{
	uint64_t id = 0;
	int ret;

	while (!(ret = queztl_vm_next(fd, &id))) {
		ret = read_vm(fd, id, shot);
		if (ret == -EPERM)
			shot->foreign_vms++;
		else if (ret && ret != -ENOENT)
			return ret;
	}
	return ret == -ENOENT ? 0 : ret;
}

/* A kernel may support fabrics but not VM statistics, or the reverse. */
static int allow_absence(int ret)
{
	return ret == -EOPNOTSUPP ? 0 : ret;
}

int read_counters(int fd, struct snapshot *shot)
{
	struct timespec now;
	int ret;

	clock_gettime(CLOCK_BOOTTIME, &now);
	shot->time_ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
	ret = allow_absence(read_ports(fd, shot));
	return ret ? ret : allow_absence(read_vms(fd, shot));
}

void free_snapshot(struct snapshot *shot)
{
	free(shot->ports);
	free(shot->vms);
	memset(shot, 0, sizeof(*shot));
}

static int compare_port(const void *id, const void *port)
{
	uint64_t x = *(const uint64_t *)id;
	uint64_t y = ((const struct port *)port)->port.id;

	return x < y ? -1 : x > y;
}

static int compare_vm(const void *id, const void *vm)
{
	uint64_t x = *(const uint64_t *)id;
	uint64_t y = ((const struct vm *)vm)->info.id;

	return x < y ? -1 : x > y;
}

const struct port *find_port(const struct snapshot *shot, uint64_t id)
{
	return !shot || !shot->port_count ? NULL :
		bsearch(&id, shot->ports, shot->port_count,
			sizeof(*shot->ports), compare_port);
}

const struct vm *find_vm(const struct snapshot *shot, uint64_t id)
{
	return !shot || !shot->vm_count ? NULL :
		bsearch(&id, shot->vms, shot->vm_count, sizeof(*shot->vms),
			compare_vm);
}
