// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>

#include "config_text.h"
#include "memory.h"

/* Where a reader of characters is. */
struct place {
	int line;
	bool comment;
	char quote;		/* which one is open, or 0 */
	int quote_line;
	int depth;		/* of braces */
	int brace_line;		/* of the outermost that is open */
	int before;		/* the character before; 0: it does not matter */
};

static void step_outside(struct place *p, int c)
{
	if (c == '"' || c == '\'') {
		p->quote = c;
		p->quote_line = p->line;
	} else if (c == '{' && !p->depth++) {
		p->brace_line = p->line;
	} else if (c == '}') {
		p->depth--;
	}
}

static void step(struct place *p, int c)
{
	if (p->quote && c == p->quote && p->before != '\\')
		p->quote = '\0';
	else if (!p->quote && c == '#')
		p->comment = true;
	else if (!p->quote && !p->comment)
		step_outside(p, c);
	p->before = p->before == '\\' ? '\0' : c;
	if (c == '\n') {
		p->comment = false;
		p->line++;
	}
}

char *read_config_text(FILE *file, struct text_fault *fault)
{
	struct place place = { .line = 1 };
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	int c;

	if (!to)
		out_of_memory();
	while ((c = getc(file)) != EOF) {
		step(&place, c);
		if (!place.comment && c)
			putc(c, to);
	}
	if (fclose(to))
		out_of_memory();
	*fault = (struct text_fault){ 0 };
	if (place.quote)
		*fault = (struct text_fault){ "this string has no end",
					      place.quote_line };
	else if (place.depth > 0)
		*fault = (struct text_fault){ "this section has no end",
					      place.brace_line };
	return text;
}
