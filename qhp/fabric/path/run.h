/* SPDX-License-Identifier: GPL-2.0 */
/* A run: one thread serves one sending ring for a while, slice by slice. */
#ifndef QZ_RUN_H
#define QZ_RUN_H

#include "path/fabric.h"
#include "path/scratch.h"

/**
 * struct qz_handoff - whom a sender's thread yields to when it has delivered
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
 * @txq: its queue
 * @alive: may it go on? Of a worker, NULL: yes
 * @in_sender: a thread of the VMM serves, on its way to the guest
 * @packets: frames it may still serve or flood
 * @bytes: how many bytes it may still copy
 * @count: where to count the run, once it has looked at the ring
 * @handoff: about yielding afterwards
 *
 * Of the slice at hand, inside the gate:
 *
 * @work: what it may still do, see QZ_SLICE_WORK
 * @scratch: the CPU's
 * @map: the sender's address space
 * @sw: the ports it may send to
 * @may_wait: the frame at hand may wait for its receiver
 * @shares_cpu: the sender last kicked on the CPU it is served on
 * @into: the receiving queue at hand, whose lock is held; or NULL
 * @into_used: its used index when it was taken
 * @into_bytes: @bytes then
 * @nwake: number of @wake
 * @wake: receivers to interrupt at the slice's end
 */
struct qz_run {
	struct qz_port *port;
	struct qz_txq *txq;
	const bool *alive;
	bool in_sender;
	int packets;
	int bytes;
	u64 *count;
	struct qz_handoff handoff;

	int work;
	struct qz_scratch *scratch;
	const struct qz_map *map;
	const struct qz_switch *sw;
	bool may_wait;
	bool shares_cpu;
	struct qz_rxq *into;
	u16 into_used;
	int into_bytes;
	unsigned int nwake;
	struct qz_rxq *wake[QZ_RUN_SIGNALS];
};

/* run.c */
void qz_run_wake(struct qz_run *run, struct qz_rxq *rxq);

/* deliver.c */
int qz_deliver_chain(struct qz_run *run);

/* receive.c */
int qz_receive(struct qz_run *run, struct qz_port *port,
	       struct qz_frame *frame);
void qz_receive_end(struct qz_run *run);

/* pace.c */
void qz_pace_charge(struct qz_txq *txq, const struct qz_frame *frame);

/* backpressure.c */
bool qz_backpressure_waits(struct qz_run *run, struct qz_rxq *receiver);

/* handoff.c */
void qz_handoff_begin(struct qz_handoff *handoff, struct qz_txq *txq);
void qz_handoff_saw(struct qz_handoff *handoff, struct qz_rxq *receiver);
void qz_handoff_wait(void);
void qz_handoff_end(struct qz_handoff *handoff);

#endif /* QZ_RUN_H */
