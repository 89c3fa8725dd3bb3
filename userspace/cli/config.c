// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "memory.h"

const struct setting settings[SETTING_COUNT] = {
	[MODE] = { "mode", FABRIC, "open" },
	[RESERVED] = { "reserved", FABRIC, "drop" },
	[OF_FABRIC] = { "fabric", PORT, NULL },
	[MAC] = { "mac", PORT, NULL },
	[MTU] = { "mtu", PORT, NULL },
	[PAIRS] = { "pairs", PORT, NULL },
	[MIGRATABLE] = { "migratable", PORT, "no" },
	[FOR] = { "for", PORT, NULL },
	[OWNER] = { "owner", PORT, "root" },
	[RATE] = { "rate", PORT, "none" },
	[PPS] = { "pps", PORT, "none" },
	[FLOOD] = { "flood", PORT, "2000" },
	[LINK] = { "link", PORT, "up" },
	[VLAN] = { "vlan", PORT, "vlan none" },
	[MACS] = { "macs", PORT, "none" },
	[UPLINK] = { "uplink", PORT, "no" },
	[MIRROR] = { "mirror", PORT, "none" },
	[ADDRESSES] = { "addresses", PORT, "" },
	[PEERS] = { "peers", PORT, "" },
};

const char *kind_name(enum object_kind kind)
{
	return kind == FABRIC ? "fabric" : "port";
}

struct object *add_object(struct config *config, enum object_kind kind,
			  const char *name)
{
	struct object *object;

	config->objects = grow(config->objects, (config->count + 1) *
			       sizeof(*config->objects));
	object = &config->objects[config->count++];
	*object = (struct object){ .kind = kind };
	strncpy(object->name, name, sizeof(object->name) - 1);
	return object;
}

struct object *find_object(const struct config *config, enum object_kind kind,
			   const char *name)
{
	for (size_t i = 0; i < config->count; i++)
		if (config->objects[i].kind == kind &&
		    !strcmp(config->objects[i].name, name))
			return &config->objects[i];
	return NULL;
}

void set_value(struct object *object, enum setting_index setting,
	       const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		out_of_memory();
	free(object->value[setting]);
	object->value[setting] = copy;
}

const char *value_of(const struct object *object, enum setting_index setting)
{
	const char *value = object ? object->value[setting] : NULL;

	return value ? value : settings[setting].initial;
}

static void free_object(struct object *object)
{
	for (int s = 0; s < SETTING_COUNT; s++)
		free(object->value[s]);
	free(object->file);
}

void drop_last_object(struct config *config)
{
	free_object(&config->objects[--config->count]);
}

void free_config(struct config *config)
{
	while (config->count)
		drop_last_object(config);
	free(config->objects);
	*config = (struct config){ 0 };
}

bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (; *list; list += strspn(list, " ")) {
		size_t n = strcspn(list, " ");

		if (n == length && !memcmp(list, word, n))
			return true;
		list += n;
	}
	return false;
}

static void add_word(struct object *object, enum setting_index setting,
		     const char *word)
{
	const char *list = value_of(object, setting);
	char *longer;

	if (has_word(list, word))
		return;
	longer = grow(NULL, strlen(list) + strlen(word) + 2);
	sprintf(longer, "%s%s%s", list, *list ? " " : "", word);
	free(object->value[setting]);
	object->value[setting] = longer;
}

static void complete_peers(struct config *config, struct object *object)
{
	char *list = strdup(value_of(object, PEERS)), *rest = list, *word;

	if (!list)
		out_of_memory();
	while ((word = strsep(&rest, " "))) {
		struct object *peer = find_object(config, PORT, word);

		if (peer && peer != object)
			add_word(peer, PEERS, object->name);
	}
	free(list);
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_words(char *list, char separator)
{
	const char separators[] = { separator, '\0' };
	size_t size = list ? strlen(list) + 1 : 0, count = 0;
	char **words, *copy, *rest;

	if (size <= 1)
		return;
	copy = strcpy(grow(NULL, size), list);
	words = grow(NULL, size * sizeof(*words));
	for (rest = copy; rest; count++)
		words[count] = strsep(&rest, separators);
	qsort(words, count, sizeof(*words), compare_words);
	for (size_t i = 0; i < count; i++) {
		if (i && !strcmp(words[i - 1], words[i]))
			continue;	/* said twice */
		if (i)
			*list++ = separator;
		list = stpcpy(list, words[i]);
	}
	free(words);
	free(copy);
}

char *sorted_words(const char *list)
{
	char *copy = strcpy(grow(NULL, strlen(list) + 1), list);

	sort_words(copy, ' ');
	return copy;
}

static int compare_objects(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	return x->kind != y->kind ? (int)x->kind - (int)y->kind :
				    strcmp(x->name, y->name);
}

void complete_config(struct config *config)
{
	for (size_t i = 0; i < config->count; i++)
		if (config->objects[i].kind == PORT)
			complete_peers(config, &config->objects[i]);
}

void sort_config(struct config *config)
{
	for (size_t i = 0; i < config->count; i++) {
		struct object *object = &config->objects[i];

		sort_words(object->value[MACS], ',');
		sort_words(object->value[ADDRESSES], ' ');
		sort_words(object->value[PEERS], ' ');
	}
	if (config->count)
		qsort(config->objects, config->count, sizeof(*config->objects),
		      compare_objects);
}
