// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"
#include "ivshmem.h"
#include "options.h"
#include "windowoptions.h"

#define SLOTS		8
#define REGION		"1M"

bool parse_bytes(const char *text, uint64_t *bytes)
{
	static const char units[] = "KM";
	size_t digits = strspn(text, "0123456789");
	const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;
	char *end;

	if (!digits || digits > 12 || (text[digits] && (!unit || text[digits + 1])))
		return false;
	*bytes = strtoull(text, &end, 10);
	if (unit)
		*bytes <<= 10 * (unit - units + 1);
	return true;
}

/* *number stays as it is if the option is not there. */
static int take_number(struct cli *cli, int *argc, char **argv,
		       const char *name, uint64_t most, uint64_t *number)
{
	const char *value;

	if (!take_value(argc, argv, name, false, &value) ||
	    (value && parse_number(value, 1, most, number)))
		return EXIT_OK;
	return fail(cli, EXIT_USAGE, "invalid %s '%s': use 1 to %u", name,
		    value ? value : "", (unsigned int)most);
}

static int take_region(struct cli *cli, int *argc, char **argv, uint64_t *bytes)
{
	const char *value;

	if (!take_value(argc, argv, "--region", false, &value))
		value = REGION;
	if (value && parse_bytes(value, bytes) && *bytes >= QHP_REGION_MIN &&
	    *bytes <= QHP_REGION_MAX && !(*bytes & (*bytes - 1)))
		return EXIT_OK;
	return fail(cli, EXIT_USAGE,
		    "invalid --region '%s': use a power of two from 64K to 16M",
		    value ? value : "");
}

static int take_socket(struct cli *cli, int *argc, char **argv, char path[108])
{
	const char *value;

	path[0] = '\0';
	if (!take_value(argc, argv, "--socket", false, &value))
		return EXIT_OK;
	if (!value || !*value || strlen(value) >= 108 || strchr(value, ','))
		return fail(cli, EXIT_USAGE,
			    "invalid --socket '%s': use a path of at most 107 bytes without a comma",
			    value ? value : "");
	strcpy(path, value);
	return EXIT_OK;
}

int take_window_options(struct cli *cli, int argc, char **argv,
			struct window_options *options)
{
	uint64_t slots = SLOTS, region, vectors = 0;
	int code = take_number(cli, &argc, argv, "--slots", QHP_SLOTS_MAX,
			       &slots);

	if (!code)
		code = take_number(cli, &argc, argv, "--vectors", slots + 1,
				   &vectors);
	if (!code)
		code = take_region(cli, &argc, argv, &region);
	if (!code)
		code = take_socket(cli, &argc, argv, options->socket);
	if (!code)
		code = expect_words(cli, argc, argv, 1);
	if (code)
		return code;
	options->name = argv[0];
	options->slots = slots;
	options->region = region;
	options->vectors = vectors ? vectors : slots + 1;
	if (!*options->socket)
		snprintf(options->socket, sizeof(options->socket),
			 RUN_PATH "/%s.sock", argv[0]);
	return EXIT_OK;
}
