// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>

#include <queztl.h>

#include "listing.h"
#include "process.h"

static const struct column columns[] = {
	{ "NAME", LEFT, 8 },
	{ "ID", RIGHT, 0 },
	{ "SLOTS", RIGHT, 0 },
	{ "USED", RIGHT, 0 },
	{ "REGION", RIGHT, 0 },
	{ "MEMORY", RIGHT, 0 },
	{ "DIVERTED", RIGHT, 0 },
	{ "PID", RIGHT, 0 },
	{ "COMMAND", LEFT, 8 },
};

static void add_window(struct table *table, json_t *list, const void *object)
{
	const struct queztl_window *window = object;
	json_t *shown = json_object();
	char comm[NAME_ROOM];

	read_comm(window->pid, comm);
	set_count(shown, "id", window->id);
	set_text(shown, "name", window->name);
	set_count(shown, "slots", window->slots);
	set_count(shown, "used", window->used);
	set_count(shown, "region", window->region);
	set_count(shown, "memory", window->memory);
	set_count(shown, "diverted", window->diverted);
	set_process(shown, "pid", window->pid);
	set_text(shown, "comm", *comm ? comm : NULL);
	json_array_append_new(list, shown);
	add_cell(table, "%s", window->name);
	add_cell(table, "%" PRIu64, (uint64_t)window->id);
	add_cell(table, "%" PRIu32, window->slots);
	add_cell(table, "%" PRIu32, window->used);
	add_cell(table, "%" PRIu32 "K", window->region / 1024);
	add_cell(table, "%" PRIu64 "K", (uint64_t)window->memory / 1024);
	add_cell(table, "%" PRIu64, (uint64_t)window->diverted);
	if (window->pid)
		add_cell(table, "%d", window->pid);
	else
		add_cell(table, "-");
	add_cell(table, "%s", *comm ? comm : "-");
}

static int next_window(int device, void *object)
{
	return queztl_window_next(device, object);
}

int run_window_list(struct cli *cli, int argc, char **argv)
{
	static const struct listing listing = {
		.what = "windows",
		.none = "no windows; to give one to a VM: queztl window serve NAME",
		.next = next_window,
		.add = add_window,
	};
	struct queztl_window object = { 0 };
	struct table table = TABLE(columns);

	return run_listing(cli, argc, argv, &listing, &table, &object);
}
