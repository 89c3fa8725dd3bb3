/* SPDX-License-Identifier: GPL-2.0 */
/* What a hostile guest or its VMM does: rings whose every buffer is the same, and eventfds that many wait on. */
#ifndef QUEZTL_ATTACK_H
#define QUEZTL_ATTACK_H

#include "swguest.h"

#define ATTACK_TABLE	0x300000	/* in a port's memory: the indirect tables; its own slots end before */

/*
 * A table of @length descriptors with @bytes of data in equal parts, or, with fewer bytes than descriptors, empty but for the
 * last one: the data is that of the ring's buffers. Returns the descriptor of the table. One table for each ring.
 */
struct vring_desc attack_table(struct swg *port, int ring, int length, uint32_t bytes);

/* Each buffer of the ring is this one. None is offered yet. */
void attack_fill(struct swg *port, int ring, struct vring_desc buffer);

/* Offer @count buffers more than the device has used, without a kick. */
void attack_offer(struct swg *port, int ring, int count);
/* The device has used all that was offered. */
bool attack_is_used(struct swg *port, int ring);

/* A control ring of commands that are @length descriptors each: bytes to read, one to write the answer to. */
void attack_commands(struct swg *port, int length);

/*
 * @copies of the eventfd in each of @epolls, as an ordinary user with 1024 descriptors can have them; @how: more flags
 * (EPOLLEXCLUSIVE). They assert.
 */
void attack_wait(int eventfd, int copies, int epolls, uint32_t how);

#endif
