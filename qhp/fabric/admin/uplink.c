// SPDX-License-Identifier: GPL-2.0
/*
 * The port that leads out of a fabric. It has an address like any other port,
 * and also stands for all addresses that no port has: frames to them go to it,
 * and it may send frames from them. Nothing is learnt, so nothing outside can
 * divert a port's frames. What is outside is up to the administrator: bound to
 * virtio_vdpa the port is a network device of the host.
 */

#include "admin/admin.h"

/**
 * qz_uplink_set - make an attached port the uplink, or no longer
 * @port: the port
 * @on: is it to be the uplink?
 *
 * After a wait for the gate no run uses the old uplink.
 *
 * Context: process, fabric->lock held.
 * Return: 0, -EBUSY if the fabric has another uplink.
 */
int qz_uplink_set(struct qz_port *port, bool on)
{
	struct qz_fabric *fabric = port->fabric;
	const struct qz_port *now = rcu_access_pointer(fabric->uplink);

	lockdep_assert_held(&fabric->lock);
	if (now && now != port)
		return on ? -EBUSY : 0;
	rcu_assign_pointer(fabric->uplink, on ? port : NULL);
	return 0;
}
