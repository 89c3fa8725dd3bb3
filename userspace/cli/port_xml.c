// SPDX-License-Identifier: GPL-2.0
#include <queztl.h>

#include "cli.h"
#include "fail.h"
#include "format.h"
#include "json.h"
#include "lookup.h"
#include "options.h"
#include "port.h"
#include "portlink.h"

/*
 * For libvirt: a guest whose MAC address is not that of its port sends nothing, so
 * nobody should have to write it twice. Names have no character that XML knows.
 */
static void print_interface(FILE *to, const struct queztl_port *port,
			    const char *path)
{
	char mac[MAC_ROOM];

	fprintf(to, "<interface type='vdpa'>\n"
		    "  <source dev='%s'/>\n"
		    "  <mac address='%s'/>\n"
		    "  <model type='virtio'/>\n",
		path, format_mac(mac, port->mac));
	if (port->max_vqp > 1)
		fprintf(to, "  <driver queues='%u'/>\n", port->max_vqp);
	fputs("</interface>\n", to);
}

static int show_xml(struct cli *cli, int fd, const struct snapshot *shot,
		    const struct port *port, void *ctx)
{
	char path[PATH_MAX];

	(void)fd;
	(void)shot;
	(void)ctx;
	if (!read_port_path(port->port.name, path))
		return fail(cli, EXIT_FAILED,
			    "port %s has no device for a VM: it needs the driver vhost_vdpa (queztl port add PORT FABRIC for vm)",
			    port->port.name);
	if (cli->json)
		print_json(port_json(port), cli->out, false);
	else
		print_interface(cli->out, &port->port, path);
	return EXIT_OK;
}

int run_port_xml(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 1);

	return code ? code : with_port(cli, argv[0], show_xml, NULL);
}
