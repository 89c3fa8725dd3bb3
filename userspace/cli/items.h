/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whatever a host has, at one moment, as text. Values are in the form in which
 * other commands take them.
 */
#ifndef QUEZTL_ITEMS_H
#define QUEZTL_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order in which one depends on another. */
enum item_kind {
	ITEM_MODULE,
	ITEM_SCHEDULER,
	ITEM_FABRIC,
	ITEM_PORT,
	ITEM_VM,
	ITEM_WINDOW,
	ITEM_RULE,
	ITEM_CHANNEL,
	ITEM_KINDS,
};

#define ITEM_KEYS	20	/* the most that a kind has */
#define ALL_ITEMS	((1u << ITEM_KINDS) - 1)

struct item_key {
	const char *name;
	bool list;		/* sorted words, with spaces in between */
};

struct item_type {
	const char *name;
	struct item_key keys[ITEM_KEYS + 1];	/* ends with a NULL name */
};

extern const struct item_type item_types[ITEM_KINDS];

/* An object is the same one later if kind and id are, and its name, if it must have one. */
struct item {
	enum item_kind kind;
	uint64_t id;		/* 0: the only one of its kind */
	char *name;		/* NULL: it has none */
	char *value[ITEM_KEYS];	/* by the keys of its type; NULL: none or not known */
};

struct items {
	struct item *at;	/* sorted by kind, then by id */
	size_t count;
};

/* Valid until the next is added. */
struct item *add_item(struct items *items, enum item_kind kind, uint64_t id,
		      const char *name);
void drop_last_item(struct items *items);
void sort_items(struct items *items);
void free_items(struct items *items);

/* set_item() copies the value, give_item() takes it over. */
void set_item(struct item *item, const char *key, const char *value);
void give_item(struct item *item, const char *key, char *value);
const char *item_value(const struct item *item, const char *key);

/* What a fabric or a port has if nobody asked for anything else, or NULL. */
const char *usual_value(enum item_kind kind, const char *key);

/* -1: none */
int find_item_kind(const char *name);

const struct item *find_item(const struct items *items, enum item_kind kind,
			     uint64_t id);

/* These are the same object at two moments. The name of a VM is its VMM's to choose. */
bool is_same_item(const struct item *a, const struct item *b);

/*
 * Fills empty items by what there is of these kinds (bits). fd: of /dev/queztl,
 * negative: the module is not there. Returns 0 or -errno.
 */
int read_items(int fd, unsigned int kinds, struct items *items);

#endif /* QUEZTL_ITEMS_H */
