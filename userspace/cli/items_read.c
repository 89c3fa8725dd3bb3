// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <queztl.h>

#include "config.h"
#include "config_kernel.h"
#include "items.h"
#include "portdev.h"
#include "scheduler.h"
#include "snapshot.h"

static void set_number(struct item *item, const char *key, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	set_item(item, key, text);
}

static void set_pid(struct item *item, int pid)
{
	char comm[NAME_ROOM];

	if (pid <= 0)
		return;
	set_number(item, "pid", pid);
	read_comm(pid, comm);
	set_item(item, "process", *comm ? comm : NULL);
}

/* The kernel may lack a whole kind, and a module the calls that are newer than it. */
static bool is_lacking(int ret)
{
	return ret == -ENOTTY || ret == -EOPNOTSUPP || ret == -E2BIG;
}

static int end_of_list(int ret)
{
	return ret == -ENOENT || is_lacking(ret) ? 0 : ret;
}

static int read_module(int fd, struct items *items)
{
	struct queztl_info info;
	char features[256] = "";
	struct item *item;
	int ret = queztl_get_info(fd, &info);

	if (ret)
		return ret;
	item = add_item(items, ITEM_MODULE, 0, "queztl");
	for (int bit = 0; bit < 64; bit++) {
		const char *name = queztl_feature_name(info.features & 1ULL << bit);
		size_t length = strlen(features);

		if (name)
			snprintf(features + length, sizeof(features) - length,
				 "%s%s", length ? " " : "", name);
	}
	set_item(item, "version", info.module);
	set_number(item, "abi", info.abi_version);
	give_item(item, "features", sorted_words(features));
	return 0;
}

static void read_scheduler(struct items *items)
{
	struct item *item = add_item(items, ITEM_SCHEDULER, 0, NULL);
	struct sched_state state;

	read_sched_state(&state);
	set_item(item, "state", state.on ? tier_name(state.tier) : "off");
	if (state.on)
		set_item(item, "per-vcpu", state.per_vcpu ? "yes" : "no");
	set_item(item, "other", *state.other ? state.other : NULL);
	set_item(item, "failure", *state.ended ? state.ended : NULL);
}

static int read_fabrics(int fd, struct items *items)
{
	struct queztl_fabric fabric = { 0 };
	int ret;

	while (!(ret = queztl_fabric_next(fd, &fabric))) {
		struct item *item = add_item(items, ITEM_FABRIC, fabric.id,
					     fabric.name);

		set_item(item, "mode", fabric.mode & QUEZTL_FABRIC_DENY ?
			 "deny" : "open");
		set_item(item, "reserved", fabric.mode & QUEZTL_FABRIC_RESERVED ?
			 "forward" : "drop");
	}
	return end_of_list(ret);
}

/* The most important bit of a port's state. */
static const char *state_word(uint32_t state)
{
	static const uint32_t bits[] = {
		QUEZTL_PORT_BROKEN, QUEZTL_PORT_UP, QUEZTL_PORT_NO_WORKER,
		QUEZTL_PORT_OPEN,
	};

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (state & bits[i])
			return queztl_port_state_name(bits[i]);
	return "unused";
}

/* The words of `queztl port set`, without that of an access port. */
static const char *shorten_vlan(const char *words)
{
	return strncmp(words, "vlan ", 5) ? words : words + 5;
}

static void take_settings(struct item *item, const struct object *object)
{
	for (int s = 0; s < SETTING_COUNT; s++)
		if (settings[s].kind == PORT && object->value[s])
			set_item(item, settings[s].name, s == VLAN ?
				 shorten_vlan(object->value[s]) :
				 object->value[s]);
}

static int read_port(int fd, const struct snapshot *shot,
		     const struct port *port, struct items *items)
{
	const struct queztl_port *p = &port->port;
	struct config config = { 0 };
	struct object *object = add_object(&config, PORT, p->name);
	char device[NAME_ROOM];
	struct item *item;
	int ret;

	read_port_device(p->name, device);
	ret = read_port_settings(fd, shot, port, object);
	sort_config(&config);
	item = add_item(items, ITEM_PORT, p->id, p->name);
	take_settings(item, object);
	set_item(item, "state", state_word(p->state));
	set_item(item, "device", *device ? device : NULL);
	set_pid(item, p->pid);
	free_config(&config);
	if (ret == -ENOENT || ret == -ENODEV)
		drop_last_item(items);
	return ret == -ENODEV ? 0 : end_of_list(ret);
}

/* One that was deleted is gone, even if its user has not closed it. */
static int read_all_ports(int fd, struct items *items)
{
	struct snapshot shot = { 0 };
	int ret = read_ports(fd, &shot);

	for (size_t i = 0; !ret && i < shot.port_count; i++)
		if (!(shot.ports[i].port.state & QUEZTL_PORT_DELETED))
			ret = read_port(fd, &shot, &shot.ports[i], items);
	free_snapshot(&shot);
	return end_of_list(ret);
}

static void read_share(int fd, struct item *item)
{
	struct queztl_vm_sched vm;
	char text[24];

	if (queztl_vm_sched_get(fd, item->id, &vm))
		return;
	set_number(item, "weight", vm.weight);
	snprintf(text, sizeof(text), "%g%%", vm.limit / 10.0);
	set_item(item, "limit", vm.limit ? text : NULL);
}

static int read_vm(int fd, uint64_t id, struct items *items)
{
	char name[NAME_ROOM] = "";
	struct queztl_vm info;
	struct item *item;
	int vm = queztl_vm_open(fd, id);
	int ret = vm < 0 ? vm : queztl_vm_info(vm, &info);

	if (vm >= 0)
		close(vm);
	if (ret == -EPERM)		/* of another user */
		add_item(items, ITEM_VM, id, NULL);
	if (ret)
		return ret == -EPERM || ret == -ENOENT ? 0 : ret;
	read_vm_name(info.pid, name);
	item = add_item(items, ITEM_VM, id, *name ? name : NULL);
	set_pid(item, info.pid);
	set_item(item, "process", info.comm);
	set_number(item, "uid", info.uid);
	set_number(item, "vcpus", info.vcpus);
	set_item(item, "name", *name ? name : NULL);
	read_share(fd, item);
	return 0;
}

static int read_vms(int fd, struct items *items)
{
	uint64_t id = 0;
	int ret;

	while (!(ret = queztl_vm_next(fd, &id))) {
		ret = read_vm(fd, id, items);
		if (ret)
			return ret;
	}
	return end_of_list(ret);
}

static int read_windows(int fd, struct items *items)
{
	struct queztl_window window = { 0 };
	int ret;

	while (!(ret = queztl_window_next(fd, &window))) {
		struct item *item = add_item(items, ITEM_WINDOW, window.id,
					     window.name);

		set_number(item, "slots", window.slots);
		set_number(item, "used", window.used);
		set_number(item, "region", window.region);
		set_pid(item, window.pid);
	}
	return end_of_list(ret);
}

static int read_rules(int fd, struct items *items)
{
	struct queztl_channel_rule rule = { 0 };
	int ret;

	while (!(ret = queztl_channel_rule_next(fd, &rule))) {
		struct item *item = add_item(items, ITEM_RULE, rule.id,
					     rule.name);

		set_item(item, "listener", rule.listener);
		set_item(item, "connecter", rule.connecter);
	}
	return end_of_list(ret);
}

static int read_channels(int fd, struct items *items)
{
	struct queztl_channel channel = { 0 };
	int ret;

	while (!(ret = queztl_channel_next(fd, &channel))) {
		struct item *item = add_item(items, ITEM_CHANNEL, channel.id,
					     channel.name);

		set_number(item, "region", channel.bytes);
		set_item(item, "listener", channel.listener);
		set_item(item, "connecter", *channel.connecter ?
			 channel.connecter : NULL);
	}
	return end_of_list(ret);
}

int read_items(int fd, unsigned int kinds, struct items *items)
{
	static int (*const readers[ITEM_KINDS])(int fd, struct items *items) = {
		[ITEM_MODULE] = read_module,
		[ITEM_FABRIC] = read_fabrics,
		[ITEM_PORT] = read_all_ports,
		[ITEM_VM] = read_vms,
		[ITEM_WINDOW] = read_windows,
		[ITEM_RULE] = read_rules,
		[ITEM_CHANNEL] = read_channels,
	};
	int ret = 0;

	if (kinds & 1u << ITEM_SCHEDULER)
		read_scheduler(items);
	for (int kind = 0; !ret && fd >= 0 && kind < ITEM_KINDS; kind++)
		if (kinds & 1u << kind && readers[kind])
			ret = readers[kind](fd, items);
	sort_items(items);
	return ret;
}
