// SPDX-License-Identifier: GPL-2.0
/*
 * The port that leads out of a fabric. It has an address like any other port,
 * and also stands for all addresses that no port has: frames to them go to it,
 * and it may send frames from them. Nothing is learnt, so nothing outside can
 * divert a port's frames. What is outside is up to the administrator: bound to
 * virtio_vdpa the port is a network device of the host.
 */

#include "admin/admin.h"

/* fabric->lock held. After a wait for the gate no run uses the old uplink. */
static int set_uplink(struct qz_port *port, bool on)
{
	struct qz_fabric *fabric = port->fabric;
	const struct qz_port *now = rcu_access_pointer(fabric->uplink);

	if (!port->attached)
		return -ENOENT;		/* it was deleted */
	if (now && now != port)
		return on ? -EBUSY : 0;
	rcu_assign_pointer(fabric->uplink, on ? port : NULL);
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
	if (!err)
		qz_gate_wait();
	qz_port_put(port);
	return err;
}
