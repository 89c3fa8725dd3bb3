// SPDX-License-Identifier: GPL-2.0
/*
 * The table the data path finds ports in. It is never changed, but built anew
 * when a port comes or goes, and swapped under SRCU.
 */

#include <linux/random.h>
#include <linux/slab.h>

#include "fabric.h"

void qz_switch_free(struct qz_switch *sw)
{
	if (sw)
		kvfree(sw->tab.slots);
	kvfree(sw);
}

struct qz_switch *qz_switch_alloc(u32 nports)
{
	u32 slots = qz_mactab_slots(nports);
	struct qz_switch *sw;

	sw = kvzalloc(struct_size(sw, ports, nports), GFP_KERNEL_ACCOUNT);
	if (!sw)
		return NULL;
	sw->n = nports;
	sw->tab.mask = slots - 1;
	sw->tab.seed = get_random_u32();
	sw->tab.slots = kvcalloc(slots, sizeof(*sw->tab.slots),
				 GFP_KERNEL_ACCOUNT);
	if (sw->tab.slots)
		return sw;
	kvfree(sw);
	return NULL;
}

/* Into a table nobody reads yet; false when the address is taken. */
bool qz_switch_add(struct qz_switch *sw, u32 i, struct qz_port *port)
{
	sw->ports[i] = port;
	return qz_mactab_add(&sw->tab, port->mac_key, port);
}

/*
 * Take a port out of a table in place, which needs no memory. Runs may still use
 * what they have read, up to the grace period that the caller waits for.
 */
void qz_switch_blank(struct qz_switch *sw, const struct qz_port *port)
{
	u32 i;

	for (i = 0; i <= sw->tab.mask; i++)
		if (sw->tab.slots[i].port == port)
			WRITE_ONCE(sw->tab.slots[i].port, NULL);
	for (i = 0; i < sw->n; i++)
		if (sw->ports[i] == port)
			WRITE_ONCE(sw->ports[i], NULL);
}

/* A table of the fabric's ports; fabric->lock held. */
static struct qz_switch *build_switch(struct qz_fabric *fabric)
{
	struct qz_switch *sw;
	struct qz_port *port;
	u32 i = 0;

	sw = qz_switch_alloc(fabric->nports);
	if (!sw)
		return ERR_PTR(-ENOMEM);
	list_for_each_entry(port, &fabric->ports, list) {
		if (!qz_switch_add(sw, i++, port)) {
			qz_switch_free(sw);
			return ERR_PTR(-EEXIST);
		}
	}
	return sw;
}

/* fabric->lock held; when this returns nobody uses the old table. */
static void replace_switch(struct qz_fabric *fabric, struct qz_switch *sw)
{
	struct qz_switch *old;

	old = rcu_replace_pointer(fabric->sw, sw,
				  lockdep_is_held(&fabric->lock));
	synchronize_srcu_expedited(&qz_fabric_srcu);
	qz_switch_free(old);
}

/**
 * qz_switch_attach - let frames find a port
 * @fabric: the fabric
 * @port: a port of it that nobody uses yet
 *
 * Context: process, may sleep.
 * Return: 0, -EEXIST when the address is taken, -ENOSPC when there are too
 * many ports, -ENODEV when the fabric is being deleted, -ENOMEM.
 */
int qz_switch_attach(struct qz_fabric *fabric, struct qz_port *port)
{
	struct qz_switch *sw;
	int err = 0;

	mutex_lock(&fabric->lock);
	if (fabric->dying)
		err = -ENODEV;
	else if (fabric->nports == QZ_MAX_PORTS)
		err = -ENOSPC;
	if (err)
		goto out;

	list_add_tail(&port->list, &fabric->ports);
	fabric->nports++;
	sw = build_switch(fabric);
	if (IS_ERR(sw)) {
		list_del_init(&port->list);
		fabric->nports--;
		err = PTR_ERR(sw);
		goto out;
	}
	replace_switch(fabric, sw);
out:
	mutex_unlock(&fabric->lock);
	return err;
}

/* What is done when there is no memory for a new table; fabric->lock held. */
static void blank_port(struct qz_fabric *fabric, const struct qz_port *port)
{
	qz_switch_blank(rcu_dereference_protected(fabric->sw,
						  lockdep_is_held(&fabric->lock)),
			port);
	synchronize_srcu_expedited(&qz_fabric_srcu);
}

/**
 * qz_switch_detach - frames no longer find a port
 * @fabric: the fabric
 * @port: a port of it
 *
 * When this returns nobody delivers to the port. It cannot fail.
 *
 * Context: process, may sleep.
 */
void qz_switch_detach(struct qz_fabric *fabric, struct qz_port *port)
{
	struct qz_switch *sw;

	mutex_lock(&fabric->lock);
	if (rcu_access_pointer(fabric->uplink) == port)
		rcu_assign_pointer(fabric->uplink, NULL);
	list_del_init(&port->list);
	fabric->nports--;
	sw = build_switch(fabric);
	if (IS_ERR(sw))
		blank_port(fabric, port);
	else
		replace_switch(fabric, sw);
	mutex_unlock(&fabric->lock);
}
