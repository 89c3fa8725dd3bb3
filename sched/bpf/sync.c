// SPDX-License-Identifier: GPL-2.0
/*
 * What the scheduler cannot see by itself: the weights and limits that cgroups
 * have, and, from queztl.ko, VMs and vCPUs that have not run yet.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <queztl.h>

#include "cgroup.h"
#include "module/plain.h"
#include "queztl.h"
#include "sched/policy.h"
#include "sync.h"

/* Of a VM that hides its cgroup, and so its limit: the least. */
static const struct qz_setting least = { .weight = 1, .limit = 10 };

/* A VM; if it has a cgroup, the first VM in that counts those that are there. */
struct seen {
	unsigned int tgid;
	bool grouped, hidden;
	unsigned int first, members;
	char path[CGROUP_ROOM];
};

static void look_at(struct seen *seen, size_t count, unsigned int tgid)
{
	struct seen *this = &seen[count];
	size_t first = 0;

	this->tgid = tgid;
	this->members = 0;
	this->grouped = vm_cgroup(tgid, this->path);
	this->hidden = !this->grouped && errno == ENAMETOOLONG;
	this->grouped = this->grouped && trusted_cgroup(this->path);
	if (!this->grouped)
		return;
	while (first < count && (!seen[first].grouped || strcmp(seen[first].path, this->path)))
		first++;
	this->first = first;
	seen[first].members++;
}

/* Several VMs of one group divide its limit, and its weight if that is low. */
static struct qz_setting wanted(const struct seen *seen, const struct seen *this)
{
	struct qz_setting setting = {};
	unsigned int members;

	if (!this->grouped)
		return this->hidden ? least : setting;
	members = seen[this->first].members;
	setting.weight = cgroup_weight(this->path);
	setting.limit = cgroup_limit(this->path);
	if (members == 1)
		return setting;
	if (setting.limit)
		setting.limit = setting.limit / members ?: 1;
	if (setting.weight)
		setting.weight = setting.weight < QZ_SCHED_WEIGHT ? setting.weight / members ?: 1 :
				 QZ_SCHED_WEIGHT;
	return setting;
}

/* Is there anything to be done? */
static bool differs(const struct sync *sync, unsigned int tgid, const struct qz_setting *new)
{
	struct qz_setting old;

	if (bpf_map_lookup_elem(sync->settings, &tgid, &old))
		return true;
	return !old.by_hand && memcmp(&old, new, sizeof(old));
}

/* Who sets by hand has this lock, too. If he has it now, the next second will do. */
static void set(const struct sync *sync, unsigned int tgid, const struct qz_setting *new)
{
	int lock;

	if (!differs(sync, tgid, new))
		return;
	lock = open(QZ_SCHED_PINNED, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0)
		return;
	if (!flock(lock, LOCK_EX | LOCK_NB) && differs(sync, tgid, new))
		bpf_map_update_elem(sync->settings, &tgid, new, BPF_ANY);
	close(lock);
}

/* Threads that queztl.ko knows to be vCPUs. */
static void name_vcpus(const struct sync *sync, int vm, const struct queztl_vm *info)
{
	for (__u32 i = 0; i < info->vcpus; i++) {
		unsigned int tgid = info->pid, tid;
		struct queztl_vcpu vcpu;

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
	struct queztl_vm info;
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

/*
 * Keys that are there now. A key that goes meanwhile makes the kernel begin anew,
 * so one may be found again.
 */
static size_t read_keys(int map, unsigned int *keys)
{
	unsigned int next, *before = NULL;
	size_t count = 0, i;

	for (size_t looks = 0; count < QZ_SCHED_VMS && looks < 2 * QZ_SCHED_VMS; looks++) {
		if (bpf_map_get_next_key(map, before, &next))
			break;
		for (i = 0; i < count && keys[i] != next; i++)
			;
		keys[i] = next;
		before = &keys[i];
		count += i == count;
	}
	return count;
}

/* Of a process that ended before it was a VM. Another one may get its PID. */
static void forget_dead(const struct sync *sync)
{
	static unsigned int tgids[QZ_SCHED_VMS];
	size_t count = read_keys(sync->settings, tgids);

	for (size_t i = 0; i < count; i++)
		if (kill(tgids[i], 0) && errno == ESRCH)
			bpf_map_delete_elem(sync->settings, &tgids[i]);
}

void sync_vms(const struct sync *sync)
{
	static unsigned int tgids[QZ_SCHED_VMS];
	static struct seen seen[QZ_SCHED_VMS];
	struct qz_setting setting;
	size_t count;

	ask_module(sync);
	count = read_keys(sync->indices, tgids);
	for (size_t i = 0; i < count; i++)
		look_at(seen, i, tgids[i]);
	for (size_t i = 0; i < count; i++) {
		setting = wanted(seen, &seen[i]);
		set(sync, tgids[i], &setting);
	}
	forget_dead(sync);
}
