// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "exposition.h"
#include "format.h"
#include "memory.h"

void begin_metric(FILE *to, const char *name, enum metric_type type,
		  const char *help)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
		type == COUNTER ? "counter" : "gauge");
}

/*
 * Control characters, and with them newlines, become question marks: the text may
 * be read on a terminal. What is left to escape is the backslash and the quote.
 */
static void print_label(FILE *to, const struct label *label)
{
	char *value = strdup(label->value);

	if (!value)
		out_of_memory();
	make_printable(value);
	fprintf(to, "%s=\"", label->name);
	for (const char *at = value; *at; at++) {
		if (*at == '\\' || *at == '"')
			fputc('\\', to);
		fputc(*at, to);
	}
	fputc('"', to);
	free(value);
}

static void print_series(FILE *to, const char *name, const struct label *labels)
{
	fputs(name, to);
	for (const struct label *l = labels; l && l->name; l++) {
		fputc(l == labels ? '{' : ',', to);
		print_label(to, l);
	}
	if (labels && labels->name)
		fputc('}', to);
}

void print_count(FILE *to, const char *name, const struct label *labels,
		 uint64_t count)
{
	print_series(to, name, labels);
	fprintf(to, " %" PRIu64 "\n", count);
}

void print_seconds(FILE *to, const char *name, const struct label *labels,
		   uint64_t ns)
{
	print_series(to, name, labels);
	fprintf(to, " %" PRIu64 ".%09" PRIu64 "\n", ns / 1000000000,
		ns % 1000000000);
}
