/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_SNAPSHOT_H
#define QUEZTL_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include <queztl.h>

struct port {
	struct queztl_port port;
	struct queztl_port_stats stats;
	char fabric[QUEZTL_NAME_MAX];
	uint32_t mode;		/* of the fabric */
};

struct vm {
	struct queztl_vm info;
	struct queztl_vm_stats stats;
};

/* Ports and VMs at one moment, each sorted by id. */
struct snapshot {
	uint64_t time_ns;	/* CLOCK_BOOTTIME */
	struct port *ports;
	size_t port_count;
	struct vm *vms;
	size_t vm_count;
	size_t foreign_vms;	/* of other users, not among vms */
};

/* Each fills an empty snapshot and returns 0 or -errno. */
int read_ports(int fd, struct snapshot *shot);
int read_counters(int fd, struct snapshot *shot);

void free_snapshot(struct snapshot *shot);

/*
 * The object with this id in a snapshot; NULL without one, or without a
 * snapshot.
 */
const struct port *find_port(const struct snapshot *shot, uint64_t id);
const struct vm *find_vm(const struct snapshot *shot, uint64_t id);

#endif /* QUEZTL_SNAPSHOT_H */
