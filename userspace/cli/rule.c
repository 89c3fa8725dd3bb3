// SPDX-License-Identifier: GPL-2.0
/* Rules: which windows may have which channels. */
#include <errno.h>
#include <unistd.h>

#include <queztl.h>

#include "cli.h"
#include "fail.h"
#include "json.h"
#include "listing.h"
#include "options.h"
#include "table.h"

static const struct column columns[] = {
	{ "CHANNEL", LEFT, 8 },
	{ "LISTENER", LEFT, 8 },
	{ "CONNECTER", LEFT, 8 },
};

static json_t *rule_json(const char *name, const char *listener,
			 const char *connecter)
{
	json_t *object = json_object();

	set_text(object, "name", name);
	set_text(object, "listener", listener);
	set_text(object, "connecter", connecter);
	return object;
}

/* argv has the names of the channel, the listener and the connecter. */
static int fail_change(struct cli *cli, int ret, const char *what, char **argv)
{
	switch (ret) {
	case -EINVAL:
		return fail(cli, EXIT_USAGE,
			    "invalid name in '%s %s %s': use letters, digits, - _ . (at most %d, starting with a letter or digit)",
			    argv[0], argv[1], argv[2], QUEZTL_NAME_MAX - 1);
	case -EEXIST:
		return fail(cli, EXIT_FAILED,
			    "channel %s is already allowed to %s and %s: see queztl channel rules",
			    argv[0], argv[1], argv[2]);
	case -ENOENT:
		return fail(cli, EXIT_NO_OBJECT,
			    "no rule allows channel %s to %s and %s: see queztl channel rules",
			    argv[0], argv[1], argv[2]);
	case -ENOSPC:
		return fail(cli, EXIT_FAILED,
			    "too many rules: remove one (queztl channel deny)");
	default:
		return fail_errno(cli, ret, "cannot %s channel %s", what,
				  argv[0]);
	}
}

static int allow(int fd, const char *name, const char *listener,
		 const char *connecter)
{
	return queztl_channel_allow(fd, name, listener, connecter, NULL);
}

typedef int change_fn(int fd, const char *name, const char *listener,
		      const char *connecter);

static int change_rule(struct cli *cli, int argc, char **argv,
		       change_fn *change, const char *what)
{
	int code = expect_words(cli, argc, argv, 3);
	int ret, fd;

	if (code)
		return code;
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	ret = change(fd, argv[0], argv[1], argv[2]);
	close(fd);
	if (ret)
		return fail_change(cli, ret, what, argv);
	if (cli->json)
		print_json(rule_json(argv[0], argv[1], argv[2]), cli->out,
			   false);
	return EXIT_OK;
}

int run_channel_allow(struct cli *cli, int argc, char **argv)
{
	return change_rule(cli, argc, argv, allow, "allow");
}

int run_channel_deny(struct cli *cli, int argc, char **argv)
{
	return change_rule(cli, argc, argv, queztl_channel_deny, "deny");
}

static void add_rule(struct table *table, json_t *list, const void *object)
{
	const struct queztl_channel_rule *rule = object;
	json_array_append_new(list, rule_json(rule->name, rule->listener,
					      rule->connecter));
	add_cell(table, "%s", rule->name);
	add_cell(table, "%s", rule->listener);
	add_cell(table, "%s", rule->connecter);
}

static int next_rule(int device, void *object)
{
	return queztl_channel_rule_next(device, object);
}

int run_channel_rules(struct cli *cli, int argc, char **argv)
{
	static const struct listing listing = {
		.what = "rules",
		.none = "no channel is allowed; to allow one: queztl channel allow",
		.next = next_rule,
		.add = add_rule,
	};
	struct queztl_channel_rule object = { 0 };
	struct table table = TABLE(columns);

	return run_listing(cli, argc, argv, &listing, &table, &object);
}
