// SPDX-License-Identifier: GPL-2.0
/*
 * The module is opened in each round: a descriptor that stays open would keep
 * an administrator from unloading it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <queztl.h>

#include "memory.h"
#include "snapshot.h"
#include "vmlist.h"

static struct vmm *find_vmm(const struct vmm_list *list, int pid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->at[i].pid == pid)
			return &list->at[i];
	return NULL;
}

static struct vmm *add_vmm(struct vmm_list *list, int pid)
{
	struct vmm *vmm = find_vmm(list, pid);

	if (vmm)
		return vmm;
	list->at = grow(list->at, (list->count + 1) * sizeof(*list->at));
	vmm = &list->at[list->count++];
	*vmm = (struct vmm){ .pid = pid, .exits = UNKNOWN, .packets = UNKNOWN };
	return vmm;
}

static void add_thread(struct vmm *vmm, int tid)
{
	vmm->tids = grow(vmm->tids, (vmm->tid_count + 1) * sizeof(*vmm->tids));
	vmm->tids[vmm->tid_count++] = tid;
}

static void add_threads(struct vmm *vmm, int vm, uint32_t vcpus)
{
	struct queztl_vcpu vcpu;

	for (uint32_t i = 0; i < vcpus && !queztl_vm_vcpu(vm, i, &vcpu); i++)
		if (vcpu.tid)
			add_thread(vmm, vcpu.tid);
}

static void add_count(uint64_t *sum, uint64_t count)
{
	*sum = *sum == UNKNOWN ? count : *sum + count;
}

static void add_vm(struct vmm_list *list, int vm,
		   const struct queztl_vm *info)
{
	struct vmm *vmm = add_vmm(list, info->pid);
	struct queztl_vm_stats stats;

	vmm->ids = grow(vmm->ids, (vmm->id_count + 1) * sizeof(*vmm->ids));
	vmm->ids[vmm->id_count++] = info->id;
	vmm->vcpus += info->vcpus;
	add_threads(vmm, vm, info->vcpus);
	if (!queztl_vm_stats_get(vm, &stats))
		add_count(&vmm->exits, stats.exits);
}

static bool is_wanted(const struct vm_finder *finder, int pid)
{
	for (size_t i = 0; i < finder->pid_count; i++)
		if (finder->pids[i] == pid)
			return true;
	return !finder->pid_count;
}

/* It is not an error if a VM disappears before it is read. */
static int visit_vm(const struct vm_finder *finder, struct vmm_list *list,
		    int fd, uint64_t id)
{
	struct queztl_vm info = { 0 };
	int vm = queztl_vm_open(fd, id);
	int ret = vm < 0 ? vm : queztl_vm_info(vm, &info);

	if (ret == -EPERM || (!ret && !info.pid))
		list->foreign++;
	else if (!ret && is_wanted(finder, info.pid))
		add_vm(list, vm, &info);
	if (vm >= 0)
		close(vm);
	return ret == -EPERM || ret == -ENOENT ? 0 : ret;
}

static void add_packets(struct vmm_list *list, int fd)
{
	struct snapshot shot = { 0 };

	if (!read_ports(fd, &shot))
		for (size_t i = 0; i < shot.port_count; i++) {
			const struct port *port = &shot.ports[i];
			struct vmm *vmm = find_vmm(list, port->port.pid);

			if (vmm)
				add_count(&vmm->packets, port->stats.tx_packets +
					  port->stats.rx_packets);
		}
	free_snapshot(&shot);
}

static int list_from_module(const struct vm_finder *finder, int fd,
			    struct vmm_list *list)
{
	uint64_t id = 0;
	int ret;

	while (!(ret = queztl_vm_next(fd, &id))) {
		ret = visit_vm(finder, list, fd, id);
		if (ret)
			return ret;
	}
	if (ret == -ENOENT) {
		add_packets(list, fd);
		ret = 0;
	}
	return ret;
}

static int list_from_scan(struct vm_finder *finder, unsigned int round,
			  struct vmm_list *list)
{
	struct scan *scan = &finder->scan;
	int ret;

	if (finder->pid_count)
		return 0;
	ret = scan_processes(scan, round);
	for (size_t i = 0; i < scan->count; i++)
		if (scan->at[i].vm)
			add_vmm(list, scan->at[i].pid);
	list->denied = scan->denied;
	return ret;
}

static int compare_vmms(const void *a, const void *b)
{
	return ((const struct vmm *)a)->pid - ((const struct vmm *)b)->pid;
}

int list_vmms(struct vm_finder *finder, unsigned int round,
	      struct vmm_list *list)
{
	int fd = queztl_open();
	int ret;

	if (fd >= 0) {
		ret = list_from_module(finder, fd, list);
		close(fd);
	} else {
		ret = list_from_scan(finder, round, list);
	}
	for (size_t i = 0; i < finder->pid_count; i++)
		add_vmm(list, finder->pids[i]);
	if (list->count)
		qsort(list->at, list->count, sizeof(*list->at), compare_vmms);
	return ret;
}

void free_vmm(struct vmm *vmm)
{
	free(vmm->ids);
	free(vmm->tids);
	vmm->ids = NULL;
	vmm->tids = NULL;
}

void free_vmms(struct vmm_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free_vmm(&list->at[i]);
	free(list->at);
	memset(list, 0, sizeof(*list));
}
