/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lines in the kernel's log about ports that broke.
 *
 * A console may be slow, and it is the thread that logs which waits for it. Who
 * notices that a ring is malformed may be another VM. So a port's own worker, or
 * another thread of its own process, writes the line, and no more of them than
 * an administrator needs: a driver can break its port and reset it in a loop. The
 * limit is the port's own, so that no port hides what is said of another one.
 */
#ifndef QZ_COMPLAIN_H
#define QZ_COMPLAIN_H

#include <linux/atomic.h>
#include <linux/ratelimit_types.h>

struct qz_port;

/* Why a port broke. */
enum qz_break {
	QZ_BREAK_SILENT,	/* not to be logged: the process was killed */
	QZ_BREAK_TX,
	QZ_BREAK_RX,
	QZ_BREAK_CTRL,
	QZ_BREAK_NO_MEMORY,
	QZ_BREAK_NO_WORKER,
};

/**
 * struct qz_complaint - what is to be logged of a port
 * @why: an &enum qz_break, 0 if nothing is to be logged
 * @limit: how often
 */
struct qz_complaint {
	atomic_t why;
	struct ratelimit_state limit;
};

void qz_complain_init(struct qz_complaint *complaint);
void qz_complain_later(struct qz_complaint *complaint, enum qz_break why);
void qz_complain_here(struct qz_port *port);

#endif /* QZ_COMPLAIN_H */
