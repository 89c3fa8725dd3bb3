/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QG_REQUEST_H
#define QG_REQUEST_H

#include "window.h"

/**
 * struct qg_request - what the host is asked for
 * @op: &enum qhp_op
 * @name: of the channel, or NULL
 * @slot: in or out
 * @bytes: in and out
 */
struct qg_request {
	u32 op;
	const char *name;
	u32 slot;
	u32 bytes;
};

/* These sleep. All: with the window entered, or while nobody else can be in it. */
int qg_ask(struct qg_window *window, struct qg_request *request);
int qg_reset(struct qg_window *window);
void qg_leave(struct qg_window *window);
void qg_close_slot(struct qg_window *window, u32 slot);

void qg_requests_init(struct qg_window *window);

#endif /* QG_REQUEST_H */
