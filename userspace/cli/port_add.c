// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <queztl.h>

#include "doctor.h"
#include "fail.h"
#include "json.h"
#include "lookup.h"
#include "macs.h"
#include "migratable.h"
#include "options.h"
#include "port.h"
#include "portdev.h"
#include "vdpa.h"

#define LEAST_MTU	68
#define MOST_MTU	65535
#define MOST_PAIRS	16

struct request {
	struct new_port port;
	bool migratable;
};

static bool parse_mac(const char *value, struct request *request)
{
	struct queztl_mac macs[QUEZTL_MACS_MAX];
	uint32_t count;

	if (strchr(value, ',') || !parse_mac_list(value, macs, &count))
		return false;
	memcpy(request->port.mac, macs[0].addr, sizeof(request->port.mac));
	request->port.has_mac = true;
	return true;
}

static bool parse_mtu(const char *value, struct request *request)
{
	uint64_t number;

	if (!parse_number(value, LEAST_MTU, MOST_MTU, &number))
		return false;
	request->port.mtu = number;
	return true;
}

static bool parse_pairs(const char *value, struct request *request)
{
	uint64_t number;

	if (!parse_number(value, 1, MOST_PAIRS, &number))
		return false;
	request->port.pairs = number;
	return true;
}

static const struct property {
	const char *name;
	bool (*parse)(const char *value, struct request *request);
	const char *takes;
} properties[] = {
	{ "mac", parse_mac, "a unicast MAC address such as 52:54:00:00:00:01" },
	{ "mtu", parse_mtu, "68 to 65535" },
	{ "pairs", parse_pairs, "a number of queue pairs, 1 to 16" },
};

#define PROPERTIES	(sizeof(properties) / sizeof(properties[0]))

static const struct property *find_property(const char *name)
{
	for (size_t i = 0; i < PROPERTIES; i++)
		if (!strcmp(properties[i].name, name))
			return &properties[i];
	return NULL;
}

static int parse_property(struct cli *cli, const char *name, const char *value,
			  struct request *request)
{
	const struct property *p = find_property(name);

	if (!p)
		return fail(cli, EXIT_USAGE,
			    "unknown property '%s': use mac, mtu, pairs or migratable",
			    name);
	if (!value)
		return fail(cli, EXIT_USAGE, "missing value for '%s': use %s",
			    name, p->takes);
	if (!p->parse(value, request))
		return fail(cli, EXIT_USAGE, "invalid %s '%s': use %s", name,
			    value, p->takes);
	return EXIT_OK;
}

static int parse_properties(struct cli *cli, int argc, char **argv,
			    struct request *request)
{
	int code = EXIT_OK;

	for (int i = 0; !code && i < argc; i++) {
		if (!strcmp(argv[i], "migratable")) {
			request->migratable = true;
			continue;
		}
		code = parse_property(cli, argv[i],
				      i + 1 < argc ? argv[i + 1] : NULL, request);
		i++;
	}
	return code;
}

/* It becomes the name of a device, and of a directory in sysfs. */
static bool is_name(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

	return length && length < QUEZTL_NAME_MAX && !name[length] &&
	       !strchr("-_.", *name);
}

static int fail_add(struct cli *cli, int ret, const struct new_port *port)
{
	switch (ret) {
	case -EPROTONOSUPPORT:
		return fail(cli, EXIT_UNSUPPORTED,
			    "the kernel module vdpa is not loaded: sudo modprobe vdpa");
	case -ENODEV:
		return fail(cli, EXIT_NO_OBJECT,
			    "no fabric %s: see queztl fabric list", port->fabric);
	case -EEXIST:
		return fail(cli, EXIT_FAILED,
			    "a port has this name or this MAC address already: see queztl port list");
	case -EBUSY:
		return fail(cli, EXIT_FAILED,
			    "port %s was deleted and is still open: see queztl port list",
			    port->name);
	case -EADDRNOTAVAIL:
		return fail(cli, EXIT_USAGE,
			    "invalid mac: use a unicast MAC address that is not zero");
	case -ENOSPC:
		return fail(cli, EXIT_FAILED,
			    "fabric %s has the maximum number of ports: remove one (queztl port del PORT)",
			    port->fabric);
	default:
		return fail_errno(cli, ret, "cannot create port %s", port->name);
	}
}

static int add_port(struct cli *cli, struct request *request)
{
	struct new_port *port = &request->port;
	int ret = 0;

	if (request->migratable) {
		ret = vdpa_features(port->fabric, &port->features);
		if (!ret && !choose_migratable(&port->features))
			ret = -EOPNOTSUPP;
	}
	if (!ret)
		ret = vdpa_add(port);
	return ret ? fail_add(cli, ret, port) : EXIT_OK;
}

static int show_added(struct cli *cli, int fd, const struct snapshot *shot,
		      const struct port *port, void *ctx)
{
	char device[NAME_ROOM];

	(void)fd;
	(void)shot;
	(void)ctx;
	if (cli->json) {
		print_json(port_json(port), cli->out, false);
		return EXIT_OK;
	}
	read_port_device(port->port.name, device);
	if (!*device)
		fputs("no driver has taken the port: to use it with QEMU or DPDK: sudo modprobe vhost_vdpa\n",
		      cli->out);
	else
		fprintf(cli->out, "port %s is %s%s\n", port->port.name,
			strncmp(device, "vhost", 5) ? "" : "/dev/", device);
	return EXIT_OK;
}

int run_port_add(struct cli *cli, int argc, char **argv)
{
	int code = expect_between(cli, argc, argv, 2, 3 + 2 * PROPERTIES);
	struct request request = { 0 };
	int fd;

	if (!code)
		code = parse_properties(cli, argc - 2, argv + 2, &request);
	if (!code && !is_name(argv[0]))
		code = fail(cli, EXIT_USAGE,
			    "invalid port name '%s': use letters, digits, - _ . (at most %d, starting with a letter or digit)",
			    argv[0], QUEZTL_NAME_MAX - 1);
	if (code)
		return code;
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	close(fd);
	request.port.name = argv[0];
	request.port.fabric = argv[1];
	code = add_port(cli, &request);
	if (!code && request.migratable)
		warn_map_entries(cli, read_map_entries(), read_ram_mib());
	return code ? code : with_port(cli, argv[0], show_added, NULL);
}

static int del_port(struct cli *cli, int fd, const struct snapshot *shot,
		    const struct port *port, void *ctx)
{
	int ret = vdpa_del(port->port.name);

	(void)fd;
	(void)shot;
	(void)ctx;
	if (ret == -ENODEV)
		return fail_no_port(cli, port->port.name);
	if (ret)
		return fail_errno(cli, ret, "cannot remove port %s",
				  port->port.name);
	return EXIT_OK;
}

/* vDPA would delete a device of any driver: it has to be a port. */
int run_port_del(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 1);

	return code ? code : with_port(cli, argv[0], del_port, NULL);
}
