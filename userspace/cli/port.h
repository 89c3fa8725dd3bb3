/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_PORT_H
#define QUEZTL_PORT_H

#include <jansson.h>

#include "color.h"
#include "process.h"
#include "snapshot.h"

#define USER_ROOM	(NAME_ROOM + 16)

json_t *port_json(const struct port *port);
json_t *limits_json(const struct queztl_port_rates *rates);

/* The most important bit for an administrator. */
const char *describe_state(uint32_t state);

enum color color_state(uint32_t state);

/* "up" or "down", as the administrator set it. */
const char *describe_link(uint32_t mode);

/* Why a port is not up, as half a sentence; NULL if nothing is wrong. */
const char *explain_state(uint32_t state);

/* The user of the port: "web (123)", "this host" or "-". */
const char *describe_user(char buffer[USER_ROOM],
			  const struct queztl_port *port);

#endif /* QUEZTL_PORT_H */
