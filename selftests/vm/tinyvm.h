/* SPDX-License-Identifier: GPL-2.0 */
/* The smallest VM there is: a few instructions without an MMU on one vCPU, in a few pages of memory. */
#ifndef QUEZTL_TINYVM_H
#define QUEZTL_TINYVM_H

#include <stddef.h>
#include <stdint.h>

struct tinyvm {
	int system, vm, vcpu;
	struct kvm_run *run;
	size_t run_size;
	uint8_t *memory;
	size_t size;
};

/* 0 or -errno. @megabytes of memory, all of it touched by the host. */
int tinyvm_create(struct tinyvm *tiny, int megabytes);
/* It is in user mode from then on, not in kernel mode. 0 or -errno. */
int tinyvm_enter_user_mode(struct tinyvm *tiny);
/* A VM of two vCPUs that do nothing but yield to each other. -ENOTSUP where no guest can do that. */
int tinyvm_create_pair(struct tinyvm pair[2]);
/* Runs until @exits exits for port I/O (ARM64: MMIO) were taken (< 0: for ever): how many, or -errno. */
long tinyvm_run(struct tinyvm *tiny, long exits);
void tinyvm_destroy(struct tinyvm *tiny);

#endif
