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
		table->text = grow(table->text,
				   table->room * sizeof(*table->text));
	}
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		out_of_memory();
	va_end(args);
	make_printable(text);
	table->text[table->cells++] = text;
}

static void measure_columns(const struct table *table, unsigned int *widths)
{
	for (unsigned int i = 0; i < table->width; i++) {
		const char *title = table->columns[i].title;

		widths[i] = title ? text_width(title) : 0;
	}
	for (unsigned int i = 0; i < table->cells; i++) {
		unsigned int width = text_width(table->text[i]);

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
		       const char *text, unsigned int width)
{
	unsigned int length = text_width(text);
	unsigned int shown = length > width ? width : length;

	if (table->columns[at].align == RIGHT)
		pad(to, width - shown);
	if (length > width) {
		fwrite(text, 1, text_prefix(text, width - 1), to);
		fputc('~', to);
	} else {
		fputs(text, to);
	}
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
	for (unsigned int i = 0; i < table->width && table->columns[i].title; i++)
		print_cell(table, to, i, table->columns[i].title, widths[i]);
	for (unsigned int i = 0; i < table->cells; i++)
		print_cell(table, to, i % table->width, table->text[i],
			   widths[i % table->width]);
}

void clear_table(struct table *table)
{
	for (unsigned int i = 0; i < table->cells; i++)
		free(table->text[i]);
	free(table->text);
	table->text = NULL;
	table->cells = table->room = 0;
}
