/* SPDX-License-Identifier: GPL-2.0 */
/* A sending queue. */
#ifndef QZ_TXQ_H
#define QZ_TXQ_H

#include <linux/cache.h>
#include <linux/hrtimer.h>

#include "path/vq.h"
#include "pure/bucket.h"
#include "pure/coalesce.h"

struct qz_rxq;

/**
 * struct qz_hold - interrupts for sent frames that are held back
 * @timer: ends the hold
 * @until: when it ends at the latest, CLOCK_MONOTONIC nanoseconds
 * @bytes: sent since the driver was last interrupted
 * @coalesce: for how long a hold is worthwhile
 */
struct qz_hold {
	struct hrtimer timer;
	u64 until;
	u32 bytes;
	struct qz_coalesce coalesce;
};

/**
 * struct qz_resume - a frame that a slice could not finish, in the ring's next
 *	buffer
 * @after: id of the last port that has got all of it, if it is flooded
 * @to: id of the port that got segments last
 * @offset: payload that has been delivered to it as segments, if not all was
 * @flooded: packets that the flood budget was charged for
 * @members: members of its group that have got it, or a part, without that
 * @broke: it was not charged, because the budget is used up
 * @packets: packets that its port was charged for, if it has rates
 * @bytes: bytes that its port was charged for
 *
 * The frame is read and checked anew each time, because the driver may have
 * changed it. So its cost is paid before it is continued, and a frame that has
 * become larger, or is flooded now, pays the difference.
 */
struct qz_resume {
	u64 after;
	u64 to;
	u32 offset;
	u32 flooded;
	u32 members;
	bool broke;
	u32 packets;
	u32 bytes;
};

/* Counted by the owner of the ring, except for @kicks. */
struct qz_tx_counts {
	u64 packets;
	u64 bytes;
	u64 interrupts;
	u64 held;
	u64 direct_runs;
	u64 worker_runs;
	u64 paced;
	u64 waited;
	atomic64_t kicks;
};

/**
 * struct qz_txq - a sending queue
 * @vq: the virtqueue
 * @rxq: the receiving queue of its pair
 * @kicked_on: the CPU of the kick for which the worker was last asked; or -1
 *
 * The rest is owned with the ring:
 *
 * @stream: the last run found many frames; others read it
 * @blocked: the last run ended because a receiver was full; others read it
 * @resume: the frame to continue with
 * @hold: interrupts held back
 * @pace: runs the queue when the port may send again, or is to look again for
 *	free buffers
 * @late_at: when frames that wait for the port's rates have waited too long; 0:
 *	none were seen to wait
 * @late_before: these are the frames before this available index
 * @looks: how often it may look for free buffers
 * @counts: statistics
 *
 * Threads of the VMM write these without owning the ring, as they are a guess:
 *
 * @heard_packets: what its pair had received when it last sent
 * @heard_bytes: the same
 *
 * @sender_lock: guards @sender; BH off; a leaf below a receiving queue's lock
 * @sender: the VMM's thread that last sent, a reference; or NULL
 *
 * Pairs are in arrays and used on different CPUs: they share no cache line.
 */
struct qz_txq {
	struct qz_vq vq;
	struct qz_rxq *rxq;
	int kicked_on;
	bool stream;
	bool blocked;
	struct qz_resume resume;
	struct qz_hold hold;
	struct hrtimer pace;
	u64 late_at;
	u16 late_before;
	struct qz_bucket looks;
	u64 heard_packets;
	u64 heard_bytes;
	struct qz_tx_counts counts;
	spinlock_t sender_lock;	/* see above */
	struct task_struct *sender;
} ____cacheline_aligned_in_smp;

static inline struct qz_txq *qz_to_txq(struct qz_vq *vq)
{
	return container_of(vq, struct qz_txq, vq);
}

/* txq.c */
void qz_txq_init(struct qz_txq *txq, struct qz_port *port, u16 pair);
void qz_txq_stop(struct qz_txq *txq);

/* kick.c */
void qz_kick(struct qz_txq *txq);

/* run.c */
void qz_run_work(struct qz_txq *txq, const bool *alive);
void qz_run_try(struct qz_txq *txq, void (*fn)(struct qz_txq *txq));

/* sent.c */
void qz_sent_init(struct qz_txq *txq);
void qz_sent_stop(struct qz_txq *txq);
void qz_sent_frames(struct qz_txq *txq);
void qz_sent_answered(struct qz_txq *txq);

/* pace.c */
void qz_pace_init(struct qz_txq *txq);
void qz_pace_stop(struct qz_txq *txq);
void qz_pace_defer(struct qz_txq *txq, u64 ns);

/* handoff.c */
void qz_handoff_note(struct qz_txq *txq);
void qz_handoff_forget(struct qz_txq *txq);

/* backpressure.c */
void qz_backpressure_init(struct qz_txq *txq);

#endif /* QZ_TXQ_H */
