// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <string.h>

#include "config.h"

/* What has other characters than a name gets quotes. */
static void print_word(const char *word, size_t length, FILE *to)
{
	const char *quote = "";

	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)word[i]) && !strchr("-_.", word[i]))
			quote = "\"";
	fprintf(to, "%s%.*s%s", quote, (int)length, word, quote);
}

static void print_list(const char *name, const char *words, char separator,
		       FILE *to)
{
	const char separators[] = { separator, '\0' };

	fprintf(to, "\t%s = {", name);
	while (*words) {
		size_t length = strcspn(words, separators);

		print_word(words, length, to);
		words += length;
		if (!*words)
			break;
		fputs(", ", to);
		words++;
	}
	fputs("}\n", to);
}

static void print_value(const char *name, const char *value, FILE *to)
{
	fprintf(to, "\t%s = ", name);
	print_word(value, strlen(value), to);
	fputc('\n', to);
}

/* "vlan 10", or "trunk 10,20-29 native 10" */
static void print_vlan(const char *words, FILE *to)
{
	const char *ids = strchr(words, ' ') + 1;
	const char *native = strstr(ids, " native ");

	if (*words == 'v') {
		print_value("vlan", ids, to);
		return;
	}
	fprintf(to, "\ttrunk = \"%.*s\"\n",
		(int)(native ? (size_t)(native - ids) : strlen(ids)), ids);
	if (native)
		print_value("native", native + strlen(" native "), to);
}

static void print_setting(const struct object *object,
			  enum setting_index setting, FILE *to)
{
	const char *value = object->value[setting];
	const char *initial = settings[setting].initial;

	if (!value || (initial && !strcmp(value, initial)))
		return;
	if (setting == VLAN)
		print_vlan(value, to);
	else if (setting == MACS && strcmp(value, "any"))
		print_list(settings[setting].name, value, ',', to);
	else if (setting == ADDRESSES || setting == PEERS)
		print_list(settings[setting].name, value, ' ', to);
	else
		print_value(settings[setting].name, value, to);
}

void print_config(const struct config *config, FILE *to)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct object *object = &config->objects[i];

		fprintf(to, "%s%s %s {\n", i ? "\n" : "",
			kind_name(object->kind), object->name);
		for (int s = 0; s < SETTING_COUNT; s++)
			print_setting(object, s, to);
		fputs("}\n", to);
	}
}
