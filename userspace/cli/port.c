// SPDX-License-Identifier: GPL-2.0
#include <queztl.h>

#include "format.h"
#include "json.h"
#include "lookup.h"
#include "port.h"
#include "port_choice.h"
#include "portdev.h"
#include "portlink.h"
#include "table.h"

static const struct column columns[] = {
	{ "PORT", LEFT, 8 },
	{ "FABRIC", LEFT, 6 },
	{ "MAC", LEFT, 0 },
	{ "MTU", RIGHT, 0 },
	{ "STATE", LEFT, 0 },
	{ "DEVICE", LEFT, 0 },
	{ "USED BY", LEFT, 8 },
};

static json_t *state_json(uint32_t state)
{
	json_t *list = json_array();

	for (int bit = 0; bit < 32; bit++) {
		const char *name = queztl_port_state_name(state & 1u << bit);

		if (name)
			json_array_append_new(list, json_string(name));
	}
	return list;
}

json_t *port_json(const struct port *port)
{
	const struct queztl_port *p = &port->port;
	json_t *object = json_object();
	char mac[MAC_ROOM], comm[NAME_ROOM], device[NAME_ROOM], path[PATH_MAX];

	read_comm(p->pid, comm);
	read_port_path(p->name, path);
	read_port_device(p->name, device);
	set_count(object, "id", p->id);
	set_text(object, "name", p->name);
	set_text(object, "fabric", *port->fabric ? port->fabric : NULL);
	set_count(object, "fabric_id", p->fabric_id);
	set_text(object, "mac", format_mac(mac, p->mac));
	set_count(object, "mtu", p->mtu);
	set_count(object, "queue_pairs", p->max_vqp);
	set_json(object, "state", state_json(p->state));
	set_text(object, "link", describe_link(p->mode));
	set_json(object, "uplink", json_boolean(p->mode & QUEZTL_PORT_UPLINK));
	set_process(object, "pid", p->pid);
	set_text(object, "comm", *comm ? comm : NULL);
	set_text(object, "device", *device ? device : NULL);
	set_text(object, "path", *path ? path : NULL);
	return object;
}

const char *describe_state(uint32_t state)
{
	if (state & QUEZTL_PORT_DELETED)
		return "deleted";
	if (state & QUEZTL_PORT_BROKEN)
		return "BROKEN";
	if (state & QUEZTL_PORT_UP)
		return "up";
	if (state & QUEZTL_PORT_NO_WORKER)
		return "NO WORKER";
	return state & QUEZTL_PORT_OPEN ? "starting" : "unused";
}

enum color color_state(uint32_t state)
{
	if (explain_state(state))
		return BAD;
	return state & QUEZTL_PORT_UP ? GOOD : PLAIN;
}

const char *describe_link(uint32_t mode)
{
	return mode & QUEZTL_PORT_LINK_DOWN ? "down" : "up";
}

const char *explain_state(uint32_t state)
{
	if (state & QUEZTL_PORT_DELETED)
		return "it sends and receives nothing, and is gone when its user closes it";
	if (state & QUEZTL_PORT_BROKEN)
		return "its driver wrote nonsense into a ring; it is down until the driver resets it";
	if (state & QUEZTL_PORT_UP)
		return NULL;
	if (state & QUEZTL_PORT_NO_WORKER)
		return "its VMM could start no thread for it (RLIMIT_NPROC, pids.max, or it was being killed)";
	return NULL;
}

const char *describe_user(char buffer[USER_ROOM],
			  const struct queztl_port *port)
{
	char name[NAME_ROOM];

	if (!port->pid && port->state & QUEZTL_PORT_DELETED)
		return "a process that is not known";
	if (!port->pid)
		return port->state & QUEZTL_PORT_OPEN ? "this host" : "-";
	read_vm_name(port->pid, name);
	if (!*name)
		read_comm(port->pid, name);
	snprintf(buffer, USER_ROOM, "%s (%d)", *name ? name : "?", port->pid);
	return buffer;
}

static void add_port(struct table *table, const struct port *port)
{
	const struct queztl_port *p = &port->port;
	char mac[MAC_ROOM], device[NAME_ROOM], user[USER_ROOM];

	read_port_device(p->name, device);
	add_cell(table, "%s", p->name);
	add_cell(table, "%s", *port->fabric ? port->fabric : "-");
	add_cell(table, "%s", format_mac(mac, p->mac));
	add_cell(table, "%u", p->mtu);
	add_cell(table, "%s%s%s", describe_state(p->state),
		 p->mode & QUEZTL_PORT_UPLINK ? " uplink" : "",
		 p->mode & QUEZTL_PORT_LINK_DOWN ? " link down" : "");
	paint_cell(table, color_state(p->state));
	add_cell(table, "%s", *device ? device : "-");
	add_cell(table, "%s", describe_user(user, p));
}

static void print_ports_json(struct cli *cli, const struct snapshot *shot,
			     const struct port_choice *choice)
{
	json_t *list = json_array();

	for (size_t i = 0; i < shot->port_count; i++)
		if (is_chosen_port(choice, &shot->ports[i]))
			json_array_append_new(list, port_json(&shot->ports[i]));
	print_json(list, cli->out, false);
}

static void print_ports(struct cli *cli, const struct snapshot *shot,
			const struct port_choice *choice)
{
	struct table table = TABLE(columns);

	table.colored = cli->color;
	for (size_t i = 0; i < shot->port_count; i++)
		if (is_chosen_port(choice, &shot->ports[i]))
			add_port(&table, &shot->ports[i]);
	if (table.cells)
		print_table(&table, cli->out, cli->width);
	else if (shot->port_count)
		fputs("no such ports; all: queztl port list\n", cli->out);
	else
		fputs("no ports; to create one: queztl port add PORT FABRIC\n",
		      cli->out);
	clear_table(&table);
}

int run_port_list(struct cli *cli, int argc, char **argv)
{
	struct port_choice choice = { 0 };
	int code = parse_port_choice(cli, argc, argv, &choice);
	struct snapshot shot = { 0 };
	int fd;

	if (code)
		return code;
	fd = open_ports(cli, &shot, &code);
	if (fd < 0)
		return code;
	code = check_port_choice(cli, fd, &choice);
	if (!code && cli->json)
		print_ports_json(cli, &shot, &choice);
	else if (!code)
		print_ports(cli, &shot, &choice);
	close_ports(fd, &shot);
	return code;
}
