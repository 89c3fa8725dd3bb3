// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include <queztl.h>

#include "ask.h"
#include "cli.h"
#include "color.h"
#include "fail.h"
#include "find.h"
#include "json.h"
#include "options.h"

static void print_usage(FILE *to, const struct command *c)
{
	fprintf(to, "usage: queztl %s%s%s%s\n", c->name,
		*c->args ? " " : "", c->args, c->json ? " [--json]" : "");
}

/* For programs: the commands, and which of them can print JSON. */
static void print_commands_json(FILE *to, const struct command *table)
{
	json_t *list = json_array();

	for (const struct command *c = table; c->name; c++) {
		json_t *object;

		if (!c->help)
			continue;
		object = json_object();
		set_text(object, "name", c->name);
		set_text(object, "arguments", c->args);
		set_text(object, "help", c->help);
		set_json(object, "json", json_boolean(c->json));
		json_array_append_new(list, object);
	}
	print_json(list, to, false);
}

static void print_help(FILE *to, const struct command *table)
{
	fputs("usage: queztl COMMAND [ARGUMENTS] [--json]\n\n", to);
	for (const struct command *c = table; c->name; c++)
		if (c->help)
			fprintf(to, "  %-16s%-14s%s\n", c->name,
				strlen(c->args) < 14 ? c->args : "", c->help);
	fputs("\n  help [COMMAND], -h, --help  print this, or a command's usage\n"
	      "  -j, --json                  print JSON, see queztl(8)\n"
	      "  --color=auto|always|never   colour states\n"
	      "  -V, --version               print the version\n\n"
	      "Commands may be abbreviated: queztl f l is queztl fabric list.\n",
	      to);
}

/* Of "fabric": the usage of each of its commands. */
static void print_group(FILE *to, const struct command *table,
			struct word group)
{
	for (const struct command *c = table; c->name; c++)
		if (!strncmp(c->name, group.text, group.length) &&
		    c->name[group.length] == ' ')
			print_usage(to, c);
}

static int complain_ambiguous(struct cli *cli, const struct command *table,
			      enum word_index index, struct word group,
			      const char *text)
{
	char list[256];

	list_words(table, index, group, text, list, sizeof(list));
	return fail(cli, EXIT_USAGE, "ambiguous %s '%s': use one of %s",
		    index == FIRST_WORD ? "command" : "subcommand", text, list);
}

static int complain_subcommand(struct cli *cli, const struct command *table,
			       struct found found, const char *text)
{
	int length = found.group.length;
	char list[256];

	if (text && found.candidates > 1)
		return complain_ambiguous(cli, table, SECOND_WORD, found.group,
					  text);
	list_words(table, SECOND_WORD, found.group, NULL, list, sizeof(list));
	if (!text)
		return fail(cli, EXIT_USAGE, "'%.*s' needs a subcommand: %s",
			    length, found.group.text, list);
	return fail(cli, EXIT_USAGE,
		    "unknown subcommand '%s' of '%.*s': use one of %s",
		    text, length, found.group.text, list);
}

static int complain_unknown(struct cli *cli, const struct command *table,
			    struct found found, int argc, char **argv)
{
	if (argc < 1)
		return fail(cli, EXIT_USAGE, "no command: see queztl --help");
	if (argv[0][0] == '-')
		return fail(cli, EXIT_USAGE,
			    "unknown option '%s': see queztl --help", argv[0]);
	if (found.group.length)
		return complain_subcommand(cli, table, found,
					   argc > 1 ? argv[1] : NULL);
	if (found.candidates)
		return complain_ambiguous(cli, table, FIRST_WORD, found.group,
					  argv[0]);
	return fail(cli, EXIT_USAGE, "unknown command '%s': see queztl --help",
		    argv[0]);
}

/* A command succeeds only if its output was written (the disk may be full). */
static int finish(struct cli *cli, int code)
{
	if (fflush(cli->out) || ferror(cli->out))
		return fail(cli, EXIT_FAILED, "cannot write to standard output");
	return code;
}

/* What is said of words that are no command: of all, of a group, or an error. */
static int help_with(struct cli *cli, const struct command *table,
		     struct found found, int argc, char **argv)
{
	if (!argc && cli->json)
		print_commands_json(cli->out, table);
	else if (!argc)
		print_help(cli->out, table);
	else if (found.command)
		print_usage(cli->out, found.command);
	else if (found.group.length && argc == 1)
		print_group(cli->out, table, found.group);
	else
		return complain_unknown(cli, table, found, argc, argv);
	return EXIT_OK;
}

static int run_command(struct cli *cli, const struct command *table,
		       bool help, int argc, char **argv)
{
	struct found found = find_command(table, argc, argv);

	cli->command = found.command;
	if (help)
		return help_with(cli, table, found, argc, argv);
	if (!found.command)
		return complain_unknown(cli, table, found, argc, argv);
	return found.command->run(cli, argc - found.words, argv + found.words);
}

/* -h and --help: an option has a short name and a long one. */
static bool take_either(int *argc, char **argv, const char *name,
			const char *other)
{
	bool is = take_flag(argc, argv, name);

	return take_flag(argc, argv, other) || is;
}

/* EXIT_OK, or the code of an error that was explained. */
static int take_color(struct cli *cli, int *argc, char **argv)
{
	enum color_choice choice = COLOR_AUTO;
	const char *value;

	if (take_value(argc, argv, "--color", false, &value) &&
	    (!value || !parse_color(value, &choice)))
		return fail(cli, EXIT_USAGE,
			    "invalid --color value '%s': use auto, always or never",
			    value ? value : "");
	cli->color = wants_color(choice, cli->terminal);
	return EXIT_OK;
}

int dispatch(struct cli *cli, const struct command *table,
	     int argc, char **argv)
{
	bool help = take_either(&argc, argv, "-h", "--help");

	int code = take_color(cli, &argc, argv);

	if (code)
		return code;
	cli->json = take_either(&argc, argv, "-j", "--json");
	if (take_either(&argc, argv, "-V", "--version")) {
		fprintf(cli->out, "queztl %s\n", LIBQUEZTL_VERSION);
		return finish(cli, EXIT_OK);
	}
	if (argc > 1 && !strcmp(argv[1], "help")) {
		help = true;
		argc--;
		argv++;
	}
	if (argc <= 1 && !help) {
		print_help(cli->err, table);
		return EXIT_USAGE;
	}
	code = run_command(cli, table, help, argc - 1, argv + 1);
	stop_asking();
	return finish(cli, code);
}
