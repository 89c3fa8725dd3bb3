/* SPDX-License-Identifier: GPL-2.0 */
/* Commands that list what the kernel has, from one id to the next. */
#ifndef QUEZTL_LISTING_H
#define QUEZTL_LISTING_H

#include "cli.h"
#include "json.h"
#include "table.h"

/**
 * struct listing - how to list objects of a kind
 * @what: their name in a message, in the plural
 * @none: what to say if there are none
 * @next: gets the next object: 0, or -ENOENT after the last
 * @add: adds an object to the table, or to the list that is printed as JSON
 */
struct listing {
	const char *what;
	const char *none;
	int (*next)(int device, void *object);
	void (*add)(struct table *table, json_t *list, const void *object);
};

/* object: room for one, of zeros; table: with its columns. */
int run_listing(struct cli *cli, int argc, char **argv,
		const struct listing *listing, struct table *table,
		void *object);

#endif /* QUEZTL_LISTING_H */
