/* SPDX-License-Identifier: GPL-2.0 */
/* What the BPF scheduler shares with its loader and with the command queztl. */
#ifndef QZ_SCHED_BPF_H
#define QZ_SCHED_BPF_H

#define QZ_SCHED_VMS		1024	/* the first is the host's own tasks */
#define QZ_SCHED_VCPUS		8192
#define QZ_SCHED_CPUS		512
#define QZ_SCHED_WAITS		16
#define QZ_SCHED_PINNED		"/sys/fs/bpf/queztl"
#define QZ_SCHED_STATE		"/run/queztl/sched"	/* "on PID", or "off: " and why */
#define QZ_SCHED_PER_VCPU	"per-vcpu"	/* behind the PID */

/*
 * Value of the pinned map "settings": what a VM was given, by tgid. The entry
 * goes when the last thread of the process does.
 */
struct qz_setting {
	unsigned int weight;	/* 1 to 10000; 0: the usual 100 */
	unsigned int limit;	/* of a CPU, in 1000ths, 10 at least; 0: none */
	unsigned int by_hand;	/* and not by the cgroup of the VM, which is then not asked */
};

/* Value of the pinned map "stats", one for each VM, by its index. */
struct qz_vm_stats {
	unsigned int tgid;	/* 0: there is no such VM; that of the host is 0, too */
	unsigned int threads;	/* that the scheduler knows to be the VM's */
	unsigned int weight;	/* as it was given */
	unsigned int limit;
	unsigned int vcpus;	/* of these threads */
	unsigned int reserved;
	unsigned long long used;	/* CPU time, ns */
	unsigned long long throttled;	/* ns for which vCPUs waited for the limit */
	unsigned long long preemptions;	/* of others, by its wake-ups */
	unsigned long long yields;	/* to a thread that it named */
	unsigned long long messages;	/* its threads woke another VM's */
	unsigned long long waits[QZ_SCHED_WAITS];	/* of its threads that were woken up, see sched/waits.h */
};

#endif /* QZ_SCHED_BPF_H */
