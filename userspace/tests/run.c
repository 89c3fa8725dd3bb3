// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fake.h"
#include "format.h"
#include "run.h"

static struct result last;

/*
 * What commands print as JSON is collected in a file, if there is a name for it:
 * schema_test.py checks it.
 */
static void keep_json(const struct cli *cli, const struct result *r)
{
	const char *path = getenv("QUEZTL_JSON_LOG");
	json_t *entry;
	FILE *log;

	if (!path || !cli->json || (*r->out != '{' && *r->out != '['))
		return;
	log = fopen(path, "a");
	entry = json_pack("{s:s, s:s}", "command", cli->command ?
			  cli->command->name : "help", "text", r->out);
	assert_non_null(log);
	assert_non_null(entry);		/* NULL: not UTF-8 */
	json_dumpf(entry, log, JSON_COMPACT);
	fputc('\n', log);
	json_decref(entry);
	fclose(log);
}

struct result *run_at(unsigned int width, const char *words)
{
	char copy[512] = "queztl ", *argv[32], *state;
	struct cli cli = { .width = width, .terminal = false };
	size_t out_size, err_size;
	int argc = 0;

	strncat(copy, words, sizeof(copy) - 8);
	for (char *word = strtok_r(copy, " ", &state); word;
	     word = strtok_r(NULL, " ", &state))
		argv[argc++] = word;
	argv[argc] = NULL;
	free(last.out);
	free(last.err);
	cli.out = open_memstream(&last.out, &out_size);
	cli.err = open_memstream(&last.err, &err_size);
	last.code = dispatch(&cli, commands, argc, argv);
	fclose(cli.out);
	fclose(cli.err);
	keep_json(&cli, &last);
	return &last;
}

struct result *run(const char *words)
{
	return run_at(LINE_MAX_TEXT, words);
}

json_t *run_json(const char *words)
{
	struct result *r = run(words);
	json_t *value = json_loads(r->out, 0, NULL);

	assert_string_equal(r->err, "");
	assert_int_equal(r->code, EXIT_OK);
	assert_non_null(value);
	return value;
}

void assert_fails(const char *words, int code, const char *message)
{
	struct result *r = run(words);

	assert_string_equal(r->out, "");
	assert_int_equal(r->code, code);
	assert_int_equal(count_lines(r->err), 1);
	assert_int_equal(strncmp(r->err, "queztl: ", 8), 0);
	if (!strstr(r->err, message))
		fail_msg("%s is not in %s", message, r->err);
}

unsigned int longest_line(const char *text)
{
	unsigned int longest = 0;

	while (*text) {
		size_t length = strcspn(text, "\n");
		char *line = strndup(text, length);
		unsigned int width = text_width(line);

		free(line);
		longest = width > longest ? width : longest;
		text += length + (text[length] == '\n');
	}
	return longest;
}

unsigned int count_lines(const char *text)
{
	unsigned int lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}
