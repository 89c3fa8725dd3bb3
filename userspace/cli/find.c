// SPDX-License-Identifier: GPL-2.0
/* Which command is meant by the words of a command line. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "find.h"

struct word word_of(const char *name, enum word_index index)
{
	size_t length = strcspn(name, " ");

	if (index == FIRST_WORD)
		return (struct word){ name, length };
	name += length + (name[length] == ' ');
	return (struct word){ name, strlen(name) };
}

static bool is_same(struct word a, struct word b)
{
	return a.length == b.length && !memcmp(a.text, b.text, a.length);
}

/* An empty group has all commands. */
static bool is_in(const struct command *c, struct word group)
{
	return !group.length || is_same(word_of(c->name, FIRST_WORD), group);
}

static bool begins_with(struct word word, const char *text)
{
	size_t length = text ? strlen(text) : 0;

	return word.length && length <= word.length &&
	       (!length || !memcmp(word.text, text, length));
}

/* A command that is not listed has to be given in full. */
static bool is_hidden(const struct command *c, struct word word,
		      const char *text)
{
	return !c->help && (!text || strlen(text) != word.length);
}

/*
 * The next command, from c on, with another such word than before. Commands with
 * the same first word are neighbours.
 */
static const struct command *next_word(const struct command *c,
				       enum word_index index,
				       struct word group, const char *text,
				       struct word *word)
{
	for (; c->name; c++) {
		struct word now = word_of(c->name, index);

		if (!is_in(c, group) || !begins_with(now, text) ||
		    is_same(now, *word) || is_hidden(c, now, text))
			continue;
		*word = now;
		return c;
	}
	return NULL;
}

/* How many words text may mean: 1 if it is one of them, in full. */
static size_t choose_word(const struct command *table, enum word_index index,
			  struct word group, const char *text,
			  struct word *found)
{
	struct word word = { 0 };
	size_t n = 0;

	for (const struct command *c = table;
	     (c = next_word(c, index, group, text, &word)); c++) {
		*found = word;
		if (word.length == strlen(text))
			return 1;
		n++;
	}
	return n;
}

static const struct command *command_of(const struct command *table,
					struct word group, struct word second)
{
	for (const struct command *c = table; c->name; c++)
		if (is_in(c, group) &&
		    is_same(word_of(c->name, SECOND_WORD), second))
			return c;
	return NULL;
}

struct found find_command(const struct command *table, int argc, char **argv)
{
	struct found found = { 0 };
	struct word group, second;

	if (argc < 1 || !*argv[0])
		return found;
	found.candidates = choose_word(table, FIRST_WORD, found.group, argv[0],
				       &group);
	if (found.candidates != 1)
		return found;
	found.group = group;
	found.words = 1;
	found.command = command_of(table, group, word_of("", SECOND_WORD));
	if (found.command || argc < 2)
		return found;
	found.candidates = !*argv[1] ? 0 :
		choose_word(table, SECOND_WORD, group, argv[1], &second);
	if (!found.candidates && !strcmp(argv[1], "show"))
		found.candidates = choose_word(table, SECOND_WORD, group,
					       "list", &second);
	if (found.candidates != 1)
		return found;
	found.words = 2;
	found.command = command_of(table, group, second);
	return found;
}

void list_words(const struct command *table, enum word_index index,
		struct word group, const char *text, char *list, size_t size)
{
	struct word word = { 0 };
	size_t at = 0;

	*list = '\0';
	for (const struct command *c = table;
	     at < size && (c = next_word(c, index, group, text, &word)); c++)
		at += snprintf(list + at, size - at, "%s%.*s", at ? ", " : "",
			       (int)word.length, word.text);
}
