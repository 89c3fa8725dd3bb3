/* SPDX-License-Identifier: GPL-2.0 */
/* How what a host has at one moment differs from what it had before. */
#ifndef QUEZTL_EVENT_H
#define QUEZTL_EVENT_H

#include <time.h>

#include "cli.h"
#include "items.h"

enum event_kind {
	EVENT_ADDED,
	EVENT_DELETED,
	EVENT_CHANGED,
	EVENT_MISSING,		/* the module is not loaded when the program starts */
};

/*
 * Of a key that is a list, each word that came (old is NULL) or went (new is NULL)
 * is an event.
 */
struct event {
	enum event_kind kind;
	const struct item *item;	/* as it is now; a deleted one as it was */
	const struct item_key *key;	/* that changed, or NULL */
	const char *old;
	const char *new;
};

/* Returns whether it wants more; what the event points to lives only until then. */
typedef bool event_fn(void *ctx, const struct event *event);

/*
 * Calls fn for each event: for what is gone, then for what is new or has changed,
 * so that what one depends on is there. False if fn wants no more.
 */
bool compare_moments(const struct items *old, const struct items *new,
		     event_fn *fn, void *ctx);

/* One line; when is that of CLOCK_REALTIME. */
void print_event(struct cli *cli, const struct timespec *when,
		 const struct event *event);

#endif /* QUEZTL_EVENT_H */
