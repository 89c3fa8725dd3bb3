// SPDX-License-Identifier: GPL-2.0
/*
 * `vdpa dev add` and `vdpa dev del`: how ports come and go.
 *
 * vDPA holds its own lock during these calls, and every other such command
 * waits for it: nothing here waits for a VM.
 */

#include <linux/etherdevice.h>
#include <uapi/linux/vdpa.h>

#include "admin/admin.h"
#include "module/compat.h"
#include "path/waiter.h"

static int check_config(const struct vdpa_dev_set_config *config)
{
	if (config->mask & BIT_ULL(VDPA_ATTR_DEV_FEATURES)) {
		u64 needed = BIT_ULL(VIRTIO_F_VERSION_1) |
			     BIT_ULL(VIRTIO_F_ACCESS_PLATFORM);

		if (config->device_features & ~QZ_FABRIC_FEATURES)
			return -EOPNOTSUPP;
		if (needed & ~config->device_features)
			return -EINVAL;
	}
	if (config->mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MACADDR) &&
	    !is_valid_ether_addr(config->net.mac))
		return -EADDRNOTAVAIL;
	if (config->mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MTU) &&
	    config->net.mtu < QZ_MTU_MIN)
		return -EINVAL;
	if (config->mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MAX_VQP) &&
	    config->net.max_vq_pairs > QZ_MAX_VQP)
		return -EOPNOTSUPP;
	return 0;
}

static void apply_config(struct qz_port *port,
			 const struct vdpa_dev_set_config *config)
{
	port->offered = QZ_FABRIC_FEATURES;
	port->ctrl.pairs = 1;
	port->mtu = QZ_MTU_DEFAULT;
	if (config->mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MAX_VQP))
		port->ctrl.pairs = config->net.max_vq_pairs;
	if (config->mask & BIT_ULL(VDPA_ATTR_DEV_FEATURES))
		port->offered = config->device_features;
	if (config->mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MTU))
		port->mtu = config->net.mtu;
	if (config->mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MACADDR))
		ether_addr_copy(port->mac, config->net.mac);
	else
		eth_random_addr(port->mac);
	port->mac_key = qz_mac_key(port->mac);
	port->ctrl.mac = port->mac_key;
	if (!(port->offered & BIT_ULL(VIRTIO_NET_F_CTRL_VQ)))
		port->offered &= ~QZ_CTRL_FEATURES;
	if (port->ctrl.pairs == 1)
		port->offered &= ~QZ_PAIRS_FEATURES;
}

/* Takes the port off the bus: see leave.c. Process context, no lock held. */
static void leave_bus(struct work_struct *work)
{
	struct qz_port *port = container_of(work, struct qz_port, leave);
	struct qz_waiter waiter;

	/*
	 * vdpa_dev_lock is not held, as it cannot be while waiting for a driver
	 * to let go. Code that found the device under that lock has a reference
	 * on it, and dev_add and dev_del, which it serialises, know a port that
	 * is leaving.
	 */
	qz_waiter_begin(&waiter);
	device_del(&port->vdpa.dev);
	qz_waiter_end(&waiter);
	qz_portlist_del(port);
	qz_switch_leave(port->fabric, port);
	complete_all(&port->left);
	put_device(&port->vdpa.dev);
}

static struct qz_port *create_port(struct qz_fabric *fabric, const char *name,
				   const struct vdpa_dev_set_config *config)
{
	struct qz_switch *nobody;
	struct qz_port *port;
	int err;

	port = qz_vdpa_alloc(struct qz_port, vdpa, &fabric->dev, &qz_vdpa_ops,
			     QZ_GROUPS, QZ_SPACES, name);
	if (IS_ERR(port))
		return port;
	qz_port_init(port, fabric);	/* put_device() undoes it from here on */
	INIT_WORK(&port->leave, leave_bus);
	apply_config(port, config);
	err = qz_port_set_up(port);
	if (err)
		goto err_put;
	err = -ENOMEM;
	nobody = qz_switch_alloc(0);
	if (!nobody)
		goto err_put;
	RCU_INIT_POINTER(port->view, nobody);
	return port;

err_put:
	put_device(&port->vdpa.dev);
	return ERR_PTR(err);
}

/*
 * When this returns no frame comes from the port or goes to it, and no call
 * finds it except for those that list ports. Nobody waits for port->lock.
 */
static void withdraw_port(struct qz_port *port)
{
	struct qz_fabric *fabric = port->fabric;
	struct qz_mac_list *macs;

	mutex_lock(&fabric->lock);
	qz_switch_detach(port);
	qz_peer_forget(port);
	qz_port_mirror_forget(port);
	macs = qz_port_macs_take(port);
	mutex_unlock(&fabric->lock);
	WRITE_ONCE(port->deleted, true);
	qz_gate_wait();
	qz_port_macs_forget(fabric, macs);
}

/* `vdpa dev add`: process context, vdpa_dev_lock held. */
static int add_port(struct vdpa_mgmt_dev *mgmt, const char *name,
		    const struct vdpa_dev_set_config *config)
{
	struct qz_fabric *fabric = container_of(mgmt, struct qz_fabric, mgmt);
	struct qz_port *port;
	int err;

	if (strlen(name) >= QUEZTL_NAME_MAX)
		return -ENAMETOOLONG;
	err = check_config(config);
	if (err)
		return err;

	port = create_port(fabric, name, config);
	if (IS_ERR(port))
		return PTR_ERR(port);
	err = qz_portlist_add(port);
	if (err)
		goto err_put;
	err = qz_switch_attach(fabric, port);
	if (err)
		goto err_unlist;
	err = _vdpa_register_device(&port->vdpa, port->nvqs);
	if (err)
		goto err_detach;
	return 0;

err_detach:
	withdraw_port(port);
	qz_switch_leave(fabric, port);
err_unlist:
	qz_portlist_del(port);
err_put:
	put_device(&port->vdpa.dev);
	return err;
}

/*
 * `vdpa dev del`, or the end of a fabric: process context, vdpa_dev_lock held.
 * A device that has not left the bus yet can be found, and deleted, once more.
 */
static void del_port(struct vdpa_mgmt_dev *mgmt, struct vdpa_device *vdpa)
{
	struct qz_port *port = container_of(vdpa, struct qz_port, vdpa);

	if (port->deleted)
		return;
	withdraw_port(port);
	qz_leave_begin(port);
}

const struct vdpa_mgmtdev_ops qz_mgmt_ops = {
	.dev_add = add_port,
	.dev_del = del_port,
};
