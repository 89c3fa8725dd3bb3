/* SPDX-License-Identifier: GPL-2.0 */
/* The scheduler as others see it. */
#ifndef QZ_SCHED_NATIVE_SCHED_H
#define QZ_SCHED_NATIVE_SCHED_H

#include <linux/types.h>

struct qz_vmproc;

/**
 * struct qz_sched_end - how it ended
 * @kind: enum scx_exit_kind; 0: it has not
 * @since_ns: when, CLOCK_BOOTTIME
 * @reason: the kind as a text of sched_ext's
 * @message: what else sched_ext or the scheduler said
 */
struct qz_sched_end {
	u32 kind;
	u64 since_ns;
	char reason[40];
	char message[96];
};

/**
 * struct qz_sched_status - how it is
 * @active: it schedules this host
 * @since_ns: when it was started, CLOCK_BOOTTIME; 0: it is not, or was stopped
 * @slice: as it was started with
 * @check: as it was started with
 * @per_vcpu: as it was started with
 * @handovers: messages between VMs
 * @preemptions: by threads that woke up
 * @yields: without a receiver
 * @directed: to another thread
 * @checks: looks whether somebody waits too long
 * @starved: slices given to who waited longer than any weight justifies
 * @end: how it ended
 */
struct qz_sched_status {
	bool active;
	u64 since_ns;
	u64 slice;
	u64 check;
	bool per_vcpu;
	u64 handovers;
	u64 preemptions;
	u64 yields;
	u64 directed;
	u64 checks;
	u64 starved;
	struct qz_sched_end end;
};

int qz_sched_start(u64 slice, u64 check, bool per_vcpu);
int qz_sched_stop(void);
void qz_sched_get(struct qz_sched_status *status);
void qz_sched_changed(void);
u32 qz_sched_vcpus(const struct qz_vmproc *proc);
void qz_sched_exit(void);

#endif /* QZ_SCHED_NATIVE_SCHED_H */
