// SPDX-License-Identifier: GPL-2.0
/* A CPU's memory for work on rings: see scratch.h. */

#include "path/scratch.h"

struct qz_scratch __percpu *qz_scratch;

int qz_scratch_init(void)
{
	struct qz_scratch *scratch;
	int cpu;

	qz_scratch = alloc_percpu(struct qz_scratch);
	if (!qz_scratch)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		scratch = per_cpu_ptr(qz_scratch, cpu);
		scratch->out.max = ARRAY_SIZE(scratch->out_segs);
		scratch->out.segs = scratch->out_segs;
		scratch->in.max = ARRAY_SIZE(scratch->in_segs);
		scratch->in.segs = scratch->in_segs;
	}
	return 0;
}

void qz_scratch_exit(void)
{
	free_percpu(qz_scratch);
}
