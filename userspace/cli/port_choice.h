/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_PORT_CHOICE_H
#define QUEZTL_PORT_CHOICE_H

#include <stdbool.h>

#include "cli.h"
#include "snapshot.h"

/* Which ports to list. */
struct port_choice {
	const char *fabric;	/* NULL: of any */
	const char *vm;		/* name or PID; NULL: of any */
};

/* Each returns EXIT_OK, or the code of an error that was explained. */
int parse_port_choice(struct cli *cli, int argc, char **argv,
		      struct port_choice *choice);
/* A fabric that does not exist is an error, one without ports is not. */
int check_port_choice(struct cli *cli, int fd, const struct port_choice *choice);

bool is_chosen_port(const struct port_choice *choice, const struct port *port);

#endif /* QUEZTL_PORT_CHOICE_H */
