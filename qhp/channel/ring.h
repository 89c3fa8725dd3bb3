/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The ring of a QHP channel: messages of one producer to one consumer. It is one
 * header for the kernel, for guests and for user space, C and C++.
 *
 * Each end has a region that it writes and the peer only reads. The region of
 * the producer holds the messages; the region of the consumer holds tail. So each
 * end has a struct qhp_tx for what it sends and a struct qhp_rx for what it
 * receives, both on the same two regions.
 *
 * A message begins with an entry, and the consumer polls the place of the next one,
 * which reads as 0 until there is a message. So the cache line that tells of a message
 * is the one that carries it. The producer writes the first entry of what it shows
 * last, and a 0 behind the last message before.
 *
 * Sending:
 *	qhp_tx_reserve()  room for a message, to write it in place
 *	qhp_tx_commit()   the message is complete
 *	qhp_tx_publish()  the peer sees everything that is committed
 * Receiving:
 *	qhp_rx_peek()     the next message, to read it in place
 *	qhp_rx_release()  the producer may reuse the room of the oldest messages
 * Sleeping: arm, look again, sleep; publish and release tell whether the peer
 * sleeps and has to be woken. To find out takes a full barrier, and a line that the
 * peer may have. Who sends or releases a lot does it by qhp_tx_show() and
 * qhp_rx_return(), and asks later.
 *
 * The peer is not trusted. Each of its numbers is read once, into our own memory,
 * checked, and only then used. What it may still do is change a message while
 * that is read in place: decide nothing by data that you read twice. A peer that
 * writes an impossible number gets -EPROTO, as soon as it is read and for ever.
 *
 * No function is thread-safe; one thread at a time uses a tx or an rx.
 */
#ifndef QHP_RING_H
#define QHP_RING_H

#include <linux/queztl_qhp.h>

#include "shared.h"

/*
 * So many bytes ahead of what it writes, the producer asks for the cache line that
 * comes then. It usually is with the consumer.
 */
#define QHP_AHEAD	512
/* Of a large message, at most so many bytes: about what a processor fetches at once. */
#define QHP_FETCH	2048

/**
 * struct qhp_ends - the regions of a channel, as one end sees them
 * @own: this end's region
 * @peer: the other end's, mapped read-only
 * @bytes: size of each; from the kernel's directory, not from the peer
 */
struct qhp_ends {
	struct qhp_region *own;
	const struct qhp_region *peer;
	__u32 bytes;
};

/*
 * tail, next and the like count bytes modulo 2^32, of a ring whose size need not be
 * a power of two. So each end also keeps the places in the ring that belong to them.
 */

/* No message has this length. */
#define QHP_NOTHING	((__u32)-1)

/**
 * struct qhp_tx - the producer's own state
 * @ends: the regions
 * @ring: the own ring
 * @hidden: the first entry that the peer cannot see
 * @hidden_at: where it will be; there is a 0 now
 * @bytes: size of the ring
 * @at: where the next entry will be, or a wrap before it
 * @head: bytes committed
 * @len: length of the reserved message, or QHP_NOTHING
 * @published: bytes that the peer can see
 * @tail: bytes that the peer has released, as last read
 * @asked: bytes of which it is known that the peer does not sleep for them
 * @broken: the peer wrote something impossible
 */
struct qhp_tx {
	struct qhp_ends ends;
	__u8 *ring;
	__u64 hidden;
	__u32 hidden_at;
	__u32 bytes;
	__u32 at;
	__u32 head;
	__u32 len;
	__u32 published;
	__u32 tail;
	__u32 asked;
	bool broken;
};

/**
 * struct qhp_rx - the consumer's own state
 * @ends: the regions
 * @ring: the peer's ring
 * @bytes: its size
 * @next: bytes that were looked at
 * @next_at: where the next entry is
 * @tail: bytes released
 * @tail_at: where the oldest entry is that is not released
 * @asked: bytes of which it is known that the peer does not wait for their release
 * @looked_at: messages that were looked at and are not released
 * @broken: the peer wrote something impossible
 */
struct qhp_rx {
	struct qhp_ends ends;
	const __u8 *ring;
	__u32 bytes;
	__u32 next;
	__u32 next_at;
	__u32 tail;
	__u32 tail_at;
	__u32 asked;
	__u32 looked_at;
	bool broken;
};

/**
 * struct qhp_msg - a received message
 * @data: where it is, in the peer's region; valid until it is released
 * @len: its length in bytes
 */
struct qhp_msg {
	const void *data;
	__u32 len;
};

static inline __u32 qhp_align(__u32 n, __u32 to)
{
	return (n + to - 1) & ~(to - 1);
}

/* Where a message of @len bytes is whose entry is at @at. */
static inline __u32 qhp_message_at(__u32 at, __u32 len)
{
	at += sizeof(struct qhp_entry);
	return len < QHP_LARGE ? at : qhp_align(at, QHP_LARGE_ALIGN);
}

/* And where what is behind it begins. Does not overflow: the ring is smaller. */
static inline __u32 qhp_message_end(__u32 at, __u32 len)
{
	return qhp_align(qhp_message_at(at, len) + len, QHP_ENTRY_ALIGN);
}

static inline __u32 qhp_ring_bytes(__u32 region)
{
	return region - sizeof(struct qhp_region);
}

/* Did a number that moved from @old to @now pass @event, also modulo 2^32? */
static inline bool qhp_passed(__u32 event, __u32 now, __u32 old)
{
	return now - event - 1 < now - old;
}

/*
 * Who sleeps waits for something within the last ring's bytes. So a number of long ago
 * need not be remembered, and must not: the counters come round to it.
 */
static inline __u32 qhp_lately(__u32 then, __u32 now, __u32 bytes)
{
	return now - then > bytes ? now - bytes : then;
}

/**
 * qhp_region_init - prepare this end's region, and start sending
 * @tx: the producer's state
 * @ends: the regions; the own one is zeroed
 * @features: what this end supports
 *
 * Return: 0, or -EINVAL: a region does not have such a size.
 */
static inline int qhp_region_init(struct qhp_tx *tx, const struct qhp_ends *ends,
				  __u64 features)
{
	struct qhp_region *own = ends->own;

	if (ends->bytes < QHP_REGION_MIN || ends->bytes > QHP_REGION_MAX ||
	    ends->bytes % QHP_LARGE_ALIGN)
		return -EINVAL;
	memset(tx, 0, sizeof(*tx));
	tx->ends = *ends;
	tx->ring = (__u8 *)(own + 1);
	tx->bytes = qhp_ring_bytes(ends->bytes);
	tx->len = QHP_NOTHING;
	own->version = QHP_VERSION;
	own->features = features;
	own->ring = sizeof(*own);
	own->bytes = tx->bytes;
	/*
	 * Nobody sleeps yet: an event that was just passed is the last one
	 * that comes back.
	 */
	qhp_write(&own->rx_event, (__u32)-1);
	qhp_write(&own->tx_event, (__u32)-1);
	/* Whoever sees the magic number sees the rest. */
	qhp_store_release(&own->magic, QHP_REGION_MAGIC);
	return 0;
}

/**
 * qhp_rx_attach - start receiving
 * @rx: the consumer's state
 * @ends: the regions, of a size that qhp_region_init() takes
 * @features: what the peer supports
 *
 * Return: 0; -EAGAIN: the peer has not prepared its region yet; -EPROTO: what is
 * there is not a region of this version.
 */
static inline int qhp_rx_attach(struct qhp_rx *rx, const struct qhp_ends *ends,
				__u64 *features)
{
	const struct qhp_region *peer = ends->peer;
	__u32 magic = qhp_load_acquire(&peer->magic);

	if (!magic)
		return -EAGAIN;
	if (magic != QHP_REGION_MAGIC ||
	    qhp_read(&peer->version) != QHP_VERSION ||
	    qhp_read(&peer->ring) != sizeof(*peer) ||
	    qhp_read(&peer->bytes) != qhp_ring_bytes(ends->bytes))
		return -EPROTO;
	memset(rx, 0, sizeof(*rx));
	rx->ends = *ends;
	rx->ring = (const __u8 *)(peer + 1);
	rx->bytes = qhp_ring_bytes(ends->bytes);
	*features = qhp_read(&peer->features);
	return 0;
}

/* Read the peer's tail. */
static inline int qhp_tx_refresh(struct qhp_tx *tx)
{
	/*
	 * Pairs with the release in qhp_rx_return(): what we write into the
	 * room cannot be seen by the reads that the consumer did before.
	 */
	__u32 tail = qhp_load_acquire(&tx->ends.peer->tail);

	/* It can release nothing that it has not seen. */
	if (tx->broken || tail - tx->tail > tx->published - tx->tail ||
	    tail % QHP_ENTRY_ALIGN) {
		tx->broken = true;
		return -EPROTO;
	}
	tx->tail = tail;
	return 0;
}

/**
 * qhp_tx_max - the longest message that can ever be sent
 * @tx: the producer's state
 *
 * With its entry and what alignment takes it is half of the ring. So wherever the
 * next entry is in an empty ring, it fits behind or before that.
 */
static inline __u32 qhp_tx_max(const struct qhp_tx *tx)
{
	return tx->bytes / 2 - QHP_LARGE_ALIGN - QHP_ENTRY_ALIGN;
}

/* Also for the entry behind it, which reads as 0. */
static inline bool qhp_tx_has_room(const struct qhp_tx *tx, __u32 bytes)
{
	return bytes + sizeof(struct qhp_entry) <= tx->bytes - (tx->head - tx->tail);
}

/* The peer's cache line is touched only when there seems to be no room. */
static inline int qhp_tx_find_room(struct qhp_tx *tx, __u32 bytes)
{
	if (qhp_tx_has_room(tx, bytes))
		return 0;
	if (qhp_tx_refresh(tx))
		return -EPROTO;
	return qhp_tx_has_room(tx, bytes) ? 0 : -EAGAIN;
}

/* All lines of a large message at once, instead of one after the other. */
static inline void qhp_tx_fetch(const void *at, __u32 len)
{
	__u32 n;

	for (n = 0; n < len && n < QHP_FETCH; n += QHP_LARGE_ALIGN)
		qhp_prefetch_to_write((const __u8 *)at + n);
}

/**
 * qhp_tx_reserve - get room for a message
 * @tx: the producer's state
 * @len: its length in bytes
 * @at: out: where to write it
 *
 * A reservation that is not committed is replaced by the next one.
 *
 * Return: 0; -EAGAIN: there is no room until the peer releases messages;
 * -EMSGSIZE: there never is so much room; -EPROTO: the peer is broken.
 */
static inline int qhp_tx_reserve(struct qhp_tx *tx, __u32 len, void **at)
{
	__u32 entry = tx->at, end = qhp_message_end(entry, len), skipped = 0;
	int err;

	tx->len = QHP_NOTHING;
	if (tx->broken)
		return -EPROTO;
	if (len > qhp_tx_max(tx))
		return -EMSGSIZE;
	if (end > tx->bytes) {
		skipped = tx->bytes - entry;
		entry = 0;
		end = qhp_message_end(0, len);
	}
	err = qhp_tx_find_room(tx, skipped + end - entry);
	if (err)
		return err;
	tx->len = len;
	*at = tx->ring + qhp_message_at(entry, len);
	if (len >= QHP_LARGE)
		qhp_tx_fetch(*at, len);
	return 0;
}

static inline __u64 *qhp_tx_entry(struct qhp_tx *tx, __u32 at)
{
	return &((struct qhp_entry *)(tx->ring + at))->what;
}

/* The peer comes to an entry only by those before it. */
static inline void qhp_tx_write(struct qhp_tx *tx, __u32 at, __u64 kind, __u32 len)
{
	__u64 what = kind << 32 | len;

	if (at == tx->hidden_at)
		tx->hidden = what;
	else
		*qhp_tx_entry(tx, at) = what;
}

/**
 * qhp_tx_commit - the reserved message is complete
 * @tx: the producer's state
 *
 * Who wrote it by non-temporal stores has to order them before (SFENCE on x86).
 */
static inline void qhp_tx_commit(struct qhp_tx *tx)
{
	__u32 at = tx->at, end = qhp_message_end(at, tx->len);

	if (tx->len == QHP_NOTHING)
		return;
	if (end > tx->bytes) {
		if (at != tx->bytes)
			qhp_tx_write(tx, at, QHP_KIND_WRAP, 0);
		tx->head += tx->bytes - at;
		at = 0;
		end = qhp_message_end(0, tx->len);
	}
	qhp_tx_write(tx, at, QHP_KIND_MESSAGE, tx->len);
	tx->at = end;
	tx->head += end - at;
	tx->len = QHP_NOTHING;
	if (end + QHP_AHEAD < tx->bytes)
		qhp_prefetch_to_write(tx->ring + end + QHP_AHEAD);
}

/**
 * qhp_tx_show - let the peer see what is committed, if it polls
 * @tx: the producer's state
 *
 * Whether it sleeps is not asked: qhp_tx_publish() has to follow, before this end
 * waits for anything.
 */
static inline void qhp_tx_show(struct qhp_tx *tx)
{
	__u32 next = tx->at == tx->bytes ? 0 : tx->at;

	if (tx->head == tx->published)
		return;
	*qhp_tx_entry(tx, next) = 0;
	/* Whoever sees this entry sees its message, all entries behind it, and the 0. */
	qhp_store_release(qhp_tx_entry(tx, tx->hidden_at), tx->hidden);
	tx->hidden_at = next;
	tx->published = tx->head;
	tx->asked = qhp_lately(tx->asked, tx->published, tx->bytes);
}

/* After a full barrier: does the peer sleep, waiting for what it was shown? */
static inline bool qhp_tx_ask(struct qhp_tx *tx)
{
	__u32 old = tx->asked;

	tx->asked = tx->published;
	return qhp_passed(qhp_read(&tx->ends.peer->rx_event), tx->asked, old);
}

/**
 * qhp_tx_publish - let the peer see what is committed
 * @tx: the producer's state
 *
 * Return: whether the peer sleeps and has to be woken.
 */
static inline bool qhp_tx_publish(struct qhp_tx *tx)
{
	if (tx->head == tx->asked)
		return false;
	if (tx->head != tx->published)
		qhp_tx_show(tx);
	/*
	 * We write an entry and read rx_event; the consumer writes rx_event and reads
	 * that entry (qhp_rx_arm()). With a full barrier on both sides at least one of
	 * the two sees what the other wrote: either we wake it, or it does not
	 * sleep.
	 */
	qhp_mb();
	return qhp_tx_ask(tx);
}

/**
 * qhp_tx_arm - ask to be woken when the peer releases messages
 * @tx: the producer's state
 *
 * Return: whether it has released some meanwhile (or is broken): do not sleep,
 * try again.
 */
static inline bool qhp_tx_arm(struct qhp_tx *tx)
{
	qhp_write(&tx->ends.own->tx_event, tx->tail);
	qhp_mb();	/* pairs with the one in qhp_rx_release() */
	return qhp_read(&tx->ends.peer->tail) != tx->tail;
}

/**
 * struct qhp_step - an entry that was read and found valid
 * @entry: where it is
 * @end: where what is behind it begins
 * @len: of its message
 * @used: bytes of the ring that it takes, with what was skipped before it
 */
struct qhp_step {
	__u32 entry;
	__u32 end;
	__u32 len;
	__u32 used;
};

static inline const __u64 *qhp_rx_entry(const struct qhp_rx *rx, __u32 at)
{
	return &((const struct qhp_entry *)(rx->ring + at))->what;
}

/*
 * What the entry at @at says, or the one at the start of the ring if that is a wrap.
 * @left: bytes that may be used from there
 */
static inline int qhp_rx_step(const struct qhp_rx *rx, __u32 at, __u64 what, __u32 left,
			      struct qhp_step *step)
{
	__u32 skipped = 0;

	if (what >> 32 == QHP_KIND_WRAP && at) {
		skipped = rx->bytes - at;
		at = 0;
		what = qhp_read(qhp_rx_entry(rx, 0));
	}
	step->entry = at;
	step->len = what;
	if (what >> 32 != QHP_KIND_MESSAGE || step->len > rx->bytes)
		return -EPROTO;
	step->end = qhp_message_end(at, step->len);
	step->used = skipped + step->end - at;
	if (step->end >= rx->bytes) {
		if (step->end > rx->bytes)
			return -EPROTO;
		step->end = 0;
	}
	return step->used <= left ? 0 : -EPROTO;
}

/* A region that reads as zeros has no messages, and will have none. */
static inline bool qhp_rx_is_cut(const struct qhp_rx *rx)
{
	return qhp_read(&rx->ends.peer->magic) != QHP_REGION_MAGIC;
}

/* The next entry, or 0. */
static inline __u64 qhp_rx_look(const struct qhp_rx *rx, __u32 at)
{
	/* Pairs with the release in qhp_tx_show(). */
	return qhp_load_acquire(qhp_rx_entry(rx, at));
}

/**
 * qhp_rx_has_more - is there something to look at, if only an error?
 * @rx: the consumer's state
 */
static inline bool qhp_rx_has_more(const struct qhp_rx *rx)
{
	return rx->broken || qhp_read(qhp_rx_entry(rx, rx->next_at)) || qhp_rx_is_cut(rx);
}

/**
 * qhp_rx_peek_burst - look at the next messages
 * @rx: the consumer's state
 * @msgs: out: the messages, oldest first
 * @n: how many at most
 *
 * Return: how many there are; -EPROTO: the peer is broken.
 */
static inline int qhp_rx_peek_burst(struct qhp_rx *rx, struct qhp_msg *msgs,
				    __u32 n)
{
	__u32 at = rx->next_at, next = rx->next, got;
	struct qhp_step step;
	__u64 what;

	if (rx->broken)
		return -EPROTO;
	for (got = 0; got < n; got++) {
		what = qhp_rx_look(rx, at);
		if (!what) {
			rx->broken = !got && qhp_rx_is_cut(rx);
			break;
		}
		/* The ring has no more than it has, and behind all messages there is a 0. */
		if (qhp_rx_step(rx, at, what, rx->bytes - sizeof(what) - (next - rx->tail),
				&step)) {
			rx->broken = true;
			break;
		}
		msgs[got].len = step.len;
		msgs[got].data = rx->ring + qhp_message_at(step.entry, step.len);
		at = step.end;
		next += step.used;
	}
	rx->next_at = at;
	rx->next = next;
	rx->looked_at += got;
	return got || !rx->broken ? (int)got : -EPROTO;
}

/**
 * qhp_rx_peek - look at the next message
 * @rx: the consumer's state
 * @msg: out: the message
 *
 * Several messages may be looked at before they are released, oldest first.
 *
 * Return: 1; 0: there is none; -EPROTO: the peer is broken.
 */
static inline int qhp_rx_peek(struct qhp_rx *rx, struct qhp_msg *msg)
{
	return qhp_rx_peek_burst(rx, msg, 1);
}

/*
 * Where the oldest @n messages end. Their entries are read again, and checked again:
 * a peer that has changed one gets another part of its own ring back, none that was
 * not looked at.
 */
static inline void qhp_rx_pass(struct qhp_rx *rx, __u32 n)
{
	struct qhp_step step;

	for (; n; n--, rx->looked_at--) {
		__u64 what = qhp_read(qhp_rx_entry(rx, rx->tail_at));

		if (qhp_rx_step(rx, rx->tail_at, what, rx->next - rx->tail, &step)) {
			rx->broken = true;
			return;
		}
		rx->tail_at = step.end;
		rx->tail += step.used;
	}
}

/**
 * qhp_rx_return - release the oldest messages, if the peer polls for room
 * @rx: the consumer's state
 * @n: how many, at most those that were looked at
 *
 * Whether it sleeps is not asked: qhp_rx_release(), with any @n, has to follow
 * before this end waits for anything.
 */
static inline void qhp_rx_return(struct qhp_rx *rx, __u32 n)
{
	if (n < rx->looked_at) {
		qhp_rx_pass(rx, n);
	} else {
		rx->tail = rx->next;
		rx->tail_at = rx->next_at;
		rx->looked_at = 0;
	}
	/* What we read of the messages, we have read before the peer sees this. */
	qhp_store_release(&rx->ends.own->tail, rx->tail);
	rx->asked = qhp_lately(rx->asked, rx->tail, rx->bytes);
}

/* After a full barrier: does the peer sleep, waiting for what it got back? */
static inline bool qhp_rx_ask(struct qhp_rx *rx)
{
	__u32 old = rx->asked;

	rx->asked = rx->tail;
	return qhp_passed(qhp_read(&rx->ends.peer->tx_event), rx->asked, old);
}

/**
 * qhp_rx_release - the oldest messages are not needed any more
 * @rx: the consumer's state
 * @n: how many, at most those that were looked at
 *
 * Return: whether the peer sleeps and has to be woken.
 */
static inline bool qhp_rx_release(struct qhp_rx *rx, __u32 n)
{
	if (n && rx->looked_at)
		qhp_rx_return(rx, n);
	if (rx->tail == rx->asked)
		return false;
	qhp_mb();	/* pairs with the one in qhp_tx_arm() */
	return qhp_rx_ask(rx);
}

/**
 * qhp_rx_arm - ask to be woken when the peer sends
 * @rx: the consumer's state
 *
 * Return: whether it has sent something meanwhile (or is broken): do not sleep,
 * look again.
 */
static inline bool qhp_rx_arm(struct qhp_rx *rx)
{
	qhp_write(&rx->ends.own->rx_event, rx->next);
	qhp_mb();	/* pairs with the one in qhp_tx_publish() */
	return qhp_rx_has_more(rx);
}

/**
 * qhp_wake - does the peer sleep, waiting for anything that it was given?
 * @tx: the producer's state
 * @rx: the consumer's state
 *
 * After qhp_tx_show() and qhp_rx_return(): one barrier for both.
 *
 * Return: whether the peer has to be woken.
 */
static inline bool qhp_wake(struct qhp_tx *tx, struct qhp_rx *rx)
{
	bool wake;

	qhp_mb();	/* pairs with those in qhp_rx_arm() and qhp_tx_arm() */
	wake = tx->asked != tx->published && qhp_tx_ask(tx);
	return (rx->asked != rx->tail && qhp_rx_ask(rx)) || wake;
}

#endif /* QHP_RING_H */
