/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_FORMAT_H
#define QUEZTL_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define COUNT_ROOM	8
#define AGE_ROOM	24
#define MAC_ROOM	18

/* At most five columns: 99999, 100k, 12.3M; a thousand is 1000. */
const char *format_count(char buffer[COUNT_ROOM], double number);

/* The two largest units: 45s, 3m20s, 5h03m, 12d4h. */
const char *format_age(char buffer[AGE_ROOM], uint64_t seconds);

const char *format_mac(char buffer[MAC_ROOM], const uint8_t mac[6]);

/*
 * Names of processes are chosen by whoever runs them: no control byte of
 * theirs may reach a terminal, and only UTF-8 a JSON text.
 */
void make_printable(char *text);
void make_utf8(char *text);

/* Columns of UTF-8 text, and the bytes of its first so many columns. */
unsigned int text_width(const char *text);
size_t text_prefix(const char *text, unsigned int columns);

#endif /* QUEZTL_FORMAT_H */
