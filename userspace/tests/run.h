/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_RUN_H
#define QUEZTL_RUN_H

#include <jansson.h>

#define LINE_MAX_TEXT	80

/* The result of a run of the program; the next run frees it. */
struct result {
	int code;
	char *out;
	char *err;
};

/* Words are separated by single spaces; width of the terminal, 0: none. */
struct result *run_at(unsigned int width, const char *words);
struct result *run(const char *words);

/* The output of run() as JSON; the caller frees it. */
json_t *run_json(const char *words);

/* It failed with this code, and printed one line to stderr and nothing else. */
void assert_fails(const char *words, int code, const char *message);

unsigned int longest_line(const char *text);
unsigned int count_lines(const char *text);

#endif /* QUEZTL_RUN_H */
