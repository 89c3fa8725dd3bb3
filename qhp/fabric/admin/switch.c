// SPDX-License-Identifier: GPL-2.0
/*
 * The table in which the data path finds ports: a fabric's ports, or a port's
 * peers. Ports come and go in place. If there is no space, the table is built
 * anew, half as large again, and replaced; the old one is freed when its
 * readers have left the gate.
 */

#include <linux/random.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "admin/admin.h"

static void free_retired(struct rcu_head *rcu)
{
	kvfree(container_of(rcu, struct qz_switch, rcu));
}

/* Free a table that may still have readers; nobody waits for them. */
void qz_switch_retire(struct qz_switch *sw)
{
	if (sw)
		qz_gate_call(&sw->rcu, free_retired);
}

/* An empty table for at least @nports ports, or NULL; may sleep. */
struct qz_switch *qz_switch_alloc(u32 nports)
{
	u32 slots = qz_mactab_slots(nports), places = slots / 2;
	struct qz_switch *sw;

	/* One allocation: each of the parts consists of 64-bit words. */
	sw = kvzalloc(sizeof(*sw) + slots * sizeof(*sw->tab.slots) +
		      places * (sizeof(*sw->list.ids) +
				sizeof(*sw->list.items)), GFP_KERNEL_ACCOUNT);
	if (!sw)
		return NULL;
	sw->tab.mask = slots - 1;
	sw->tab.seed = get_random_u32();
	sw->tab.slots = (void *)(sw + 1);
	sw->list.max = places;
	sw->list.ids = (void *)(sw->tab.slots + slots);
	sw->list.items = (void *)(sw->list.ids + places);
	return sw;
}

/*
 * The caller serialises writers, and there is space; false if the address is
 * taken.
 */
bool qz_switch_add(struct qz_switch *sw, struct qz_port *port)
{
	if (!qz_mactab_add(&sw->tab, port->mac_key, port))
		return false;
	qz_idlist_add(&sw->list, port->id, port);
	sw->live++;
	return true;
}

/*
 * Take a port out, if it is in. It cannot fail. Runs may still use what they have
 * read, until the caller has waited for the gate.
 */
bool qz_switch_del(struct qz_switch *sw, const struct qz_port *port)
{
	if (qz_mactab_find(&sw->tab, port->mac_key) != port)
		return false;
	qz_mactab_del(&sw->tab, port->mac_key);
	qz_idlist_del(&sw->list, port->id);
	sw->live--;
	return true;
}

static bool has_room(const struct qz_switch *sw, u32 more)
{
	return qz_mactab_has_room(&sw->tab, more) &&
	       sw->list.n + more <= sw->list.max;
}

static void copy_ports(struct qz_switch *to, const struct qz_switch *from)
{
	struct qz_port *port;
	u64 id = 0;
	u32 i = 0;

	while ((port = qz_switch_next(from, &i, &id)))
		qz_switch_add(to, port);
}

/**
 * qz_switch_grow - make space in a table
 * @old: the table; the caller serialises its writers
 * @more: for so many ports
 * @grown: out: a larger copy to replace it with; NULL if there is space
 *
 * Context: process, may sleep.
 * Return: 0, -ENOMEM.
 */
int qz_switch_grow(const struct qz_switch *old, u32 more,
		   struct qz_switch **grown)
{
	u32 need = old->live + more;

	*grown = NULL;
	if (has_room(old, more))
		return 0;
	/* With some spare space, so that the next ports cost less. */
	need = max(need, min_t(u32, need + need / 2, QZ_MAX_PORTS));
	*grown = qz_switch_alloc(need);
	if (!*grown)
		return -ENOMEM;
	copy_ports(*grown, old);
	return 0;
}

/* fabric->lock held. */
static struct qz_switch *table_of(const struct qz_fabric *fabric)
{
	return rcu_dereference_protected(fabric->sw,
					 lockdep_is_held(&fabric->lock));
}

/* fabric->lock held. */
static int add_to_table(struct qz_fabric *fabric, struct qz_port *port)
{
	struct qz_switch *sw = table_of(fabric), *grown;
	int err;

	if (qz_mactab_find(&sw->tab, port->mac_key))
		return -EEXIST;
	err = qz_switch_grow(sw, 1, &grown);
	if (err)
		return err;
	qz_switch_add(grown ?: sw, port);
	if (grown) {
		rcu_assign_pointer(fabric->sw, grown);
		qz_switch_retire(sw);
	}
	return 0;
}

/*
 * Has a port of this name been deleted that has not left the bus yet? Then it
 * still has its directory in sysfs, though the bus may no longer know it.
 * fabric->lock held.
 */
static bool is_leaving(const struct qz_fabric *fabric, const char *name)
{
	const struct qz_port *port;

	list_for_each_entry(port, &fabric->ports, list)
		if (!port->attached && !strcmp(dev_name(&port->vdpa.dev), name))
			return true;
	return false;
}

/* fabric->lock held. */
static int attach_port(struct qz_fabric *fabric, struct qz_port *port)
{
	int err;

	if (fabric->dying)
		return -ENODEV;
	if (fabric->nports == QZ_MAX_PORTS)
		return -ENOSPC;
	if (is_leaving(fabric, dev_name(&port->vdpa.dev)))
		return -EBUSY;
	err = add_to_table(fabric, port);
	if (err)
		return err;
	list_add_tail(&port->list, &fabric->ports);
	port->attached = true;
	fabric->nports++;
	return 0;
}

/**
 * qz_switch_attach - let frames find a port
 * @fabric: the fabric
 * @port: a port of it that nobody uses yet, with its id
 *
 * Context: process, may sleep.
 * Return: 0, -EEXIST if the address is taken, -ENOSPC if there are too many
 * ports, -EBUSY if a deleted port still has the name, -ENODEV if the fabric is
 * being deleted, -ENOMEM.
 */
int qz_switch_attach(struct qz_fabric *fabric, struct qz_port *port)
{
	int err;

	mutex_lock(&fabric->lock);
	err = attach_port(fabric, port);
	mutex_unlock(&fabric->lock);
	return err;
}

/**
 * qz_switch_detach - frames no longer find a port
 * @port: an attached port
 *
 * It cannot fail. The address of the port is free afterwards. The caller waits
 * for the gate; after that nobody delivers to the port.
 *
 * Context: process, fabric->lock held.
 */
void qz_switch_detach(struct qz_port *port)
{
	struct qz_fabric *fabric = port->fabric;

	lockdep_assert_held(&fabric->lock);
	if (rcu_access_pointer(fabric->uplink) == port)
		rcu_assign_pointer(fabric->uplink, NULL);
	port->attached = false;
	qz_switch_del(table_of(fabric), port);
}

/* The end of a detached port in its fabric: it is no longer on the bus. */
void qz_switch_leave(struct qz_fabric *fabric, struct qz_port *port)
{
	mutex_lock(&fabric->lock);
	list_del_init(&port->list);
	fabric->nports--;
	mutex_unlock(&fabric->lock);
	smp_mb();	/* before looking for who waits: the unlock is none */
	wake_up_var(&fabric->nports);
}
