// SPDX-License-Identifier: GPL-2.0
/* A CPU's memory for work on rings: see scratch.h. */

#include "path/scratch.h"

struct qz_scratch __percpu *qz_scratch;

/* For the indirect table of the buffer that is being taken. */
struct table {
	struct vring_desc desc[QZ_CHAIN_MAX];
};

static struct table __percpu *tables;

int qz_scratch_init(void)
{
	struct qz_scratch *scratch;
	int cpu;

	qz_scratch = alloc_percpu(struct qz_scratch);
	tables = alloc_percpu(struct table);
	if (!qz_scratch || !tables) {
		qz_scratch_exit();
		return -ENOMEM;
	}
	for_each_possible_cpu(cpu) {
		scratch = per_cpu_ptr(qz_scratch, cpu);
		scratch->out.max = ARRAY_SIZE(scratch->out_segs);
		scratch->out.segs = scratch->out_segs;
		scratch->out.table = per_cpu_ptr(tables, cpu)->desc;
		scratch->in.max = ARRAY_SIZE(scratch->in_segs);
		scratch->in.segs = scratch->in_segs;
		scratch->in.table = scratch->out.table;
	}
	return 0;
}

void qz_scratch_exit(void)
{
	free_percpu(tables);
	free_percpu(qz_scratch);
}
