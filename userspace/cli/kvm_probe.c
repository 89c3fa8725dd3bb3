// SPDX-License-Identifier: GPL-2.0
/*
 * The existence of /dev/kvm proves little: under some nested hypervisors a VM
 * can be created but fails at its first instruction. So run one instruction.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "doctor.h"

#ifdef __x86_64__

static bool cpu_has_virtualization(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	bool found = false;
	char *line = NULL;
	size_t room = 0;

	if (!file)
		return true;
	while (!found && getline(&line, &room, file) >= 0)
		found = !strncmp(line, "flags", 5) &&
			(strstr(line, " vmx") || strstr(line, " svm"));
	free(line);
	fclose(file);
	return found;
}

#define CODE_PAGE	0x1000
#define HLT		0xf4

static int start_at_code(int vcpu)
{
	struct kvm_sregs segments;
	struct kvm_regs registers = { .rip = CODE_PAGE, .rflags = 2 };

	if (ioctl(vcpu, KVM_GET_SREGS, &segments) < 0)
		return -errno;
	segments.cs.base = 0;
	segments.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &segments) < 0 ||
	    ioctl(vcpu, KVM_SET_REGS, &registers) < 0)
		return -errno;
	return 0;
}

static int run_vcpu(int kvm, int vcpu, struct kvm_facts *f)
{
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct kvm_run *run;
	int ret;

	if (size < 0)
		return -errno;
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		return -errno;
	ret = start_at_code(vcpu);
	if (!ret && ioctl(vcpu, KVM_RUN, 0) < 0)
		ret = -errno;
	f->guest_ran = !ret && run->exit_reason == KVM_EXIT_HLT;
	munmap(run, size);
	return ret;
}

static int run_guest(int kvm, int vm, unsigned char *page, struct kvm_facts *f)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = CODE_PAGE,
		.memory_size = 4096,
		.userspace_addr = (unsigned long)page,
	};
	int vcpu, ret;

	page[0] = HLT;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return -errno;
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		return -errno;
	ret = run_vcpu(kvm, vcpu, f);
	close(vcpu);
	return ret;
}

static void probe_guest(int kvm, int vm, struct kvm_facts *f)
{
	unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED) {
		f->run_error = -errno;
		return;
	}
	f->run_error = run_guest(kvm, vm, page, f);
	munmap(page, 4096);
}

#else

/* Elsewhere /proc/cpuinfo does not tell. */
static bool cpu_has_virtualization(void)
{
	return true;
}

static void probe_guest(int kvm, int vm, struct kvm_facts *f)
{
	(void)kvm;
	(void)vm;
	f->guest_ran = true;
}

#endif

void probe_kvm(struct kvm_facts *f)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm;

	f->open_error = kvm < 0 ? -errno : 0;
	f->cpu_support = cpu_has_virtualization();
	if (kvm < 0)
		return;
	f->version = ioctl(kvm, KVM_GET_API_VERSION, 0);
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	f->create_error = vm < 0 ? -errno : 0;
	if (vm >= 0) {
		probe_guest(kvm, vm, f);
		close(vm);
	}
	close(kvm);
}
