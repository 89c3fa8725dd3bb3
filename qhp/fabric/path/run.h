/* SPDX-License-Identifier: GPL-2.0 */
/* A run: one thread serves one sending ring for a while, slice by slice. */
#ifndef QZ_RUN_H
#define QZ_RUN_H

#include "path/fabric.h"
#include "path/scratch.h"

/**
 * struct qz_handoff - whom a sender's thread yields to when it has delivered
 * @talks: it is in a conversation
 * @to: the thread of a receiver that may have its CPU; a reference, or NULL
 */
struct qz_handoff {
	bool talks;
	struct task_struct *to;
};

/**
 * struct qz_run - the state of a run
 * @port: the sender
 * @txq: its queue
 * @alive: of a worker: may it go on? NULL: yes
 * @in_sender: the run is in a thread of the VMM on its way to the guest
 * @packets: frames, copies of flooded frames, and segments it may still serve
 * @bytes: bytes it may still copy
 * @count: the counter of runs to increment when it has found the ring live
 * @handoff: whether and to whom to yield afterwards
 *
 * Of the slice at hand, inside the gate:
 *
 * @work: what it may still do, see QZ_SLICE_WORK
 * @scratch: the CPU's
 * @map: the sender's address space
 * @sw: the ports it may send to
 * @late: the next frame has waited too long for the port's rates
 * @special: &qz_port.special of the sender
 * @may_wait: the frame at hand may wait for its receiver
 * @delivered: something was put into a receiving ring since this was reset
 * @copies: what is delivered is a copy for a mirror
 * @shares_cpu: the sender last kicked on the CPU that now serves it
 * @into: the receiving queue at hand, whose lock is held; or NULL
 * @into_used: its used index when its lock was taken
 * @into_bytes: @bytes at that time
 * @nwake: number of entries in @wake
 * @wake: receivers to interrupt at the end of the slice
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
	bool late;
	u32 special;
	bool may_wait;
	bool delivered;
	bool copies;
	bool shares_cpu;
	struct qz_rxq *into;
	u16 into_used;
	int into_bytes;
	unsigned int nwake;
	struct qz_rxq *wake[QZ_RUN_SIGNALS];
};

/* run.c */
void qz_run_begin(struct qz_run *run, struct qz_txq *txq, u64 *count);
bool qz_run_slice(struct qz_run *run);
void qz_run_all(struct qz_run *run);
void qz_run_postpone_kicks(struct qz_txq *txq);
bool qz_run_wake(struct qz_run *run, struct qz_rxq *rxq);

/* deliver.c */
int qz_deliver_chain(struct qz_run *run);

/* special.c */
enum queztl_drop qz_special_sent(const struct qz_run *run,
				 struct qz_frame *frame);
void qz_special_watch(struct qz_run *run, struct qz_frame *frame, int reason);
bool qz_special_reaches(const struct qz_port *port, struct qz_frame *frame);
int qz_special_receive(struct qz_run *run, struct qz_port *port,
		       struct qz_frame *frame);

/* mirror.c */
void qz_mirror(struct qz_run *run, const struct qz_port *port,
	       struct qz_frame *frame);

/* receive.c */
int qz_receive(struct qz_run *run, struct qz_port *port,
	       struct qz_frame *frame);
int qz_receive_drop(struct qz_run *run, struct qz_port *port,
		    enum queztl_drop reason, const struct qz_frame *frame);
void qz_receive_end(struct qz_run *run);

/* pace.c */
bool qz_pace_waits(struct qz_run *run);
void qz_pace_charge(struct qz_txq *txq, const struct qz_frame *frame);

/* backpressure.c */
bool qz_backpressure_waits(struct qz_run *run, struct qz_rxq *receiver);

/* handoff.c */
void qz_handoff_begin(struct qz_handoff *handoff, struct qz_txq *txq);
void qz_handoff_saw(struct qz_handoff *handoff, struct qz_rxq *receiver);
void qz_handoff_wait(void);
void qz_handoff_end(struct qz_handoff *handoff);

#endif /* QZ_RUN_H */
