// SPDX-License-Identifier: GPL-2.0
/*
 * Peers: the ports to which a port may send in a fabric that denies.
 *
 * Each port has a table of its own, its view, of just its peers. A run of a
 * port in such a fabric looks addresses up there instead of in the fabric's
 * table, so the lookup is the check, and costs the same however many peers
 * there are. The view is also the list of peers; it is kept in an open fabric
 * too.
 */

#include <linux/slab.h>
#include <linux/sort.h>

#include "admin/admin.h"

/* fabric->lock held. */
static struct qz_switch *view_of(const struct qz_port *port)
{
	return rcu_dereference_protected(port->view,
					 lockdep_is_held(&port->fabric->lock));
}

/* fabric->lock held. */
static bool is_attached(const struct qz_port *port)
{
	lockdep_assert_held(&port->fabric->lock);
	return port->attached;
}

/*
 * fabric->lock of @port held; @peer may be of another fabric, and then is no
 * peer.
 */
static bool is_peer(const struct qz_port *port, const struct qz_port *peer)
{
	return qz_mactab_find(&view_of(port)->tab, peer->mac_key) == peer;
}

/**
 * struct peering - a port that gets peers
 * @port: the port; the caller of link_ports() has a reference on it
 * @n: number of entries in @peers
 * @peers: the ports that become its peers, with a reference; NULL for those
 *	that are peers already
 * @view: the port's new view, NULL if the one it has is large enough; once
 *	committed the one it had
 * @views: the same for each of @peers
 */
struct peering {
	struct qz_port *port;
	u32 n;
	struct qz_port **peers;
	struct qz_switch *view;
	struct qz_switch **views;
};

/*
 * fabric->lock held. Leaves out the ports that are peers already. Return: the
 * number of others.
 */
static u32 leave_out_peers(struct peering *peering)
{
	u32 i, n = 0;

	for (i = 0; i < peering->n; i++) {
		if (is_peer(peering->port, peering->peers[i])) {
			qz_port_put(peering->peers[i]);
			peering->peers[i] = NULL;
		} else {
			n++;
		}
	}
	return n;
}

/* fabric->lock held. Everything that may fail, and that nobody sees. */
static int prepare_link(struct peering *peering)
{
	u32 i, n;
	int err;

	if (!is_attached(peering->port))
		return -ENOENT;
	for (i = 0; i < peering->n; i++)
		if (!is_attached(peering->peers[i]))
			return -ENOENT;
	n = leave_out_peers(peering);
	err = qz_switch_grow(view_of(peering->port), n, &peering->view);
	for (i = 0; i < peering->n && !err; i++)
		if (peering->peers[i])
			err = qz_switch_grow(view_of(peering->peers[i]), 1,
					     &peering->views[i]);
	return err;
}

/*
 * fabric->lock held. *@grown is exchanged for the old view unless it is NULL.
 */
static void replace_view(struct qz_port *port, struct qz_switch **grown)
{
	struct qz_switch *old = view_of(port);

	if (!*grown)
		return;
	rcu_assign_pointer(port->view, *grown);
	*grown = old;
}

/* fabric->lock held; it cannot fail. */
static void commit_link(struct peering *peering)
{
	struct qz_port *port = peering->port, *peer;
	u32 i;

	replace_view(port, &peering->view);
	for (i = 0; i < peering->n; i++) {
		peer = peering->peers[i];
		if (!peer)
			continue;
		replace_view(peer, &peering->views[i]);
		qz_switch_add(view_of(peer), port);
		qz_switch_add(view_of(port), peer);
	}
}

/* New views that were not committed, or old ones that no run uses any more. */
static void free_views(struct peering *peering)
{
	u32 i;

	qz_switch_free(peering->view);
	for (i = 0; i < peering->n; i++)
		qz_switch_free(peering->views[i]);
}

/*
 * When this returns no run uses the old views. They are freed here and not by
 * call_srcu(), because each of its grace periods takes a tick, and an expedited
 * wait would have to wait for those.
 */
static int link_ports(struct peering *peering)
{
	struct qz_fabric *fabric = peering->port->fabric;
	int err;

	mutex_lock(&fabric->lock);
	err = prepare_link(peering);
	if (!err)
		commit_link(peering);
	mutex_unlock(&fabric->lock);
	if (!err)
		qz_gate_wait();
	free_views(peering);
	return err;
}

/* Find the peers. @peering has those that were found, whatever this returns. */
static int get_peers(struct peering *peering, const u64 *ids, u32 n)
{
	struct qz_port *peer;

	for (; peering->n < n; peering->n++) {
		peer = qz_port_get(ids[peering->n]);
		if (!peer)
			return -ENOENT;
		peering->peers[peering->n] = peer;
	}
	return 0;
}

static int check_peers(const struct peering *peering)
{
	u32 i;

	for (i = 0; i < peering->n; i++) {
		if (peering->peers[i] == peering->port)
			return -EINVAL;
		if (peering->peers[i]->fabric != peering->port->fabric)
			return -EXDEV;
	}
	return 0;
}

static int add_peers(struct peering *peering, const u64 *ids, u32 n)
{
	int err;

	peering->peers = kvcalloc(n, sizeof(*peering->peers), GFP_KERNEL);
	peering->views = kvcalloc(n, sizeof(*peering->views), GFP_KERNEL);
	if (!peering->peers || !peering->views)
		return -ENOMEM;
	err = get_peers(peering, ids, n);
	if (!err)
		err = check_peers(peering);
	return err ?: link_ports(peering);
}

static void put_link(struct peering *peering)
{
	u32 i;

	for (i = 0; i < peering->n; i++)
		qz_port_put(peering->peers[i]);
	kvfree(peering->peers);
	kvfree(peering->views);
	qz_port_put(peering->port);
}

static int compare_ids(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/*
 * In rising order, each once: appending to a list is quicker than inserting.
 *
 * Return: how many there are.
 */
static u32 sort_ids(u64 *ids, u32 n)
{
	u32 i, unique = 0;

	for (i = 1; i < n && ids[i - 1] < ids[i];)
		i++;
	if (i >= n)
		return n;
	sort(ids, n, sizeof(*ids), compare_ids, NULL);
	for (i = 1; i < n; i++)
		if (ids[i] != ids[unique])
			ids[++unique] = ids[i];
	return unique + 1;
}

/* In place: it cannot fail. When this returns neither sends to the other. */
static int unlink_ports(struct qz_port *port, struct qz_port *peer)
{
	struct qz_fabric *fabric = port->fabric;
	bool were_peers;

	mutex_lock(&fabric->lock);
	were_peers = is_peer(port, peer);
	if (were_peers) {
		qz_switch_del(view_of(port), peer);
		qz_switch_del(view_of(peer), port);
	}
	mutex_unlock(&fabric->lock);
	if (!were_peers)
		return -ENOENT;
	qz_gate_wait();
	return 0;
}

/* These are calls, see &struct queztl_peer; process context, may sleep. */

int qz_peer_add(u64 port_id, u64 peer_id)
{
	struct peering peering = { .port = qz_port_get(port_id) };
	int err = -ENOENT;

	if (peering.port)
		err = add_peers(&peering, &peer_id, 1);
	if (!err && !peering.peers[0])
		err = -EEXIST;
	put_link(&peering);
	return err;
}

/* All of them or, on failure, none. @ids is sorted. */
int qz_peers_add(u64 port_id, u64 *ids, u32 n)
{
	struct peering peering = { .port = qz_port_get(port_id) };
	int err = -ENOENT;

	if (peering.port)
		err = add_peers(&peering, ids, sort_ids(ids, n));
	put_link(&peering);
	return err;
}

int qz_peer_del(u64 port_id, u64 peer_id)
{
	struct qz_port *port = qz_port_get(port_id);
	struct qz_port *peer = qz_port_get(peer_id);
	int err = port && peer ? unlink_ports(port, peer) : -ENOENT;

	qz_port_put(port);
	qz_port_put(peer);
	return err;
}

int qz_peer_next(struct queztl_peer *next)
{
	struct qz_port *port = qz_port_get(next->port), *peer;
	u64 id = next->peer;
	u32 i;

	if (!port)
		return -ENOENT;
	mutex_lock(&port->fabric->lock);
	i = qz_switch_after(view_of(port), id);
	peer = qz_switch_next(view_of(port), &i, &id);
	mutex_unlock(&port->fabric->lock);
	qz_port_put(port);
	if (!peer)
		return -ENOENT;
	next->peer = id;
	return 0;
}

/**
 * qz_peer_forget - a port is nobody's peer any more
 * @port: a port that was detached, and so gets no new peers
 *
 * It cannot fail. The caller waits for the gate; after that nobody finds the port
 * in its view, nor it anybody in its own.
 *
 * Context: process, fabric->lock held.
 */
void qz_peer_forget(struct qz_port *port)
{
	struct qz_switch *view = view_of(port);
	struct qz_port *peer;
	u64 id = 0;
	u32 i = 0;

	while ((peer = qz_switch_next(view, &i, &id))) {
		qz_switch_del(view_of(peer), port);
		qz_switch_del(view, peer);
	}
}
