/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_SCREEN_H
#define QUEZTL_SCREEN_H

#include <stdio.h>
#include <time.h>

enum screen_event {
	SCREEN_TIME = -1,	/* it is time */
	SCREEN_CHANGED = -2,	/* of another size, or overwritten */
	SCREEN_GONE = -3,	/* the terminal no longer exists */
	SCREEN_LEFT = -4,	/* cursor keys */
	SCREEN_RIGHT = -5,
};

/*
 * Takes over the terminal of stdin and stdout. When the program ends, also by a
 * signal, and while it is stopped, the terminal is as it was.
 */
void screen_open(void);
void screen_close(void);

/* Both stay as they are if the size is not known. */
void screen_size(unsigned int *columns, unsigned int *lines);

/* A key or an enum screen_event. when is of CLOCK_MONOTONIC. */
int screen_wait(const struct timespec *when);

/* Replaces what is shown; line number title is shown in reverse. */
void screen_draw(FILE *out, const char *text, unsigned int columns,
		 unsigned int title);

#endif /* QUEZTL_SCREEN_H */
