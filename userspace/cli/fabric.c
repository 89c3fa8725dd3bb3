// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <queztl.h>

#include "cli.h"
#include "fail.h"
#include "json.h"
#include "options.h"
#include "table.h"

static const struct column columns[] = {
	{ "NAME", LEFT, 8 },
	{ "ID", RIGHT, 0 },
	{ "PORTS", RIGHT, 0 },
	{ "VDPA MGMTDEV", LEFT, 12 },
};

static json_t *fabric_json(uint64_t id, const char *name)
{
	json_t *object = json_object();
	char device[QUEZTL_NAME_MAX + sizeof("queztl/")];

	snprintf(device, sizeof(device), "queztl/%s", name);
	set_count(object, "id", id);
	set_text(object, "name", name);
	set_text(object, "mgmtdev", device);
	return object;
}

static int fail_add(struct cli *cli, int ret, const char *name)
{
	switch (ret) {
	case -EINVAL:
		return fail(cli, EXIT_USAGE,
			    "%s is no name: letters, digits, - _ . (at most %d, the first a letter or digit)",
			    name, QUEZTL_NAME_MAX - 1);
	case -EEXIST:
		return fail(cli, EXIT_FAILED,
			    "there is a fabric %s already: see queztl fabric list",
			    name);
	case -ENOSPC:
		return fail(cli, EXIT_FAILED,
			    "too many fabrics: remove one (queztl fabric del)");
	default:
		return fail_errno(cli, ret, "cannot create fabric %s", name);
	}
}

int run_fabric_add(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 1);
	uint64_t id;
	int ret, fd;

	if (code)
		return code;
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	ret = queztl_fabric_add(fd, argv[0], &id);
	close(fd);
	if (ret)
		return fail_add(cli, ret, argv[0]);
	if (cli->json)
		print_json(fabric_json(id, argv[0]), cli->out, false);
	else
		fprintf(cli->out, "a port of it: vdpa dev add name PORT mgmtdev queztl/%s\n",
			argv[0]);
	return EXIT_OK;
}

static int find_fabric(int fd, const char *name,
		       struct queztl_fabric_next *fabric)
{
	int ret;

	memset(fabric, 0, sizeof(*fabric));
	while (!(ret = queztl_fabric_next(fd, fabric)))
		if (!strcmp(fabric->name, name))
			return 0;
	return ret;
}

static int fail_del(struct cli *cli, int ret, const char *name)
{
	switch (ret) {
	case -ENOENT:
		return fail(cli, EXIT_NO_OBJECT,
			    "no fabric %s: see queztl fabric list", name);
	case -EBUSY:
		return fail(cli, EXIT_FAILED,
			    "fabric %s has ports: remove them first (vdpa dev del PORT)",
			    name);
	default:
		return fail_errno(cli, ret, "cannot remove fabric %s", name);
	}
}

int run_fabric_del(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 1);
	struct queztl_fabric_next fabric;
	int ret, fd;

	if (code)
		return code;
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	ret = find_fabric(fd, argv[0], &fabric);
	if (!ret)
		ret = queztl_fabric_del(fd, fabric.id);
	close(fd);
	if (ret)
		return fail_del(cli, ret, argv[0]);
	if (cli->json)
		print_json(fabric_json(fabric.id, fabric.name), cli->out,
			   false);
	return EXIT_OK;
}

static void add_fabric(struct table *table, json_t *list,
		       const struct queztl_fabric_next *fabric)
{
	json_t *object = fabric_json(fabric->id, fabric->name);

	set_count(object, "ports", fabric->ports);
	json_array_append_new(list, object);
	add_cell(table, "%s", fabric->name);
	add_cell(table, "%" PRIu64, (uint64_t)fabric->id);
	add_cell(table, "%" PRIu32, fabric->ports);
	add_cell(table, "queztl/%s", fabric->name);
}

static void print_fabrics(struct cli *cli, struct table *table, json_t *list)
{
	if (cli->json)
		print_json(json_incref(list), cli->out, false);
	else if (!table->cells)
		fputs("no fabric; queztl fabric add NAME creates one\n",
		      cli->out);
	else
		print_table(table, cli->out, cli->width);
}

int run_fabric_list(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 0);
	struct queztl_fabric_next fabric = { 0 };
	struct table table = TABLE(columns);
	json_t *list;
	int ret, fd;

	if (code)
		return code;
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	list = json_array();
	while (!(ret = queztl_fabric_next(fd, &fabric)))
		add_fabric(&table, list, &fabric);
	close(fd);
	if (ret == -ENOENT)
		print_fabrics(cli, &table, list);
	else
		code = fail_errno(cli, ret, "cannot list the fabrics");
	clear_table(&table);
	json_decref(list);
	return code;
}
