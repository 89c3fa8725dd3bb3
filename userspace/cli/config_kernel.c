// SPDX-License-Identifier: GPL-2.0
/* What the kernel has, in the form of a configuration. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "config.h"
#include "config_kernel.h"
#include "config_value.h"
#include "format.h"
#include "memory.h"
#include "migratable.h"
#include "portdev.h"
#include "portlink.h"
#include "rate.h"
#include "snapshot.h"
#include "vdpa.h"

static void set_number(struct object *object, enum setting_index setting,
		       uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	set_value(object, setting, text);
}

static int read_fabrics(int fd, struct config *config)
{
	struct queztl_fabric fabric = { 0 };
	int ret;

	while (!(ret = queztl_fabric_next(fd, &fabric))) {
		struct object *object = add_object(config, FABRIC, fabric.name);

		set_value(object, MODE, fabric.mode & QUEZTL_FABRIC_DENY ?
			  "deny" : "open");
		set_value(object, RESERVED, fabric.mode & QUEZTL_FABRIC_RESERVED ?
			  "forward" : "drop");
	}
	return ret == -ENOENT ? 0 : ret;
}

/* A list that grows word by word. */
struct list {
	char *text;
	size_t size;
};

static void append(struct list *list, char separator, const char *word)
{
	size_t length = strlen(word);

	list->text = grow(list->text, list->size + length + 1);
	if (list->size)
		list->text[list->size - 1] = separator;
	memcpy(list->text + list->size, word, length + 1);
	list->size += length + 1;
}

static void give_list(struct object *object, enum setting_index setting,
		      struct list *list)
{
	free(object->value[setting]);
	object->value[setting] = list->text;
}

static int read_limits(int fd, const struct port *port, struct object *object)
{
	struct queztl_port_rates rates;
	char text[RATE_ROOM];
	int ret = queztl_rates_get(fd, port->port.id, &rates);

	if (ret)
		return ret;
	set_value(object, RATE, rates.tx_bytes ?
		  format_rate(text, rates.tx_bytes) : "none");
	if (rates.tx_packets)
		set_number(object, PPS, rates.tx_packets);
	else
		set_value(object, PPS, "none");
	set_number(object, FLOOD, rates.flood);
	return 0;
}

static int read_vlan(int fd, const struct port *port, struct object *object)
{
	struct queztl_port_vlan vlan;
	int ret = queztl_port_vlan_get(fd, port->port.id, &vlan);

	if (ret)
		return ret;
	free(object->value[VLAN]);
	object->value[VLAN] = vlan_words(&vlan);
	return 0;
}

/* Those that were learnt are not what anybody asked for. */
static int read_macs(int fd, const struct port *port, struct object *object)
{
	struct queztl_mac mac = { 0 };
	struct queztl_port_macs macs;
	struct list list = { 0 };
	char text[MAC_ROOM];
	int ret = queztl_port_macs_get(fd, port->port.id, &macs);

	if (ret)
		return ret;
	if (macs.mode != QUEZTL_MACS_LIST) {
		set_value(object, MACS, macs.mode == QUEZTL_MACS_ANY ? "any" :
								       "none");
		return 0;
	}
	while (!(ret = queztl_mac_next(fd, port->port.id, &mac)))
		append(&list, ',', format_mac(text, mac.addr));
	give_list(object, MACS, &list);
	return ret == -ENOENT ? 0 : ret;
}

static int read_addresses(int fd, const struct port *port,
			  struct object *object)
{
	struct queztl_addr addr = { .port = port->port.id };
	struct list list = { 0 };
	char text[ADDRESS_ROOM];
	int ret;

	while (!(ret = queztl_addr_next(fd, &addr))) {
		struct address address = from_addr(&addr);

		append(&list, ' ', format_address(text, &address));
	}
	give_list(object, ADDRESSES, &list);
	return ret == -ENOENT ? 0 : ret;
}

static int read_peers(int fd, const struct snapshot *shot,
		      const struct port *port, struct object *object)
{
	struct list list = { 0 };
	uint64_t id = 0;
	int ret;

	while (!(ret = queztl_peer_next(fd, port->port.id, &id))) {
		const struct port *peer = find_port(shot, id);

		if (peer)
			append(&list, ' ', peer->port.name);
	}
	give_list(object, PEERS, &list);
	return ret == -ENOENT ? 0 : ret;
}

static int read_mirror(int fd, const struct snapshot *shot,
		       const struct port *port, struct object *object)
{
	const struct port *mirror;
	uint64_t id = 0;
	int ret = queztl_port_mirror_get(fd, port->port.id, &id);

	if (ret)
		return ret;
	mirror = id ? find_port(shot, id) : NULL;
	set_value(object, MIRROR, mirror ? mirror->port.name : "none");
	return 0;
}

static void read_device(const struct port *port, struct object *object)
{
	const struct queztl_port *p = &port->port;
	char mac[MAC_ROOM];

	set_value(object, OF_FABRIC, port->fabric);
	set_value(object, MAC, format_mac(mac, p->mac));
	set_number(object, MTU, p->mtu);
	set_number(object, PAIRS, p->max_vqp);
	set_value(object, LINK, p->mode & QUEZTL_PORT_LINK_DOWN ? "down" : "up");
	set_value(object, UPLINK, p->mode & QUEZTL_PORT_UPLINK ? "yes" : "no");
	object->busy = p->pid;
}

/* The driver that it is bound to, and who may open what that made. */
static void read_user(struct object *object)
{
	uid_t owner = 0;
	char *name;

	if (has_port_driver(object->name, DRIVER_FOR_VM))
		set_value(object, FOR, "vm");
	else if (has_port_driver(object->name, DRIVER_FOR_HOST))
		set_value(object, FOR, "host");
	read_port_owner(object->name, &owner);
	name = user_name(owner);
	set_value(object, OWNER, name);
	free(name);
}

/* Of a port that only has what QEMU can migrate. */
static int read_migratable(struct object *object)
{
	uint64_t features;
	int ret = vdpa_port_features(object->name, &features);

	if (!ret)
		set_value(object, MIGRATABLE,
			  is_migratable(features) ? "yes" : "no");
	return ret;
}

int read_port_settings(int fd, const struct snapshot *shot,
		       const struct port *port, struct object *object)
{
	int ret;

	read_device(port, object);
	read_user(object);
	ret = read_limits(fd, port, object);
	if (!ret)
		ret = read_vlan(fd, port, object);
	if (!ret)
		ret = read_macs(fd, port, object);
	if (!ret)
		ret = read_addresses(fd, port, object);
	if (!ret)
		ret = read_peers(fd, shot, port, object);
	return ret ? ret : read_mirror(fd, shot, port, object);
}

static int read_port(int fd, const struct snapshot *shot,
		     const struct port *port, struct object *object)
{
	int ret = read_port_settings(fd, shot, port, object);

	return ret ? ret : read_migratable(object);
}

/* One that goes away meanwhile is left out. */
static int read_one(int fd, const struct snapshot *shot,
		    const struct port *port, struct config *config)
{
	int ret;

	if (port->port.state & QUEZTL_PORT_DELETED)
		return 0;
	ret = read_port(fd, shot, port,
			add_object(config, PORT, port->port.name));
	if (ret != -ENOENT && ret != -ENODEV)
		return ret;
	drop_last_object(config);
	return 0;
}

int read_config_of(int fd, struct config *config)
{
	struct snapshot shot = { 0 };
	int ret = read_fabrics(fd, config);

	if (!ret)
		ret = read_ports(fd, &shot);
	for (size_t i = 0; !ret && i < shot.port_count; i++)
		ret = read_one(fd, &shot, &shot.ports[i], config);
	free_snapshot(&shot);
	sort_config(config);
	return ret;
}
