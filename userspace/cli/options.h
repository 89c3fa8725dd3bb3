/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_OPTIONS_H
#define QUEZTL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct cli;

/* Each takes its option out of argv; the rest keeps its order. */
bool take_flag(int *argc, char **argv, const char *name);

/*
 * --name VALUE or --name=VALUE. With optional set, a following word is a value
 * only when it begins like a number. *value is NULL when there is none.
 */
bool take_value(int *argc, char **argv, const char *name, bool optional,
		const char **value);

bool parse_number(const char *text, uint64_t least, uint64_t most,
		  uint64_t *number);
bool parse_seconds(const char *text, double *seconds);

/* EXIT_OK when exactly so many words, and no options, are left. */
int expect_words(struct cli *cli, int argc, char **argv, int words);
int expect_between(struct cli *cli, int argc, char **argv, int least, int most);

#endif /* QUEZTL_OPTIONS_H */
