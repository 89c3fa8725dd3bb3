// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include <queztl.h>

#include "fabric.h"
#include "fail.h"
#include "json.h"
#include "lookup.h"
#include "memory.h"
#include "options.h"
#include "table.h"

static const struct column columns[] = {
	{ "FABRIC", LEFT, 8 },
	{ "PORT", LEFT, 8 },
	{ "PEER", LEFT, 8 },
};

struct pair {
	const struct port *port;
	const struct port *peer;
};

struct pairs {
	struct pair *pair;
	size_t count;
	size_t room;
};

static bool is_closed(const struct port *port)
{
	return port->mode & QUEZTL_FABRIC_DENY;
}

static json_t *pair_json(const struct pair *pair)
{
	const struct port *port = pair->port, *peer = pair->peer;
	json_t *object = json_object();

	set_text(object, "fabric", *port->fabric ? port->fabric : NULL);
	set_count(object, "fabric_id", port->port.fabric_id);
	set_text(object, "mode", *port->fabric ? describe_mode(port->mode) :
		 NULL);
	set_text(object, "port", port->port.name);
	set_count(object, "port_id", port->port.id);
	set_text(object, "peer", peer->port.name);
	set_count(object, "peer_id", peer->port.id);
	return object;
}

static int fail_allow(struct cli *cli, int ret, const struct pair *pair)
{
	const char *port = pair->port->port.name;
	const char *peer = pair->peer->port.name;

	switch (ret) {
	case -EEXIST:
		return fail(cli, EXIT_FAILED,
			    "ports %s and %s are already peers: see queztl policy list %s",
			    port, peer, port);
	case -EINVAL:
		return fail(cli, EXIT_USAGE,
			    "port %s cannot be its own peer: give two different ports",
			    port);
	case -EXDEV:
		return fail(cli, EXIT_FAILED,
			    "ports %s and %s are in different fabrics, %s and %s: see queztl port list",
			    port, peer, pair->port->fabric, pair->peer->fabric);
	case -ENOENT:
		return fail(cli, EXIT_NO_OBJECT,
			    "port %s or %s no longer exists: see queztl port list",
			    port, peer);
	default:
		return fail_errno(cli, ret, "cannot make ports %s and %s peers", port,
				  peer);
	}
}

static int fail_forbid(struct cli *cli, int ret, const struct pair *pair)
{
	const char *port = pair->port->port.name;
	const char *peer = pair->peer->port.name;

	if (ret != -ENOENT)
		return fail_errno(cli, ret, "cannot undo policy allow %s %s", port,
				  peer);
	if (is_closed(pair->port))
		return fail(cli, EXIT_NO_OBJECT,
			    "ports %s and %s are not peers: see queztl policy list %s",
			    port, peer, port);
	return fail(cli, EXIT_NO_OBJECT,
		    "ports %s and %s are not peers; to let only peers talk: queztl fabric set %s deny",
		    port, peer, pair->port->fabric);
}

static void print_open(struct cli *cli, const char *fabric)
{
	fprintf(cli->out, "fabric %s is open, so peers have no effect: queztl fabric set %s deny\n",
		fabric, fabric);
}

static void print_change(struct cli *cli, const struct pair *pair)
{
	if (cli->json)
		print_json(pair_json(pair), cli->out, false);
	else if (!is_closed(pair->port))
		print_open(cli, pair->port->fabric);
}

typedef int change_fn(int fd, uint64_t port, uint64_t peer);
typedef int fail_fn(struct cli *cli, int ret, const struct pair *pair);

static int change_pair(struct cli *cli, int argc, char **argv,
		       change_fn *change, fail_fn *complain)
{
	int code = expect_words(cli, argc, argv, 2);
	struct snapshot shot = { 0 };
	struct pair pair = { 0 };
	int ret, fd;

	if (code)
		return code;
	fd = open_ports(cli, &shot, &code);
	if (fd < 0)
		return code;
	pair.port = lookup_port(cli, &shot, argv[0], &code);
	if (pair.port)
		pair.peer = lookup_port(cli, &shot, argv[1], &code);
	if (pair.peer) {
		ret = change(fd, pair.port->port.id, pair.peer->port.id);
		if (ret)
			code = complain(cli, ret, &pair);
		else
			print_change(cli, &pair);
	}
	close_ports(fd, &shot);
	return code;
}

int run_policy_allow(struct cli *cli, int argc, char **argv)
{
	return change_pair(cli, argc, argv, queztl_peer_add, fail_allow);
}

int run_policy_forbid(struct cli *cli, int argc, char **argv)
{
	return change_pair(cli, argc, argv, queztl_peer_del, fail_forbid);
}

static void add_pair(struct pairs *pairs, const struct port *port,
		     const struct port *peer)
{
	if (pairs->count == pairs->room) {
		pairs->room = pairs->room ? 2 * pairs->room : 64;
		pairs->pair = grow(pairs->pair,
				   pairs->room * sizeof(*pairs->pair));
	}
	pairs->pair[pairs->count++] = (struct pair){ port, peer };
}

/* The peers of a port whose ids are larger than after. */
static int read_peers(int fd, const struct snapshot *shot,
		      const struct port *port, uint64_t after,
		      struct pairs *pairs)
{
	uint64_t id = after;
	int ret;

	while (!(ret = queztl_peer_next(fd, port->port.id, &id))) {
		const struct port *peer = find_port(shot, id);

		if (peer)
			add_pair(pairs, port, peer);
	}
	return ret == -ENOENT ? 0 : ret;
}

static int read_pairs(int fd, const struct snapshot *shot,
		      const struct port *only, struct pairs *pairs)
{
	int ret = 0;

	if (only)
		return read_peers(fd, shot, only, 0, pairs);
	for (size_t i = 0; !ret && i < shot->port_count; i++)
		ret = read_peers(fd, shot, &shot->ports[i],
				 shot->ports[i].port.id, pairs);
	return ret;
}

static void print_pairs_json(struct cli *cli, const struct pairs *pairs)
{
	json_t *list = json_array();

	for (size_t i = 0; i < pairs->count; i++)
		json_array_append_new(list, pair_json(&pairs->pair[i]));
	print_json(list, cli->out, false);
}

/* A port of the open fabric with the next larger id than after, or NULL. */
static const struct port *next_open(const struct pairs *pairs, uint64_t after)
{
	const struct port *next = NULL;

	for (size_t i = 0; i < pairs->count; i++) {
		const struct port *port = pairs->pair[i].port;
		uint64_t id = port->port.fabric_id;

		if (id > after && *port->fabric && !is_closed(port) &&
		    (!next || id < next->port.fabric_id))
			next = port;
	}
	return next;
}

static void print_nothing(struct cli *cli, const struct port *only)
{
	const char *name;

	if (!only) {
		fputs("no peers; to add a pair: queztl policy allow PORT PEER\n",
		      cli->out);
		return;
	}
	name = only->port.name;
	if (is_closed(only))
		fprintf(cli->out, "port %s has no peers and reaches no port: queztl policy allow %s PEER\n",
			name, name);
	else
		fprintf(cli->out, "port %s has no peers, but reaches every port: fabric %s is open\n",
			name, only->fabric);
}

static void print_pairs(struct cli *cli, const struct pairs *pairs,
			const struct port *only)
{
	struct table table = TABLE(columns);
	const struct port *open = NULL;

	if (!pairs->count) {
		print_nothing(cli, only);
		return;
	}
	for (size_t i = 0; i < pairs->count; i++) {
		const struct pair *pair = &pairs->pair[i];

		add_cell(&table, "%s", *pair->port->fabric ?
			 pair->port->fabric : "-");
		add_cell(&table, "%s", pair->port->port.name);
		add_cell(&table, "%s", pair->peer->port.name);
	}
	print_table(&table, cli->out, cli->width);
	clear_table(&table);
	while ((open = next_open(pairs, open ? open->port.fabric_id : 0)))
		print_open(cli, open->fabric);
}

static int list_pairs(struct cli *cli, int fd, const struct snapshot *shot,
		      const struct port *only, void *ctx)
{
	struct pairs pairs = { 0 };
	int ret = read_pairs(fd, shot, only, &pairs);
	int code = EXIT_OK;

	(void)ctx;
	if (ret)
		code = fail_errno(cli, ret, "cannot list the peers");
	else if (cli->json)
		print_pairs_json(cli, &pairs);
	else
		print_pairs(cli, &pairs, only);
	free(pairs.pair);
	return code;
}

int run_policy_list(struct cli *cli, int argc, char **argv)
{
	int code = expect_between(cli, argc, argv, 0, 1);

	return code ? code : with_port(cli, argc ? argv[0] : NULL,
				       list_pairs, NULL);
}
