// SPDX-License-Identifier: GPL-2.0
/*
 * The VLANs of a port. They are replaced as a whole; the old ones are freed when
 * their readers have left the gate.
 */

#include <linux/slab.h>

#include "admin/admin.h"

static_assert(sizeof_field(struct qz_vlan, ids) ==
	      sizeof_field(struct queztl_port_vlan, ids));

/* Read, and check, VLANs as user space gives them. *@to: NULL for none. */
static int read_vlan(struct qz_vlan **to, const struct queztl_port_vlan *from)
{
	struct qz_vlan *vlan;

	*to = NULL;
	if (from->reserved || from->mode > QUEZTL_VLAN_TRUNK)
		return -EINVAL;
	if (from->mode == QUEZTL_VLAN_NONE)
		return from->native || memchr_inv(from->ids, 0,
						  sizeof(from->ids)) ?
			-EINVAL : 0;
	vlan = kzalloc(sizeof(*vlan), GFP_KERNEL_ACCOUNT);
	if (!vlan)
		return -ENOMEM;
	vlan->trunk = from->mode == QUEZTL_VLAN_TRUNK;
	vlan->native = from->native;
	memcpy(vlan->ids, from->ids, sizeof(vlan->ids));
	if (!qz_vlan_is_good(vlan)) {
		kfree(vlan);
		return -EINVAL;
	}
	*to = vlan;
	return 0;
}

static u32 special_of(const struct qz_vlan *vlan)
{
	if (!vlan)
		return 0;
	return vlan->trunk ? QZ_PORT_TRUNK : qz_port_access(vlan->native);
}

/*
 * fabric->lock held. Frames on their way meet the old VLANs or the new ones.
 *
 * Return: the old ones, to be freed after a wait for the gate.
 */
static struct qz_vlan *replace_vlan(struct qz_port *port, struct qz_vlan *vlan)
{
	u32 special = special_of(vlan);

	vlan = rcu_replace_pointer(port->vlan, vlan,
				   lockdep_is_held(&port->fabric->lock));
	qz_port_set_special(port, QZ_PORT_VLANS, special);
	return vlan;
}

/* fabric->lock held. */
static void write_vlan(struct queztl_port_vlan *to, const struct qz_port *port)
{
	const struct qz_vlan *vlan =
		rcu_dereference_protected(port->vlan,
					  lockdep_is_held(&port->fabric->lock));

	memset_after(to, 0, id);
	if (!vlan)
		return;
	to->mode = vlan->trunk ? QUEZTL_VLAN_TRUNK : QUEZTL_VLAN_ACCESS;
	to->native = vlan->native;
	memcpy(to->ids, vlan->ids, sizeof(to->ids));
}

/* These are calls, see &struct queztl_port_vlan; process context, may sleep. */

int qz_port_vlan_set(const struct queztl_port_vlan *from)
{
	struct qz_vlan *vlan;
	struct qz_port *port;
	int err;

	err = read_vlan(&vlan, from);
	if (err)
		return err;
	port = qz_port_get(from->id);
	if (!port) {
		kfree(vlan);
		return -ENOENT;
	}
	mutex_lock(&port->fabric->lock);
	vlan = replace_vlan(port, vlan);
	mutex_unlock(&port->fabric->lock);
	qz_gate_wait();
	kfree(vlan);
	qz_port_put(port);
	return 0;
}

int qz_port_vlan_get(struct queztl_port_vlan *to)
{
	struct qz_port *port = qz_port_get(to->id);

	if (!port)
		return -ENOENT;
	mutex_lock(&port->fabric->lock);
	write_vlan(to, port);
	mutex_unlock(&port->fabric->lock);
	qz_port_put(port);
	return 0;
}
