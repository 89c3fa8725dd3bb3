/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_COLOR_H
#define QUEZTL_COLOR_H

#include <stdbool.h>
#include <stdio.h>

/* What is coloured: how things are. Nothing is said by a colour alone. */
enum color { PLAIN, GOOD, DOUBTFUL, BAD };

enum color_choice { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* "auto", "always" or "never". */
bool parse_color(const char *text, enum color_choice *choice);

/*
 * Whether to use colours. COLOR_AUTO: on terminals that have them, unless the
 * environment has NO_COLOR (https://no-color.org), not empty.
 */
bool wants_color(enum color_choice choice, bool terminal);

/* Each prints nothing for PLAIN. */
void begin_color(FILE *to, enum color color);
void end_color(FILE *to, enum color color);

#endif /* QUEZTL_COLOR_H */
