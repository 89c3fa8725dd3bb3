// SPDX-License-Identifier: GPL-2.0
/* A port: what its driver sets up, started and stopped. */

#include <linux/dma-mapping.h>
#include <linux/pid.h>
#include <linux/wait_bit.h>
#include <uapi/linux/virtio_config.h>

#include "fabric.h"

/* Ports not yet freed: their code must stay. */
static atomic_t qz_ports_alive = ATOMIC_INIT(0);

/*
 * Has the driver said that it is ready? A VMM may leave out FEATURES_OK, and
 * could then change features, and with them what a queue is for, at any time.
 */
bool qz_port_is_ready(const struct qz_port *port)
{
	u8 status = READ_ONCE(port->status);

	return status & VIRTIO_CONFIG_S_FEATURES_OK &&
	       status & VIRTIO_CONFIG_S_DRIVER_OK;
}

static bool may_run(const struct qz_port *port, const struct qz_map *map)
{
	return map && !port->deleted && !port->broken && !port->suspended &&
	       qz_port_is_ready(port);
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

/* What qz_port_free() undoes; it cannot fail. Process context. */
void qz_port_init(struct qz_port *port, struct qz_fabric *fabric)
{
	atomic_inc(&qz_ports_alive);
	get_device(&fabric->dev);
	port->fabric = fabric;
	port->vdpa.mdev = &fabric->mgmt;
	INIT_LIST_HEAD(&port->list);
	mutex_init(&port->lock);
	init_completion(&port->left);
	qz_pace_flood(port, QZ_FLOOD_RATE);
}

/**
 * qz_port_set_up - give a port its queues
 * @port: a port whose configuration is complete
 *
 * Context: process, may sleep.
 * Return: 0 or a negative error; qz_port_free() frees what there is.
 */
int qz_port_set_up(struct qz_port *port)
{
	struct device *dev = &port->vdpa.dev;
	int i, err;

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
	qz_port_set_features(port, 0);
	/* virtio_vdpa maps its buffers with the port's own device. */
	dev->dma_mask = &dev->coherent_dma_mask;
	port->vdpa.dma_dev = dev;
	return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
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
	kfree(rcu_dereference_protected(port->antispoof, true));
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

