// SPDX-License-Identifier: GPL-2.0
/* Ports: made and deleted by the vdpa tool, listed by ioctl. */

#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/wait_bit.h>
#include <uapi/linux/vdpa.h>
#include <uapi/linux/virtio_config.h>

#include "fabric.h"
#include "module/compat.h"

static LIST_HEAD(qz_ports);		/* by rising id */
static u64 qz_port_last_id;
static DEFINE_MUTEX(qz_ports_lock);	/* both; a leaf */

/* Ports not yet freed: their code must stay. */
static atomic_t qz_ports_alive = ATOMIC_INIT(0);

/*
 * Has the driver said that it is ready? A VMM may leave out FEATURES_OK, and
 * could then change features, and with them what a queue is for, at any time.
 */
static bool is_ready(u8 status)
{
	return status & VIRTIO_CONFIG_S_FEATURES_OK &&
	       status & VIRTIO_CONFIG_S_DRIVER_OK;
}

static bool may_run(const struct qz_port *port, const struct qz_map *map)
{
	return map && !port->broken && !port->suspended &&
	       is_ready(port->status);
}

static bool clear_live(struct qz_port *port)
{
	bool was_live = false;
	int i;

	for (i = 0; i < port->nqueues; i++) {
		was_live |= port->queues[i].live || port->queues[i].areas[0].kva;
		WRITE_ONCE(port->queues[i].live, false);
	}
	return was_live;
}

/**
 * qz_port_stop - take all rings back from the data path
 * @port: the port
 *
 * When this returns nobody uses a ring or the map of the port.
 *
 * Context: process, port->lock held, may sleep.
 */
void qz_port_stop(struct qz_port *port)
{
	int i;

	lockdep_assert_held(&port->lock);
	if (!clear_live(port))
		return;
	synchronize_srcu_expedited(&qz_fabric_srcu);
	for (i = 0; i < port->nqueues; i++)
		qz_queue_stop(&port->queues[i]);
}

/**
 * qz_port_start - let the data path use every ring that is ready
 * @port: the port; nothing happens when it may not run
 *
 * A ring outside the map is left alone: the rest of the map may come. Without
 * memory to map a ring the port is broken: nobody else would tell the driver.
 *
 * Context: process, port->lock held, may sleep.
 */
void qz_port_start(struct qz_port *port)
{
	const struct qz_map *map;
	struct qz_queue *queue;
	int i;

	lockdep_assert_held(&port->lock);
	map = rcu_dereference_protected(port->map,
					lockdep_is_held(&port->lock));
	if (!may_run(port, map))
		return;
	for (i = 0; i < port->nqueues; i++) {
		queue = &port->queues[i];
		if (!queue->ready || queue->areas[0].kva)
			continue;
		if (qz_queue_start(queue, map) == -ENOMEM) {
			qz_port_break(port);
			return;
		}
	}
}

/* Replace the driver's address space; port->lock held, may sleep. */
void qz_port_set_map(struct qz_port *port, const struct qz_map *map)
{
	const struct qz_map *old;

	qz_port_stop(port);
	old = rcu_replace_pointer(port->map, map, lockdep_is_held(&port->lock));
	qz_map_free(old);
	qz_port_start(port);
}

/*
 * There is no memory for a new address space: of the old one, what is still
 * mapped remains. port->lock held, may sleep.
 */
void qz_port_trim_map(struct qz_port *port, struct vhost_iotlb *iotlb)
{
	const struct qz_map *map;

	qz_port_stop(port);
	map = rcu_dereference_protected(port->map,
					lockdep_is_held(&port->lock));
	if (map && !map->identity)
		qz_map_trim((struct qz_map *)map, iotlb);
	qz_port_start(port);
}

/*
 * The driver wrote nonsense: the port is dead until it is reset. Called by a
 * run, in process or softirq context, possibly with a queue->lock held.
 */
void qz_port_break(struct qz_port *port)
{
	int i;

	WRITE_ONCE(port->broken, true);
	smp_mb();	/* broken before live, as in qz_queue_start() */
	for (i = 0; i < port->nqueues; i++)
		WRITE_ONCE(port->queues[i].live, false);
	qz_notify_config(port);
}

/*
 * What the driver negotiated, and with it which queue is for what (virtio 1.2,
 * 5.1.2): a driver without VIRTIO_NET_F_MQ has one pair, and control behind it.
 *
 * Context: process, port->lock held; no queue is live, so after a grace period:
 * whoever sees a queue live under qz_fabric_srcu knows its kind until he leaves.
 */
void qz_port_set_features(struct qz_port *port, u64 features)
{
	int pairs, i;

	port->features = features;
	qz_ctrl_init(&port->ctrl, features);
	pairs = qz_port_has(port, VIRTIO_NET_F_MQ) ? port->ctrl.pairs : 1;
	for (i = 0; i < port->nqueues; i++)
		port->queues[i].kind = i % 2 ? QZ_TX : QZ_RX;
	if (2 * pairs < port->nqueues && qz_port_has(port, VIRTIO_NET_F_CTRL_VQ))
		port->queues[2 * pairs].kind = QZ_CTRL;
}

/* Called by the vDPA bus at the last put_device(): process context. */
void qz_port_free(struct qz_port *port)
{
	int i;

	for (i = 0; i < port->nqueues; i++)
		qz_queue_free(&port->queues[i]);
	kvfree(port->queues);
	qz_map_free(rcu_dereference_protected(port->map, true));
	qz_switch_free(rcu_dereference_protected(port->view, true));
	kfree(rcu_dereference_protected(port->guard, true));
	put_pid(rcu_dereference_protected(port->opener, true));
	put_device(&port->fabric->dev);
	if (atomic_dec_and_test(&qz_ports_alive))
		wake_up_var(&qz_ports_alive);
}

/*
 * A run queued on a thread that has not got to it keeps a reference on its
 * port: wait for all of them.
 */
void qz_port_wait_all_freed(void)
{
	wait_var_event(&qz_ports_alive, !atomic_read(&qz_ports_alive));
}

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
		port->offered &= ~BIT_ULL(VIRTIO_NET_F_MQ);
}

static int init_port(struct qz_port *port, struct qz_fabric *fabric,
		     const struct vdpa_dev_set_config *config)
{
	struct device *dev = &port->vdpa.dev;
	struct qz_switch *nobody;
	int i, err;

	get_device(&fabric->dev);	/* qz_port_free() puts it */
	port->fabric = fabric;
	port->vdpa.mdev = &fabric->mgmt;
	INIT_LIST_HEAD(&port->list);
	INIT_LIST_HEAD(&port->all);
	mutex_init(&port->lock);
	qz_pace_flood(port, QZ_FLOOD_RATE);
	apply_config(port, config);
	port->nqueues = 2 * port->ctrl.pairs;
	if (port->offered & BIT_ULL(VIRTIO_NET_F_CTRL_VQ))
		port->nqueues++;
	port->queues = kvcalloc(port->nqueues, sizeof(*port->queues),
				GFP_KERNEL_ACCOUNT);
	if (!port->queues) {
		port->nqueues = 0;
		return -ENOMEM;
	}
	for (i = 0; i < port->nqueues; i++) {
		err = qz_queue_init(&port->queues[i], port, i);
		if (err)
			return err;
	}
	nobody = qz_switch_alloc(0);
	if (!nobody)
		return -ENOMEM;
	RCU_INIT_POINTER(port->view, nobody);
	qz_port_set_features(port, 0);
	/* virtio_vdpa maps its buffers with the port's own device. */
	dev->dma_mask = &dev->coherent_dma_mask;
	qz_vdpa_set_dma_dev(&port->vdpa, dev);
	qz_set_dma_coherent(dev);
	return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
}

static void list_port(struct qz_port *port)
{
	mutex_lock(&qz_ports_lock);
	port->id = ++qz_port_last_id;
	list_add_tail(&port->all, &qz_ports);
	mutex_unlock(&qz_ports_lock);
}

static void unlist_port(struct qz_port *port)
{
	mutex_lock(&qz_ports_lock);
	list_del_init(&port->all);
	mutex_unlock(&qz_ports_lock);
}

/* When this returns no call and no frame finds the port. */
static void withdraw_port(struct qz_port *port)
{
	unlist_port(port);
	qz_switch_detach(port->fabric, port);
	qz_peer_forget(port);
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

	port = qz_vdpa_alloc(struct qz_port, vdpa, &fabric->dev, &qz_vdpa_ops,
			     1, 1, name);
	if (IS_ERR(port))
		return PTR_ERR(port);
	atomic_inc(&qz_ports_alive);	/* qz_port_free() is its counterpart */

	err = init_port(port, fabric, config);
	if (err)
		goto err_put;
	err = qz_switch_attach(fabric, port);
	if (err)
		goto err_put;
	list_port(port);
	err = _vdpa_register_device(&port->vdpa, port->nqueues);
	if (err)
		goto err_detach;
	return 0;

err_detach:
	withdraw_port(port);
err_put:
	put_device(&port->vdpa.dev);
	return err;
}

/* `vdpa dev del` or the end of a fabric: process context, vdpa_dev_lock held. */
static void del_port(struct vdpa_mgmt_dev *mgmt, struct vdpa_device *vdpa)
{
	struct qz_port *port = container_of(vdpa, struct qz_port, vdpa);

	withdraw_port(port);
	_vdpa_unregister_device(vdpa);	/* the driver has let go of it */
}

const struct vdpa_mgmtdev_ops qz_port_mgmt_ops = {
	.dev_add = add_port,
	.dev_del = del_port,
};

/* Called with qz_ports_lock held. */
static struct qz_port *find_port(u64 id, bool larger)
{
	struct qz_port *port;

	list_for_each_entry(port, &qz_ports, all)
		if (larger ? port->id > id : port->id == id)
			return port;
	return NULL;
}

/**
 * qz_port_get - find a port and keep it
 * @id: its id
 *
 * The reference keeps the port's memory and its fabric's, not the port in its
 * fabric: it may be deleted meanwhile.
 *
 * Context: process, may sleep.
 * Return: the port, with a reference for qz_port_put(), or NULL.
 */
struct qz_port *qz_port_get(u64 id)
{
	struct qz_port *port;

	mutex_lock(&qz_ports_lock);
	port = find_port(id, false);
	if (port)
		get_device(&port->vdpa.dev);
	mutex_unlock(&qz_ports_lock);
	return port;
}

void qz_port_put(struct qz_port *port)
{
	if (port)
		put_device(&port->vdpa.dev);
}

static u32 port_state(const struct qz_port *port)
{
	u8 status = READ_ONCE(port->status);
	u32 state = 0;

	if (status & ~VIRTIO_CONFIG_S_ACKNOWLEDGE)
		state |= QUEZTL_PORT_OPEN;
	if (READ_ONCE(port->broken))
		state |= QUEZTL_PORT_BROKEN;
	else if (is_ready(status))
		state |= QUEZTL_PORT_UP;
	return state;
}

int qz_port_next(struct queztl_port_next *next)
{
	struct qz_port *port;

	mutex_lock(&qz_ports_lock);
	port = find_port(next->id, true);
	if (port) {
		memset_after(next, 0, flags);
		next->id = port->id;
		next->fabric_id = port->fabric->id;
		strscpy(next->name, dev_name(&port->vdpa.dev));
		ether_addr_copy(next->mac, port->mac);
		next->mtu = port->mtu;
		next->state = port_state(port);
		next->max_vqp = port->ctrl.pairs;
		next->mode = qz_uplink_is(port) ? QUEZTL_PORT_UPLINK : 0;
		rcu_read_lock();
		next->pid = pid_vnr(rcu_dereference(port->opener));
		rcu_read_unlock();
	}
	mutex_unlock(&qz_ports_lock);
	return port ? 0 : -ENOENT;
}

/* Add up what a queue has counted. */
static void add_counts(struct queztl_port_stats *stats,
		       const struct qz_queue *queue)
{
	const struct qz_counts *counts = &queue->counts;
	int i;

	if (queue->index % 2) {
		stats->tx_packets += READ_ONCE(counts->packets);
		stats->tx_bytes += READ_ONCE(counts->bytes);
		stats->tx_interrupts += READ_ONCE(counts->interrupts);
	} else {
		stats->rx_packets += READ_ONCE(counts->packets);
		stats->rx_bytes += READ_ONCE(counts->bytes);
		stats->rx_interrupts += READ_ONCE(counts->interrupts);
	}
	stats->kicks += READ_ONCE(counts->kicks);
	stats->tx_held += READ_ONCE(counts->held);
	stats->direct_runs += READ_ONCE(counts->direct_runs);
	stats->worker_runs += READ_ONCE(counts->worker_runs);
	stats->tx_paced += READ_ONCE(counts->paced);
	stats->tx_waited += READ_ONCE(counts->waited);
	for (i = 0; i < QUEZTL_DROP_REASONS; i++)
		stats->drops[i] += atomic64_read(&counts->drops[i]);
}

int qz_port_stats(struct queztl_port_stats *stats)
{
	struct qz_port *port = qz_port_get(stats->id);
	int i;

	if (!port)
		return -ENOENT;
	memset_after(stats, 0, id);
	for (i = 0; i < port->nqueues; i++)
		add_counts(stats, &port->queues[i]);
	qz_port_put(port);
	return 0;
}
