// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config_text.h"
#include "memory.h"

/* 10000 ports with all they can have are some MiB; a device may have no end. */
#define TEXT_MAX	(16 << 20)

/* Where a reader of characters is. */
struct place {
	FILE *from;
	struct text_fault *fault;
	size_t taken;		/* bytes */
	bool broken;		/* the rest is not read */
	int line;
	char quote;		/* which one is open, or 0 */
	int quote_line;
	int depth;		/* of braces */
	int brace_line;		/* of the outermost that is open */
	int before;		/* the character before; 0: it does not matter */
};

/* The first is the one that is said. */
static void find_fault(struct place *p, const char *what, int line)
{
	if (!p->fault->what)
		*p->fault = (struct text_fault){ what, line };
}

/* The next character; EOF as well if it cannot be one of a configuration. */
static int take(struct place *p)
{
	int c = p->broken ? EOF : getc(p->from);

	if (c == EOF)
		return EOF;
	if (!c)
		find_fault(p, "this is no text: it has a byte 0", p->line);
	else if (++p->taken > TEXT_MAX)
		find_fault(p, "this file has more than 16 MiB", p->line);
	else
		return c;
	p->broken = true;
	return EOF;
}

static int peek(FILE *from)
{
	int c = getc(from);

	return c == EOF ? c : ungetc(c, from);
}

/* libconfuse takes the end of the file for the end of a comment. */
static void skip_block(struct place *p, FILE *to)
{
	int begun = p->line, before = 0, c;

	take(p);
	while ((c = take(p)) != EOF) {
		if (before == '*' && c == '/') {
			p->before = ' ';
			return;
		}
		if (c == '\n') {
			p->line++;
			putc(c, to);
		}
		before = c;
	}
	find_fault(p, "this comment has no end", begun);
}

static void skip_line(struct place *p)
{
	int c;

	while ((c = take(p)) != EOF)
		if (c == '\n') {
			ungetc(c, p->from);
			return;
		}
}

/* To libconfuse, slashes within a word are the word's. */
static bool skip_comment(struct place *p, int c, FILE *to)
{
	int next = c == '/' ? peek(p->from) : 0;

	if (p->quote)
		return false;
	if (next && p->before && !strchr(" \t\r\n\"'{}()=+,", p->before))
		return false;
	if (c == '#' || next == '/')
		skip_line(p);
	else if (next == '*')
		skip_block(p, to);
	else
		return false;
	return true;
}

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
	/* What libconfuse puts there depends on who runs the program. */
	if (p->before == '$' && c == '{')
		find_fault(p, "variables such as ${HOME} cannot be used here",
			   p->line);
	if (!p->quote)
		step_outside(p, c);
	else if (c == p->quote && p->before != '\\')
		p->quote = '\0';
	p->before = p->before == '\\' ? '\0' : c;
	p->line += c == '\n';
}

static void copy_text(struct place *p, FILE *to)
{
	int c;

	while ((c = take(p)) != EOF) {
		if (skip_comment(p, c, to))
			continue;
		step(p, c);
		putc(c, to);
	}
}

char *read_config_text(FILE *file, struct text_fault *fault)
{
	struct place place = { .from = file, .fault = fault, .line = 1 };
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		out_of_memory();
	*fault = (struct text_fault){ 0 };
	copy_text(&place, to);
	if (fclose(to))
		out_of_memory();
	if (place.quote)
		find_fault(&place, "this string has no end", place.quote_line);
	else if (place.depth > 0)
		find_fault(&place, "this section has no end", place.brace_line);
	if (!place.broken)
		return text;
	free(text);
	return NULL;
}
