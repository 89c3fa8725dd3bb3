/* SPDX-License-Identifier: GPL-2.0 */
/* Hostile guests that make the fabric work: each as much at a time as it can. */
#ifndef QUEZTL_ATTACKERS_H
#define QUEZTL_ATTACKERS_H

#include "tenant.h"

#define ATTACK_WAITERS_COPIES	250
#define ATTACK_WAITERS_EPOLLS	400

struct attack {
	const char *name;
	bool twice;			/* by two senders at once, on two CPUs */
	bool many;			/* to many ports */
	void (*begin)(struct member *sender);
	void (*step)(struct member *sender);
};

struct stage {
	struct member *innocent;	/* others send to it as well */
	struct member *sender[2], *sink, *many_sender, **many;
	int many_count;
	int call;			/* of the sink, on which many wait */
	volatile uint64_t *plain_writes;	/* times of a write to it by its owner */
	int plain_count;
};

extern struct stage stage;
extern const struct attack attacks[];
extern const int attack_count;


#endif
