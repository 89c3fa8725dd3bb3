/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_CLI_H
#define QUEZTL_CLI_H

#include <stdbool.h>
#include <stdio.h>

/* Stable: documented in queztl(8). */
enum exit_code {
	EXIT_OK			= 0,
	EXIT_FAILED		= 1,
	EXIT_USAGE		= 2,
	EXIT_NO_OBJECT		= 3,
	EXIT_NO_PERMISSION	= 4,
	EXIT_UNSUPPORTED	= 5,
};

struct cli {
	FILE *out;
	FILE *err;
	bool json;
	bool terminal;		/* out is a terminal */
	bool color;
	unsigned int width;	/* columns per line, 0: no limit */
	const struct command *command;
};

/* run() gets the words after its name, without the options of the program. */
struct command {
	const char *name;	/* one or two words */
	const char *args;
	const char *help;	/* NULL: not for people, not listed */
	int (*run)(struct cli *cli, int argc, char **argv);
	bool json;		/* it can print JSON, by a schema of ../schema */
};

extern const struct command commands[];	/* ends with an empty name */

int dispatch(struct cli *cli, const struct command *table,
	     int argc, char **argv);

int run_addr_add(struct cli *cli, int argc, char **argv);
int run_addr_del(struct cli *cli, int argc, char **argv);
int run_addr_list(struct cli *cli, int argc, char **argv);
int run_apply(struct cli *cli, int argc, char **argv);
int run_attach(struct cli *cli, int argc, char **argv);
int run_capture(struct cli *cli, int argc, char **argv);
int run_channel_allow(struct cli *cli, int argc, char **argv);
int run_channel_deny(struct cli *cli, int argc, char **argv);
int run_channel_list(struct cli *cli, int argc, char **argv);
int run_channel_revoke(struct cli *cli, int argc, char **argv);
int run_channel_rules(struct cli *cli, int argc, char **argv);
int run_channel_show(struct cli *cli, int argc, char **argv);
int run_check(struct cli *cli, int argc, char **argv);
int run_detach(struct cli *cli, int argc, char **argv);
int run_doctor(struct cli *cli, int argc, char **argv);
int run_exporter(struct cli *cli, int argc, char **argv);
int run_fabric_add(struct cli *cli, int argc, char **argv);
int run_fabric_del(struct cli *cli, int argc, char **argv);
int run_fabric_set(struct cli *cli, int argc, char **argv);
int run_fabric_list(struct cli *cli, int argc, char **argv);
int run_info(struct cli *cli, int argc, char **argv);
int run_monitor(struct cli *cli, int argc, char **argv);
int run_policy_allow(struct cli *cli, int argc, char **argv);
int run_policy_forbid(struct cli *cli, int argc, char **argv);
int run_policy_list(struct cli *cli, int argc, char **argv);
int run_port_add(struct cli *cli, int argc, char **argv);
int run_port_del(struct cli *cli, int argc, char **argv);
int run_port_list(struct cli *cli, int argc, char **argv);
int run_port_mirror(struct cli *cli, int argc, char **argv);
int run_port_uplink(struct cli *cli, int argc, char **argv);
int run_port_set(struct cli *cli, int argc, char **argv);
int run_port_show(struct cli *cli, int argc, char **argv);
int run_save(struct cli *cli, int argc, char **argv);
int run_port_xml(struct cli *cli, int argc, char **argv);
int run_sched_set(struct cli *cli, int argc, char **argv);
int run_sched_start(struct cli *cli, int argc, char **argv);
int run_sched_status(struct cli *cli, int argc, char **argv);
int run_sched_stop(struct cli *cli, int argc, char **argv);
int run_stats(struct cli *cli, int argc, char **argv);
int run_top(struct cli *cli, int argc, char **argv);
int run_udev_port(struct cli *cli, int argc, char **argv);
int run_vms(struct cli *cli, int argc, char **argv);
int run_window_list(struct cli *cli, int argc, char **argv);
int run_window_serve(struct cli *cli, int argc, char **argv);

#endif /* QUEZTL_CLI_H */
