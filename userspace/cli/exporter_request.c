// SPDX-License-Identifier: GPL-2.0
/* Of a request, the first line matters here, and the host that it names. */
#include <string.h>
#include <strings.h>

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

/* Without its port: an address, or the one name that only this host can have. */
static bool is_safe_host(const char *host, size_t length)
{
	if (length && *host == '[')
		return true;
	for (size_t i = 0; i < length; i++)
		if (host[i] == ':')
			length = i;
	return strspn(host, "0123456789.") >= length ||
	       (length == strlen("localhost") &&
		!strncasecmp(host, "localhost", length));
}

static bool is_safe_line(const char *line, size_t length)
{
	static const char name[] = "Host:";
	size_t at = strlen(name);

	if (length < at || strncasecmp(line, name, at))
		return true;
	while (at < length && (line[at] == ' ' || line[at] == '\t'))
		at++;
	while (length > at && strchr(" \t\r", line[length - 1]))
		length--;
	return is_safe_host(line + at, length - at);
}

bool is_rebound(const char *text, size_t size)
{
	const char *end = text + size, *next;

	for (; (next = memchr(text, '\n', end - text)); text = next + 1)
		if (!is_safe_line(text, next - text))
			return true;
	return false;
}
