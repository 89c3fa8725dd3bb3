// SPDX-License-Identifier: GPL-2.0
/*
 * What the threads of a VMM have used, from /proc/PID/task/TID/schedstat. The
 * scheduler's core counts this for every scheduling class.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "procfile.h"
#include "threads.h"
#include "threadstat.h"

bool read_counts(int task, const char *tid, struct vm_thread *thread)
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

static bool has_vcpu_name(int task, int tid)
{
	char name[32], comm[64];

	snprintf(name, sizeof(name), "%d/comm", tid);
	if (read_file_at(task, name, comm, sizeof(comm)) <= 0)
		return false;
	comm[strcspn(comm, "\n")] = '\0';
	return names_vcpu(comm);
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
	if (has_vcpu_name(task, thread->tid))
		return true;
	snprintf(name, sizeof(name), "task/%d/stat", thread->tid);
	return !ask_thread_stat(vm->vmm.pid, name, &stat) && stat.guest;
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

bool read_threads(struct usage_reader *reader, struct vm_usage *vm,
		  const struct vm_usage *old, int task)
{
	struct throttling throttling = { .total_ns = UNKNOWN };
	DIR *directory = fdopendir(task);
	struct dirent *entry;

	if (!directory) {
		close(task);
		return false;
	}
	if (vm->vmm.tid_count)
		qsort(vm->vmm.tids, vm->vmm.tid_count, sizeof(*vm->vmm.tids),
		      compare_ids);
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
