// SPDX-License-Identifier: GPL-2.0
/* VMs without the module: a process has a VM if it has a descriptor of one. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "memory.h"
#include "procfile.h"
#include "vmscan.h"

#define KVM_VM_LINK	"anon_inode:kvm-vm"
#define FIRST_ROUNDS	8
#define EVERY		16

bool is_kvm_vm(int directory, const char *name)
{
	char target[sizeof(KVM_VM_LINK)];
	ssize_t length = readlinkat(directory, name, target, sizeof(target));

	return length == (ssize_t)strlen(KVM_VM_LINK) &&
	       !memcmp(target, KVM_VM_LINK, length);
}

bool is_due(unsigned int first, unsigned int round, int id)
{
	return round - first < FIRST_ROUNDS || (round + id) % EVERY == 0;
}

/* A process that does not answer is what it was. */
static bool has_vm(struct scan *scan, int pid, bool had)
{
	int found = ask_for_vm(pid);

	scan->denied |= found == -EACCES;
	return found == -ETIMEDOUT ? had : found > 0;
}

static int compare_pids(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static const struct scanned *find_scanned(const struct scan *scan, int pid)
{
	return !scan->count ? NULL :
		bsearch(&pid, scan->at, scan->count, sizeof(*scan->at),
			compare_pids);
}

static void add_scanned(struct scan *now, const struct scan *before, int pid,
			unsigned int round)
{
	const struct scanned *known = find_scanned(before, pid);
	struct scanned *p;

	if (!(now->count & (now->count - 1)))
		now->at = grow(now->at, (now->count ? 2 * now->count : 1) *
			       sizeof(*now->at));
	p = &now->at[now->count++];
	p->pid = pid;
	p->first = known ? known->first : round;
	/* The PID of a VMM that ended may be used again at once. */
	if (known && !known->vm && !is_due(known->first, round, pid))
		p->vm = false;
	else
		p->vm = has_vm(now, pid, known && known->vm);
}

int scan_processes(struct scan *scan, unsigned int round)
{
	struct scan now = { .denied = scan->denied };
	DIR *directory = opendir(proc_path);
	struct dirent *entry;

	if (!directory)
		return -errno;
	while ((entry = readdir(directory))) {
		int pid = entry_id(entry->d_name);

		if (pid)
			add_scanned(&now, scan, pid, round);
	}
	closedir(directory);
	if (now.count)
		qsort(now.at, now.count, sizeof(*now.at), compare_pids);
	free_scan(scan);
	*scan = now;
	return 0;
}

void free_scan(struct scan *scan)
{
	free(scan->at);
	memset(scan, 0, sizeof(*scan));
}
