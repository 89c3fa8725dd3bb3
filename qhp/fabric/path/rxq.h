/* SPDX-License-Identifier: GPL-2.0 */
/* A receiving queue. */
#ifndef QZ_RXQ_H
#define QZ_RXQ_H

#include <linux/cache.h>

#include "path/vq.h"

struct qz_txq;

/**
 * struct qz_rxq - a receiving queue
 * @vq: the virtqueue
 * @txq: the sending queue of its pair
 * @lock: holding it is owning the ring; BH off; a sender holds one at a time
 * @full_since: when a frame that may wait found no free buffer, ns, if none has
 *	been delivered since; else 0; guarded by @lock, as are:
 * @packets: frames received
 * @bytes: bytes received
 * @interrupts: how often the driver was interrupted
 *
 * Pairs are in arrays and used on different CPUs: they share no cache line.
 */
struct qz_rxq {
	struct qz_vq vq;
	struct qz_txq *txq;
	spinlock_t lock;	/* see above */
	u64 full_since;
	u64 packets;
	u64 bytes;
	u64 interrupts;
} ____cacheline_aligned_in_smp;

void qz_rxq_init(struct qz_rxq *rxq, struct qz_port *port, u16 pair);

#endif /* QZ_RXQ_H */
