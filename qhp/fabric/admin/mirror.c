// SPDX-License-Identifier: GPL-2.0
/*
 * Who mirrors whom. A mirror is a port, which has no copies of its own frames: so
 * what a port sends is copied at most once for it and once for each receiver. The
 * pointers have no references: they go before the port does.
 */

#include "admin/admin.h"

/* fabric->lock held. */
static struct qz_port *mirror_of(const struct qz_port *port)
{
	return rcu_dereference_protected(port->mirror,
					 lockdep_is_held(&port->fabric->lock));
}

/* fabric->lock held. @mirror: NULL for none */
static void replace_mirror(struct qz_port *port, struct qz_port *mirror)
{
	rcu_assign_pointer(port->mirror, mirror);
	qz_port_set_special(port, QZ_PORT_MIRRORED,
			    mirror ? QZ_PORT_MIRRORED : 0);
}

/* fabric->lock held. */
static bool is_mirror(const struct qz_port *port)
{
	const struct qz_port *other;

	list_for_each_entry(other, &port->fabric->ports, list)
		if (mirror_of(other) == port)
			return true;
	return false;
}

/* fabric->lock held: by the policy that holds now. */
static bool may_send(const struct qz_port *port, const struct qz_port *mirror)
{
	const struct qz_switch *peers =
		rcu_dereference_protected(port->view,
					  lockdep_is_held(&port->fabric->lock));

	return !(READ_ONCE(port->fabric->mode) & QUEZTL_FABRIC_DENY) ||
	       qz_reach_has(peers, mirror);
}

/* fabric->lock held. */
static int check_mirror(const struct qz_port *port,
			const struct qz_port *mirror)
{
	if (!port->attached)
		return -ENOENT;
	if (!mirror)
		return 0;
	if (!mirror->attached)
		return -ENOENT;
	if (mirror_of(mirror) || is_mirror(port))
		return -ELOOP;
	return may_send(port, mirror) ? 0 : -EACCES;
}

/* When this returns nothing is copied to the old mirror any more. */
static int set_mirror(struct qz_port *port, struct qz_port *mirror)
{
	int err;

	if (mirror == port)
		return -EINVAL;
	if (mirror && mirror->fabric != port->fabric)
		return -EXDEV;
	mutex_lock(&port->fabric->lock);
	err = check_mirror(port, mirror);
	if (!err)
		replace_mirror(port, mirror);
	mutex_unlock(&port->fabric->lock);
	if (!err)
		qz_gate_wait();
	return err;
}

/* These are calls, see &struct queztl_port_mirror; process context, may sleep. */

int qz_port_mirror_set(const struct queztl_port_mirror *set)
{
	struct qz_port *mirror = set->mirror ? qz_port_get(set->mirror) : NULL;
	struct qz_port *port = qz_port_get(set->id);
	int err = -ENOENT;

	if (port && (mirror || !set->mirror))
		err = set_mirror(port, mirror);
	qz_port_put(port);
	qz_port_put(mirror);
	return err;
}

int qz_port_mirror_get(struct queztl_port_mirror *get)
{
	struct qz_port *port = qz_port_get(get->id), *mirror;

	if (!port)
		return -ENOENT;
	mutex_lock(&port->fabric->lock);
	mirror = mirror_of(port);
	get->mirror = mirror ? mirror->id : 0;
	mutex_unlock(&port->fabric->lock);
	qz_port_put(port);
	return 0;
}

/**
 * qz_port_mirror_forget - a port neither has a mirror nor is one
 * @port: a port that was detached, and so gets no new mirror
 *
 * It cannot fail. The caller waits for the gate; after that nobody copies to the
 * port.
 *
 * Context: process, fabric->lock held.
 */
void qz_port_mirror_forget(struct qz_port *port)
{
	struct qz_port *other;

	lockdep_assert_held(&port->fabric->lock);
	replace_mirror(port, NULL);
	list_for_each_entry(other, &port->fabric->ports, list)
		if (mirror_of(other) == port)
			replace_mirror(other, NULL);
}
