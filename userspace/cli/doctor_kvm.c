// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "doctor.h"

#ifdef __x86_64__
#define LOAD_KVM "sudo modprobe kvm_intel || sudo modprobe kvm_amd"
#else
#define LOAD_KVM "boot a kernel with KVM; in a VM, enable nested virtualization"
#endif

static void judge_no_kvm(const struct kvm_facts *f, struct verdict *v)
{
	if (f->open_error == -EACCES || f->open_error == -EPERM)
		judge(v, VERDICT_FAIL, "no permission to open /dev/kvm",
		      "sudo usermod -aG kvm $USER, then log in again");
	else if (!f->cpu_support)
		judge(v, VERDICT_FAIL, "this CPU has no virtualization extension (vmx or svm)",
		      "enable it in the firmware; in a VM, enable nested virtualization");
	else
		judge(v, VERDICT_FAIL, "cannot open /dev/kvm: %s",
		      LOAD_KVM, strerror(-f->open_error));
}

void judge_kvm(const struct kvm_facts *f, struct verdict *v)
{
	if (f->open_error)
		judge_no_kvm(f, v);
	else if (f->version != 12)
		judge(v, VERDICT_FAIL, "/dev/kvm has API version %d instead of 12",
		      "boot another kernel", f->version);
	else if (f->create_error)
		judge(v, VERDICT_FAIL, "cannot create a VM with /dev/kvm: %s",
		      "stop other hypervisors; see sudo dmesg | grep kvm",
		      strerror(-f->create_error));
	else if (!f->guest_ran)
		judge(v, VERDICT_FAIL, "cannot run a guest with /dev/kvm: %s",
		      "see sudo dmesg | grep kvm; in a VM, nested virtualization is broken",
		      f->run_error ? strerror(-f->run_error) :
		      "its first instruction failed");
	else
		judge(v, VERDICT_OK, "a guest runs with /dev/kvm", NULL);
}

void check_kvm(struct verdict *v)
{
	struct kvm_facts facts = { 0 };

	probe_kvm(&facts);
	judge_kvm(&facts, v);
}
