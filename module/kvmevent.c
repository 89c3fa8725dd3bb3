// SPDX-License-Identifier: GPL-2.0
/* KVM's announcements of VMs: see kvmevent.h. */

#include "kvmevent.h"

/* Return: 0 if it is not the number of a thread. */
static int parse_pid(const char *text)
{
	int pid = 0;

	for (; *text >= '0' && *text <= '9'; text++) {
		if (pid > (INT_MAX - 9) / 10)
			return 0;
		pid = 10 * pid + (*text - '0');
	}
	return *text ? 0 : pid;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void parse_variable(struct qz_kvmevent *event, const char *var)
{
	if (!strcmp(var, "EVENT=create"))
		event->create = true;
	else if (!strcmp(var, "EVENT=destroy"))
		event->destroy = true;
	else if (!strncmp(var, "PID=", 4))
		event->pid = parse_pid(var + 4);
	else if (!strncmp(var, "STATS_PATH=", 11))
		event->key = last_name(var + 11);
}

/**
 * qz_kvmevent_parse - parse a uevent that may announce a VM
 * @event: out: if true is returned, valid as long as @text
 * @text: NUL terminated strings, the first of which is "action@path"
 * @len: length of all strings in bytes
 *
 * Context: any.
 * Return: true if the uevent announces the creation or destruction of a VM.
 */
bool qz_kvmevent_parse(struct qz_kvmevent *event, const char *text, size_t len)
{
	static const char head[] = "change@/devices/virtual/misc/kvm";
	const char *end = text + len;

	*event = (struct qz_kvmevent){ .key = "" };
	if (len < sizeof(head) || end[-1] || memcmp(text, head, sizeof(head)))
		return false;
	for (text += sizeof(head); text < end; text += strlen(text) + 1)
		parse_variable(event, text);
	/*
	 * If there was no memory for the first announcement, the second has no
	 * PID.
	 */
	if (event->create)
		return event->pid && !event->destroy;
	return event->destroy;
}
