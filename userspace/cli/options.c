// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"
#include "options.h"

static void remove_words(int *argc, char **argv, int at, int count)
{
	memmove(argv + at, argv + at + count,
		(*argc - at - count) * sizeof(*argv));
	*argc -= count;
}

bool take_flag(int *argc, char **argv, const char *name)
{
	bool found = false;

	for (int i = 0; i < *argc;) {
		if (strcmp(argv[i], name)) {
			i++;
			continue;
		}
		remove_words(argc, argv, i, 1);
		found = true;
	}
	return found;
}

static bool begins_number(const char *word)
{
	return isdigit((unsigned char)word[0]) ||
	       (word[0] == '.' && isdigit((unsigned char)word[1]));
}

bool take_value(int *argc, char **argv, const char *name, bool optional,
		const char **value)
{
	size_t length = strlen(name);
	int words = 1;
	int i;

	*value = NULL;
	for (i = 0; i < *argc; i++)
		if (!strncmp(argv[i], name, length) &&
		    (!argv[i][length] || argv[i][length] == '='))
			break;
	if (i == *argc)
		return false;
	if (argv[i][length]) {
		*value = argv[i] + length + 1;
	} else if (i + 1 < *argc && (!optional || begins_number(argv[i + 1]))) {
		*value = argv[i + 1];
		words = 2;
	}
	remove_words(argc, argv, i, words);
	return true;
}

bool parse_number(const char *text, uint64_t least, uint64_t most,
		  uint64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return !errno && !*end && *number >= least && *number <= most;
}

bool parse_seconds(const char *text, double *seconds)
{
	char *end;

	if (!begins_number(text) || strpbrk(text, "xX"))
		return false;
	*seconds = strtod(text, &end);
	return !*end && isfinite(*seconds) &&
	       *seconds >= 0.1 && *seconds <= 86400;
}

int expect_between(struct cli *cli, int argc, char **argv, int least, int most)
{
	const struct command *c = cli->command;

	for (int i = 0; i < argc; i++)
		if (argv[i][0] == '-')
			return fail(cli, EXIT_USAGE,
				    "unknown option '%s': usage: queztl %s%s%s",
				    argv[i], c->name, *c->args ? " " : "",
				    c->args);
	if (argc > most)
		return fail(cli, EXIT_USAGE,
			    "unexpected argument '%s': usage: queztl %s%s%s",
			    argv[most], c->name, *c->args ? " " : "", c->args);
	if (argc < least)
		return fail(cli, EXIT_USAGE,
			    "missing argument: usage: queztl %s%s%s", c->name,
			    *c->args ? " " : "", c->args);
	return EXIT_OK;
}

int expect_words(struct cli *cli, int argc, char **argv, int words)
{
	return expect_between(cli, argc, argv, words, words);
}
