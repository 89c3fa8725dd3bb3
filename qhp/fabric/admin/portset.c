// SPDX-License-Identifier: GPL-2.0
/*
 * The mode of a port: whether it is the uplink of its fabric, whether its link
 * is up. It is the administrator's, and outlasts the drivers of the port.
 */

#include "admin/admin.h"

#define QZ_PORT_MODES	(QUEZTL_PORT_UPLINK | QUEZTL_PORT_LINK_DOWN)

/* fabric->lock held. Return: whether those bits were different. */
bool qz_port_set_special(struct qz_port *port, u32 mask, u32 bits)
{
	u32 now = (port->special & ~mask) | bits;
	bool differs = now != port->special;

	lockdep_assert_held(&port->fabric->lock);
	WRITE_ONCE(port->special, now);
	return differs;
}

/* fabric->lock held. @link: out: the link has changed. */
static int set_mode(struct qz_port *port, u32 change, u32 mode, bool *link)
{
	int err;

	if (!port->attached)
		return -ENOENT;		/* it was deleted */
	if (change & QUEZTL_PORT_UPLINK) {
		err = qz_uplink_set(port, mode & QUEZTL_PORT_UPLINK);
		if (err)
			return err;
	}
	if (change & QUEZTL_PORT_LINK_DOWN)
		*link = qz_port_set_special(port, QZ_PORT_LINK_DOWN,
					    mode & QUEZTL_PORT_LINK_DOWN ?
					    QZ_PORT_LINK_DOWN : 0);
	return 0;
}

/* A call, see &struct queztl_port_set_args; process context, may sleep. */
int qz_port_set(const struct queztl_port_set_args *set)
{
	u32 change = set->change ?: QUEZTL_PORT_UPLINK;
	struct qz_port *port;
	bool link = false;
	int err;

	if (change & ~QZ_PORT_MODES || set->mode & ~change)
		return -EINVAL;
	port = qz_port_get(set->id);
	if (!port)
		return -ENOENT;
	mutex_lock(&port->fabric->lock);
	err = set_mode(port, change, set->mode, &link);
	mutex_unlock(&port->fabric->lock);
	if (!err)
		qz_gate_wait();
	if (link)	/* its worker calls the driver: nobody waits for that */
		qz_signal_config(port);
	qz_port_put(port);
	return err;
}
