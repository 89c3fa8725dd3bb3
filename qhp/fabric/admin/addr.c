// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses: those from which a port may send, if it has any.
 *
 * To add an address, the table is built anew and replaced; the old one is freed
 * when its readers have left the gate. An address that is removed is struck out
 * in place, which cannot fail.
 */

#include <linux/slab.h>
#include <linux/socket.h>

#include "admin/admin.h"

static_assert(QZ_MAX_ADDRS == QUEZTL_ADDR_MAX);

/* fabric->lock held. */
static struct qz_antispoof *antispoof_of(const struct qz_port *port)
{
	return rcu_dereference_protected(port->antispoof,
					 lockdep_is_held(&port->fabric->lock));
}

/* fabric->lock held. Return: the old table, for forget_antispoof(). */
static struct qz_antispoof *replace_antispoof(struct qz_port *port,
					      struct qz_antispoof *antispoof)
{
	return rcu_replace_pointer(port->antispoof, antispoof,
				   lockdep_is_held(&port->fabric->lock));
}

/* No lock held, may sleep. Afterwards nobody checks against the old table. */
static void forget_antispoof(struct qz_antispoof *old)
{
	qz_gate_wait();
	kfree(old);
}

static bool same_address(const struct qz_antispoof_addr *a,
			 const struct qz_antispoof_addr *b)
{
	return a->version == b->version && a->prefix == b->prefix &&
	       !memcmp(a->addr, b->addr, sizeof(a->addr));
}

static struct qz_antispoof_addr *
find_address(struct qz_antispoof *antispoof,
	     const struct qz_antispoof_addr *addr)
{
	u32 i;

	for (i = 0; antispoof && i < antispoof->n; i++)
		if (same_address(&antispoof->addrs[i], addr))
			return &antispoof->addrs[i];
	return NULL;
}

/* The first address with an id of at least @id; NULL if there is none. */
static struct qz_antispoof_addr *find_from(struct qz_antispoof *antispoof, u64 id)
{
	u32 i;

	for (i = 0; antispoof && i < antispoof->n; i++)
		if (antispoof->addrs[i].version && antispoof->addrs[i].id >= id)
			return &antispoof->addrs[i];
	return NULL;
}

static u32 count_addresses(const struct qz_antispoof *antispoof)
{
	u32 i, n = 0;

	for (i = 0; antispoof && i < antispoof->n; i++)
		n += !!antispoof->addrs[i].version;
	return n;
}

/* A copy of the table, which is not full, with one more address; or NULL. */
static struct qz_antispoof *
build_antispoof(const struct qz_port *port,
		const struct qz_antispoof_addr *addr)
{
	const struct qz_antispoof *old = antispoof_of(port);
	struct qz_antispoof *antispoof;
	u32 i;

	antispoof = kzalloc(sizeof(*antispoof), GFP_KERNEL_ACCOUNT);
	if (!antispoof)
		return NULL;
	memcpy(antispoof->mac, port->mac, sizeof(antispoof->mac));
	for (i = 0; old && i < old->n; i++)
		if (old->addrs[i].version)
			antispoof->addrs[antispoof->n++] = old->addrs[i];
	antispoof->addrs[antispoof->n++] = *addr;
	return antispoof;
}

/* fabric->lock held. Sets the id of @addr; *@old is for forget_antispoof(). */
static int add_address(struct qz_port *port, struct qz_antispoof_addr *addr,
		       struct qz_antispoof **old)
{
	struct qz_antispoof *antispoof = antispoof_of(port);

	if (find_address(antispoof, addr))
		return -EEXIST;
	if (count_addresses(antispoof) == QZ_MAX_ADDRS ||
	    port->last_addr == U32_MAX)
		return -ENOSPC;
	addr->id = port->last_addr + 1;
	antispoof = build_antispoof(port, addr);
	if (!antispoof)
		return -ENOMEM;
	port->last_addr = addr->id;
	*old = replace_antispoof(port, antispoof);
	return 0;
}

/*
 * fabric->lock held. Without its last address a port may use any again, with no
 * moment in between in which it may use none.
 *
 * Return: a table for forget_antispoof(), or NULL.
 */
static struct qz_antispoof *strike_out(struct qz_port *port,
				       struct qz_antispoof_addr *addr)
{
	if (count_addresses(antispoof_of(port)) == 1)
		return replace_antispoof(port, NULL);
	WRITE_ONCE(addr->version, 0);
	return NULL;
}

/* Read, and check, an address as user space gives it. */
static int read_address(struct qz_antispoof_addr *addr,
			const struct queztl_addr *from)
{
	if (from->family != AF_INET && from->family != AF_INET6)
		return -EAFNOSUPPORT;
	*addr = (struct qz_antispoof_addr){
		.version = from->family == AF_INET ? 4 : 6,
		.prefix = from->prefix,
	};
	memcpy(addr->addr, from->addr, sizeof(addr->addr));
	return qz_antispoof_addr_is_good(addr) ? 0 : -EINVAL;
}

/* These are calls, see &struct queztl_addr; process context, may sleep. */

int qz_addr_add(struct queztl_addr *to)
{
	struct qz_antispoof *old = NULL;
	struct qz_antispoof_addr addr;
	struct qz_port *port;
	int err;

	err = read_address(&addr, to);
	if (err)
		return err;
	port = qz_port_get(to->port);
	if (!port)
		return -ENOENT;
	mutex_lock(&port->fabric->lock);
	err = add_address(port, &addr, &old);
	mutex_unlock(&port->fabric->lock);
	if (!err)
		forget_antispoof(old);
	qz_port_put(port);
	to->id = addr.id;
	return err;
}

int qz_addr_del(const struct queztl_addr *from)
{
	struct qz_antispoof_addr addr, *found;
	struct qz_antispoof *old = NULL;
	struct qz_port *port;
	int err;

	err = read_address(&addr, from);
	if (err)
		return err;
	port = qz_port_get(from->port);
	if (!port)
		return -ENOENT;
	mutex_lock(&port->fabric->lock);
	found = find_address(antispoof_of(port), &addr);
	if (found)
		old = strike_out(port, found);
	mutex_unlock(&port->fabric->lock);
	if (found)
		forget_antispoof(old);
	qz_port_put(port);
	return found ? 0 : -ENOENT;
}

/* Remove an address that was just added, unless somebody else did. */
void qz_addr_undo(const struct queztl_addr *added)
{
	struct qz_port *port = qz_port_get(added->port);
	struct qz_antispoof_addr *found;
	struct qz_antispoof *old = NULL;

	if (!port)
		return;
	mutex_lock(&port->fabric->lock);
	found = find_from(antispoof_of(port), added->id);
	if (found && found->id == added->id)
		old = strike_out(port, found);
	mutex_unlock(&port->fabric->lock);
	forget_antispoof(old);
	qz_port_put(port);
}

static void write_address(struct queztl_addr *to,
			  const struct qz_antispoof_addr *addr)
{
	to->id = addr->id;
	to->family = addr->version == 4 ? AF_INET : AF_INET6;
	to->prefix = addr->prefix;
	memcpy(to->addr, addr->addr, sizeof(to->addr));
}

int qz_addr_next(struct queztl_addr *next)
{
	struct qz_port *port = qz_port_get(next->port);
	struct qz_antispoof_addr *found;

	if (!port)
		return -ENOENT;
	mutex_lock(&port->fabric->lock);
	found = find_from(antispoof_of(port), (u64)next->id + 1);
	if (found)
		write_address(next, found);
	mutex_unlock(&port->fabric->lock);
	qz_port_put(port);
	return found ? 0 : -ENOENT;
}
