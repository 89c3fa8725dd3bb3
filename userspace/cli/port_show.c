// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <queztl.h>

#include "address.h"
#include "counters.h"
#include "fabric.h"
#include "fail.h"
#include "format.h"
#include "json.h"
#include "lookup.h"
#include "macs.h"
#include "options.h"
#include "port.h"
#include "portdev.h"
#include "portlink.h"
#include "rate.h"
#include "stats.h"
#include "table.h"
#include "vlan.h"

/* A label, then the value. */
static const struct column columns[] = {
	{ NULL, LEFT, 0 },
	{ NULL, LEFT, 16 },
};

struct view {
	int fd;
	const struct snapshot *shot;
	const struct port *port;
	bool known;		/* the module supports what follows */
	struct queztl_port_rates rates;
	bool has_vlan;		/* so for the VLANs */
	struct queztl_port_vlan vlan;
	json_t *macs;		/* see macs_json(); NULL as has_vlan */
	uint64_t mirror;	/* id, 0: none */
	json_t *addresses;	/* texts */
	json_t *peers;		/* names */
};

static int read_addresses(struct view *v)
{
	struct queztl_addr addr = { .port = v->port->port.id };
	char text[ADDRESS_ROOM];
	int ret;

	while (!(ret = queztl_addr_next(v->fd, &addr))) {
		struct address address = from_addr(&addr);

		format_address(text, &address);
		json_array_append_new(v->addresses, text_json(text));
	}
	return ret == -ENOENT ? 0 : ret;
}

static int read_peers(struct view *v)
{
	uint64_t id = 0;
	int ret;

	while (!(ret = queztl_peer_next(v->fd, v->port->port.id, &id))) {
		const struct port *peer = find_port(v->shot, id);

		if (peer)
			json_array_append_new(v->peers,
					      text_json(peer->port.name));
	}
	return ret == -ENOENT ? 0 : ret;
}

static bool is_deleted(const struct port *port)
{
	return port->port.state & QUEZTL_PORT_DELETED;
}

/* A module without policy support still has the port; a deleted one has none. */
static int read_policy(struct view *v)
{
	int ret;

	if (is_deleted(v->port))
		return 0;
	ret = queztl_rates_get(v->fd, v->port->port.id, &v->rates);
	if (!ret)
		ret = read_addresses(v);
	if (!ret)
		ret = read_peers(v);
	v->known = !ret;
	v->has_vlan = !ret && !queztl_port_vlan_get(v->fd, v->port->port.id,
						    &v->vlan);
	if (v->has_vlan)
		v->macs = macs_json(v->fd, v->port->port.id);
	if (v->has_vlan)
		queztl_port_mirror_get(v->fd, v->port->port.id, &v->mirror);
	return ret == -ENOTTY || ret == -EOPNOTSUPP ? 0 : ret;
}

static const char *name_mirror(const struct view *v)
{
	const struct port *mirror = v->mirror ? find_port(v->shot, v->mirror) :
						NULL;

	return mirror ? mirror->port.name : NULL;
}

static void print_view_json(struct cli *cli, const struct view *v)
{
	json_t *object = port_json(v->port);

	set_text(object, "mode", *v->port->fabric ?
		 describe_mode(v->port->mode) : NULL);
	set_json(object, "vlan", v->has_vlan ? vlan_json(&v->vlan) :
		 json_null());
	set_json(object, "macs", v->macs ? json_incref(v->macs) : json_null());
	set_text(object, "mirror", name_mirror(v));
	set_json(object, "limits", v->known ? limits_json(&v->rates) :
		 json_null());
	set_json(object, "addresses", v->known ? json_incref(v->addresses) :
		 json_null());
	set_json(object, "peers", v->known ? json_incref(v->peers) :
		 json_null());
	set_json(object, "counts", port_counts_json(&v->port->stats));
	print_json(object, cli->out, false);
}

static void add_row(struct table *table, const char *label, const char *text)
{
	add_cell(table, "%s", label);
	add_cell(table, "%s", text);
}

static void add_list(struct table *table, const char *label,
		     const json_t *texts, const char *nothing)
{
	json_t *text;
	size_t i;

	if (!json_array_size(texts))
		add_row(table, label, nothing);
	json_array_foreach(texts, i, text)
		add_row(table, i ? "" : label, json_string_value(text));
}

static void add_fabric(struct table *table, const struct port *port)
{
	bool deny = port->mode & QUEZTL_FABRIC_DENY;

	add_cell(table, "fabric");
	if (*port->fabric)
		add_cell(table, "%s, %s: %s", port->fabric,
			 describe_mode(port->mode), deny ?
			 "a port reaches only its peers" :
			 "every port reaches every other");
	else
		add_cell(table, "-");
}

static void add_state(struct table *table, uint32_t state)
{
	const char *why = explain_state(state);

	add_cell(table, "state");
	add_cell(table, "%s%s%s", describe_state(state), why ? ": " : "",
		 why ? why : "");
	paint_cell(table, color_state(state));
}

static void add_port(struct table *table, const struct port *port)
{
	const struct queztl_port *p = &port->port;
	char mac[MAC_ROOM], device[NAME_ROOM], user[USER_ROOM];
	char path[PATH_MAX];

	read_port_device(p->name, device);
	add_row(table, "port", p->name);
	add_fabric(table, port);
	add_row(table, "MAC", format_mac(mac, p->mac));
	add_cell(table, "MTU");
	add_cell(table, "%u", p->mtu);
	add_state(table, p->state);
	add_row(table, "link", p->mode & QUEZTL_PORT_LINK_DOWN ?
		"down: the port neither sends nor receives" : "up");
	add_row(table, "uplink", p->mode & QUEZTL_PORT_UPLINK ?
		"yes: gets the frames to addresses that no port has" : "no");
	add_row(table, "device", *device ? device : "-");
	if (read_port_path(p->name, path))
		add_row(table, "path", path);
	add_row(table, "used by", describe_user(user, p));
}

static void add_rates(struct table *table, const struct queztl_port_rates *r)
{
	char rate[RATE_ROOM];

	add_row(table, "rate", r->tx_bytes ? format_rate(rate, r->tx_bytes) :
		"none");
	add_cell(table, "pps");
	if (r->tx_packets)
		add_cell(table, "%" PRIu64, (uint64_t)r->tx_packets);
	else
		add_cell(table, "none");
	add_cell(table, "flood");
	add_cell(table, "%" PRIu32, r->flood);
}

static void add_macs(struct table *table, const json_t *macs)
{
	const json_t *list = json_object_get(macs, "addresses");
	const char *mode = json_string_value(json_object_get(macs, "mode"));

	if (!mode)
		return;
	if (!strcmp(mode, "none"))
		add_row(table, "more MACs", "none");
	else
		add_list(table, *mode == 'a' ? "any MAC" : "more MACs", list,
			 "none yet");
}

static void add_policy(struct table *table, const struct view *v)
{
	char vlan[VLAN_ROOM];

	if (is_deleted(v->port))
		return;
	if (!v->known) {
		add_row(table, "policy",
			"not supported by the loaded module: see queztl info");
		return;
	}
	add_rates(table, &v->rates);
	if (v->has_vlan)
		add_row(table, "VLAN", format_vlan(vlan, &v->vlan));
	add_macs(table, v->macs);
	if (name_mirror(v))
		add_row(table, "mirror", name_mirror(v));
	add_list(table, "addresses", v->addresses, "any");
	add_list(table, "peers", v->peers, "none");
}

static void add_traffic(struct table *table, const char *label,
			uint64_t packets, uint64_t bytes)
{
	char frames[COUNT_ROOM], size[COUNT_ROOM];

	add_cell(table, "%s", label);
	add_cell(table, "%s frames, %s bytes", format_count(frames, packets),
		 format_count(size, bytes));
}

/* What to set if these frames are to pass; NULL if nothing helps. */
static const char *describe_remedy(unsigned int reason)
{
	switch (reason) {
	case QUEZTL_DROP_SPOOFED:
		return "to allow more MAC addresses: queztl port set PORT macs";
	case QUEZTL_DROP_RATE:
		return "to allow more: queztl port set PORT flood N";
	case QUEZTL_DROP_LINK_DOWN:
		return "to set it up: queztl port set PORT link up";
	case QUEZTL_DROP_VLAN:
		return "to change its VLANs: queztl port set PORT vlan or trunk";
	case QUEZTL_DROP_FOREIGN:
		return "to allow more IP addresses: queztl addr add PORT";
	default:
		return NULL;
	}
}

static void add_drop(struct table *table, const char *label, uint64_t number,
		     unsigned int reason)
{
	const char *text = queztl_drop_text(reason);
	char count[COUNT_ROOM], name[DROP_ROOM];

	add_cell(table, "%s", label);
	add_cell(table, "%s %s: %s", format_count(count, number),
		 name_drop(name, reason), text ? text : "newer than this program");
}

/* Adds no row if the port never waited. */
static void add_waits(struct table *table, const char *label, uint64_t times,
		      const char *what)
{
	char count[COUNT_ROOM];

	if (!times)
		return;
	format_count(count, times);
	add_cell(table, "%s", label);
	add_cell(table, "%s times %s", count, what);
}

static void add_counts(struct table *table, const struct queztl_port_stats *s)
{
	const char *label = "drops";

	add_traffic(table, "sent", s->tx_packets, s->tx_bytes);
	add_traffic(table, "received", s->rx_packets, s->rx_bytes);
	add_waits(table, "paced", s->tx_paced, "by its rate limits");
	add_waits(table, "waited", s->tx_waited,
		  "for free buffers at a receiver");
	for (unsigned int i = 0; i < QUEZTL_DROP_ROOM; i++)
		if (s->drops[i]) {
			add_drop(table, label, s->drops[i], i);
			label = "";
			if (describe_remedy(i))
				add_row(table, label, describe_remedy(i));
		}
	if (*label)
		add_row(table, label, "none");
}

static void print_view(struct cli *cli, const struct view *v)
{
	struct table table = TABLE(columns);

	table.colored = cli->color;
	add_port(&table, v->port);
	add_policy(&table, v);
	add_counts(&table, &v->port->stats);
	print_table(&table, cli->out, cli->width);
	clear_table(&table);
}

static int show_port(struct cli *cli, int fd, const struct snapshot *shot,
		     const struct port *port, void *ctx)
{
	struct view v = {
		.fd = fd, .shot = shot, .port = port,
		.addresses = json_array(), .peers = json_array(),
	};
	int ret = read_policy(&v);
	int code = EXIT_OK;

	(void)ctx;
	if (ret == -ENOENT)
		code = fail_no_port(cli, port->port.name);
	else if (ret)
		code = fail_errno(cli, ret, "cannot show port %s",
				  port->port.name);
	else if (cli->json)
		print_view_json(cli, &v);
	else
		print_view(cli, &v);
	json_decref(v.macs);
	json_decref(v.addresses);
	json_decref(v.peers);
	return code;
}

int run_port_show(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 1);

	return code ? code : with_port(cli, argv[0], show_port, NULL);
}
