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

/* argv has two words. */
static int change_pair(struct cli *cli, char **argv, change_fn *change,
		       fail_fn *complain)
{
	struct snapshot shot = { 0 };
	struct pair pair = { 0 };
	int ret, fd, code = EXIT_OK;

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

static void print_pairs_json(struct cli *cli, const struct pairs *pairs)
{
	json_t *list = json_array();

	for (size_t i = 0; i < pairs->count; i++)
		json_array_append_new(list, pair_json(&pairs->pair[i]));
	print_json(list, cli->out, false);
}

static int compare_ports(const void *a, const void *b)
{
	const struct port *const *x = a, *const *y = b;
	uint64_t id = (*x)->port.id, other = (*y)->port.id;

	return id < other ? -1 : id > other;
}

/* Ports to be made peers: the first of all others, or each of each. */
struct group {
	const struct port **port;
	size_t count;
	bool mesh;
};

static int find_group(struct cli *cli, const struct snapshot *shot,
		      char **names, struct group *group)
{
	int code = EXIT_OK;

	for (size_t i = 0; i < group->count; i++) {
		group->port[i] = lookup_port(cli, shot, names[i], &code);
		if (!group->port[i])
			return code;
	}
	if (group->mesh)
		qsort(group->port, group->count, sizeof(*group->port),
		      compare_ports);
	return EXIT_OK;
}

/* What the module would refuse for the call as a whole. */
static int check_group(struct cli *cli, const struct group *group)
{
	for (size_t i = 1; i < group->count; i++) {
		const struct pair pair = { group->port[0], group->port[i] };

		if (pair.port->port.fabric_id != pair.peer->port.fabric_id)
			return fail_allow(cli, -EXDEV, &pair);
		if (!group->mesh && pair.port == pair.peer)
			return fail_allow(cli, -EINVAL, &pair);
	}
	return EXIT_OK;
}

/* Makes the ports from the one behind first on its peers. */
static int allow_rest(int fd, const struct group *group, size_t first,
		      struct pairs *pairs)
{
	const struct port *port = group->port[first];
	uint64_t ids[QUEZTL_PEERS_MAX];
	uint32_t n = 0;
	int ret = 0;

	for (size_t i = first + 1; !ret && i < group->count; i++) {
		if (group->port[i] == port)
			continue;	/* named twice */
		add_pair(pairs, port, group->port[i]);
		ids[n++] = group->port[i]->port.id;
		if (n == QUEZTL_PEERS_MAX) {
			ret = queztl_peers_add(fd, port->port.id, ids, n);
			n = 0;
		}
	}
	return ret || !n ? ret : queztl_peers_add(fd, port->port.id, ids, n);
}

static int fail_group(struct cli *cli, int ret, const struct port *port)
{
	if (ret == -ENOENT)
		return fail(cli, EXIT_NO_OBJECT,
			    "%s or one of the others is gone: see queztl port list",
			    port->port.name);
	return fail_errno(cli, ret, "cannot allow %s and the others",
			  port->port.name);
}

static int allow_group(struct cli *cli, int fd, const struct group *group)
{
	size_t last = group->mesh ? group->count - 1 : 1;
	struct pairs pairs = { 0 };
	int code = EXIT_OK;

	for (size_t i = 0; !code && i < last; i++) {
		int ret = allow_rest(fd, group, i, &pairs);

		if (ret)
			code = fail_group(cli, ret, group->port[i]);
	}
	if (!code && cli->json)
		print_pairs_json(cli, &pairs);
	else if (!code && !is_closed(group->port[0]))
		print_open(cli, group->port[0]->fabric);
	free(pairs.pair);
	return code;
}

static int change_group(struct cli *cli, int count, char **names, bool mesh)
{
	struct group group = { .count = count, .mesh = mesh };
	struct snapshot shot = { 0 };
	int fd, code = EXIT_OK;

	fd = open_ports(cli, &shot, &code);
	if (fd < 0)
		return code;
	group.port = grow(NULL, count * sizeof(*group.port));
	code = find_group(cli, &shot, names, &group);
	if (!code)
		code = check_group(cli, &group);
	if (!code)
		code = allow_group(cli, fd, &group);
	free(group.port);
	close_ports(fd, &shot);
	return code;
}

int run_policy_allow(struct cli *cli, int argc, char **argv)
{
	bool mesh = take_flag(&argc, argv, "--mesh");
	int code = expect_between(cli, argc, argv, 2, argc);

	if (code)
		return code;
	if (argc > 2 || mesh)
		return change_group(cli, argc, argv, mesh);
	return change_pair(cli, argv, queztl_peer_add, fail_allow);
}

int run_policy_forbid(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 2);

	return code ? code : change_pair(cli, argv, queztl_peer_del,
					 fail_forbid);
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
