/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_EXPORTER_H
#define QUEZTL_EXPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "cli.h"
#include "usage.h"

struct exporter {
	struct cli *cli;
	struct usage_reader reader;
	struct sample sample;	/* the last one */
	bool continuous;
};

/*
 * The metrics of now as text, which the caller frees. Returns 0 or -errno.
 */
int render_metrics(struct exporter *exporter, char **text, size_t *size);

/*
 * Serves the metrics by HTTP on a listening socket, which does not block, until
 * a signal ends the program.
 */
int serve_metrics(struct exporter *exporter, int socket);

enum { REQUEST_INCOMPLETE };

/*
 * What to answer to a request of which this many bytes have come: a status of
 * HTTP, or REQUEST_INCOMPLETE. *head is set if the body is not wanted.
 */
int judge_request(const char *text, size_t size, bool *head);

/*
 * Does a complete request name a host by a name that somebody else can give to this
 * one? A page in a browser here could read the answer to it.
 */
bool is_rebound(const char *text, size_t size);

struct listen_address {
	struct sockaddr_storage socket;
	socklen_t length;	/* 0: a path, which is text */
	const char *text;
};

/* A path, or a port on the loopback. Returns false if it is something else. */
bool parse_listen_address(const char *text, struct listen_address *address);

/* Returns a listening socket that does not block, or -errno. */
int listen_to(const struct listen_address *address);

#endif /* QUEZTL_EXPORTER_H */
