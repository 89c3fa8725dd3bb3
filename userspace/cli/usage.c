// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "counters.h"
#include "memory.h"
#include "procfile.h"
#include "threads.h"
#include "threadstat.h"
#include "usage.h"

static uint64_t time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static int compare_vms(const void *a, const void *b)
{
	return ((const struct vm_usage *)a)->vmm.pid -
	       ((const struct vm_usage *)b)->vmm.pid;
}

/*
 * The same process in the previous sample. One that does not answer may be another
 * one with the same ID; then its threads count from the beginning.
 */
static const struct vm_usage *find_old(const struct sample *before,
				       const struct vm_usage *vm)
{
	const struct vm_usage *old = !before->count ? NULL :
		bsearch(vm, before->vms, before->count, sizeof(*vm),
			compare_vms);

	return old && (old->start == vm->start || !old->start || !vm->start) ?
		old : NULL;
}

static void begin_vm(struct vm_usage *vm, const struct vm_usage *old)
{
	vm->time_ns = time_now();
	if (old) {
		vm->named = old->named;
		memcpy(vm->comm, old->comm, sizeof(vm->comm));
		memcpy(vm->name, old->name, sizeof(vm->name));
		if (!vm->start)
			vm->start = old->start;
		vm->earlier = old->counts;
		vm->counts = old->counts;
		vm->interval_ns = vm->time_ns - old->time_ns;
	} else {
		read_comm(vm->vmm.pid, vm->comm);
	}
	if (!vm->named)
		vm->named = read_vm_name(vm->vmm.pid, vm->name);
	vm->counts.exits = vm->vmm.exits;
	vm->counts.packets = vm->vmm.packets;
}

/* The threads belong to the process that was asked, if there still is one. */
static bool read_vm(struct usage_reader *reader, const struct sample *before,
		    struct vm_usage *vm)
{
	int process = open_process(vm->vmm.pid);
	struct thread_stat stat = { .start = 0 };
	const struct vm_usage *old;
	int task = -1, ret;

	if (process < 0)
		return false;
	ret = ask_thread_stat(vm->vmm.pid, "stat", &stat);
	if (!ret || ret == -ETIMEDOUT)
		task = openat(process, "task",
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(process);
	if (task < 0)
		return false;
	vm->start = stat.start;
	old = find_old(before, vm);
	begin_vm(vm, old);
	return read_threads(reader, vm, old, task);
}

static void free_vm(struct vm_usage *vm)
{
	free_vmm(&vm->vmm);
	free(vm->threads);
}

/* The sample takes over what the list has of each VMM. */
static void read_vms(struct usage_reader *reader, const struct sample *before,
		     struct vmm_list *list, struct sample *now)
{
	now->vms = list->count ? grow(NULL, list->count * sizeof(*now->vms)) :
				 NULL;
	for (size_t i = 0; i < list->count; i++) {
		struct vm_usage *vm = &now->vms[now->count];

		*vm = (struct vm_usage){ .vmm = list->at[i] };
		if (read_vm(reader, before, vm))
			now->count++;
		else
			free_vm(vm);
	}
	free(list->at);
}

int read_sample(struct usage_reader *reader, const struct sample *before,
		struct sample *now)
{
	struct vmm_list list = { 0 };
	int ret;

	reader->round++;
	now->time_ns = time_now();
	if (before->time_ns)
		now->interval_ns = now->time_ns - before->time_ns;
	ret = list_vmms(&reader->finder, reader->round, &list);
	if (ret) {
		free_vmms(&list);
		return ret;
	}
	now->foreign = list.foreign;
	now->denied = list.denied;
	read_vms(reader, before, &list, now);
	forget_cgroups(&reader->cgroups, reader->round);
	return 0;
}

void free_sample(struct sample *sample)
{
	for (size_t i = 0; i < sample->count; i++)
		free_vm(&sample->vms[i]);
	free(sample->vms);
	memset(sample, 0, sizeof(*sample));
}

void close_reader(struct usage_reader *reader)
{
	stop_asking();
	free_scan(&reader->finder.scan);
	free_cgroups(&reader->cgroups);
}

/* Whoever reads this has been given a CPU at least once. */
int check_accounting(void)
{
	struct vm_thread self = { 0 };

	return read_counts(AT_FDCWD, "/proc/thread-self", &self) &&
	       self.switches ? 0 : -ENOSYS;
}

double usage_rate(const struct vm_usage *vm, uint64_t earlier, uint64_t now)
{
	if (!vm->interval_ns || earlier == UNKNOWN || now == UNKNOWN)
		return NAN;
	return rate_of(earlier, now, vm->interval_ns);
}

double used_percent(const struct vm_usage *vm, uint64_t earlier, uint64_t now)
{
	return usage_rate(vm, earlier, now) / 1e7;
}

uint32_t count_vcpus(const struct vm_usage *vm)
{
	return vm->vmm.vcpus ? vm->vmm.vcpus : vm->vcpu_threads;
}
