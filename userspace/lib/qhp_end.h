/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an end does differently in a guest and on the host. */
#ifndef QHP_END_H
#define QHP_END_H

#include "qhp.h"

/* What the host knows about the slot; written by the kernel, so it is trusted. */
const struct qhp_slot *qhp_slot_of(const struct qhp *end);

/* The eventfd of a slot, which lives as long as the window, or -errno. */
int qhp_window_bell(struct qhp_window *window, uint32_t slot);

/* Some slot changed: wake all ends, as only one of them has seen it. */
void qhp_window_tell(struct qhp_window *window);

/* 0, or the error by which an end says that it has no peer any more. */
int qhp_gone(struct qhp *end);

/* The same for a state, or -errno, of qhp_state(). */
int qhp_error_of(int state);

/* -EPROTO, unless the peer has gone: what it had reads as zeros, which cannot be. */
int qhp_broken(struct qhp *end);

/* Wake the peer. It does not matter if there is none. */
void qhp_ring(struct qhp *end);

/* Whether the peer's region was, or now is, prepared; or -errno. */
int qhp_attach(struct qhp *end);

/* The peer sees what was sent with QHP_MORE. */
void qhp_flush(struct qhp *end);

#endif /* QHP_END_H */
