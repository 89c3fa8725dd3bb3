// SPDX-License-Identifier: GPL-2.0
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake.h"
#include "fakeproc.h"
#include "procfile.h"

static char root[] = "/tmp/queztl-test-XXXXXX";
static char proc[64], cgroup[64];

static void make_directory(const char *path)
{
	char part[PATH_MAX];

	for (const char *end = strchr(path + 1, '/'); end;
	     end = strchr(end + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(end - path), path);
		mkdir(part, 0700);
	}
	mkdir(path, 0700);
}

static void write_file(const char *directory, const char *name,
		       const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	make_directory(directory);
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void fakeproc_begin(void)
{
	strcpy(root, "/tmp/queztl-test-XXXXXX");
	assert_non_null(mkdtemp(root));
	snprintf(proc, sizeof(proc), "%s/proc", root);
	snprintf(cgroup, sizeof(cgroup), "%s/cgroup", root);
	make_directory(proc);
	make_directory(cgroup);
	proc_path = proc;
	cgroup_path = cgroup;
}

void fakeproc_end(void)
{
	remove_tree(root);
	proc_path = "/proc";
	cgroup_path = NULL;
}

static void write_stat(const char *directory, int id, const char *comm,
		       uint64_t start, uint64_t guest)
{
	char text[512];

	snprintf(text, sizeof(text), "%d (%s) S 1 1 1 0 -1 4194304 5 0 0 0 1 2 "
		 "0 0 20 0 1 0 %llu 1 1 18446744073709551615 1 1 0 0 0 0 0 0 "
		 "0 0 0 0 17 0 0 0 0 %llu 0 0 0 0 0 0 0 0 0\n", id, comm,
		 (unsigned long long)start, (unsigned long long)guest);
	write_file(directory, "stat", text);
}

void add_process(int pid, uint64_t start, const char *name)
{
	char directory[PATH_MAX], path[PATH_MAX + 8], cmdline[128];
	FILE *file;

	snprintf(directory, sizeof(directory), "%s/%d", proc, pid);
	write_stat(directory, pid, "qemu (x) y", start, 0);
	write_file(directory, "comm", "qemu (x) y\n");
	snprintf(path, sizeof(path), "%s/cmdline", directory);
	file = fopen(path, "w");
	assert_non_null(file);
	fwrite(cmdline, 1, snprintf(cmdline, sizeof(cmdline),
				    "qemu%c-name%c%s", 0, 0, name) + 1, file);
	fclose(file);
	snprintf(path, sizeof(path), "%s/task", directory);
	make_directory(path);
	snprintf(path, sizeof(path), "%s/fd", directory);
	make_directory(path);
}

void set_process_file(int pid, const char *name, const char *data, size_t size)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%d/%s", proc, pid, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fwrite(data, 1, size, file);
	fclose(file);
}

void silence_file(int pid, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%d/%s", proc, pid, name);
	remove(path);
	assert_int_equal(mkfifo(path, 0600), 0);
}

void remove_process(int pid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%d", proc, pid);
	remove_tree(path);
}

void add_kvm_vm(int pid, int fd)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%d/fd/%d", proc, pid, fd);
	assert_int_equal(symlink("anon_inode:kvm-vm", path), 0);
}

void set_thread(int pid, struct fake_thread thread)
{
	char directory[PATH_MAX], text[256];

	snprintf(directory, sizeof(directory), "%s/%d/task/%d", proc, pid,
		 thread.tid);
	snprintf(text, sizeof(text), "%llu %llu %llu\n",
		 (unsigned long long)thread.cpu,
		 (unsigned long long)thread.ready,
		 (unsigned long long)thread.switches);
	write_file(directory, "schedstat", text);
	write_stat(directory, thread.tid, thread.comm ? thread.comm : "qemu",
		   1, thread.guest);
	snprintf(text, sizeof(text), "%s\n", thread.comm ? thread.comm : "qemu");
	write_file(directory, "comm", text);
	snprintf(text, sizeof(text), "1:cpu:/v1\n0::%s\n",
		 thread.cgroup ? thread.cgroup : "/");
	write_file(directory, "cgroup", text);
}

void remove_thread(int pid, int tid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%d/task/%d", proc, pid, tid);
	remove_tree(path);
}

void set_cgroup_file(const char *group, const char *name, const char *text)
{
	char directory[PATH_MAX];

	snprintf(directory, sizeof(directory), "%s%s", cgroup, group);
	write_file(directory, name, text);
}
