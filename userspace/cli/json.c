// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "json.h"
#include "memory.h"

void set_json(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		out_of_memory();
}

json_t *text_json(const char *text)
{
	json_t *value;
	char *copy;

	if (!text)
		return json_null();
	copy = strdup(text);
	if (!copy)
		out_of_memory();
	make_utf8(copy);
	value = json_string(copy);
	free(copy);
	return value;
}

void set_text(json_t *object, const char *key, const char *text)
{
	set_json(object, key, text_json(text));
}

void set_count(json_t *object, const char *key, uint64_t number)
{
	json_int_t most = INT64_MAX;

	set_json(object, key, json_integer(number > (uint64_t)most ?
					   most : (json_int_t)number));
}

void set_process(json_t *object, const char *key, int pid)
{
	set_json(object, key, pid ? json_integer(pid) : json_null());
}

void print_json(json_t *value, FILE *to, bool compact)
{
	json_dumpf(value, to, compact ? JSON_COMPACT : JSON_INDENT(2));
	fputc('\n', to);
	json_decref(value);
}
