// SPDX-License-Identifier: GPL-2.0
/*
 * The ports to which a port may send, and the addresses from which it may.
 *
 * In a fabric that denies, a port looks addresses up in a table of just its
 * peers, so the lookup is the check, and costs the same however many there are.
 * The uplink stands for all addresses that no port has. The code that fills the
 * tables is in admin/.
 *
 * Context of everything here: inside the gate, unless a function says
 * otherwise.
 */

#include "path/fabric.h"

/* The ports to which a port may send. */
const struct qz_switch *qz_reach_of(const struct qz_port *port)
{
	const struct qz_fabric *fabric = port->fabric;

	if (READ_ONCE(fabric->mode) & QUEZTL_FABRIC_DENY)
		return qz_gate_dereference(port->view);
	return qz_gate_dereference(fabric->sw);
}

/* Any context. It stays so inside the gate, and while fabric->lock is held. */
bool qz_reach_is_uplink(const struct qz_port *port)
{
	return rcu_access_pointer(port->fabric->uplink) == port;
}

/**
 * qz_reach_uplink - where frames to unknown addresses go
 * @port: the sender
 * @reach: the ports to which it may send
 *
 * Return: the uplink; NULL if there is none, or the port may not send to it.
 */
struct qz_port *qz_reach_uplink(const struct qz_port *port,
				const struct qz_switch *reach)
{
	struct qz_port *uplink = qz_gate_dereference(port->fabric->uplink);

	if (!uplink || qz_mactab_find(&reach->tab, uplink->mac_key) != uplink)
		return NULL;
	return uplink;
}

/* Is a port among those to which another may send? */
bool qz_reach_has(const struct qz_switch *reach, const struct qz_port *port)
{
	return qz_mactab_find(&reach->tab, port->mac_key) == port;
}

/**
 * qz_reach_unknown - where frames to an address go that is no port's own
 * @port: the sender
 * @reach: the ports to which it may send
 * @key: the address
 *
 * Return: the port that uses it, or the uplink; NULL if there is neither, or the
 * port may not send to it.
 */
struct qz_port *qz_reach_unknown(const struct qz_port *port,
				 const struct qz_switch *reach, u64 key)
{
	struct qz_port *user = qz_macs_user(port->fabric, key);

	if (user)
		return qz_reach_has(reach, user) || user == port ? user : NULL;
	return qz_reach_uplink(port, reach);
}

/* May a port send from an address that is not its own? */
bool qz_reach_may_send_as(const struct qz_port *port, u64 source)
{
	const struct qz_switch *sw;

	if (likely(!qz_reach_is_uplink(port)))
		return qz_macs_may_send(port, source);
	if (!qz_mac_is_unicast(source))
		return false;
	sw = qz_gate_dereference(port->fabric->sw);
	return !qz_mactab_find(&sw->tab, source) &&
	       !qz_macs_user(port->fabric, source);
}
