/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_FORMAT_H
#define QUEZTL_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define COUNT_ROOM	8
#define AGE_ROOM	24
#define MAC_ROOM	18

/* At most five columns: 99999, 100k, 12.3M. k is 1000. */
const char *format_count(char buffer[COUNT_ROOM], double number);

/* The two largest units: 45s, 3m20s, 5h03m, 12d4h. */
const char *format_age(char buffer[AGE_ROOM], uint64_t seconds);

const char *format_mac(char buffer[MAC_ROOM], const uint8_t mac[6]);

/*
 * The user who runs a process chooses its name: its control characters must
 * not reach a terminal, and JSON text must be valid UTF-8.
 */
void make_printable(char *text);
void make_utf8(char *text);

/* Columns of UTF-8 text, and the number of bytes of its first columns. */
unsigned int text_width(const char *text);
size_t text_prefix(const char *text, unsigned int columns);

#endif /* QUEZTL_FORMAT_H */
