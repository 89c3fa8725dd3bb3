/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QG_END_H
#define QG_END_H

#include "window.h"

/**
 * struct qg_end - one end of a channel
 * @window: the window
 * @slot: its slot
 * @bytes: size of each region
 * @generation: of the slot's own region
 * @lost: the slot is not ours any more, whatever it shows
 * @notify: the peer rang (@rung), or the state may have changed. Context: any,
 *	interrupts off. Not called any more when qg_end_close() has returned
 */
struct qg_end {
	struct qg_window *window;
	u32 slot;
	u32 bytes;
	u32 generation;
	bool lost;
	void (*notify)(struct qg_end *end, bool rung);
};

void qg_end_close(struct qg_end *end);

/* All of these: with the window entered. */
int qg_end_open(struct qg_end *end, struct qg_window *window, u32 op,
		const char *name, u32 bytes);
u32 qg_end_state(const struct qg_end *end);
void qg_end_ring(const struct qg_end *end);

void *qg_end_own(const struct qg_end *end);
const void *qg_end_peer(const struct qg_end *end);

void qg_ends_notify(struct qg_window *window, u32 slot);
void qg_ends_told(struct qg_window *window);
void qg_ends_check(struct qg_window *window);
void qg_ends_lose(struct qg_window *window);
void qg_ends_poll(struct work_struct *work);

#endif /* QG_END_H */
