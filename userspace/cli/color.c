// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "color.h"

bool parse_color(const char *text, enum color_choice *choice)
{
	static const char *const names[] = { "auto", "always", "never" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], text)) {
			*choice = i;
			return true;
		}
	return false;
}

bool wants_color(enum color_choice choice, bool terminal)
{
	const char *no = getenv("NO_COLOR"), *type = getenv("TERM");

	if (choice != COLOR_AUTO)
		return choice == COLOR_ALWAYS;
	return terminal && !(no && *no) && type && strcmp(type, "dumb");
}

void begin_color(FILE *to, enum color color)
{
	static const char *const codes[] = { "", "32", "33", "31" };

	if (color != PLAIN)
		fprintf(to, "\033[%sm", codes[color]);
}

void end_color(FILE *to, enum color color)
{
	if (color != PLAIN)
		fputs("\033[0m", to);
}
