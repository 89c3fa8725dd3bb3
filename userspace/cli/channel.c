// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <queztl.h>

#include "cli.h"
#include "fail.h"
#include "json.h"
#include "listing.h"
#include "options.h"
#include "process.h"
#include "table.h"

static const struct column columns[] = {
	{ "NAME", LEFT, 8 },
	{ "ID", RIGHT, 0 },
	{ "REGION", RIGHT, 0 },
	{ "LISTENER", LEFT, 8 },
	{ "CONNECTER", LEFT, 8 },
};

static json_t *channel_json(const struct queztl_channel *channel)
{
	json_t *object = json_object();

	set_count(object, "id", channel->id);
	set_text(object, "name", channel->name);
	set_count(object, "region", channel->bytes);
	set_text(object, "listener", channel->listener);
	set_text(object, "connecter", *channel->connecter ?
		 channel->connecter : NULL);
	return object;
}

static void add_channel(struct table *table, json_t *list, const void *object)
{
	const struct queztl_channel *channel = object;
	json_array_append_new(list, channel_json(channel));
	add_cell(table, "%s", channel->name);
	add_cell(table, "%" PRIu64, (uint64_t)channel->id);
	add_cell(table, "%" PRIu32 "K", channel->bytes / 1024);
	add_cell(table, "%s", channel->listener);
	add_cell(table, "%s", *channel->connecter ? channel->connecter : "-");
}

static int next_channel(int device, void *object)
{
	return queztl_channel_next(device, object);
}

int run_channel_list(struct cli *cli, int argc, char **argv)
{
	static const struct listing listing = {
		.what = "channels",
		.none = "no channels; what VMs may open: queztl channel rules",
		.next = next_channel,
		.add = add_channel,
	};
	struct queztl_channel object = { 0 };
	struct table table = TABLE(columns);

	return run_listing(cli, argc, argv, &listing, &table, &object);
}

static int fail_no_channel(struct cli *cli, const char *word)
{
	return fail(cli, EXIT_NO_OBJECT,
		    "no channel %s: see queztl channel list", word);
}

/*
 * A word of digits is an id, another one a name, which several channels may have.
 * Returns the exit code.
 */
static int find_channel(struct cli *cli, int fd, const char *word,
			struct queztl_channel *found)
{
	struct queztl_channel channel = { 0 };
	uint64_t id = 0;
	bool is_id = parse_number(word, 1, UINT64_MAX, &id);
	unsigned int matches = 0;
	int ret;

	while (!(ret = queztl_channel_next(fd, &channel)))
		if (is_id ? channel.id == id : !strcmp(channel.name, word)) {
			*found = channel;
			matches++;
		}
	if (ret != -ENOENT)
		return fail_errno(cli, ret, "cannot list the channels");
	if (!matches)
		return fail_no_channel(cli, word);
	if (matches > 1)
		return fail(cli, EXIT_USAGE,
			    "%u channels have the name %s: give an id (queztl channel list)",
			    matches, word);
	return EXIT_OK;
}

typedef int channel_fn(struct cli *cli, int fd,
		       const struct queztl_channel *channel);

static int with_channel(struct cli *cli, int argc, char **argv, channel_fn *fn)
{
	int code = expect_words(cli, argc, argv, 1), fd;
	struct queztl_channel channel;

	if (code)
		return code;
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	code = find_channel(cli, fd, argv[0], &channel);
	if (!code)
		code = fn(cli, fd, &channel);
	close(fd);
	return code;
}

static int revoke_channel(struct cli *cli, int fd,
			  const struct queztl_channel *channel)
{
	int ret = queztl_channel_revoke(fd, channel->id);

	if (ret == -ENOENT)
		return fail_no_channel(cli, channel->name);
	if (ret)
		return fail_errno(cli, ret, "cannot revoke channel %s",
				  channel->name);
	if (cli->json)
		print_json(channel_json(channel), cli->out, false);
	else if (*channel->connecter)
		fprintf(cli->out, "to keep it from being opened again: queztl channel deny %s %s %s\n",
			channel->name, channel->listener, channel->connecter);
	return EXIT_OK;
}

int run_channel_revoke(struct cli *cli, int argc, char **argv)
{
	return with_channel(cli, argc, argv, revoke_channel);
}

/* The window with that name; id 0 if there is none. */
static struct queztl_window find_window(int fd, const char *name)
{
	struct queztl_window window = { 0 };

	while (*name && !queztl_window_next(fd, &window))
		if (!strcmp(window.name, name))
			return window;
	return (struct queztl_window){ 0 };
}

static json_t *end_json(const struct queztl_window *window)
{
	char comm[NAME_ROOM];
	json_t *object;

	if (!window->id)
		return json_null();
	read_comm(window->pid, comm);
	object = json_object();
	set_text(object, "window", window->name);
	set_count(object, "window_id", window->id);
	set_process(object, "pid", window->pid);
	set_text(object, "comm", *comm ? comm : NULL);
	return object;
}

static void print_end(struct cli *cli, const char *title,
		      const struct queztl_window *window)
{
	if (!window->id) {
		fprintf(cli->out, "%-11s-\n", title);
		return;
	}
	fprintf(cli->out, "%-11s%s", title, window->name);
	if (window->pid)
		fprintf(cli->out, ", created by process %d", window->pid);
	fputc('\n', cli->out);
}

static int show(struct cli *cli, int fd,
		const struct queztl_channel *channel)
{
	struct queztl_window listener = find_window(fd, channel->listener);
	struct queztl_window connecter =
		find_window(fd, channel->connecter);
	json_t *object;

	if (cli->json) {
		object = channel_json(channel);
		set_json(object, "listener_end", end_json(&listener));
		set_json(object, "connecter_end", end_json(&connecter));
		print_json(object, cli->out, false);
		return EXIT_OK;
	}
	fprintf(cli->out, "%-11s%s\n", "channel", channel->name);
	fprintf(cli->out, "%-11s%" PRIu64 "\n", "id", (uint64_t)channel->id);
	fprintf(cli->out, "%-11s%s\n", "state", *channel->connecter ?
		"connected" : "listening");
	fprintf(cli->out, "%-11s%" PRIu32 " KiB for each end\n", "region",
		channel->bytes / 1024);
	print_end(cli, "listener", &listener);
	print_end(cli, "connecter", &connecter);
	return EXIT_OK;
}

int run_channel_show(struct cli *cli, int argc, char **argv)
{
	return with_channel(cli, argc, argv, show);
}
