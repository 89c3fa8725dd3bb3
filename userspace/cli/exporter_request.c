// SPDX-License-Identifier: GPL-2.0
/* Only the first line of a request matters here. */
#include <string.h>

#include "exporter.h"

static bool ends_headers(const char *text, size_t size)
{
	return memmem(text, size, "\r\n\r\n", 4) || memmem(text, size, "\n\n", 2);
}

static bool is_word(const char *word, size_t length, const char *wanted)
{
	return length == strlen(wanted) && !memcmp(word, wanted, length);
}

static bool is_target(const char *target, size_t length)
{
	const char *query = memchr(target, '?', length);

	return is_word(target, query ? (size_t)(query - target) : length,
		       "/metrics");
}

static bool is_version(const char *word, size_t length)
{
	return length == 8 && !memcmp(word, "HTTP/1.", 7);
}

/* METHOD TARGET VERSION, with one space between two of them. */
int judge_request(const char *text, size_t size, bool *head)
{
	const char *end = memchr(text, '\n', size), *target, *version;

	*head = false;
	if (!ends_headers(text, size))
		return REQUEST_INCOMPLETE;
	if (end > text && end[-1] == '\r')
		end--;
	target = memchr(text, ' ', end - text);
	version = target ? memchr(target + 1, ' ', end - target - 1) : NULL;
	if (!version || !is_version(version + 1, end - version - 1))
		return 400;
	*head = is_word(text, target - text, "HEAD");
	if (!*head && !is_word(text, target - text, "GET"))
		return 405;
	return is_target(target + 1, version - target - 1) ? 200 : 404;
}
