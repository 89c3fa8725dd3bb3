// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "fabric.h"
#include "fail.h"
#include "options.h"
#include "port_choice.h"
#include "process.h"

static bool is_used_by(const struct queztl_port *port, const char *vm)
{
	char name[NAME_ROOM], pid[16];

	if (!port->pid)
		return false;
	snprintf(pid, sizeof(pid), "%d", port->pid);
	read_vm_name(port->pid, name);
	return !strcmp(vm, pid) || (*name && !strcmp(vm, name));
}

bool is_chosen_port(const struct port_choice *choice, const struct port *port)
{
	return (!choice->fabric || !strcmp(choice->fabric, port->fabric)) &&
	       (!choice->vm || is_used_by(&port->port, choice->vm));
}

int parse_port_choice(struct cli *cli, int argc, char **argv,
		      struct port_choice *choice)
{
	int code = expect_between(cli, argc, argv, 0, 4);

	for (int i = 0; !code && i < argc; i += 2) {
		const char **value = !strcmp(argv[i], "fabric") ?
			&choice->fabric : !strcmp(argv[i], "vm") ?
			&choice->vm : NULL;

		if (!value)
			return fail(cli, EXIT_USAGE,
				    "unknown filter '%s': use fabric FABRIC or vm NAME|PID",
				    argv[i]);
		if (i + 1 == argc)
			return fail(cli, EXIT_USAGE,
				    "missing value for '%s': usage: queztl port list %s",
				    argv[i], cli->command->args);
		*value = argv[i + 1];
	}
	return code;
}

int check_port_choice(struct cli *cli, int fd, const struct port_choice *choice)
{
	struct queztl_fabric fabric = { 0 };
	const char *name = choice->fabric;

	while (name && !queztl_fabric_next(fd, &fabric))
		if (!strcmp(fabric.name, name))
			return EXIT_OK;
	return name ? fail_no_fabric(cli, name) : EXIT_OK;
}
