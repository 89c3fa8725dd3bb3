/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_WORKER_H
#define QUEZTL_WORKER_H

struct cli;

/* What a worker that was killed returns. */
#define WORKER_KILLED	(-1)

/*
 * Calls fn in a process of its own, which signals to this one, to its terminal or
 * to its group do not reach, and waits for it. Returns what fn returned, 0 to 255.
 */
int run_in_worker(struct cli *cli, int (*fn)(struct cli *cli, void *ctx),
		  void *ctx);

#endif /* QUEZTL_WORKER_H */
