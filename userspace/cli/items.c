// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "items.h"
#include "memory.h"

/* What a user of a host can choose is last, where it cannot be taken for more. */
const struct item_type item_types[ITEM_KINDS] = {
	[ITEM_MODULE] = { "module", {
		{ "version", false }, { "abi", false }, { "features", true },
	} },
	[ITEM_SCHEDULER] = { "scheduler", {
		{ "state", false }, { "per-vcpu", false }, { "other", false },
		{ "failure", false },
	} },
	[ITEM_FABRIC] = { "fabric", {
		{ "mode", false }, { "reserved", false },
	} },
	[ITEM_PORT] = { "port", {
		{ "fabric", false }, { "mac", false }, { "mtu", false },
		{ "pairs", false }, { "state", false }, { "for", false },
		{ "device", false }, { "owner", false }, { "rate", false },
		{ "pps", false }, { "flood", false }, { "link", false },
		{ "vlan", false }, { "macs", false }, { "uplink", false },
		{ "mirror", false }, { "addresses", true }, { "peers", true },
		{ "pid", false }, { "process", false },
	} },
	[ITEM_VM] = { "vm", {
		{ "pid", false }, { "uid", false }, { "vcpus", false },
		{ "weight", false }, { "limit", false }, { "process", false },
		{ "name", false },
	} },
	[ITEM_WINDOW] = { "window", {
		{ "slots", false }, { "used", false }, { "region", false },
		{ "pid", false }, { "process", false },
	} },
	[ITEM_RULE] = { "rule", {
		{ "listener", false }, { "connecter", false },
	} },
	[ITEM_CHANNEL] = { "channel", {
		{ "region", false }, { "listener", false },
		{ "connecter", false },
	} },
};

static char *copy_text(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		out_of_memory();
	return copy;
}

struct item *add_item(struct items *items, enum item_kind kind, uint64_t id,
		      const char *name)
{
	struct item *item;

	items->at = grow(items->at, (items->count + 1) * sizeof(*items->at));
	item = &items->at[items->count++];
	*item = (struct item){
		.kind = kind, .id = id, .name = copy_text(name),
	};
	return item;
}

static void free_item(struct item *item)
{
	for (int k = 0; k < ITEM_KEYS; k++)
		free(item->value[k]);
	free(item->name);
}

void drop_last_item(struct items *items)
{
	free_item(&items->at[--items->count]);
}

void free_items(struct items *items)
{
	while (items->count)
		drop_last_item(items);
	free(items->at);
	*items = (struct items){ 0 };
}

static int find_key(const struct item *item, const char *name)
{
	const struct item_key *keys = item_types[item->kind].keys;

	for (int k = 0; keys[k].name; k++)
		if (!strcmp(keys[k].name, name))
			return k;
	return -1;
}

void give_item(struct item *item, const char *key, char *value)
{
	int k = find_key(item, key);

	if (k < 0) {
		free(value);
		return;
	}
	free(item->value[k]);
	item->value[k] = value;
}

void set_item(struct item *item, const char *key, const char *value)
{
	give_item(item, key, copy_text(value));
}

const char *item_value(const struct item *item, const char *key)
{
	int k = find_key(item, key);

	return k < 0 ? NULL : item->value[k];
}

const char *usual_value(enum item_kind kind, const char *key)
{
	for (int s = 0; s < SETTING_COUNT; s++)
		if (!strcmp(settings[s].name, key) &&
		    kind == (settings[s].kind == PORT ? ITEM_PORT : ITEM_FABRIC))
			return s == VLAN ? "none" : settings[s].initial;
	return NULL;
}

int find_item_kind(const char *name)
{
	for (int kind = 0; kind < ITEM_KINDS; kind++)
		if (!strcmp(item_types[kind].name, name))
			return kind;
	return -1;
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

void sort_items(struct items *items)
{
	if (items->count)
		qsort(items->at, items->count, sizeof(*items->at),
		      compare_items);
}

const struct item *find_item(const struct items *items, enum item_kind kind,
			     uint64_t id)
{
	const struct item key = { .kind = kind, .id = id };

	return !items->count ? NULL :
		bsearch(&key, items->at, items->count, sizeof(key),
			compare_items);
}

bool is_same_item(const struct item *a, const struct item *b)
{
	if (!a || !b || compare_items(a, b))
		return false;
	if (a->kind == ITEM_VM || !a->name || !b->name)
		return a->kind == ITEM_VM || a->name == b->name;
	return !strcmp(a->name, b->name);
}
