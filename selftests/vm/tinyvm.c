// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "tinyvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define CODE	0x1000

/* Counts in memory and says so outside of it, for ever. */
#ifdef __aarch64__
#define EXIT_SAID	KVM_EXIT_MMIO
#define CORE_REG(name)	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(regs.name))

static const uint32_t code[] = {
	0xd2840000,			/* mov x0, #0x2000 */
	0xd2a20002,			/* mov x2, #0x10000000 */
	0xb9400001,			/* again: ldr w1, [x0] */
	0x11000421,			/* add w1, w1, #1 */
	0xb9000001,			/* str w1, [x0] */
	0xb9000041,			/* str w1, [x2] */
	0x17fffffc,			/* b again */
};

static const uint32_t yield_code[1];	/* a guest has no such hypercall */

static int set_registers(struct tinyvm *tiny, uint64_t sibling)
{
	uint64_t start = CODE;
	struct kvm_one_reg pc = { .id = CORE_REG(pc), .addr = (uintptr_t)&start };
	struct kvm_vcpu_init init;

	if (sibling)
		return -ENOTSUP;
	if (ioctl(tiny->vm, KVM_ARM_PREFERRED_TARGET, &init) || ioctl(tiny->vcpu, KVM_ARM_VCPU_INIT, &init) ||
	    ioctl(tiny->vcpu, KVM_SET_ONE_REG, &pc))
		return -errno;
	return 0;
}

int tinyvm_enter_user_mode(struct tinyvm *tiny)
{
	uint64_t masked_el0 = 0x3c0;
	struct kvm_one_reg pstate = { .id = CORE_REG(pstate), .addr = (uintptr_t)&masked_el0 };

	return ioctl(tiny->vcpu, KVM_SET_ONE_REG, &pstate) ? -errno : 0;
}
#else
#define EXIT_SAID	KVM_EXIT_IO

static const uint8_t code[] = {
	0xff, 0x06, 0x00, 0x20,		/* again: inc word [0x2000] */
	0xa1, 0x00, 0x20,		/* mov ax, [0x2000] */
	0xe7, 0x10,			/* out 0x10, ax */
	0xeb, 0xf5,			/* jmp again */
};

static const uint8_t yield_code[] = {
	0x66, 0xb8, 11, 0, 0, 0,	/* again: mov eax, KVM_HC_SCHED_YIELD */
	0x0f, 0x01, 0xc1,		/* vmcall: to the vCPU in ebx */
	0xeb, 0xf5,			/* jmp again */
};

static int set_registers(struct tinyvm *tiny, uint64_t sibling)
{
	struct kvm_regs regs = { .rip = CODE, .rflags = 2, .rbx = sibling };
	struct kvm_sregs sregs;

	if (ioctl(tiny->vcpu, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(tiny->vcpu, KVM_SET_SREGS, &sregs) || ioctl(tiny->vcpu, KVM_SET_REGS, &regs))
		return -errno;
	return 0;
}

static struct kvm_segment user_segment(uint8_t type)
{
	return (struct kvm_segment){ .limit = 0xffff, .selector = 0x1b, .type = type, .present = 1, .dpl = 3, .s = 1 };
}

/* Protected mode without pages, and all ports are its own. */
int tinyvm_enter_user_mode(struct tinyvm *tiny)
{
	struct kvm_regs regs = { .rip = CODE, .rflags = 0x3002 };
	struct kvm_sregs sregs;

	if (ioctl(tiny->vcpu, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.cr0 |= 1;
	sregs.cs = user_segment(11);
	sregs.ss = sregs.ds = sregs.es = sregs.fs = sregs.gs = user_segment(3);
	if (ioctl(tiny->vcpu, KVM_SET_SREGS, &sregs) || ioctl(tiny->vcpu, KVM_SET_REGS, &regs))
		return -errno;
	return 0;
}
#endif

static int add_memory(struct tinyvm *tiny, const void *program, size_t length)
{
	struct kvm_userspace_memory_region region = { .memory_size = tiny->size };

	tiny->memory = mmap(NULL, tiny->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (tiny->memory == MAP_FAILED)
		return -errno;
	memset(tiny->memory, 0x90, tiny->size);
	memcpy(tiny->memory + CODE, program, length);
	region.userspace_addr = (uintptr_t)tiny->memory;
	return ioctl(tiny->vm, KVM_SET_USER_MEMORY_REGION, &region) ? -errno : 0;
}

static int create_vm(struct tinyvm *tiny, int megabytes, const void *program, size_t length)
{
	*tiny = (struct tinyvm){ .vm = -1, .vcpu = -1, .size = (size_t)megabytes << 20 };
	tiny->system = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (tiny->system < 0)
		return -errno;
	tiny->vm = ioctl(tiny->system, KVM_CREATE_VM, 0);
	if (tiny->vm < 0)
		return -errno;
	return add_memory(tiny, program, length);
}

static int add_vcpu(struct tinyvm *tiny, int id)
{
	tiny->vcpu = ioctl(tiny->vm, KVM_CREATE_VCPU, id);
	tiny->run_size = ioctl(tiny->system, KVM_GET_VCPU_MMAP_SIZE, 0);
	tiny->run = mmap(NULL, tiny->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, tiny->vcpu, 0);
	return tiny->vcpu < 0 || tiny->run == MAP_FAILED ? -errno : 0;
}

int tinyvm_create(struct tinyvm *tiny, int megabytes)
{
	int r = create_vm(tiny, megabytes, code, sizeof(code));

	if (!r)
		r = add_vcpu(tiny, 0);
	return r ? r : set_registers(tiny, 0);
}

/* With interrupt controllers, which give vCPUs their numbers and make the second one wait to be started. */
int tinyvm_create_pair(struct tinyvm pair[2])
{
	struct kvm_mp_state runs = { .mp_state = KVM_MP_STATE_RUNNABLE };
	int r = create_vm(&pair[0], 1, yield_code, sizeof(yield_code));

	if (r)
		return r;
	if (ioctl(pair[0].vm, KVM_CREATE_IRQCHIP))
		return -errno;
	pair[1] = pair[0];
	for (int i = 0; i < 2; i++) {
		r = add_vcpu(&pair[i], i);
		if (!r)
			r = set_registers(&pair[i], !i);
		if (r)
			return r;
		if (ioctl(pair[i].vcpu, KVM_SET_MP_STATE, &runs))
			return -errno;
	}
	return 0;
}

long tinyvm_run(struct tinyvm *tiny, long exits)
{
	long count = 0;

	while (exits < 0 || count < exits) {
		if (ioctl(tiny->vcpu, KVM_RUN, 0) && errno != EINTR)
			return -errno;
		if (tiny->run->exit_reason == EXIT_SAID)
			count++;
		else if (tiny->run->exit_reason != KVM_EXIT_INTR)
			return -ENOEXEC;
	}
	return count;
}

void tinyvm_destroy(struct tinyvm *tiny)
{
	munmap(tiny->run, tiny->run_size);
	close(tiny->vcpu);
	close(tiny->vm);
	close(tiny->system);
	munmap(tiny->memory, tiny->size);
}
