// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <queztl.h>

#include "cli.h"
#include "fabric.h"
#include "fail.h"
#include "json.h"
#include "listing.h"
#include "options.h"
#include "table.h"

static const struct column columns[] = {
	{ "NAME", LEFT, 8 },
	{ "ID", RIGHT, 0 },
	{ "PORTS", RIGHT, 0 },
	{ "MODE", LEFT, 0 },
	{ "VDPA MGMTDEV", LEFT, 12 },
};

const char *describe_mode(uint32_t mode)
{
	return queztl_fabric_mode_name(mode & QUEZTL_FABRIC_DENY);
}

static const char *describe_reserved(uint32_t mode)
{
	return mode & QUEZTL_FABRIC_RESERVED ? "forward" : "drop";
}

static json_t *fabric_json(uint64_t id, const char *name, uint32_t mode)
{
	json_t *object = json_object();
	char device[QUEZTL_NAME_MAX + sizeof("queztl/")];

	snprintf(device, sizeof(device), "queztl/%s", name);
	set_count(object, "id", id);
	set_text(object, "name", name);
	set_text(object, "mgmtdev", device);
	set_text(object, "mode", describe_mode(mode));
	set_text(object, "reserved", describe_reserved(mode));
	return object;
}

static int fail_add(struct cli *cli, int ret, const char *name)
{
	switch (ret) {
	case -EINVAL:
		return fail(cli, EXIT_USAGE,
			    "invalid fabric name '%s': use letters, digits, - _ . (at most %d, starting with a letter or digit)",
			    name, QUEZTL_NAME_MAX - 1);
	case -EEXIST:
		return fail(cli, EXIT_FAILED,
			    "fabric %s already exists: see queztl fabric list",
			    name);
	case -ENOSPC:
		return fail(cli, EXIT_FAILED,
			    "too many fabrics: remove one (queztl fabric del NAME)");
	default:
		return fail_errno(cli, ret, "cannot create fabric %s", name);
	}
}

/* All or nothing: never leave a fabric open that should have mode deny. */
static int create_fabric(int fd, const char *name, uint32_t mode, uint64_t *id)
{
	int ret = queztl_fabric_add(fd, name, id);

	if (ret || !mode)
		return ret;
	ret = queztl_fabric_set(fd, *id, mode);
	if (ret)
		queztl_fabric_del(fd, *id);
	return ret;
}

static void print_created(struct cli *cli, uint64_t id, const char *name,
			  uint32_t mode)
{
	if (cli->json) {
		print_json(fabric_json(id, name, mode), cli->out, false);
		return;
	}
	fprintf(cli->out, "to add a port: queztl port add PORT %s\n",
		name);
	if (mode)
		fputs("to let two ports talk: queztl policy allow PORT PEER\n",
		      cli->out);
}

int run_fabric_add(struct cli *cli, int argc, char **argv)
{
	uint32_t mode = take_flag(&argc, argv, "--deny") ?
		QUEZTL_FABRIC_DENY : 0;
	int code = expect_words(cli, argc, argv, 1);
	uint64_t id;
	int ret, fd;

	if (code)
		return code;
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	ret = create_fabric(fd, argv[0], mode, &id);
	close(fd);
	if (ret)
		return fail_add(cli, ret, argv[0]);
	print_created(cli, id, argv[0], mode);
	return EXIT_OK;
}

int fail_no_fabric(struct cli *cli, const char *name)
{
	return fail(cli, EXIT_NO_OBJECT,
		    "no fabric %s: see queztl fabric list", name);
}

static int fail_del(struct cli *cli, int ret, const char *name)
{
	switch (ret) {
	case -ENOENT:
		return fail_no_fabric(cli, name);
	case -EBUSY:
		return fail(cli, EXIT_FAILED,
			    "fabric %s still has ports: remove them first (queztl port del PORT)",
			    name);
	default:
		return fail_errno(cli, ret, "cannot remove fabric %s", name);
	}
}

int run_fabric_del(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 1);
	struct queztl_fabric fabric;
	int ret, fd;

	if (code)
		return code;
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	ret = queztl_fabric_find(fd, argv[0], &fabric);
	if (!ret)
		ret = queztl_fabric_del(fd, fabric.id);
	close(fd);
	if (ret)
		return fail_del(cli, ret, argv[0]);
	if (cli->json)
		print_json(fabric_json(fabric.id, fabric.name, fabric.mode),
			   cli->out, false);
	return EXIT_OK;
}

/* A change of a mode: these bits are cleared, then those are set. */
struct change {
	uint32_t clear;
	uint32_t set;
};

static void change_bit(struct change *change, uint32_t bit, bool on)
{
	change->clear |= bit;
	change->set = (change->set & ~bit) | (on ? bit : 0);
}

/* EXIT_OK, or the code of an error that was explained. */
static int parse_reserved(struct cli *cli, const char *word,
			  struct change *change)
{
	bool forward = word && !strcmp(word, "forward");

	if (!forward && (!word || strcmp(word, "drop")))
		return fail(cli, EXIT_USAGE,
			    "invalid value '%s' of 'reserved': use forward (as frames to any group) or drop (as a bridge does)",
			    word ? word : "");
	change_bit(change, QUEZTL_FABRIC_RESERVED, forward);
	return EXIT_OK;
}

static int parse_change(struct cli *cli, int argc, char **argv,
			struct change *change)
{
	int code;

	*change = (struct change){ 0 };
	for (int i = 0; i < argc; i++) {
		bool deny = !strcmp(argv[i], "deny");

		if (deny || !strcmp(argv[i], "open")) {
			change_bit(change, QUEZTL_FABRIC_DENY, deny);
			continue;
		}
		if (strcmp(argv[i], "reserved"))
			return fail(cli, EXIT_USAGE,
				    "invalid mode '%s': use open (every port reaches every other), deny (ports reach only their peers) or reserved forward|drop",
				    argv[i]);
		i++;
		code = parse_reserved(cli, i < argc ? argv[i] : NULL, change);
		if (code)
			return code;
	}
	return EXIT_OK;
}

int run_fabric_set(struct cli *cli, int argc, char **argv)
{
	int code = expect_between(cli, argc, argv, 2, 4);
	struct queztl_fabric fabric;
	struct change change;
	int ret, fd;

	if (!code)
		code = parse_change(cli, argc - 1, argv + 1, &change);
	if (code)
		return code;
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	ret = queztl_fabric_find(fd, argv[0], &fabric);
	if (!ret) {
		fabric.mode = (fabric.mode & ~change.clear) | change.set;
		ret = queztl_fabric_set(fd, fabric.id, fabric.mode);
	}
	close(fd);
	if (ret == -ENOENT)
		return fail_no_fabric(cli, argv[0]);
	if (ret)
		return fail_errno(cli, ret, "cannot set the mode of fabric %s",
				  argv[0]);
	if (cli->json)
		print_json(fabric_json(fabric.id, fabric.name, fabric.mode),
			   cli->out, false);
	return EXIT_OK;
}

static void add_fabric(struct table *table, json_t *list, const void *object)
{
	const struct queztl_fabric *fabric = object;
	json_t *shown = fabric_json(fabric->id, fabric->name, fabric->mode);

	set_count(shown, "ports", fabric->ports);
	json_array_append_new(list, shown);
	add_cell(table, "%s", fabric->name);
	add_cell(table, "%" PRIu64, (uint64_t)fabric->id);
	add_cell(table, "%" PRIu32, fabric->ports);
	add_cell(table, "%s%s", describe_mode(fabric->mode),
		 fabric->mode & QUEZTL_FABRIC_RESERVED ? ",reserved" : "");
	add_cell(table, "queztl/%s", fabric->name);
}

static int next_fabric(int device, void *object)
{
	return queztl_fabric_next(device, object);
}

int run_fabric_list(struct cli *cli, int argc, char **argv)
{
	static const struct listing listing = {
		.what = "fabrics",
		.none = "no fabrics; to create one: queztl fabric add NAME",
		.next = next_fabric,
		.add = add_fabric,
	};
	struct queztl_fabric object = { 0 };
	struct table table = TABLE(columns);

	return run_listing(cli, argc, argv, &listing, &table, &object);
}
