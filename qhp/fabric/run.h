/* SPDX-License-Identifier: GPL-2.0 */
/* A run: one thread serves one sending ring for a while. */
#ifndef QZ_RUN_H
#define QZ_RUN_H

#include "fabric.h"

/**
 * struct qz_run - what a run has at hand
 * @port: the sender
 * @queue: its queue
 * @map: its address space
 * @sw: the ports it may send to
 * @packets: frames it may still serve or flood
 * @bytes: how many bytes it may still copy
 * @nwake: number of @wake
 * @wake: receivers to interrupt at the end
 */
struct qz_run {
	struct qz_port *port;
	const struct qz_queue *queue;
	const struct qz_map *map;
	const struct qz_switch *sw;
	int packets;
	int bytes;
	unsigned int nwake;
	struct qz_queue *wake[QZ_RUN_SIGNALS];
};

void qz_run_wake(struct qz_run *run, struct qz_queue *queue);

#endif /* QZ_RUN_H */
