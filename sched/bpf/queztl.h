/* SPDX-License-Identifier: GPL-2.0 */
/* What the BPF scheduler and its loader share. */
#ifndef QZ_SCHED_BPF_H
#define QZ_SCHED_BPF_H

#define QZ_SCHED_VMS		256	/* the first is the host's own tasks */
#define QZ_SCHED_CPUS		512
#define QZ_SCHED_PINNED		"/sys/fs/bpf/queztl"

/* Value of the pinned map "settings": what a VM was given, by tgid. */
struct qz_setting {
	unsigned int weight;	/* 1 to 10000; 0: the usual 100 */
	unsigned int limit;	/* of a CPU, in 1000ths; 0: none */
};

#endif /* QZ_SCHED_BPF_H */
