// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "memory.h"

struct comparison {
	const struct item *item;
	const struct item_key *key;
	event_fn *fn;
	void *ctx;
};

static bool report(const struct comparison *c, const char *old, const char *new)
{
	const struct event event = {
		.kind = EVENT_CHANGED, .item = c->item, .key = c->key,
		.old = old, .new = new,
	};

	return c->fn(c->ctx, &event);
}

/* Takes the first word from a list; NULL if there is none. */
static char *next_word(const char **list)
{
	size_t length = strcspn(*list, " ");
	char *word = NULL;

	if (length) {
		word = grow(NULL, length + 1);
		memcpy(word, *list, length);
		word[length] = '\0';
		*list += length;
		*list += strspn(*list, " ");
	}
	return word;
}

/* Both are sorted. */
static bool compare_lists(const struct comparison *c, const char *old,
			  const char *new)
{
	char *gone = next_word(&old), *come = next_word(&new);
	bool more = true;

	while (more && (gone || come)) {
		int order = !gone ? 1 : !come ? -1 : strcmp(gone, come);

		if (order < 0)
			more = report(c, gone, NULL);
		else if (order > 0)
			more = report(c, NULL, come);
		if (order <= 0) {
			free(gone);
			gone = next_word(&old);
		}
		if (order >= 0) {
			free(come);
			come = next_word(&new);
		}
	}
	free(gone);
	free(come);
	return more;
}

static bool is_equal(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool compare_values(const struct item *old, const struct item *new,
			   event_fn *fn, void *ctx)
{
	struct comparison c = { .item = new, .fn = fn, .ctx = ctx };
	bool more = true;

	c.key = item_types[new->kind].keys;
	for (int k = 0; more && c.key->name; k++, c.key++) {
		const char *a = old->value[k], *b = new->value[k];

		if (is_equal(a, b))
			continue;
		more = c.key->list ? compare_lists(&c, a ? a : "", b ? b : "") :
				     report(&c, a, b);
	}
	return more;
}

static bool report_whole(enum event_kind kind, const struct item *item,
			 event_fn *fn, void *ctx)
{
	const struct event event = { .kind = kind, .item = item };

	return fn(ctx, &event);
}

bool compare_moments(const struct items *old, const struct items *new,
		     event_fn *fn, void *ctx)
{
	const struct item *item, *other;
	bool more = true;

	for (size_t i = old->count; more && i-- > 0;) {
		item = &old->at[i];
		other = find_item(new, item->kind, item->id);
		if (!is_same_item(item, other))
			more = report_whole(EVENT_DELETED, item, fn, ctx);
	}
	for (size_t i = 0; more && i < new->count; i++) {
		item = &new->at[i];
		other = find_item(old, item->kind, item->id);
		more = is_same_item(item, other) ?
			compare_values(other, item, fn, ctx) :
			report_whole(EVENT_ADDED, item, fn, ctx);
	}
	return more;
}
