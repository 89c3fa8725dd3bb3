// SPDX-License-Identifier: GPL-2.0
/*
 * The port that leads out of a fabric. It has an address like any other, and
 * besides stands for all addresses that no port has: frames to them go to it,
 * and it may send frames from them. Nothing is learnt, so nothing outside can
 * take a port's frames away. What is outside is the administrator's: bound to
 * virtio_vdpa the port is a network device of the host.
 */

#include <linux/etherdevice.h>

#include "fabric.h"

/* Any context; it stays so for a run, and for who holds the fabric's lock. */
bool qz_uplink_is(const struct qz_port *port)
{
	return rcu_access_pointer(port->fabric->uplink) == port;
}

/**
 * qz_uplink_reach - where frames to unknown addresses go
 * @port: the sender
 * @reach: whom it may send to
 *
 * Context: inside a run (see run.c).
 * Return: the uplink; NULL if there is none, or the port may not send to it.
 */
struct qz_port *qz_uplink_reach(const struct qz_port *port,
				const struct qz_switch *reach)
{
	struct qz_port *uplink = srcu_dereference(port->fabric->uplink,
						  &qz_fabric_srcu);

	if (!uplink || qz_mactab_find(&reach->tab, uplink->mac_key) != uplink)
		return NULL;
	return uplink;
}

/**
 * qz_uplink_may_send - may a port send from an address that is not its own?
 * @port: the sender
 * @source: the address
 *
 * Context: inside a run (see run.c).
 */
bool qz_uplink_may_send(const struct qz_port *port, u64 source)
{
	const struct qz_switch *sw;

	if (!qz_uplink_is(port) || !qz_mac_is_unicast(source))
		return false;
	sw = srcu_dereference(port->fabric->sw, &qz_fabric_srcu);
	return !qz_mactab_find(&sw->tab, source);
}

/* fabric->lock held; when this returns no run uses the old uplink. */
static int set_uplink(struct qz_port *port, bool on)
{
	struct qz_fabric *fabric = port->fabric;
	const struct qz_port *now = rcu_access_pointer(fabric->uplink);

	if (list_empty(&port->list))
		return -ENOENT;		/* it is being deleted */
	if (now && now != port)
		return on ? -EBUSY : 0;
	rcu_assign_pointer(fabric->uplink, on ? port : NULL);
	synchronize_srcu_expedited(&qz_fabric_srcu);
	return 0;
}

/* A call, see &struct queztl_port_set; process context, may sleep. */
int qz_uplink_set(const struct queztl_port_set *set)
{
	struct qz_port *port;
	int err;

	if (set->mode & ~QUEZTL_PORT_UPLINK)
		return -EINVAL;
	port = qz_port_get(set->id);
	if (!port)
		return -ENOENT;
	mutex_lock(&port->fabric->lock);
	err = set_uplink(port, set->mode & QUEZTL_PORT_UPLINK);
	mutex_unlock(&port->fabric->lock);
	qz_port_put(port);
	return err;
}
