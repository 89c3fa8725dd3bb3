// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdio.h>

#include "format.h"

const char *format_count(char buffer[COUNT_ROOM], double number)
{
	static const char units[] = "kMGTPEZY";
	int unit = -1;

	if (number < 99999.5) {
		snprintf(buffer, COUNT_ROOM, number > 0 && number < 9.95 &&
			 number != (int)number ? "%.1f" : "%.0f", number);
		return buffer;
	}
	while (number >= 999.5 && units[unit + 1]) {
		number /= 1000;
		unit++;
	}
	snprintf(buffer, COUNT_ROOM, number < 99.95 ? "%.1f%c" : "%.0f%c",
		 number, units[unit]);
	return buffer;
}

const char *format_age(char buffer[AGE_ROOM], uint64_t seconds)
{
	unsigned long long s = seconds;

	if (s < 60)
		snprintf(buffer, AGE_ROOM, "%llus", s);
	else if (s < 3600)
		snprintf(buffer, AGE_ROOM, "%llum%02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buffer, AGE_ROOM, "%lluh%02llum", s / 3600,
			 s % 3600 / 60);
	else
		snprintf(buffer, AGE_ROOM, "%llud%lluh", s / 86400,
			 s % 86400 / 3600);
	return buffer;
}

const char *format_mac(char buffer[MAC_ROOM], const uint8_t mac[6])
{
	snprintf(buffer, MAC_ROOM, "%02x:%02x:%02x:%02x:%02x:%02x",
		 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return buffer;
}

static bool continues(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Bytes of the well-formed UTF-8 character at text, 0 if there is none. */
static int character_length(const char *text)
{
	unsigned char a = text[0], b = text[1];
	int length = a < 0x80 ? 1 : a < 0xc2 ? 0 : a < 0xe0 ? 2 :
		     a < 0xf0 ? 3 : a < 0xf5 ? 4 : 0;

	for (int i = 1; i < length; i++)
		if (!continues(text[i]))
			return 0;
	if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b >= 0xa0) ||
	    (a == 0xf0 && b < 0x90) || (a == 0xf4 && b >= 0x90))
		return 0;
	return length;
}

void make_utf8(char *text)
{
	while (*text) {
		int length = character_length(text);

		if (!length)
			*text++ = '?';
		else
			text += length;
	}
}

/* 0x80 to 0x9f, encoded as two bytes of UTF-8, are control characters too. */
static bool is_control(const char *text)
{
	unsigned char a = text[0], b = text[1];

	return a < 0x20 || a == 0x7f || (a == 0xc2 && b < 0xa0);
}

void make_printable(char *text)
{
	make_utf8(text);
	for (; *text; text++)
		if (is_control(text)) {
			if ((unsigned char)*text == 0xc2)
				text[1] = '?';
			*text = '?';
		}
}

unsigned int text_width(const char *text)
{
	unsigned int width = 0;

	for (; *text; text++)
		width += !continues(*text);
	return width;
}

size_t text_prefix(const char *text, unsigned int columns)
{
	size_t at = 0;

	while (text[at] && (columns || continues(text[at])))
		columns -= !continues(text[at++]);
	return at;
}
