// SPDX-License-Identifier: GPL-2.0
/*
 * The addresses that a port may use beside its own. They are replaced as a
 * whole. What the port has learnt is forgotten when nobody uses the old ones any
 * more.
 */

#include <linux/random.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "admin/admin.h"

#define QZ_MACS_PART	4096	/* places searched at a time, with BH off */

static_assert(QZ_MACS_MAX == QUEZTL_MACS_MAX);

static int compare_keys(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void write_mac(u8 *mac, u64 key)
{
	int i;

	for (i = ETH_ALEN - 1; i >= 0; i--, key >>= 8)
		mac[i] = key;
}

/* Read, and check, addresses as user space gives them. */
static int read_macs(struct qz_mac_list *list, const struct queztl_mac *macs)
{
	u32 i;

	for (i = 0; i < list->n; i++) {
		list->keys[i] = qz_mac_key(macs[i].addr);
		if (macs[i].reserved || !qz_mac_is_unicast(list->keys[i]))
			return -EINVAL;
	}
	sort(list->keys, list->n, sizeof(*list->keys), compare_keys, NULL);
	for (i = 1; i < list->n; i++)
		if (list->keys[i] == list->keys[i - 1])
			return -EINVAL;
	return 0;
}

/* *@to: NULL for none. */
static int read_list(struct qz_mac_list **to,
		     const struct queztl_port_macs *from,
		     const struct queztl_mac *macs)
{
	bool listed = from->mode == QUEZTL_MACS_LIST;
	struct qz_mac_list *list;
	int err;

	*to = NULL;
	if (from->mode > QUEZTL_MACS_ANY || listed != !!from->n)
		return -EINVAL;
	if (from->mode == QUEZTL_MACS_NONE)
		return 0;
	list = kzalloc(struct_size(list, keys, from->n), GFP_KERNEL_ACCOUNT);
	if (!list)
		return -ENOMEM;
	list->any = from->mode == QUEZTL_MACS_ANY;
	list->n = from->n;
	err = read_macs(list, macs);
	if (err) {
		kfree(list);
		return err;
	}
	*to = list;
	return 0;
}

/* fabric->lock held. Memory that stays as long as the fabric. */
static int make_users(struct qz_fabric *fabric)
{
	struct qz_mac_users *users;

	if (fabric->mac_users)
		return 0;
	users = kvzalloc(sizeof(*users), GFP_KERNEL_ACCOUNT);
	if (!users)
		return -ENOMEM;
	spin_lock_init(&users->lock);
	users->macs.seed = get_random_u32();
	__set_bit(0, users->taken);	/* nobody's number */
	/* Its contents before it: pairs with users_of(). */
	smp_store_release(&fabric->mac_users, users);
	return 0;
}

/*
 * Frames find listed addresses before anything was sent from them, unless
 * somebody else has them.
 */
static void find_listed(struct qz_mac_users *users,
			const struct qz_mac_list *list)
{
	u32 now = qz_macs_now(), user, i;

	spin_lock_bh(&users->lock);
	for (i = 0; i < list->n; i++) {
		user = qz_macs_find(&users->macs, list->keys[i], now);
		if (!users->users[user])
			qz_macs_learn(&users->macs, list->keys[i], list->user,
				      true, now);
	}
	spin_unlock_bh(&users->lock);
}

/* fabric->lock held. Is one of the addresses a port's own? */
static bool is_taken(const struct qz_fabric *fabric,
		     const struct qz_mac_list *list)
{
	const struct qz_switch *sw =
		rcu_dereference_protected(fabric->sw,
					  lockdep_is_held(&fabric->lock));
	u32 i;

	for (i = 0; i < list->n; i++)
		if (qz_mactab_find(&sw->tab, list->keys[i]))
			return true;
	return false;
}

/*
 * fabric->lock held. A number of a list that is being forgotten is still taken,
 * so there are twice as many as ports that may have a list.
 */
static int take_number(const struct qz_port *port, struct qz_mac_list *list)
{
	struct qz_mac_users *users = port->fabric->mac_users;
	u32 n = 0, i;

	for (i = 1; i <= QZ_MACS_USERS; i++)
		n += users->users[i] && users->users[i] != port;
	if (n >= QZ_MACS_PORTS)
		return -ENOSPC;
	list->user = find_first_zero_bit(users->taken, QZ_MACS_USERS + 1);
	if (list->user > QZ_MACS_USERS)
		return -ENOSPC;
	__set_bit(list->user, users->taken);
	return 0;
}

/* fabric->lock held; may sleep. */
static int check_list(struct qz_port *port, struct qz_mac_list *list)
{
	if (!port->attached)
		return -ENOENT;		/* it was deleted */
	if (!list)
		return 0;
	if (is_taken(port->fabric, list))
		return -EEXIST;
	return make_users(port->fabric);
}

/* fabric->lock held. @old: out: for qz_port_macs_forget() */
static int replace_list(struct qz_port *port, struct qz_mac_list *list,
			struct qz_mac_list **old)
{
	struct qz_mac_users *users;
	int err;

	err = check_list(port, list);
	if (err)
		return err;
	if (list) {
		err = take_number(port, list);
		if (err)
			return err;
	}
	*old = qz_port_macs_take(port);
	if (!list)
		return 0;
	users = port->fabric->mac_users;
	find_listed(users, list);
	WRITE_ONCE(users->users[list->user], port);
	rcu_assign_pointer(port->macs, list);
	return 0;
}

/**
 * qz_port_macs_take - a port may no longer use addresses beside its own
 * @port: the port
 *
 * Context: process, fabric->lock held.
 * Return: what is to be given to qz_port_macs_forget() after a wait for the gate;
 * may be NULL.
 */
struct qz_mac_list *qz_port_macs_take(struct qz_port *port)
{
	struct qz_mac_list *list =
		rcu_replace_pointer(port->macs, NULL,
				    lockdep_is_held(&port->fabric->lock));

	if (list)
		WRITE_ONCE(port->fabric->mac_users->users[list->user], NULL);
	return list;
}

/* Forget its addresses; process context, no lock held, may sleep. */
void qz_port_macs_forget(struct qz_fabric *fabric, struct qz_mac_list *list)
{
	struct qz_mac_users *users = fabric->mac_users;
	u32 at;

	if (!list)
		return;
	for (at = 0; at < QZ_MACS_SLOTS; at += QZ_MACS_PART) {
		spin_lock_bh(&users->lock);
		qz_macs_forget(&users->macs, list->user, at, QZ_MACS_PART);
		spin_unlock_bh(&users->lock);
		cond_resched();
	}
	mutex_lock(&fabric->lock);
	__clear_bit(list->user, users->taken);
	mutex_unlock(&fabric->lock);
	kfree(list);
}

/* These are calls, see &struct queztl_port_macs; process context, may sleep. */

int qz_port_macs_set(const struct queztl_port_macs *set,
		     const struct queztl_mac *macs)
{
	struct qz_mac_list *list, *old = NULL;
	struct qz_port *port;
	int err;

	err = read_list(&list, set, macs);
	if (err)
		return err;
	port = qz_port_get(set->id);
	if (!port) {
		kfree(list);
		return -ENOENT;
	}
	mutex_lock(&port->fabric->lock);
	err = replace_list(port, list, &old);
	mutex_unlock(&port->fabric->lock);
	if (err)
		kfree(list);
	else
		qz_gate_wait();
	qz_port_macs_forget(port->fabric, old);
	qz_port_put(port);
	return err;
}

static u64 next_key(const struct qz_port *port, u64 after)
{
	const struct qz_mac_list *list =
		rcu_dereference_protected(port->macs,
					  lockdep_is_held(&port->fabric->lock));
	u32 i;

	if (!list)
		return 0;
	if (list->any)
		return qz_macs_next(&port->fabric->mac_users->macs, list->user,
				    after, qz_macs_now());
	for (i = 0; i < list->n; i++)
		if (list->keys[i] > after)
			return list->keys[i];
	return 0;
}

/* fabric->lock held. */
static void write_list(struct queztl_port_macs *to, const struct qz_port *port)
{
	const struct qz_mac_list *list =
		rcu_dereference_protected(port->macs,
					  lockdep_is_held(&port->fabric->lock));

	memset_after(to, 0, id);
	if (!list)
		return;
	to->mode = list->any ? QUEZTL_MACS_ANY : QUEZTL_MACS_LIST;
	to->n = list->any ? port->fabric->mac_users->macs.used[list->user] :
			    list->n;
}

int qz_port_macs_get(struct queztl_port_macs *get)
{
	struct qz_port *port = qz_port_get(get->id);

	if (!port)
		return -ENOENT;
	mutex_lock(&port->fabric->lock);
	write_list(get, port);
	mutex_unlock(&port->fabric->lock);
	qz_port_put(port);
	return 0;
}

int qz_port_macs_next(struct queztl_mac_next_args *next)
{
	struct qz_port *port = qz_port_get(next->port);
	u64 key;

	if (!port)
		return -ENOENT;
	mutex_lock(&port->fabric->lock);
	key = next_key(port, qz_mac_key(next->mac.addr));
	mutex_unlock(&port->fabric->lock);
	qz_port_put(port);
	if (!key)
		return -ENOENT;
	write_mac(next->mac.addr, key);
	return 0;
}
