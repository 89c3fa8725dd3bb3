// SPDX-License-Identifier: LGPL-2.1-or-later
/* Messages: ring.h, and what becomes of them when the peer goes. */
#include <errno.h>
#include <string.h>

#include "qhp_end.h"

int qhp_error_of(int state)
{
	switch (state) {
	case QHP_SLOT_LISTENING:
	case QHP_SLOT_CONNECTED:
		return 0;
	case QHP_SLOT_CLOSED:
		return -ECONNRESET;
	case QHP_SLOT_REVOKED:
		return -ECONNABORTED;
	default:
		return state < 0 ? state : -ENOTCONN;
	}
}

/*
 * On the host the directory tells, before anything of the peer's region reads as
 * zeros. In a guest a call is needed, which is not made while the start of the
 * region is still there.
 */
int qhp_gone(struct qhp *end)
{
	if (!end->window && end->attached &&
	    qhp_load_acquire(&end->tx.ends.peer->magic) == QHP_REGION_MAGIC)
		return 0;
	return qhp_error_of(qhp_state(end));
}

/* Other parts of the region may read as zeros before its start does. */
int qhp_broken(struct qhp *end)
{
	int ret = qhp_error_of(qhp_state(end));

	return ret ? ret : -EPROTO;
}

int qhp_attach(struct qhp *end)
{
	int ret;

	if (end->attached)
		return 1;
	ret = qhp_rx_attach(&end->rx, &end->tx.ends, &end->features);
	if (ret == -EAGAIN)
		return 0;
	if (ret)
		return qhp_broken(end);
	end->attached = true;
	return 1;
}

void qhp_flush(struct qhp *end)
{
	if (qhp_tx_publish(&end->tx))
		qhp_ring(end);
}

uint32_t qhp_max(const struct qhp *end)
{
	return qhp_tx_max(&end->tx);
}

int qhp_reserve(struct qhp *end, uint32_t len, void **at)
{
	int ret = qhp_tx_reserve(&end->tx, len, at);

	end->full = ret == -EAGAIN;
	if (ret == -EPROTO)
		return qhp_broken(end);
	if (ret != -EAGAIN)
		return ret;
	/* The peer releases nothing that it has not been told of. */
	qhp_flush(end);
	ret = qhp_gone(end);
	return ret ? ret : -EAGAIN;
}

int qhp_commit(struct qhp *end, unsigned int flags)
{
	qhp_tx_commit(&end->tx);
	if (flags & QHP_MORE)
		return 0;
	qhp_flush(end);
	return qhp_gone(end);
}

int qhp_send(struct qhp *end, const void *data, uint32_t len,
	     unsigned int flags)
{
	void *at;
	int ret = qhp_reserve(end, len, &at);

	if (ret)
		return ret;
	memcpy(at, data, len);
	return qhp_commit(end, flags);
}

int qhp_peek(struct qhp *end, struct qhp_msg *msg)
{
	int ret = qhp_attach(end);

	if (ret == 1)
		ret = qhp_rx_peek(&end->rx, msg);
	if (ret == 1)
		return 1;
	/* It is not polled for ever if nobody is there. */
	return ret == -EPROTO ? qhp_broken(end) : ret ? ret : qhp_gone(end);
}

int qhp_release(struct qhp *end, uint32_t n)
{
	if (qhp_rx_release(&end->rx, n))
		qhp_ring(end);
	if (end->rx.broken)
		return qhp_broken(end);
	/* Ordered after the reads of the messages by what is in between. */
	return qhp_gone(end);
}
