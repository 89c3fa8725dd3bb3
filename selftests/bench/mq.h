/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A software guest with several queue pairs, for benchmarks: frames are laid out once, and a buffer is used again as it is.
 * A ring belongs to one thread. Calls return -errno.
 */
#ifndef QUEZTL_MQ_H
#define QUEZTL_MQ_H

#include "swguest.h"

#define MQ_PAIRS	16
#define MQ_RINGS	(2 * MQ_PAIRS + 1)
#define MQ_NUM		256			/* entries of a ring at most */
#define MQ_BUFFERS	0x100000u		/* offset of the buffers; the rings are before them */

struct mq_ring {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint8_t *buffers;			/* of mq.slot bytes, one for each entry */
	int num;
	uint16_t next;				/* index the driver fills next */
	uint16_t told;				/* index at the last decision to kick or not */
	uint16_t seen;				/* used index read so far */
	int kick, call;				/* eventfds */
};

struct mq {
	struct swg port;			/* without its rings */
	int pairs, num, slot;
	struct mq_ring ring[MQ_RINGS];		/* in the order of their numbers */
	uint16_t first[MQ_RINGS];		/* index that each begins at */
};

/* Memory for a guest with so many pairs. */
uint8_t *mq_memory(int pairs, int num, int slot, uint32_t *size);

/* Open a port of @pairs pairs and start it. @memory may be shared by ports that are idle. */
int mq_open(struct mq *mq, const char *name, int pairs, int num, int slot, uint8_t *memory, uint32_t size);
int mq_start(struct mq *mq);
/* VIRTIO_NET_CTRL_MQ_*; -EINVAL: the answer is no. @size: 4000 at most */
int mq_command(struct mq *mq, uint8_t command, const void *data, int size);
int mq_use_pairs(struct mq *mq, int pairs);

static inline struct mq_ring *mq_rx(struct mq *mq, int pair)
{
	return &mq->ring[2 * pair];
}

static inline struct mq_ring *mq_tx(struct mq *mq, int pair)
{
	return &mq->ring[2 * pair + 1];
}

static inline uint8_t *mq_buffer(const struct mq *mq, const struct mq_ring *ring, int entry)
{
	return ring->buffers + (size_t)entry * mq->slot;
}

void mq_describe(struct mq *mq, struct mq_ring *ring, int entry, uint32_t length, int flags);
bool mq_take(struct mq_ring *ring, int *entry, uint32_t *length);	/* a used buffer */
void mq_give(struct mq_ring *ring, int entry);				/* seen by the device at mq_flush() */
void mq_flush(struct mq_ring *ring);
/* Sleep until @after more are used, or @ms are over. */
void mq_wait(struct mq_ring *ring, int after, int ms);

#endif
