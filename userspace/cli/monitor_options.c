// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "fail.h"
#include "items.h"
#include "monitor_options.h"
#include "options.h"

static int fail_object(struct cli *cli, const char *word)
{
	char list[128] = "";

	for (int kind = 0; kind < ITEM_KINDS; kind++) {
		strcat(list, kind ? ", " : "");
		strcat(list, item_types[kind].name);
	}
	return fail(cli, EXIT_USAGE,
		    "invalid object '%s': use %s, or name NAME", word, list);
}

/* OBJECT... [name NAME] */
static int parse_objects(struct cli *cli, struct monitor_options *o,
			 int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		int kind = find_item_kind(argv[i]);

		if (!strcmp(argv[i], "name") && i + 1 == argc)
			return fail(cli, EXIT_USAGE, "missing value for 'name': usage: queztl monitor %s",
				    cli->command->args);
		if (!strcmp(argv[i], "name"))
			o->name = argv[++i];
		else if (kind < 0)
			return fail_object(cli, argv[i]);
		else
			o->kinds |= 1u << kind;
	}
	if (!o->kinds)
		o->kinds = ALL_ITEMS;
	return EXIT_OK;
}

static int parse_flags(struct cli *cli, struct monitor_options *o,
		       int *argc, char **argv)
{
	const char *count, *seconds;

	o->initial = take_flag(argc, argv, "--initial");
	if (take_value(argc, argv, "--interval", false, &seconds) &&
	    (!seconds || !parse_seconds(seconds, &o->seconds)))
		return fail(cli, EXIT_USAGE,
			    "invalid --interval value '%s': use 0.1 to 86400 seconds",
			    seconds ? seconds : "");
	if (take_value(argc, argv, "--count", false, &count) &&
	    (!count || !parse_number(count, 1, UINT64_MAX, &o->count)))
		return fail(cli, EXIT_USAGE,
			    "invalid --count value '%s': use a number above 0",
			    count ? count : "");
	return EXIT_OK;
}

int parse_monitor_options(struct cli *cli, int argc, char **argv,
			  struct monitor_options *options)
{
	int code;

	*options = (struct monitor_options){ .seconds = 1 };
	code = parse_flags(cli, options, &argc, argv);
	if (!code)
		code = expect_between(cli, argc, argv, 0, ITEM_KINDS + 2);
	return code ? code : parse_objects(cli, options, argc, argv);
}
