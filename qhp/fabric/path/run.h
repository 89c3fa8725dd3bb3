/* SPDX-License-Identifier: GPL-2.0 */
/* A run: one thread serves one sending ring for a while. */
#ifndef QZ_RUN_H
#define QZ_RUN_H

#include "fabric.h"

/**
 * struct qz_handoff - whom a sender's thread gives way to when it has delivered
 * @talks: it is in a conversation
 * @to: the thread of a receiver that shares its CPU; a reference, or NULL
 */
struct qz_handoff {
	bool talks;
	struct task_struct *to;
};

/**
 * struct qz_run - what a run has at hand
 * @port: the sender
 * @queue: its queue
 * @map: its address space
 * @sw: the ports it may send to
 * @packets: frames it may still serve or flood
 * @bytes: how many bytes it may still copy
 * @in_sender: the sender's thread serves
 * @may_wait: the frame at hand may wait for its receiver
 * @shares_cpu: the sender last kicked on the CPU it is served on
 * @into: the receiving queue at hand, which is locked; or NULL
 * @into_used: its used index when it was taken
 * @into_bytes: @bytes then
 * @handoff: about giving way afterwards
 * @nwake: number of @wake
 * @wake: receivers to interrupt at the end
 */
struct qz_run {
	struct qz_port *port;
	struct qz_queue *queue;
	const struct qz_map *map;
	const struct qz_switch *sw;
	int packets;
	int bytes;
	bool in_sender;
	bool may_wait;
	bool shares_cpu;
	struct qz_queue *into;
	u16 into_used;
	int into_bytes;
	struct qz_handoff handoff;
	unsigned int nwake;
	struct qz_queue *wake[QZ_RUN_SIGNALS];
};

/* handoff.c */
void qz_handoff_begin(struct qz_handoff *handoff, struct qz_queue *queue);
void qz_handoff_note(struct qz_queue *queue);
void qz_handoff_saw(struct qz_handoff *handoff, struct qz_queue *receiver);
void qz_handoff_wait(void);
void qz_handoff_end(struct qz_handoff *handoff);

/* backpressure.c */
bool qz_backpressure_waits(struct qz_run *run, struct qz_queue *receiver);

/* receive.c */
int qz_receive(struct qz_run *run, struct qz_port *port,
	       struct qz_frame *frame);
void qz_receive_end(struct qz_run *run);

/* run.c */
void qz_run_wake(struct qz_run *run, struct qz_queue *queue);

#endif /* QZ_RUN_H */
