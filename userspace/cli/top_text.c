// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "format.h"
#include "table.h"
#include "top.h"
#include "top_columns.h"

#define NAME_COLUMNS	12	/* of a name at least; then other columns go */

static const char *format_percent(char buffer[COUNT_ROOM], double percent)
{
	if (percent < 99.95) {
		snprintf(buffer, COUNT_ROOM, "%.1f", percent);
		return buffer;
	}
	return format_count(buffer, percent);
}

static void add_value(struct table *table, const struct top_column *c,
		      const struct vm_usage *vm)
{
	double value = c->value ? c->value(vm) : 0;
	char buffer[COUNT_ROOM];

	if (!c->value)
		add_cell(table, "%s", vm_title(vm));
	else if (isnan(value))
		add_cell(table, "-");
	else if (c->format == TOP_PERCENT)
		add_cell(table, "%s", format_percent(buffer, value));
	else if (c->format == TOP_COUNT)
		add_cell(table, "%s", format_count(buffer, value));
	else
		add_cell(table, "%.0f", value);
}

/* A new VM has no rates yet, but its columns stay. */
static bool is_known(const struct sample *now, const struct top_column *c)
{
	for (size_t i = 0; i < now->count; i++)
		if (!c->value || !isnan(c->value(&now->vms[i])))
			return true;
	return false;
}

struct view {
	const struct top_column *shown[TOP_COLUMNS];
	struct column columns[TOP_COLUMNS];
	struct table table;
};

/* Without the module nothing is known of ids, exits and packets. */
static void choose_columns(struct view *view, const struct sample *now,
			   const struct top_order *order)
{
	unsigned int width = 0;

	for (const struct top_column *c = top_columns; c->title; c++)
		if (c->rank <= 3 || c == order->column || is_known(now, c))
			view->shown[width++] = c;
	view->table = (struct table){ .columns = view->columns,
				      .width = width };
}

static void fill_view(struct view *view, const struct vm_usage **sorted,
		      size_t count)
{
	struct table *table = &view->table;

	for (unsigned int i = 0; i < table->width; i++)
		view->columns[i] = (struct column){
			.title = view->shown[i]->title,
			.align = view->shown[i]->value ? RIGHT : LEFT,
			.least = view->shown[i]->value ? 0 : NAME_COLUMNS,
		};
	for (size_t row = 0; row < count; row++)
		for (unsigned int i = 0; i < table->width; i++)
			add_value(table, view->shown[i], sorted[row]);
}

static bool drop_column(struct view *view, const struct top_order *order)
{
	struct table *table = &view->table;
	int last = -1;

	for (unsigned int i = 0; i < table->width; i++) {
		const struct top_column *c = view->shown[i];

		if (!c->rank || c == order->column)
			continue;
		if (last < 0 || c->rank >= view->shown[last]->rank)
			last = i;
	}
	if (last < 0)
		return false;
	for (unsigned int i = last; i + 1 < table->width; i++)
		view->shown[i] = view->shown[i + 1];
	table->width--;
	return true;
}

static void print_vms(struct cli *cli, const struct sample *now,
		      const struct top_order *order, size_t rows)
{
	const struct vm_usage **sorted = sort_vms(now, order);
	struct view view;

	choose_columns(&view, now, order);
	fill_view(&view, sorted, rows);
	while (cli->width && table_length(&view.table) > cli->width &&
	       drop_column(&view, order)) {
		clear_table(&view.table);
		fill_view(&view, sorted, rows);
	}
	print_table(&view.table, cli->out, cli->width);
	clear_table(&view.table);
	free(sorted);
}

static void print_notes(struct cli *cli, const struct sample *now)
{
	if (now->foreign)
		fprintf(cli->out, "VMs of other users, not shown: %zu (use sudo)\n",
			now->foreign);
	else if (now->denied)
		fputs("VMs of other users are not shown (use sudo)\n",
		      cli->out);
}

void print_top_text(struct cli *cli, const struct sample *now,
		    const struct top_order *order, unsigned int lines)
{
	unsigned int others = 1 + (now->foreign || now->denied);
	size_t rows = now->count;

	if (lines && rows + others > lines)
		rows = lines > others ? lines - others : 0;
	if (now->count)
		print_vms(cli, now, order, rows);
	else
		fputs("no VMs\n", cli->out);
	print_notes(cli, now);
}
