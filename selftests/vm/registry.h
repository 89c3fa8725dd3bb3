/* SPDX-License-Identifier: GPL-2.0 */
/* What queztl knows of VMs, asked of it. A vm is a descriptor that it gave. Calls return -errno unless said otherwise. */
#ifndef QUEZTL_REGISTRY_H
#define QUEZTL_REGISTRY_H

#include <linux/queztl.h>
#include <stdbool.h>
#include <sys/types.h>

void open_device(void);		/* asserts */
void close_device(void);

int open_vm(__u64 id);
int get_info(int vm, struct queztl_vm *info);
struct queztl_vm_stats get_stats(int vm);
/* Exits that the code of a tinyvm causes. */
__u64 said(const struct queztl_vm_stats *stats);
__u64 said_by(int vm);

/* A descriptor of the first VM of @pid after @id, which becomes its id; -ENOENT. */
int next_vm_of(pid_t pid, __u64 *id);
/* The first one, which may be about to appear. */
int vm_of(pid_t pid);
int count_vms(void);

bool gone_soon(int vm);
bool no_vms_soon(void);

int attach(int fd, __u64 *id);	/* @id may be NULL */
int detach(int vm);

double now(void);		/* s, of the clock of queztl_vm.seen_ns */

#endif
