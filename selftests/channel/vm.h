/* SPDX-License-Identifier: GPL-2.0 */
/* A VM that has a window from queztl window serve: QEMU's part of the protocol, and the guest's. */
#ifndef QUEZTL_VM_H
#define QUEZTL_VM_H

#include <stdbool.h>
#include <sys/types.h>

#include "host.h"

#define VM_VECTORS	(QHP_SLOTS_MAX + 1)

struct vm {
	int socket;
	unsigned int vectors;
	struct window window;
	int kick[VM_VECTORS];	/* doorbells that the guest writes */
	int call[VM_VECTORS];	/* interrupts that it gets */
	__u32 number;		/* of the last request */
};

/* A program of userspace; the test is skipped if it is not built. */
#define BUILT_ROOM	4096
const char *built_program(char path[BUILT_ROOM], const char *name);

/* queztl window serve NAME --slots SLOTS --region REGION --socket PATH, until serve_stop(). It asserts. */
pid_t serve_start(const char *name, __u32 slots, __u32 region, const char *path);
/* Its exit code. */
int serve_stop(pid_t server);

/* 0 or -errno: -ECONNRESET the server has refused it. The guest resets the window first. */
int vm_start(struct vm *vm, const char *path, unsigned int vectors);
void vm_stop(struct vm *vm);

/* One request: the slot, or -errno. */
int vm_ask(struct vm *vm, struct qhp_request request);
int vm_listen(struct vm *vm, const char *name, __u32 bytes);
int vm_connect(struct vm *vm, const char *name);
int vm_close(struct vm *vm, __u32 slot);

void vm_kick(const struct vm *vm, unsigned int vector);
/* Whether the interrupt came within that time; it is taken. */
bool vm_wait(const struct vm *vm, unsigned int vector, int ms);

#endif
