// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include <queztl.h>

#include "address.h"
#include "fail.h"
#include "json.h"
#include "lookup.h"
#include "options.h"
#include "table.h"

static const struct column columns[] = {
	{ "FABRIC", LEFT, 6 },
	{ "PORT", LEFT, 8 },
	{ "ADDRESS", LEFT, 0 },
};

static int fail_host_bits(struct cli *cli, const char *text,
			    const struct address *address)
{
	char network[ADDRESS_ROOM];
	struct address masked = *address;

	mask_address(&masked);
	format_address(network, &masked);
	return fail(cli, EXIT_USAGE,
		    "invalid address '%s': host bits are set; use %s for the network or %.*s for one address",
		    text, network, (int)strcspn(text, "/"), text);
}

static int expect_address(struct cli *cli, const char *text,
			  struct address *address)
{
	switch (parse_address(text, address)) {
	case ADDRESS_GOOD:
		return EXIT_OK;
	case ADDRESS_BAD_PREFIX:
		return fail(cli, EXIT_USAGE,
			    "invalid address '%s': an IPv%d prefix length is 0 to %u", text,
			    address->family == AF_INET ? 4 : 6,
			    address_bits(address->family));
	case ADDRESS_HOST_BITS:
		return fail_host_bits(cli, text, address);
	default:
		return fail(cli, EXIT_USAGE,
			    "invalid address '%s': use an IPv4 or IPv6 address, or a prefix such as 10.0.0.0/24",
			    text);
	}
}

static json_t *address_json(const struct port *port,
			    const struct address *address)
{
	json_t *object = json_object();
	char text[ADDRESS_ROOM];
	struct address alone = *address;

	alone.prefix = address_bits(address->family);
	set_text(object, "fabric", *port->fabric ? port->fabric : NULL);
	set_text(object, "port", port->port.name);
	set_count(object, "port_id", port->port.id);
	set_text(object, "family", address->family == AF_INET ? "inet" :
		 "inet6");
	set_text(object, "address", format_address(text, &alone));
	set_count(object, "prefix", address->prefix);
	return object;
}

static int fail_add(struct cli *cli, int ret, const char *port,
		    const char *address)
{
	switch (ret) {
	case -ENOENT:
		return fail_no_port(cli, port);
	case -EEXIST:
		return fail(cli, EXIT_FAILED,
			    "port %s already has address %s: see queztl addr list %s",
			    port, address, port);
	case -ENOSPC:
		return fail(cli, EXIT_FAILED,
			    "port %s has %d addresses, the maximum: remove one (queztl addr del) or use a prefix",
			    port, QUEZTL_ADDR_MAX);
	case -EINVAL:
		return fail(cli, EXIT_USAGE,
			    "invalid address '%s': a port can only send from unicast addresses",
			    address);
	default:
		return fail_errno(cli, ret, "cannot add address %s to port %s",
				  address, port);
	}
}

static int add_address(struct cli *cli, int fd, const struct snapshot *shot,
		       const struct port *port, void *ctx)
{
	const struct address *address = ctx;
	char text[ADDRESS_ROOM];
	int ret = queztl_addr_add(fd, port->port.id, address->family,
				  address->bytes, address->prefix);

	(void)shot;
	if (ret)
		return fail_add(cli, ret, port->port.name,
				format_address(text, address));
	if (cli->json)
		print_json(address_json(port, address), cli->out, false);
	return EXIT_OK;
}

/* Warn that a port without addresses may send from any address. */
static void print_deleted(struct cli *cli, int fd, const struct port *port,
			  const struct address *address)
{
	struct queztl_addr next = { .port = port->port.id };

	if (cli->json)
		print_json(address_json(port, address), cli->out, false);
	else if (queztl_addr_next(fd, &next) == -ENOENT)
		fprintf(cli->out, "port %s has no addresses left, it may send from any address now\n",
			port->port.name);
}

static int del_address(struct cli *cli, int fd, const struct snapshot *shot,
		       const struct port *port, void *ctx)
{
	const struct address *address = ctx;
	const char *name = port->port.name;
	char text[ADDRESS_ROOM];
	int ret = queztl_addr_del(fd, port->port.id, address->family,
				  address->bytes, address->prefix);

	(void)shot;
	format_address(text, address);
	if (ret == -ENOENT)
		return fail(cli, EXIT_NO_OBJECT,
			    "port %s has no address %s: see queztl addr list %s", name,
			    text, name);
	if (ret)
		return fail_errno(cli, ret, "cannot remove address %s from port %s",
				  text, name);
	print_deleted(cli, fd, port, address);
	return EXIT_OK;
}

static int change_address(struct cli *cli, int argc, char **argv,
			  port_fn *change)
{
	int code = expect_words(cli, argc, argv, 2);
	struct address address;

	if (!code)
		code = expect_address(cli, argv[1], &address);
	return code ? code : with_port(cli, argv[0], change, &address);
}

int run_addr_add(struct cli *cli, int argc, char **argv)
{
	return change_address(cli, argc, argv, add_address);
}

int run_addr_del(struct cli *cli, int argc, char **argv)
{
	return change_address(cli, argc, argv, del_address);
}

struct listing {
	struct table table;
	json_t *list;
};

static void list_address(struct listing *l, const struct port *port,
			 const struct queztl_addr *addr)
{
	struct address address = from_addr(addr);
	char text[ADDRESS_ROOM];

	json_array_append_new(l->list, address_json(port, &address));
	add_cell(&l->table, "%s", *port->fabric ? port->fabric : "-");
	add_cell(&l->table, "%s", port->port.name);
	add_cell(&l->table, "%s", format_address(text, &address));
}

static int list_port(struct listing *l, int fd, const struct port *port)
{
	struct queztl_addr addr = { .port = port->port.id };
	int ret;

	while (!(ret = queztl_addr_next(fd, &addr)))
		list_address(l, port, &addr);
	return ret == -ENOENT ? 0 : ret;
}

static void print_listing(struct cli *cli, const struct listing *l,
			  const struct port *only)
{
	if (cli->json)
		print_json(json_incref(l->list), cli->out, false);
	else if (l->table.cells)
		print_table(&l->table, cli->out, cli->width);
	else if (only)
		fprintf(cli->out, "port %s may send from any address; to limit it: queztl addr add %s ADDRESS\n",
			only->port.name, only->port.name);
	else
		fputs("all ports may send from any address; to limit one: queztl addr add PORT ADDRESS\n",
		      cli->out);
}

static int list_addresses(struct cli *cli, int fd, const struct snapshot *shot,
			  const struct port *only, void *ctx)
{
	struct listing l = { .table = TABLE(columns), .list = json_array() };
	int code = EXIT_OK;
	int ret = 0;

	(void)ctx;
	for (size_t i = 0; !ret && i < shot->port_count; i++)
		if (!only || only == &shot->ports[i])
			ret = list_port(&l, fd, &shot->ports[i]);
	if (ret)
		code = fail_errno(cli, ret, "cannot list the addresses");
	else
		print_listing(cli, &l, only);
	clear_table(&l.table);
	json_decref(l.list);
	return code;
}

int run_addr_list(struct cli *cli, int argc, char **argv)
{
	int code = expect_between(cli, argc, argv, 0, 1);

	return code ? code : with_port(cli, argc ? argv[0] : NULL,
				       list_addresses, NULL);
}
