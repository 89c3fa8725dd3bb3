/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_OPTIONS_H
#define QUEZTL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct cli;

/* Each removes its option from argv. The order of the rest does not change. */
bool take_flag(int *argc, char **argv, const char *name);

/*
 * --name VALUE or --name=VALUE. If optional is set, the next word is a value
 * only if it starts like a number. *value is NULL if there is none.
 */
bool take_value(int *argc, char **argv, const char *name, bool optional,
		const char **value);

bool parse_number(const char *text, uint64_t least, uint64_t most,
		  uint64_t *number);
bool parse_seconds(const char *text, double *seconds);

/* EXIT_OK if exactly this many words, and no options, are left. */
int expect_words(struct cli *cli, int argc, char **argv, int words);
int expect_between(struct cli *cli, int argc, char **argv, int least, int most);

#endif /* QUEZTL_OPTIONS_H */
