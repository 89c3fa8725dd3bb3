// SPDX-License-Identifier: GPL-2.0
/*
 * Reads what the threads of VMMs have used, from /proc/PID/task/TID/schedstat.
 * The scheduler's core counts this for every scheduling class.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"
#include "memory.h"
#include "procfile.h"
#include "thread.h"
#include "usage.h"

static uint64_t time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static bool read_stat(int directory, const char *name, struct thread_stat *stat)
{
	char text[1024];

	return read_file_at(directory, name, text, sizeof(text)) > 0 &&
	       parse_thread_stat(text, stat);
}

static bool read_counts(int task, const char *tid, struct vm_thread *thread)
{
	char name[32], text[80], *at;

	snprintf(name, sizeof(name), "%s/schedstat", tid);
	if (read_file_at(task, name, text, sizeof(text)) <= 0)
		return false;
	thread->cpu_ns = strtoull(text, &at, 10);
	thread->ready_ns = strtoull(at, &at, 10);
	thread->switches = strtoull(at, &at, 10);
	return true;
}

static int compare_ids(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int compare_threads(const void *a, const void *b)
{
	return ((const struct vm_thread *)a)->tid -
	       ((const struct vm_thread *)b)->tid;
}

/* If it counts from the beginning, this is another thread with the same ID. */
static const struct vm_thread *find_thread(const struct vm_usage *vm,
					   const struct vm_thread *key)
{
	const struct vm_thread *known;

	if (!vm || !vm->thread_count)
		return NULL;
	known = bsearch(key, vm->threads, vm->thread_count, sizeof(*key),
			compare_threads);
	return !known || known->switches > key->switches ||
	       known->cpu_ns > key->cpu_ns ? NULL : known;
}

/*
 * The module knows which threads have run a vCPU. Without it, the name of the
 * thread tells, or that it has been in a guest.
 */
static bool is_vcpu(const struct vm_usage *vm, int task,
		    const struct vm_thread *thread)
{
	struct thread_stat stat;
	char name[32];

	if (vm->vmm.tid_count)
		return bsearch(&thread->tid, vm->vmm.tids, vm->vmm.tid_count,
			       sizeof(thread->tid), compare_ids);
	snprintf(name, sizeof(name), "%d/stat", thread->tid);
	return read_stat(task, name, &stat) &&
	       (stat.guest || names_vcpu(stat.comm));
}

static void learn_thread(struct usage_reader *reader, const struct vm_usage *vm,
			 int task, struct vm_thread *thread,
			 const struct vm_thread *known)
{
	bool due = !known || is_due(known->first, reader->round, thread->tid);

	thread->first = known ? known->first : reader->round;
	thread->vcpu = known && known->vcpu;
	thread->cgroup = known ? known->cgroup : NULL;
	if (!thread->vcpu && (due || vm->vmm.tid_count))
		thread->vcpu = is_vcpu(vm, task, thread);
	if (due)
		thread->cgroup = find_cgroup(&reader->cgroups, task,
					     thread->tid, reader->round);
}

static void count_thread(struct usage *sum, const struct vm_thread *now,
			 const struct vm_thread *before)
{
	static const struct vm_thread zero;

	if (!before)
		before = &zero;
	if (now->vcpu) {
		sum->vcpu_cpu_ns += now->cpu_ns - before->cpu_ns;
		sum->vcpu_ready_ns += now->ready_ns - before->ready_ns;
		sum->vcpu_switches += now->switches - before->switches;
	} else {
		sum->other_cpu_ns += now->cpu_ns - before->cpu_ns;
		sum->other_ready_ns += now->ready_ns - before->ready_ns;
		sum->other_switches += now->switches - before->switches;
	}
}

static void add_thread(struct vm_usage *vm, const struct vm_thread *thread)
{
	if (!(vm->thread_count & (vm->thread_count - 1)))
		vm->threads = grow(vm->threads, (vm->thread_count ?
						 2 * vm->thread_count : 1) *
				   sizeof(*vm->threads));
	vm->threads[vm->thread_count++] = *thread;
	vm->vcpu_threads += thread->vcpu;
}

struct throttling {
	uint64_t total_ns;
	uint64_t step_ns;
};

static void read_thread(struct usage_reader *reader, struct vm_usage *vm,
			const struct vm_usage *old, int task, const char *tid,
			struct throttling *throttling)
{
	struct vm_thread thread = { .tid = entry_id(tid) };
	const struct vm_thread *known;

	if (!thread.tid || !read_counts(task, tid, &thread))
		return;
	known = find_thread(old, &thread);
	learn_thread(reader, vm, task, &thread, known);
	count_thread(&vm->counts, &thread, known);
	if (thread.cgroup)
		add_throttled(thread.cgroup, reader->round, vm->vmm.pid,
			      &throttling->total_ns, &throttling->step_ns);
	add_thread(vm, &thread);
}

static void sort_threads(struct vm_usage *vm)
{
	if (vm->thread_count)
		qsort(vm->threads, vm->thread_count, sizeof(*vm->threads),
		      compare_threads);
}

/* The kernel may leave out a thread from the list when another one ends. */
static void read_skipped(struct usage_reader *reader, struct vm_usage *vm,
			 const struct vm_usage *old, int task,
			 struct throttling *throttling)
{
	size_t listed = vm->thread_count;
	char tid[16];

	for (size_t i = 0; old && i < old->thread_count; i++) {
		const struct vm_thread *known = &old->threads[i];

		if (listed && bsearch(known, vm->threads, listed,
				      sizeof(*known), compare_threads))
			continue;
		snprintf(tid, sizeof(tid), "%d", known->tid);
		read_thread(reader, vm, old, task, tid, throttling);
	}
}

/* Closes task. */
static bool read_threads(struct usage_reader *reader, struct vm_usage *vm,
			 const struct vm_usage *old, int task)
{
	struct throttling throttling = { .total_ns = UNKNOWN };
	DIR *directory = fdopendir(task);
	struct dirent *entry;

	if (!directory) {
		close(task);
		return false;
	}
	while ((entry = readdir(directory)))
		read_thread(reader, vm, old, task, entry->d_name, &throttling);
	sort_threads(vm);
	read_skipped(reader, vm, old, task, &throttling);
	closedir(directory);
	sort_threads(vm);
	vm->counts.throttled_ns =
		old && old->counts.throttled_ns != UNKNOWN &&
		throttling.total_ns != UNKNOWN ?
		old->counts.throttled_ns + throttling.step_ns :
		throttling.total_ns;
	return vm->thread_count;
}

static int compare_vms(const void *a, const void *b)
{
	return ((const struct vm_usage *)a)->vmm.pid -
	       ((const struct vm_usage *)b)->vmm.pid;
}

/* The same process in the previous sample. */
static const struct vm_usage *find_old(const struct sample *before,
				       const struct vm_usage *vm)
{
	const struct vm_usage *old = !before->count ? NULL :
		bsearch(vm, before->vms, before->count, sizeof(*vm),
			compare_vms);

	return old && old->start == vm->start ? old : NULL;
}

static void begin_vm(struct vm_usage *vm, const struct vm_usage *old)
{
	vm->time_ns = time_now();
	if (old) {
		memcpy(vm->comm, old->comm, sizeof(vm->comm));
		memcpy(vm->name, old->name, sizeof(vm->name));
		vm->earlier = old->counts;
		vm->counts = old->counts;
		vm->interval_ns = vm->time_ns - old->time_ns;
	} else {
		read_comm(vm->vmm.pid, vm->comm);
		read_vm_name(vm->vmm.pid, vm->name);
	}
	vm->counts.exits = vm->vmm.exits;
	vm->counts.packets = vm->vmm.packets;
}

static bool read_vm(struct usage_reader *reader, const struct sample *before,
		    struct vm_usage *vm)
{
	int process = open_process(vm->vmm.pid);
	const struct vm_usage *old;
	struct thread_stat stat;
	int task = -1;

	if (process < 0)
		return false;
	if (read_stat(process, "stat", &stat))
		task = openat(process, "task",
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(process);
	if (task < 0)
		return false;
	vm->start = stat.start;
	old = find_old(before, vm);
	begin_vm(vm, old);
	if (vm->vmm.tid_count)
		qsort(vm->vmm.tids, vm->vmm.tid_count, sizeof(*vm->vmm.tids),
		      compare_ids);
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
