/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Buffers of DPDK (mbufs) over a channel, with calls like those of rte_ring. A packet
 * is built where the peer reads it, and is read where the peer has built it: there
 * it is the external buffer of an mbuf. When that is freed, in any order, the
 * message is released.
 *
 * The peer need not be trusted. It can change a packet while it is read, so copy
 * what you decide by. A received packet cannot be changed.
 *
 * One thread at a time uses a struct channel_mbufs, and frees what it got from it.
 */
#ifndef CHANNEL_MBUF_H
#define CHANNEL_MBUF_H

#include <rte_mbuf.h>

#include <qhp.h>

#define CHANNEL_MBUFS	1024	/* received and not freed, at most: a power of two */

/* A received packet, in the order of the messages. */
struct channel_slot {
	struct rte_mbuf_ext_shared_info info;
	struct channel_mbufs *mbufs;
	bool freed;
};

/**
 * struct channel_mbufs - one end of a channel, for mbufs
 * @end: the channel
 * @pool: of mbufs; those that are received need no room for data
 * @built: the packet that is being built in the channel, or NULL
 * @built_info: of its buffer
 * @oldest: the oldest message that is not released
 * @next: the one that is received next
 * @slots: those in between
 */
struct channel_mbufs {
	struct qhp *end;
	struct rte_mempool *pool;
	struct rte_mbuf *built;
	struct rte_mbuf_ext_shared_info built_info;
	uint32_t oldest;
	uint32_t next;
	struct channel_slot slots[CHANNEL_MBUFS];
};

static inline struct channel_slot *channel_slot(struct channel_mbufs *mbufs,
						uint32_t number)
{
	return &mbufs->slots[number % CHANNEL_MBUFS];
}

/* Messages are released in their order: those up to the oldest that is in use. */
static inline void channel_release(struct channel_mbufs *mbufs)
{
	uint32_t number = 0;

	while (mbufs->oldest != mbufs->next &&
	       channel_slot(mbufs, mbufs->oldest)->freed) {
		mbufs->oldest++;
		number++;
	}
	/* An error means that the peer has gone. The next dequeue tells. */
	if (number)
		qhp_release(mbufs->end, number);
}

static inline void channel_received_is_free(void *buffer, void *slot_)
{
	struct channel_slot *slot = slot_;

	(void)buffer;
	slot->freed = true;
	channel_release(slot->mbufs);
}

static inline void channel_built_is_free(void *buffer, void *mbufs_)
{
	struct channel_mbufs *mbufs = mbufs_;

	(void)buffer;
	mbufs->built = NULL;
}

static inline void channel_mbufs_init(struct channel_mbufs *mbufs,
				      struct qhp *end, struct rte_mempool *pool)
{
	memset(mbufs, 0, sizeof(*mbufs));
	mbufs->end = end;
	mbufs->pool = pool;
	mbufs->built_info.free_cb = channel_built_is_free;
	mbufs->built_info.fcb_opaque = mbufs;
	for (uint32_t i = 0; i < CHANNEL_MBUFS; i++) {
		mbufs->slots[i].info.free_cb = channel_received_is_free;
		mbufs->slots[i].info.fcb_opaque = &mbufs->slots[i];
		mbufs->slots[i].mbufs = mbufs;
	}
}

static inline void channel_attach(struct rte_mbuf *mbuf, const void *at,
				  uint16_t len,
				  struct rte_mbuf_ext_shared_info *info)
{
	rte_mbuf_ext_refcnt_set(info, 1);
	rte_pktmbuf_attach_extbuf(mbuf, (void *)at, RTE_BAD_IOVA, len, info);
	mbuf->data_len = len;
	mbuf->pkt_len = len;
}

/*
 * A packet of @len bytes to be written in place: enqueue or free it before the next
 * one. NULL: there is no room, no mbuf, or no peer any more.
 */
static inline struct rte_mbuf *channel_build(struct channel_mbufs *mbufs,
					     uint16_t len)
{
	struct rte_mbuf *mbuf;
	void *at;

	if (mbufs->built || qhp_reserve(mbufs->end, len, &at))
		return NULL;
	mbuf = rte_pktmbuf_alloc(mbufs->pool);
	if (!mbuf)
		return NULL;
	channel_attach(mbuf, at, len, &mbufs->built_info);
	mbufs->built = mbuf;
	return mbuf;
}

static inline void channel_copy(uint8_t *at, const struct rte_mbuf *mbuf)
{
	for (; mbuf; mbuf = mbuf->next) {
		memmove(at, rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len);
		at += mbuf->data_len;
	}
}

/*
 * A packet that was built in the channel, and has its length still, is there. All
 * others are copied to where they belong.
 */
static inline int channel_place(struct channel_mbufs *mbufs,
				const struct rte_mbuf *mbuf)
{
	uint32_t len = rte_pktmbuf_pkt_len(mbuf);
	void *at;
	int ret;

	if (mbuf == mbufs->built && len == mbuf->buf_len)
		return 0;
	ret = qhp_reserve(mbufs->end, len, &at);
	if (!ret)
		channel_copy(at, mbuf);
	return ret;
}

/*
 * Send packets. Those that are sent, the first ones, are freed. Return: how many that
 * are; fewer than @number: there is no room until the peer has freed some, or the
 * peer has gone, which qhp_wait() tells.
 */
static inline unsigned int channel_enqueue_burst(struct channel_mbufs *mbufs,
						 struct rte_mbuf **packets,
						 unsigned int number)
{
	unsigned int sent;

	for (sent = 0; sent < number; sent++) {
		if (channel_place(mbufs, packets[sent]))
			break;
		qhp_commit(mbufs->end, sent + 1 < number ? QHP_MORE : 0);
		rte_pktmbuf_free(packets[sent]);
	}
	if (sent && sent < number)
		qhp_commit(mbufs->end, 0);	/* nothing more: it shows the others */
	return sent;
}

/* 1: a packet; 0: none; or -errno */
static inline int channel_dequeue(struct channel_mbufs *mbufs,
				  struct rte_mbuf *mbuf)
{
	struct channel_slot *slot = channel_slot(mbufs, mbufs->next);
	struct qhp_msg msg;
	int ret = qhp_peek(mbufs->end, &msg);

	if (ret != 1)
		return ret;
	/* An mbuf does not know more. */
	if (msg.len > UINT16_MAX)
		return -EMSGSIZE;
	slot->freed = false;
	mbufs->next++;
	channel_attach(mbuf, msg.data, msg.len, &slot->info);
	return 1;
}

/*
 * Receive packets. Return: how many; 0: there are none, or all of CHANNEL_MBUFS or of
 * the pool are in use; or -errno: the peer has gone, or is broken.
 */
static inline int channel_dequeue_burst(struct channel_mbufs *mbufs,
					struct rte_mbuf **packets,
					unsigned int number)
{
	unsigned int got;
	int ret = 0;

	for (got = 0; got < number; got++) {
		if (mbufs->next - mbufs->oldest == CHANNEL_MBUFS)
			break;
		packets[got] = rte_pktmbuf_alloc(mbufs->pool);
		if (!packets[got])
			break;
		ret = channel_dequeue(mbufs, packets[got]);
		if (ret != 1) {
			rte_pktmbuf_free(packets[got]);
			break;
		}
	}
	return got || ret >= 0 ? (int)got : ret;
}

#endif
