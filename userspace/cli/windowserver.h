/* SPDX-License-Identifier: GPL-2.0 */
/* Gives a window to one VM after the other. */
#ifndef QUEZTL_WINDOWSERVER_H
#define QUEZTL_WINDOWSERVER_H

#include <signal.h>

#include "windowclient.h"
#include "windowoptions.h"

struct server {
	struct cli *cli;
	struct window_options options;
	struct window window;
	uint64_t id;
	int socket;
	int signals;		/* signalfd of those that end this process */
	sigset_t usual;		/* signal mask of the child */
	int client;		/* -1: there is none */
	int child;		/* pidfd of who serves it */
	pid_t pid;
	struct bells bells;
};

/* Until a signal comes. */
void serve_clients(struct server *server);

/* Ends the child of a VM that is still there, which can make no more channels. */
void leave_client(struct server *server);

#endif /* QUEZTL_WINDOWSERVER_H */
