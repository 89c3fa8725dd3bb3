// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses beside the ports' own: those of nested VMs, containers, or a virtual
 * router. Only ports that the administrator has chosen may use some. Frames that
 * find no port by their address look here, others do not pay for it.
 *
 * Context of everything here: process or softirq, inside a slice (see run.c),
 * unless a function says otherwise.
 */

#include <linux/timekeeping.h>

#include "path/fabric.h"

/* Time as the table has it: never 0. Any context. */
u32 qz_macs_now(void)
{
	return (u32)ktime_get_seconds() + 1;
}

/* May be NULL. */
static struct qz_mac_users *users_of(const struct qz_fabric *fabric)
{
	/* Its contents before it: pairs with admin/portmacs.c. */
	return smp_load_acquire(&fabric->mac_users);
}

/* The port that uses an address beside its own; NULL if none does. */
struct qz_port *qz_macs_user(const struct qz_fabric *fabric, u64 key)
{
	struct qz_mac_users *users = users_of(fabric);

	if (likely(!users))
		return NULL;
	return READ_ONCE(users->users[qz_macs_find(&users->macs, key,
						   qz_macs_now())]);
}

static bool is_listed(const struct qz_mac_list *list, u64 key)
{
	u32 low = 0, high = list->n, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (list->keys[middle] == key)
			return true;
		if (list->keys[middle] < key)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* The port has not sent from the address before, or not for a long time. */
static bool learn(struct qz_mac_users *users, const struct qz_mac_list *list,
		  u64 source)
{
	bool listed = is_listed(list, source), learnt;

	if (!listed && !list->any)
		return false;
	spin_lock(&users->lock);
	learnt = qz_macs_learn(&users->macs, source, list->user, listed,
			       qz_macs_now());
	spin_unlock(&users->lock);
	return learnt;
}

/* May a port send from an address that is not its own? It then gets its frames. */
bool qz_macs_may_send(const struct qz_port *port, u64 source)
{
	const struct qz_mac_list *list = qz_gate_dereference(port->macs);
	struct qz_mac_users *users = users_of(port->fabric);
	const struct qz_switch *sw;

	if (!list || !users || !qz_mac_is_unicast(source))
		return false;
	sw = qz_gate_dereference(port->fabric->sw);
	if (qz_mactab_find(&sw->tab, source))
		return false;
	return qz_macs_refresh(&users->macs, source, list->user,
			       qz_macs_now()) ||
	       learn(users, list, source);
}
