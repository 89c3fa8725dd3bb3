// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "memory.h"
#include "table.h"

#define GAP	2

void add_cell(struct table *table, const char *format, ...)
{
	va_list args;
	char *text;

	if (table->cells == table->room) {
		table->room = table->room ? 2 * table->room : 64;
		table->cell = grow(table->cell,
				   table->room * sizeof(*table->cell));
	}
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		out_of_memory();
	va_end(args);
	make_printable(text);
	table->cell[table->cells++] = (struct cell){ .text = text };
}

void paint_cell(struct table *table, enum color color)
{
	if (table->colored)
		table->cell[table->cells - 1].color = color;
}

static void measure_columns(const struct table *table, unsigned int *widths)
{
	for (unsigned int i = 0; i < table->width; i++) {
		const char *title = table->columns[i].title;

		widths[i] = title ? text_width(title) : 0;
	}
	for (unsigned int i = 0; i < table->cells; i++) {
		unsigned int width = text_width(table->cell[i].text);

		if (width > widths[i % table->width])
			widths[i % table->width] = width;
	}
}

static unsigned int line_length(const struct table *table,
				const unsigned int *widths)
{
	unsigned int length = GAP * (table->width - 1);

	for (unsigned int i = 0; i < table->width; i++)
		length += widths[i];
	return length;
}

/* Shrinks the widest column that may be cut, so that all stay readable. */
static void shrink_columns(const struct table *table, unsigned int *widths,
			   unsigned int limit)
{
	while (line_length(table, widths) > limit) {
		int widest = -1;

		for (unsigned int i = 0; i < table->width; i++) {
			unsigned int least = table->columns[i].least;

			if (!least || widths[i] <= least)
				continue;
			if (widest < 0 || widths[i] > widths[widest])
				widest = i;
		}
		if (widest < 0)
			return;
		widths[widest]--;
	}
}

static void pad(FILE *to, unsigned int columns)
{
	fprintf(to, "%*s", (int)columns, "");
}

static void print_cell(const struct table *table, FILE *to, unsigned int at,
		       const struct cell *cell, unsigned int width)
{
	const char *text = cell->text;
	unsigned int length = text_width(text);
	unsigned int shown = length > width ? width : length;

	if (table->columns[at].align == RIGHT)
		pad(to, width - shown);
	begin_color(to, cell->color);
	if (length > width) {
		fwrite(text, 1, text_prefix(text, width - 1), to);
		fputc('~', to);
	} else {
		fputs(text, to);
	}
	end_color(to, cell->color);
	if (at + 1 == table->width)
		fputc('\n', to);
	else
		pad(to, GAP + (table->columns[at].align == LEFT ?
			       width - shown : 0));
}

unsigned int table_length(const struct table *table)
{
	unsigned int widths[table->width];

	measure_columns(table, widths);
	shrink_columns(table, widths, 0);
	return line_length(table, widths);
}

void print_table(const struct table *table, FILE *to, unsigned int limit)
{
	unsigned int widths[table->width];

	measure_columns(table, widths);
	if (limit)
		shrink_columns(table, widths, limit);
	for (unsigned int i = 0; i < table->width && table->columns[i].title; i++) {
		const struct cell title = { .text = (char *)table->columns[i].title };

		print_cell(table, to, i, &title, widths[i]);
	}
	for (unsigned int i = 0; i < table->cells; i++)
		print_cell(table, to, i % table->width, &table->cell[i],
			   widths[i % table->width]);
}

void clear_table(struct table *table)
{
	for (unsigned int i = 0; i < table->cells; i++)
		free(table->cell[i].text);
	free(table->cell);
	table->cell = NULL;
	table->cells = table->room = 0;
}
