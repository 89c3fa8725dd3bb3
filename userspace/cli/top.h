/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_TOP_H
#define QUEZTL_TOP_H

#include <stdbool.h>

#include "cli.h"
#include "usage.h"

struct top_column;

/* Which VM comes first. */
struct top_order {
	const struct top_column *column;
	bool reverse;
};

extern const char top_column_names[];	/* for messages */

/* Each returns false if there is no such column, and changes nothing. */
bool order_by_name(struct top_order *order, const char *name);
bool order_by_key(struct top_order *order, char key);

/* The next column to the right, or with step -1 to the left. */
void move_order(struct top_order *order, int step);

const char *order_title(const struct top_order *order);

/* At most lines lines, 0: no limit. */
void print_top_text(struct cli *cli, const struct sample *now,
		    const struct top_order *order, unsigned int lines);
void print_top_json(struct cli *cli, const struct sample *now,
		    const struct top_order *order);

/* The VMs in this order; the caller frees the array. */
const struct vm_usage **sort_vms(const struct sample *now,
				 const struct top_order *order);

#endif /* QUEZTL_TOP_H */
