// SPDX-License-Identifier: GPL-2.0
/*
 * What the scheduler cannot see by itself: the weights and limits that cgroups
 * have, and, from queztl.ko, VMs and vCPUs that have not run yet.
 */
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <queztl.h>

#include "cgroup.h"
#include "queztl.h"
#include "sync.h"

/* A group in which there are several VMs has the weight of none of them. */
struct seen {
	unsigned int tgid;
	bool own;
	char path[CGROUP_ROOM];
};

static void look_at(struct seen *seen, size_t count, unsigned int tgid)
{
	struct seen *this = &seen[count];

	this->tgid = tgid;
	this->own = vm_cgroup(tgid, this->path);
	for (size_t i = 0; this->own && i < count; i++)
		if (!strcmp(seen[i].path, this->path))
			seen[i].own = this->own = false;
}

static void set(const struct sync *sync, const struct seen *seen)
{
	struct qz_setting old = {}, new = {};
	bool known = !bpf_map_lookup_elem(sync->settings, &seen->tgid, &old);

	if (known && old.by_hand)
		return;
	if (seen->own) {
		new.weight = cgroup_weight(seen->path);
		new.limit = cgroup_limit(seen->path);
	}
	if (!known || memcmp(&old, &new, sizeof(old)))
		bpf_map_update_elem(sync->settings, &seen->tgid, &new, BPF_ANY);
}

/* Threads that queztl.ko knows to be vCPUs. */
static void name_vcpus(const struct sync *sync, int vm, const struct queztl_vm_info *info)
{
	for (__u32 i = 0; i < info->vcpus; i++) {
		unsigned int tgid = info->pid, tid;
		struct queztl_vm_vcpu vcpu;

		if (queztl_vm_vcpu(vm, i, &vcpu) || !vcpu.tid)
			continue;
		tid = vcpu.tid;
		bpf_map_update_elem(sync->vcpus, &tid, &tgid, BPF_NOEXIST);
	}
}

/* A setting makes a process a VM, before it was seen in a guest. */
static void ask_module(const struct sync *sync)
{
	static const struct qz_setting usual;
	int device = queztl_open(), vm;
	struct queztl_vm_info info;
	uint64_t id = 0;

	if (device < 0)
		return;
	while (!queztl_vm_next(device, &id)) {
		vm = queztl_vm_open(device, id);
		if (vm < 0)
			continue;
		if (!queztl_vm_info(vm, &info) && info.pid > 0) {
			unsigned int tgid = info.pid;

			bpf_map_update_elem(sync->settings, &tgid, &usual, BPF_NOEXIST);
			name_vcpus(sync, vm, &info);
		}
		close(vm);
	}
	close(device);
}

void sync_vms(const struct sync *sync)
{
	static struct seen seen[QZ_SCHED_VMS];
	unsigned int tgid, *before = NULL;
	size_t count = 0;

	ask_module(sync);
	while (count < QZ_SCHED_VMS && !bpf_map_get_next_key(sync->indices, before, &tgid)) {
		look_at(seen, count++, tgid);
		before = &seen[count - 1].tgid;
	}
	for (size_t i = 0; i < count; i++)
		set(sync, &seen[i]);
}
