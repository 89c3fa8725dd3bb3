// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "fail.h"
#include "json.h"
#include "lookup.h"
#include "migratable.h"
#include "newport.h"
#include "options.h"
#include "port.h"
#include "portdev.h"
#include "portlink.h"
#include "vdpa.h"

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

static int fail_driver(struct cli *cli, const char *driver)
{
	return fail(cli, EXIT_UNSUPPORTED,
		    "the kernel module %s is not loaded: sudo modprobe %s",
		    driver, driver);
}

static int create_port(struct cli *cli, struct request *request)
{
	struct new_port *port = &request->port;
	int ret = 0;

	if (request->driver && !port_driver_is_loaded(request->driver))
		return fail_driver(cli, request->driver);
	if (request->migratable) {
		ret = vdpa_features(port->fabric, &port->features);
		if (!ret && !choose_migratable(&port->features))
			ret = -EOPNOTSUPP;
	}
	if (!ret)
		ret = vdpa_add(port);
	return ret ? fail_add(cli, ret, port) : EXIT_OK;
}

/* A port that cannot be what was asked for goes again. */
static int fail_setup(struct cli *cli, int ret, const char *name,
		      const char *what, const char *object)
{
	vdpa_del(name);
	forget_port(name);
	return fail_errno(cli, ret, "cannot create port %s: cannot %s %s",
			  name, what, object);
}

/* Without its name a port can be used all the same. */
static void warn_name(struct cli *cli, int ret, const char *port)
{
	fprintf(cli->err, "queztl: warning: cannot create %s/ports/%s: %s\n",
		run_root, port, strerror(-ret));
}

/* udev has the name made as well, if it runs. */
static int set_up_port(struct cli *cli, const struct request *request)
{
	const char *name = request->port.name;
	int ret = 0;

	if (request->driver)
		ret = bind_port(name, request->driver);
	if (ret)
		return fail_setup(cli, ret, name, "bind it to", request->driver);
	if (request->has_owner)
		ret = own_port(name, request->owner);
	if (ret)
		return fail_setup(cli, ret, name, "give its owner", "the device");
	if (!request->has_owner)
		ret = refresh_port(name);
	if (ret)
		warn_name(cli, ret, name);
	return EXIT_OK;
}

/*
 * A port of this name that `vdpa dev del` has removed may have left its owner
 * behind, if udev does not run.
 */
static int add_port(struct cli *cli, struct request *request)
{
	int code;

	if (!port_exists(request->port.name))
		forget_port(request->port.name);
	code = create_port(cli, request);
	return code ? code : set_up_port(cli, request);
}

static void print_no_device(struct cli *cli, const char *name,
			    const char *driver)
{
	if (driver && !strcmp(driver, DRIVER_FOR_HOST))
		fprintf(cli->out,
			"port %s has no network device yet: sudo modprobe virtio_net\n",
			name);
	else
		fputs("no driver has taken the port: to use it with QEMU or DPDK: sudo modprobe vhost_vdpa\n",
		      cli->out);
}

static int show_added(struct cli *cli, int fd, const struct snapshot *shot,
		      const struct port *port, void *ctx)
{
	const struct request *request = ctx;
	const char *name = port->port.name;
	char device[NAME_ROOM], path[PATH_MAX];

	(void)fd;
	(void)shot;
	if (cli->json) {
		print_json(port_json(port), cli->out, false);
		return EXIT_OK;
	}
	read_port_device(name, device);
	if (!*device)
		print_no_device(cli, name, request->driver);
	else if (read_port_path(name, path))
		fprintf(cli->out, "port %s is %s (%s)\n", name, path, device);
	else
		fprintf(cli->out, "port %s is %s%s\n", name,
			strncmp(device, "vhost", 5) ? "" : "/dev/", device);
	return EXIT_OK;
}

int run_port_add(struct cli *cli, int argc, char **argv)
{
	struct request request = { 0 };
	int code = parse_request(cli, argc, argv, &request);
	int fd;

	if (code)
		return code;
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	close(fd);
	code = add_port(cli, &request);
	if (!code && request.migratable)
		warn_map_entries(cli, read_map_entries(), read_ram_mib());
	return code ? code : with_port(cli, argv[0], show_added, &request);
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
	/* Somebody may have made one of this name again. */
	refresh_port(port->port.name);
	return EXIT_OK;
}

/* vDPA would delete a device of any driver: it has to be a port. */
int run_port_del(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 1);

	return code ? code : with_port(cli, argv[0], del_port, NULL);
}
