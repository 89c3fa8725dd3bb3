// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "format.h"
#include "port.h"

void judge_port_state(const struct queztl_port *port, struct verdict *v)
{
	char user[USER_ROOM], remedy[128] = "stop the process that has it open";
	const char *why = explain_state(port->state);
	const char *who = describe_user(user, port);

	if (port->state & QUEZTL_PORT_DELETED) {
		if (port->pid)
			snprintf(remedy, sizeof(remedy),
				 "stop that process: kill %d", port->pid);
		judge(v, VERDICT_WARN, "%s was deleted, but %s has it open",
		      remedy, port->name, who);
	} else if (port->state & QUEZTL_PORT_NO_WORKER) {
		judge(v, VERDICT_WARN, "%s of %s is down: %s",
		      "raise its limit (systemd: LimitNPROC=, TasksMax=), restart the VM",
		      port->name, who, why);
	} else {
		judge(v, VERDICT_WARN, "%s of %s is down: %s",
		      "reset or restart the VM", port->name, who, why);
	}
}

void judge_flood(const struct port *port, struct verdict *v)
{
	const char *name = port->port.name;
	char remedy[128], count[COUNT_ROOM];

	snprintf(remedy, sizeof(remedy), "if too few: queztl port set %s flood N",
		 name);
	judge(v, VERDICT_WARN, "%s has sent more broadcasts and multicasts than its limit: %s dropped",
	      remedy, name,
	      format_count(count, port->stats.drops[QUEZTL_DROP_RATE]));
}

/* The first trouble there is; queztl port list has the others. */
void judge_ports(const struct snapshot *shot, struct verdict *v)
{
	for (size_t i = 0; i < shot->port_count; i++) {
		const struct queztl_port *port = &shot->ports[i].port;

		if (explain_state(port->state)) {
			judge_port_state(port, v);
			return;
		}
	}
	for (size_t i = 0; i < shot->port_count; i++)
		if (shot->ports[i].stats.drops[QUEZTL_DROP_RATE]) {
			judge_flood(&shot->ports[i], v);
			return;
		}
	judge(v, VERDICT_OK, "%zu, none of them in trouble", NULL,
	      shot->port_count);
}

void check_ports(struct verdict *v)
{
	struct snapshot shot = { 0 };
	int fd = queztl_open();
	int ret = fd < 0 ? fd : read_ports(fd, &shot);

	if (ret)
		judge(v, VERDICT_OK, "not looked at: %s", NULL, strerror(-ret));
	else
		judge_ports(&shot, v);
	free_snapshot(&shot);
	if (fd >= 0)
		close(fd);
}
