/* SPDX-License-Identifier: GPL-2.0 */
/* Requests that a guest writes into the mailbox of its window. */
#ifndef QUEZTL_MAILBOX_H
#define QUEZTL_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/queztl_qhp.h>

/*
 * Makes the call that the newest request asks for, if its number is not *last,
 * and answers. Returns whether there was a request; the VM then has to be told.
 */
bool serve_request(int window_fd, uint32_t slots, struct qhp_mailbox *mailbox,
		   uint32_t *last);

void close_slots(int window_fd, uint32_t slots);

#endif /* QUEZTL_MAILBOX_H */
