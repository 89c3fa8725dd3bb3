/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_FIND_H
#define QUEZTL_FIND_H

#include <stddef.h>

struct command;

/* A word of a command's name; not terminated. */
struct word {
	const char *text;
	size_t length;
};

enum word_index { FIRST_WORD, SECOND_WORD };

/* Empty if the name has no such word. */
struct word word_of(const char *name, enum word_index index);

/*
 * The commands that were meant: those whose first word is, or alone begins with,
 * words[0], and if there are several, whose second word is or alone begins with
 * words[1]. "show" also finds a "list".
 */
struct found {
	const struct command *command;	/* NULL: none, or not just one */
	int words;			/* of the command line, that were taken */
	struct word group;		/* the first word; empty if not found */
	size_t candidates;		/* for the first word that was not found */
};

struct found find_command(const struct command *table, int argc, char **argv);

/*
 * "add, del, list": words with that index that begin with text (NULL: all), of
 * the commands of a group (empty: of all), each once.
 */
void list_words(const struct command *table, enum word_index index,
		struct word group, const char *text, char *list, size_t size);

#endif /* QUEZTL_FIND_H */
