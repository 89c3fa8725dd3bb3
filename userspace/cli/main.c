// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

static unsigned int line_width(void)
{
	struct winsize size;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return 80;
}

int main(int argc, char **argv)
{
	bool terminal = isatty(STDOUT_FILENO);
	struct cli cli = {
		.out = stdout,
		.err = stderr,
		.terminal = terminal,
		.width = terminal ? line_width() : 0,
	};

	return dispatch(&cli, commands, argc, argv);
}

const struct command commands[] = {
	{ "info", "", "what this kernel and module offer", run_info },
	{ "doctor", "", "what is missing here, and what mends it",
		run_doctor },
	{ "vms", "", "the virtual machines", run_vms },
	{ "attach", "PID", "add the VMs of a process that did not appear",
		run_attach },
	{ "detach", "ID", "forget a VM; it runs on", run_detach },
	{ "fabric add", "NAME [--deny]", "create a network, open or closed",
		run_fabric_add },
	{ "fabric del", "NAME", "remove a network that has no ports",
		run_fabric_del },
	{ "fabric set", "NAME open|deny", "let all ports talk, or peers only",
		run_fabric_set },
	{ "fabric list", "", "the networks", run_fabric_list },
	{ "port list", "", "the ports of all networks", run_port_list },
	{ "port show", "PORT", "all about one port", run_port_show },
	{ "port set", "PORT [rate RATE] [pps N] [flood N]",
		"limit what a port may send", run_port_set },
	{ "port uplink", "PORT on|off", "let a port lead out of its network",
		run_port_uplink },
	{ "policy allow", "PORT PEER... | --mesh PORT...",
		"let a port talk with others, or all with all",
		run_policy_allow },
	{ "policy forbid", "PORT PEER", "let them no longer",
		run_policy_forbid },
	{ "policy list", "[PORT]", "which ports may talk", run_policy_list },
	{ "addr add", "PORT ADDR[/N]", "an address the port may send as",
		run_addr_add },
	{ "addr del", "PORT ADDR[/N]", "take it back", run_addr_del },
	{ "addr list", "[PORT]", "the addresses of ports", run_addr_list },
	{ "stats", "[--watch [SECONDS]] [--count N]",
		"counters of ports and VMs; --watch: their rates",
		run_stats },
	{ 0 }
};
