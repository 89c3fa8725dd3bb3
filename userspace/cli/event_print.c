// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "format.h"
#include "json.h"
#include "memory.h"

static const char *const words[] = {
	[EVENT_ADDED] = "added",
	[EVENT_DELETED] = "deleted",
	[EVENT_CHANGED] = "changed",
	[EVENT_MISSING] = "missing",
};

/* All that an object has, null if it does not. */
static json_t *values_json(const struct item *item)
{
	const struct item_key *key = item_types[item->kind].keys;
	json_t *object = json_object();

	for (int k = 0; key[k].name; k++)
		set_text(object, key[k].name, item->value[k]);
	return object;
}

static void print_json_line(struct cli *cli, const struct timespec *when,
			    const struct event *event)
{
	const struct item *item = event->item;
	json_t *object = json_object();
	char time[64];
	struct tm tm;

	gmtime_r(&when->tv_sec, &tm);
	strftime(time, sizeof(time), "%FT%T", &tm);
	set_json(object, "time", json_sprintf("%s.%06ldZ", time,
					      when->tv_nsec / 1000));
	set_text(object, "event", words[event->kind]);
	set_text(object, "object", item_types[item->kind].name);
	set_json(object, "id", item->id ? json_integer((json_int_t)item->id) :
					  json_null());
	set_text(object, "name", item->name);
	set_text(object, "key", event->key ? event->key->name : NULL);
	if (event->kind == EVENT_DELETED)
		set_json(object, "old", values_json(item));
	else
		set_text(object, "old", event->old);
	if (event->kind == EVENT_ADDED)
		set_json(object, "new", values_json(item));
	else
		set_text(object, "new", event->new);
	print_json(object, cli->out, true);
}

static bool is_usual(enum item_kind kind, const char *key, const char *value)
{
	const char *usual = usual_value(kind, key);

	return !value || !*value || (usual && !strcmp(value, usual));
}

static void put_values(FILE *to, const struct item *item)
{
	const struct item_key *key = item_types[item->kind].keys;

	for (int k = 0; key[k].name; k++)
		if (!is_usual(item->kind, key[k].name, item->value[k]))
			fprintf(to, " %s %s", key[k].name, item->value[k]);
}

static void put_change(FILE *to, const struct event *event)
{
	fprintf(to, " %s", event->key->name);
	if (!event->key->list)
		fprintf(to, " %s -> %s", event->old ? event->old : "none",
			event->new ? event->new : "none");
	else if (event->new)
		fprintf(to, " + %s", event->new);
	else
		fprintf(to, " - %s", event->old);
}

static const char *word_for(const struct event *event)
{
	if (event->item->kind != ITEM_MODULE)
		return words[event->kind];
	return event->kind == EVENT_ADDED ? "loaded" :
	       event->kind == EVENT_DELETED ? "unloaded" :
	       "missing: load it (modprobe queztl)";
}

/* A VM is known by its id; what its VMM calls itself is last. */
static void put_event(FILE *to, const struct event *event)
{
	const struct item *item = event->item;
	bool is_vm = item->kind == ITEM_VM;

	fputs(item_types[item->kind].name, to);
	if (is_vm)
		fprintf(to, " %" PRIu64, item->id);
	else if (item->name)
		fprintf(to, " %s", item->name);
	if (event->kind == EVENT_CHANGED)
		put_change(to, event);
	else
		fprintf(to, " %s", word_for(event));
	if (event->kind == EVENT_ADDED)
		put_values(to, item);
	else if (is_vm && item->name)
		fprintf(to, " (%s)", item->name);
}

static void print_text_line(struct cli *cli, const struct timespec *when,
			    const struct event *event)
{
	char *line = NULL, clock[16];
	size_t size;
	FILE *to = open_memstream(&line, &size);
	struct tm tm;

	if (!to)
		out_of_memory();
	put_event(to, event);
	if (fclose(to))
		out_of_memory();
	localtime_r(&when->tv_sec, &tm);
	strftime(clock, sizeof(clock), "%T", &tm);
	make_printable(line);
	fprintf(cli->out, "%s.%03ld %s\n", clock, when->tv_nsec / 1000000, line);
	free(line);
}

void print_event(struct cli *cli, const struct timespec *when,
		 const struct event *event)
{
	if (cli->json)
		print_json_line(cli, when, event);
	else
		print_text_line(cli, when, event);
}
