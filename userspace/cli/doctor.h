/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_DOCTOR_H
#define QUEZTL_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

#include "scheduler.h"
#include "snapshot.h"

struct verdict {
	enum { VERDICT_OK, VERDICT_WARN, VERDICT_FAIL } status;
	char what[256];
	char remedy[256];	/* a command or a step; "" when ok */
};

/* remedy may be NULL. */
__attribute__((format(printf, 3, 5)))
void judge(struct verdict *v, int status, const char *what,
	   const char *remedy, ...);

struct check {
	const char *name;
	void (*run)(struct verdict *v);
};

/*
 * judge_*() are pure: they turn facts into a verdict. check_*() collect the
 * facts on this machine and call them.
 */
void judge_release(const char *release, struct verdict *v);
void judge_taint(unsigned long long taint, struct verdict *v);
void check_kernel(struct verdict *v);
void check_headers(struct verdict *v);
void check_debugfs(struct verdict *v);
void check_taint(struct verdict *v);

struct enforcement {
	bool sig_enforce;
	bool lockdown;		/* integrity or confidentiality */
	bool secure_boot;
	bool loaded;		/* queztl.ko is loaded already */
	bool signed_module;	/* the installed queztl.ko has a signature */
	bool dkms;		/* DKMS has built that */
	bool certificate;	/* of DKMS, which signs what it builds */
};

void judge_signature(const struct enforcement *e, struct verdict *v);
bool is_locked_down(const char *lockdown);
void check_module(struct verdict *v);
void check_signature(struct verdict *v);
void judge_device(int error, bool group, struct verdict *v);
void check_device(struct verdict *v);
void judge_direct(uint64_t features, struct verdict *v);
void check_direct(struct verdict *v);

struct kvm_facts {
	int open_error;		/* -errno of each step, 0 if it succeeded */
	int version;
	int create_error;
	int run_error;
	bool cpu_support;
	bool guest_ran;		/* it executed its first instruction */
};

void judge_kvm(const struct kvm_facts *f, struct verdict *v);
void check_kvm(struct verdict *v);
void probe_kvm(struct kvm_facts *f);

enum module_state {
	MODULE_MISSING,
	MODULE_LOADABLE,
	MODULE_BUILTIN,
	MODULE_LOADED,
};

void judge_part(const char *module, const char *use, bool needed,
		bool wanted_now, enum module_state state, struct verdict *v);
void judge_memlock(rlim_t limit, struct verdict *v);
void judge_map_entries(unsigned long long entries, unsigned long long ram_mib,
		       struct verdict *v);
unsigned long long want_map_entries(unsigned long long ram_mib);
unsigned long long read_map_entries(void);
unsigned long long read_ram_mib(void);
void check_vhost_iotlb(struct verdict *v);
void check_vdpa(struct verdict *v);
void check_vhost_vdpa(struct verdict *v);
void check_virtio_vdpa(struct verdict *v);
void check_vdpa_tool(struct verdict *v);
void check_memlock(struct verdict *v);
void check_map_entries(struct verdict *v);

void judge_scheduler(const struct sched_state *state, enum tier best,
		     struct verdict *v);
void check_scheduler(struct verdict *v);

/* One that explain_state() explains. */
void judge_port_state(const struct queztl_port *port, struct verdict *v);
/* One that has dropped frames because of its limits. */
void judge_flood(const struct port *port, struct verdict *v);
void judge_ports(const struct snapshot *shot, struct verdict *v);
void check_ports(struct verdict *v);
void judge_windows(size_t windows, size_t ports, struct verdict *v);
void check_windows(struct verdict *v);

#endif /* QUEZTL_DOCTOR_H */
