// SPDX-License-Identifier: GPL-2.0
/*
 * Peers: whom a port may send to in a fabric that denies.
 *
 * Each port has a table of its own, its view, of just its peers. A run of a port
 * in such a fabric looks addresses up there instead of in the fabric's table, so
 * the lookup is the check, and costs the same however many peers there are.
 * The view is also the list of peers; it is kept in an open fabric too.
 */

#include <linux/slab.h>

#include "fabric.h"

/* fabric->lock held. */
static struct qz_switch *view_of(const struct qz_port *port)
{
	return rcu_dereference_protected(port->view,
					 lockdep_is_held(&port->fabric->lock));
}

/* What a view is without the ports taken out since it was built. */
static u32 count_peers(const struct qz_switch *view)
{
	u32 i, n = 0;

	for (i = 0; i < view->n; i++)
		n += !!view->ports[i];
	return n;
}

/* fabric->lock held. */
static bool is_attached(const struct qz_port *port)
{
	lockdep_assert_held(&port->fabric->lock);
	return !list_empty(&port->list);
}

/* fabric->lock of @port held; @peer may be of another fabric, and then is none. */
static bool is_peer(const struct qz_port *port, const struct qz_port *peer)
{
	return qz_mactab_find(&view_of(port)->tab, peer->mac_key) == peer;
}

/* A port's view with one more peer in it, NULL without memory. */
static struct qz_switch *build_view(const struct qz_port *port,
				    struct qz_port *peer)
{
	const struct qz_switch *old = view_of(port);
	struct qz_switch *view;
	u32 i, n = 0;

	view = qz_switch_alloc(count_peers(old) + 1);
	if (!view)
		return NULL;
	for (i = 0; i < old->n; i++)
		if (old->ports[i])
			qz_switch_add(view, n++, old->ports[i]);
	qz_switch_add(view, n, peer);
	return view;
}

/* fabric->lock held; when this returns nobody uses the old views. */
static int widen_views(struct qz_port *port, struct qz_port *peer)
{
	struct qz_switch *ours = build_view(port, peer);
	struct qz_switch *theirs = build_view(peer, port);

	if (!ours || !theirs) {
		qz_switch_free(ours);
		qz_switch_free(theirs);
		return -ENOMEM;
	}
	ours = rcu_replace_pointer(port->view, ours,
				   lockdep_is_held(&port->fabric->lock));
	theirs = rcu_replace_pointer(peer->view, theirs,
				     lockdep_is_held(&peer->fabric->lock));
	synchronize_srcu_expedited(&qz_fabric_srcu);
	qz_switch_free(ours);
	qz_switch_free(theirs);
	return 0;
}

static int link_ports(struct qz_port *port, struct qz_port *peer)
{
	struct qz_fabric *fabric = port->fabric;
	int err;

	if (port == peer)
		return -EINVAL;
	if (peer->fabric != fabric)
		return -EXDEV;
	mutex_lock(&fabric->lock);
	if (!is_attached(port) || !is_attached(peer))
		err = -ENOENT;
	else if (is_peer(port, peer))
		err = -EEXIST;
	else
		err = widen_views(port, peer);
	mutex_unlock(&fabric->lock);
	return err;
}

/* In place: it cannot fail. When this returns neither sends to the other. */
static int unlink_ports(struct qz_port *port, struct qz_port *peer)
{
	struct qz_fabric *fabric = port->fabric;
	int err = -ENOENT;

	mutex_lock(&fabric->lock);
	if (is_peer(port, peer)) {
		qz_switch_blank(view_of(port), peer);
		qz_switch_blank(view_of(peer), port);
		synchronize_srcu_expedited(&qz_fabric_srcu);
		err = 0;
	}
	mutex_unlock(&fabric->lock);
	return err;
}

static int with_pair(u64 port_id, u64 peer_id,
		     int (*fn)(struct qz_port *port, struct qz_port *peer))
{
	struct qz_port *port = qz_port_get(port_id);
	struct qz_port *peer = qz_port_get(peer_id);
	int err = port && peer ? fn(port, peer) : -ENOENT;

	qz_port_put(port);
	qz_port_put(peer);
	return err;
}

/* These are calls, see &struct queztl_peer; process context, may sleep. */

int qz_peer_add(u64 port_id, u64 peer_id)
{
	return with_pair(port_id, peer_id, link_ports);
}

int qz_peer_del(u64 port_id, u64 peer_id)
{
	return with_pair(port_id, peer_id, unlink_ports);
}

/* The smallest id larger than @id of a peer, 0 when there is none. */
static u64 next_id(const struct qz_switch *view, u64 id)
{
	u64 next = 0;
	u32 i;

	for (i = 0; i < view->n; i++) {
		const struct qz_port *peer = view->ports[i];

		if (peer && peer->id > id && (!next || peer->id < next))
			next = peer->id;
	}
	return next;
}

int qz_peer_next(struct queztl_peer *next)
{
	struct qz_port *port = qz_port_get(next->port);
	u64 id;

	if (!port)
		return -ENOENT;
	mutex_lock(&port->fabric->lock);
	id = next_id(view_of(port), next->peer);
	mutex_unlock(&port->fabric->lock);
	qz_port_put(port);
	if (!id)
		return -ENOENT;
	next->peer = id;
	return 0;
}

/**
 * qz_peer_forget - a port is nobody's peer any more
 * @port: a port that was detached, and so gets no new peers
 *
 * When this returns nobody finds the port in his view, nor it anybody in its
 * own. It cannot fail.
 *
 * Context: process, may sleep.
 */
void qz_peer_forget(struct qz_port *port)
{
	struct qz_fabric *fabric = port->fabric;
	struct qz_switch *view;
	struct qz_port *peer;
	u32 i;

	mutex_lock(&fabric->lock);
	view = view_of(port);
	for (i = 0; i < view->n; i++) {
		peer = view->ports[i];
		if (!peer)
			continue;
		qz_switch_blank(view_of(peer), port);
		qz_switch_blank(view, peer);
	}
	synchronize_srcu_expedited(&qz_fabric_srcu);
	mutex_unlock(&fabric->lock);
}

/* Whom a port may send to; in the SRCU section of a run. */
const struct qz_switch *qz_peer_reach(const struct qz_port *port)
{
	const struct qz_fabric *fabric = port->fabric;

	if (READ_ONCE(fabric->mode) & QUEZTL_FABRIC_DENY)
		return srcu_dereference(port->view, &qz_fabric_srcu);
	return srcu_dereference(fabric->sw, &qz_fabric_srcu);
}
