/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Simulates /dev/queztl as linux/queztl.h documents it, for tests without the
 * module.
 */
#ifndef QUEZTL_FAKE_H
#define QUEZTL_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <queztl.h>

#define FAKE_ROOM	4
#define FAKE_PEERS	8

struct fake_vm {
	struct queztl_vm info;	/* id 0: no VM */
	struct queztl_vm_stats stats;
	struct queztl_vm_sched sched;
	uint64_t exits_step;	/* added at each read */
	bool foreign;
	bool detached;
};

struct fake_port {
	struct queztl_port port;
	struct queztl_port_stats stats;
	uint64_t packets_step;	/* added at each read */
	uint64_t paced_step;
	struct queztl_port_rates rates;
	struct queztl_port_vlan vlan;
	uint32_t macs_mode;
	uint32_t mac_count;
	struct queztl_mac macs[FAKE_ROOM];
	struct queztl_addr addrs[QUEZTL_ADDR_MAX];	/* id 0: none */
	uint32_t last_addr;
	uint64_t mirror;	/* the id of a port, 0: none */
};

struct fake {
	void (*on_open)(const char *path);	/* what happens just before it */
	int open_error;		/* errno of open(), 0: success */
	int call_error;		/* errno of every ioctl */
	unsigned long failing;	/* the call that fails with it, 0: all */
	bool fails_once;
	uint32_t link_bit;	/* QUEZTL_PORT_LINK_DOWN; 0: before ABI version 10 */
	bool version_1;		/* the module has ABI version 1 */
	uint32_t stats_bytes;	/* what it knows of queztl_port_stats; 0: all */
	struct queztl_info info;
	struct queztl_sched sched;	/* if the features have QUEZTL_F_SCHED */
	struct fake_vm vms[FAKE_ROOM];
	struct queztl_fabric fabrics[FAKE_ROOM];
	struct fake_port ports[FAKE_ROOM];
	uint64_t peers[FAKE_PEERS][2];	/* ids of ports, 0: none */
	int peers_calls;	/* QUEZTL_PEERS_ADD that succeeded */
	const void *captured;	/* what reading a capture gives */
	size_t captured_size;
	uint32_t snaplen;	/* of the last capture */
	bool captured_by_another;
	int kvm_fd;		/* a descriptor that looks like a KVM VM */
	uint64_t kvm_vm;	/* the id of that VM */
	const char *hidden_entry;	/* of directories; NULL: none */
	void (*on_device)(void);	/* called when the device is opened; NULL: nothing */
};

extern struct fake fake;

/* An empty host, and one with two VMs, two fabrics and two ports. */
void fake_reset(void);
void fake_populate(void);

unsigned int count_descriptors(void);

#endif /* QUEZTL_FAKE_H */
