// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <unistd.h>

#include "fail.h"
#include "listing.h"
#include "options.h"

static void print_objects(struct cli *cli, const struct listing *listing,
			  const struct table *table, json_t *list)
{
	if (cli->json)
		print_json(json_incref(list), cli->out, false);
	else if (!table->cells)
		fprintf(cli->out, "%s\n", listing->none);
	else
		print_table(table, cli->out, cli->width);
}

int run_listing(struct cli *cli, int argc, char **argv,
		const struct listing *listing, struct table *table,
		void *object)
{
	int code = expect_words(cli, argc, argv, 0);
	json_t *list;
	int ret, fd;

	if (code)
		return code;
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	list = json_array();
	while (!(ret = listing->next(fd, object)))
		listing->add(table, list, object);
	close(fd);
	if (ret == -ENOENT)
		print_objects(cli, listing, table, list);
	else
		code = fail_errno(cli, ret, "cannot list the %s", listing->what);
	clear_table(table);
	json_decref(list);
	return code;
}
