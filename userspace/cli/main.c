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
	{ "info", "", "show what this kernel and module support", run_info, true },
	{ "doctor", "[--vm NAME|PID]", "check this host or a VM, say how to fix it",
		run_doctor, true },
	{ "vms", "", "list the virtual machines", run_vms, true },
	{ "attach", "PID", "register VMs that were not detected",
		run_attach, true },
	{ "detach", "ID", "unregister a VM; it keeps running", run_detach, true },
	{ "apply", "[--dry-run] [--diff] [FILE...]",
		"make fabrics and ports as /etc/queztl says", run_apply, true },
	{ "check", "[FILE...]", "check configuration files", run_check, true },
	{ "save", "[FILE]", "write a configuration of all that there is",
		run_save, false },
	{ "fabric add", "NAME [--deny]",
		"create a fabric; --deny: only peers talk", run_fabric_add, true },
	{ "fabric del", "NAME", "remove a fabric that has no ports",
		run_fabric_del, true },
	{ "fabric set", "NAME [open|deny] [reserved forward|drop]",
		"let all ports talk, or only peers",
		run_fabric_set, true },
	{ "fabric list", "", "list the fabrics", run_fabric_list, true },
	{ "port add", "PORT [fabric] FABRIC [mac MAC] [mtu N] [pairs N] [for vm|host] [owner USER] [migratable]",
		"create a port", run_port_add, true },
	{ "port del", "PORT", "remove a port", run_port_del, false },
	{ "port list", "[fabric FABRIC] [vm NAME|PID]", "list the ports", run_port_list, true },
	{ "port show", "PORT", "show everything about one port", run_port_show, true },
	{ "port xml", "PORT", "print an interface of a domain of libvirt",
		run_port_xml, true },
	{ "port set", "PORT [rate RATE] [pps N] [flood N] [link up|down] [vlan ID|none] [trunk IDS [native ID]] [macs any|none|MAC,...]",
		"change limits, link, VLANs, MACs", run_port_set, true },
	{ "port uplink", "PORT on|off", "make a port the uplink of its fabric",
		run_port_uplink, true },
	{ "port mirror", "PORT to PORT|off", "copy the frames of a port to another",
		run_port_mirror, true },
	{ "capture", "PORT [-w FILE] [-s BYTES] [-c N]",
		"show the frames of a port, or write pcapng", run_capture, true },
	{ "policy allow", "PORT PEER... | --mesh PORT...",
		"make ports peers of one, or all of each other",
		run_policy_allow, true },
	{ "policy forbid", "PORT PEER", "undo policy allow",
		run_policy_forbid, true },
	{ "policy list", "[PORT]", "list the peers of ports", run_policy_list, true },
	{ "addr add", "PORT ADDR[/N]", "add an allowed source address of a port",
		run_addr_add, true },
	{ "addr del", "PORT ADDR[/N]", "undo addr add", run_addr_del, true },
	{ "addr list", "[PORT]", "list the addresses of ports", run_addr_list, true },
	{ "window serve", "NAME [--slots N] [--region SIZE] [--socket PATH] [--vectors N]",
		"give a VM a window for channels", run_window_serve, true },
	{ "window list", "", "list the windows", run_window_list, true },
	{ "channel allow", "NAME LISTENER CONNECTER",
		"let two windows have a channel", run_channel_allow, true },
	{ "channel deny", "NAME LISTENER CONNECTER",
		"undo channel allow, cut the channel", run_channel_deny, true },
	{ "channel rules", "", "list what is allowed", run_channel_rules, true },
	{ "channel list", "", "list the channels", run_channel_list, true },
	{ "channel show", "CHANNEL", "show one channel and its ends",
		run_channel_show, true },
	{ "channel revoke", "CHANNEL", "cut a channel", run_channel_revoke, true },
	{ "stats", "[--watch [SECONDS]] [--count N] [--top N]",
		"show counters, or with --watch their rates",
		run_stats, true },
	{ "monitor", "[OBJECT...] [name NAME] [--initial] [--interval SECONDS] [--count N]",
		"print what changes on this host", run_monitor, true },
	{ "exporter", "[-o FILE | --listen PATH|127.0.0.1:PORT|[::1]:PORT]",
		"print metrics for Prometheus, or serve them", run_exporter, false },
	{ "sched start", "[--check US] [--slice US] [--per-vcpu]",
		"schedule so that a VM is one customer", run_sched_start, false },
	{ "sched stop", "", "leave scheduling to the kernel", run_sched_stop, false },
	{ "sched set", "PID [weight N] [limit N%|none]",
		"set the weight and the limit of a VM", run_sched_set, false },
	{ "sched status", "", "show what schedules, and what VMs got",
		run_sched_status, true },
	{ "top", "[PID...] [-d SECONDS] [-n COUNT] [-s COLUMN] [--once]",
		"show the CPU time that VMs use and wait for", run_top, true },
	{ "udev-port", "PORT", NULL, run_udev_port, false },
	{ 0 }
};
