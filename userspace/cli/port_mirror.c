// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include <queztl.h>

#include "fail.h"
#include "json.h"
#include "lookup.h"
#include "options.h"
#include "port.h"

struct ends {
	const struct port *port;
	const struct port *mirror;	/* NULL: none */
};

static int fail_mirror(struct cli *cli, int ret, const struct ends *ends)
{
	const char *port = ends->port->port.name;
	const char *mirror = ends->mirror ? ends->mirror->port.name : "off";

	switch (ret) {
	case -EINVAL:
		return fail(cli, EXIT_USAGE,
			    "port %s cannot mirror itself: give two different ports",
			    port);
	case -EXDEV:
		return fail(cli, EXIT_FAILED,
			    "ports %s and %s are in different fabrics, %s and %s: see queztl port list",
			    port, mirror, ends->port->fabric,
			    ends->mirror->fabric);
	case -ELOOP:
		return fail(cli, EXIT_FAILED,
			    "port %s is a mirror, or %s has one: a mirror cannot be mirrored",
			    port, mirror);
	case -EACCES:
		return fail(cli, EXIT_FAILED,
			    "ports %s and %s are not peers: queztl policy allow %s %s",
			    port, mirror, port, mirror);
	case -ENOENT:
		return fail(cli, EXIT_NO_OBJECT,
			    "port %s or %s no longer exists: see queztl port list",
			    port, mirror);
	default:
		return fail_errno(cli, ret, "cannot change the mirror of port %s",
				  port);
	}
}

static void print_ends(struct cli *cli, const struct ends *ends)
{
	json_t *object = json_object();

	set_count(object, "id", ends->port->port.id);
	set_text(object, "name", ends->port->port.name);
	set_text(object, "mirror",
		 ends->mirror ? ends->mirror->port.name : NULL);
	print_json(object, cli->out, false);
}

/* ctx: the name of the mirror, or NULL */
static int set_mirror(struct cli *cli, int fd, const struct snapshot *shot,
		      const struct port *port, void *ctx)
{
	struct ends ends = { .port = port };
	int code = EXIT_OK, ret;

	if (ctx) {
		ends.mirror = lookup_port(cli, shot, ctx, &code);
		if (!ends.mirror)
			return code;
	}
	ret = queztl_port_mirror_set(fd, port->port.id, ends.mirror ?
				     ends.mirror->port.id : 0);
	if (ret)
		return fail_mirror(cli, ret, &ends);
	if (cli->json)
		print_ends(cli, &ends);
	return EXIT_OK;
}

int run_port_mirror(struct cli *cli, int argc, char **argv)
{
	int code = expect_between(cli, argc, argv, 2, 3);
	bool to;

	if (code)
		return code;
	to = !strcmp(argv[1], "to");
	if (!to && strcmp(argv[1], "off"))
		return fail(cli, EXIT_USAGE,
			    "invalid value '%s': use to PORT, or off", argv[1]);
	code = expect_words(cli, argc, argv, to ? 3 : 2);
	return code ? code : with_port(cli, argv[0], set_mirror,
				       to ? argv[2] : NULL);
}
