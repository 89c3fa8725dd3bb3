/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_TABLE_H
#define QUEZTL_TABLE_H

#include <stdio.h>

#include "color.h"

struct column {
	const char *title;	/* NULL for all columns: no title line */
	enum { LEFT, RIGHT } align;
	unsigned int least;	/* minimum width on a narrow line, 0: never cut */
};

/* Cells are added from left to right, line by line. */
struct table {
	const struct column *columns;
	unsigned int width;
	unsigned int cells;
	unsigned int room;
	bool colored;		/* by paint_cell(), which else does nothing */
	struct cell {
		char *text;
		enum color color;
	} *cell;
};

#define TABLE(columns_) { .columns = (columns_), \
	.width = sizeof(columns_) / sizeof((columns_)[0]) }

__attribute__((format(printf, 2, 3)))
void add_cell(struct table *table, const char *format, ...);

/* Colours the cell that was added last. */
void paint_cell(struct table *table, enum color color);

/* Columns of a line when what may be cut is cut. */
unsigned int table_length(const struct table *table);

/* Lines have at most limit columns; 0: no limit. */
void print_table(const struct table *table, FILE *to, unsigned int limit);

/* Frees the cells and keeps the columns. */
void clear_table(struct table *table);

#endif /* QUEZTL_TABLE_H */
