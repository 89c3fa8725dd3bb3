/* SPDX-License-Identifier: GPL-2.0 */
/* A /proc and a cgroup file system of tests. */
#ifndef QUEZTL_FAKEPROC_H
#define QUEZTL_FAKEPROC_H

#include <stddef.h>
#include <stdint.h>

/* The program reads these instead, until the other function is called. */
void fakeproc_begin(void);
void fakeproc_end(void);

/* A process that began at start and has no thread yet. */
void add_process(int pid, uint64_t start, const char *name);
void remove_process(int pid);

/* A file of the process; its size, because a command line has zeros. */
void set_process_file(int pid, const char *name, const char *data, size_t size);

/* Whoever opens that file of the process waits for ever. */
void silence_file(int pid, const char *name);

/* A descriptor of the process that is a KVM VM. */
void add_kvm_vm(int pid, int fd);

struct fake_thread {
	int tid;
	const char *comm;
	uint64_t cpu;
	uint64_t ready;
	uint64_t switches;
	uint64_t guest;
	const char *cgroup;	/* NULL: / */
};

/* Adds a thread, or changes it. */
void set_thread(int pid, struct fake_thread thread);
void remove_thread(int pid, int tid);

/* A file of a cgroup, which is added with its ancestors. */
void set_cgroup_file(const char *cgroup, const char *name, const char *text);

#endif /* QUEZTL_FAKEPROC_H */
