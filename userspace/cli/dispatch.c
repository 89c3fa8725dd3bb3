// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include <queztl.h>

#include "cli.h"
#include "fail.h"
#include "options.h"

static void print_usage(FILE *to, const struct command *c)
{
	fprintf(to, "usage: queztl %s%s%s [--json]\n", c->name,
		*c->args ? " " : "", c->args);
}

static void print_help(FILE *to, const struct command *table)
{
	fputs("usage: queztl COMMAND [ARGUMENTS] [--json]\n\n", to);
	for (const struct command *c = table; c->name; c++)
		fprintf(to, "  %-16s%-14s%s\n", c->name,
			strlen(c->args) < 14 ? c->args : "", c->help);
	fputs("\n  --json      print JSON, see queztl(8)\n"
	      "  --help      print this text, or the usage of a command\n"
	      "  --version   print the version of this program\n", to);
}

/* The number of words of argv that the name takes, 0 if it does not match. */
static int match_name(const char *name, int argc, char **argv)
{
	const char *space = strchr(name, ' ');
	size_t first = space ? (size_t)(space - name) : strlen(name);

	if (argc < 1 || strlen(argv[0]) != first ||
	    strncmp(argv[0], name, first))
		return 0;
	if (!space)
		return 1;
	return argc > 1 && !strcmp(argv[1], space + 1) ? 2 : 0;
}

static const struct command *find_command(const struct command *table,
					  int argc, char **argv, int *words)
{
	for (const struct command *c = table; c->name; c++) {
		*words = match_name(c->name, argc, argv);
		if (*words)
			return c;
	}
	return NULL;
}

static bool is_first_word(const struct command *table, const char *word)
{
	size_t length = strlen(word);

	for (const struct command *c = table; c->name; c++)
		if (!strncmp(c->name, word, length) && c->name[length] == ' ')
			return true;
	return false;
}

/* "add, del, set, list": the second words of the commands that begin so. */
static void list_subcommands(const struct command *table, const char *word,
			     char *list, size_t size)
{
	size_t length = strlen(word), at = 0;

	*list = '\0';
	for (const struct command *c = table; c->name && at < size; c++)
		if (!strncmp(c->name, word, length) && c->name[length] == ' ')
			at += snprintf(list + at, size - at, "%s%s",
				       at ? ", " : "", c->name + length + 1);
}

static int complain_unknown(struct cli *cli, const struct command *table,
			    int argc, char **argv)
{
	char subcommands[128];

	if (argc < 1)
		return fail(cli, EXIT_USAGE, "no command: see queztl --help");
	if (argv[0][0] == '-')
		return fail(cli, EXIT_USAGE,
			    "unknown option '%s': see queztl --help", argv[0]);
	if (!is_first_word(table, argv[0]))
		return fail(cli, EXIT_USAGE,
			    "unknown command '%s': see queztl --help", argv[0]);
	list_subcommands(table, argv[0], subcommands, sizeof(subcommands));
	if (argc < 2)
		return fail(cli, EXIT_USAGE,
			    "'%s' needs a subcommand: %s", argv[0],
			    subcommands);
	return fail(cli, EXIT_USAGE,
		    "unknown subcommand '%s' of '%s': use one of %s",
		    argv[1], argv[0], subcommands);
}

/* A command succeeds only if its output was written (the disk may be full). */
static int finish(struct cli *cli, int code)
{
	if (fflush(cli->out) || ferror(cli->out))
		return fail(cli, EXIT_FAILED, "cannot write to standard output");
	return code;
}

static int run_command(struct cli *cli, const struct command *table,
		       bool help, int argc, char **argv)
{
	int words;

	cli->command = find_command(table, argc, argv, &words);
	if (help) {
		if (cli->command)
			print_usage(cli->out, cli->command);
		else
			print_help(cli->out, table);
		return EXIT_OK;
	}
	if (!cli->command)
		return complain_unknown(cli, table, argc, argv);
	return cli->command->run(cli, argc - words, argv + words);
}

int dispatch(struct cli *cli, const struct command *table,
	     int argc, char **argv)
{
	bool help = take_flag(&argc, argv, "--help");

	help |= take_flag(&argc, argv, "-h");
	cli->json = take_flag(&argc, argv, "--json");
	if (take_flag(&argc, argv, "--version")) {
		fprintf(cli->out, "queztl %s\n", LIBQUEZTL_VERSION);
		return finish(cli, EXIT_OK);
	}
	if (argc <= 1 && !help) {
		print_help(cli->err, table);
		return EXIT_USAGE;
	}
	return finish(cli, run_command(cli, table, help, argc - 1, argv + 1));
}
