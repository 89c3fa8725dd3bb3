// SPDX-License-Identifier: GPL-2.0
/* A port: starting and stopping what its driver sets up. */

#include <linux/dma-mapping.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <uapi/linux/virtio_config.h>

#include "module/compat.h"
#include "port/port.h"

/* Ports that are not freed yet: their code must stay. */
static atomic_t qz_ports_alive = ATOMIC_INIT(0);

/*
 * Has the driver said that it is ready? A VMM that left out FEATURES_OK could
 * change features at any time, and with them the use of each queue.
 */
bool qz_port_is_ready(const struct qz_port *port)
{
	u8 status = READ_ONCE(port->status);

	return status & VIRTIO_CONFIG_S_FEATURES_OK &&
	       status & VIRTIO_CONFIG_S_DRIVER_OK;
}

static bool may_run(const struct qz_port *port)
{
	return !port->broken && !port->suspended &&
	       qz_port_is_ready(port);
}

/* Return: whether a ring of the port was in use. */
static bool clear_live(struct qz_port *port)
{
	bool was_used = false;
	int i;

	for (i = 0; i < port->nvqs; i++) {
		was_used |= qz_vq_is_mapped(port->vqs[i]);
		WRITE_ONCE(port->vqs[i]->live, false);
	}
	return was_used;
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
	qz_gate_wait();
	for (i = 0; i < port->nvqs; i++)
		qz_vq_stop(port->vqs[i]);
}

/*
 * A control queue is used only if the driver negotiated it. It is all that
 * remains of a deleted port: drivers wait for the answer to a command without
 * end, and the kernel's own does so with a lock held that device_del() needs.
 */
static bool is_used(const struct qz_vq *vq)
{
	if (!vq->setup.ready || qz_vq_is_mapped(vq))
		return false;
	if (vq->kind == QZ_CTRL)
		return qz_port_has(vq->port, VIRTIO_NET_F_CTRL_VQ);
	return !READ_ONCE(vq->port->deleted);
}

/**
 * qz_port_start - let the data path use every ring that is ready
 * @port: the port; nothing happens if it may not run
 *
 * A ring outside the map is left alone: the rest of the map may still come. If
 * there is no memory to map a ring, the port breaks, because nothing else would
 * tell the driver.
 *
 * Context: process, port->lock held, may sleep.
 */
void qz_port_start(struct qz_port *port)
{
	const struct qz_map *map;
	struct qz_vq *vq;
	int i;

	lockdep_assert_held(&port->lock);
	if (!may_run(port))
		return;
	for (i = 0; i < port->nvqs; i++) {
		vq = port->vqs[i];
		map = port->maps[port->spaces[qz_group_of(vq->kind)]];
		if (!map || !is_used(vq))
			continue;
		if (qz_vq_start(vq, map) == -ENOMEM) {
			qz_port_break(port, QZ_BREAK_NO_MEMORY);
			return;
		}
	}
}

/* The driver enables or disables a queue. port->lock held, may sleep. */
void qz_port_enable(struct qz_vq *vq, bool enable)
{
	lockdep_assert_held(&vq->port->lock);
	if (!enable && qz_vq_is_mapped(vq)) {
		WRITE_ONCE(vq->live, false);
		qz_gate_wait();
		qz_vq_stop(vq);
	}
	vq->setup.ready = enable;
	qz_port_start(vq->port);
}

/* Replace an address space of the driver; port->lock held, may sleep. */
void qz_port_set_map(struct qz_port *port, unsigned int space,
		     const struct qz_map *map)
{
	qz_port_stop(port);
	swap(port->maps[space], map);
	qz_map_free(map);
	qz_port_start(port);
}

/*
 * There is no memory for a new address space: keep of the old one what is still
 * mapped. port->lock held, may sleep.
 */
void qz_port_trim_map(struct qz_port *port, unsigned int space,
		      struct vhost_iotlb *iotlb)
{
	const struct qz_map *map;

	qz_port_stop(port);
	map = port->maps[space];
	if (map && !map->identity)
		qz_map_trim((struct qz_map *)map, iotlb);
	qz_port_start(port);
}

/*
 * Set what the driver negotiated, and with it the use of each queue (virtio
 * 1.2, 5.1.2): a driver without VIRTIO_NET_F_MQ and VIRTIO_NET_F_RSS has one
 * pair, followed by the control queue, where a driver with one of them has its
 * second pair. These two queues then exchange their numbers.
 *
 * Context: process, port->lock held; no queue is live, and everybody has left
 * the gate since.
 */
void qz_port_set_features(struct qz_port *port, u64 features)
{
	struct qz_vq *ctrl = &port->ctrlq.vq;
	int pairs, at;

	port->features = features;
	qz_ctrl_init(&port->ctrl, features);
	pairs = features & QZ_PAIRS_FEATURES ? port->ctrl.pairs : 1;
	at = 2 * pairs;
	if (at >= port->nvqs || port->vqs[at] == ctrl)
		return;
	WRITE_ONCE(port->vqs[ctrl->index], port->vqs[at]);
	qz_vq_swap(ctrl, port->vqs[at]);
	WRITE_ONCE(port->vqs[at], ctrl);
}

/*
 * A VMM resets the port of a guest that it pauses. When the guest continues, the
 * VMM sets up each ring where it stopped. But it does not know what the guest has
 * set by command, which passes it by, and the guest does not know of the reset. So
 * the port keeps it. A driver that begins anew, after a reset of its own, begins
 * at the start of its control ring.
 */

/* Before a reset, when the port has stopped. port->lock held. */
void qz_port_keep(struct qz_port *port)
{
	struct qz_kept *kept = &port->ctrlq.kept;

	lockdep_assert_held(&port->lock);
	if (!qz_port_is_ready(port))
		return;	/* QEMU resets more than once */
	kept->at = port->ctrlq.vq.setup.seen;
	kept->ctrl = port->ctrl;
}

/* The driver is ready again, and no ring is live yet. port->lock held. */
void qz_port_recall(struct qz_port *port)
{
	struct qz_kept *kept = &port->ctrlq.kept;

	lockdep_assert_held(&port->lock);
	if (kept->at && port->ctrlq.vq.setup.base == kept->at)
		qz_ctrl_restore(&port->ctrl, &kept->ctrl);
	kept->at = 0;
}

/* Undone by qz_port_free(). It cannot fail. Process context. */
void qz_port_init(struct qz_port *port, struct qz_fabric *fabric)
{
	atomic_inc(&qz_ports_alive);
	get_device(&fabric->dev);
	port->fabric = fabric;
	port->vdpa.mdev = &fabric->mgmt;
	INIT_LIST_HEAD(&port->list);
	mutex_init(&port->lock);
	spin_lock_init(&port->opener_lock);
	init_completion(&port->left);
	qz_signal_init_port(port);
	qz_complain_init(&port->complaint);
	qz_pace_flood(port, QZ_FLOOD_RATE);
}

static int alloc_queues(struct qz_port *port)
{
	u16 pairs = port->ctrl.pairs;

	port->vqs = kcalloc(2 * pairs + 1, sizeof(*port->vqs),
			    GFP_KERNEL_ACCOUNT);
	port->rxqs = kvcalloc(pairs, sizeof(*port->rxqs), GFP_KERNEL_ACCOUNT);
	port->txqs = kvcalloc(pairs, sizeof(*port->txqs), GFP_KERNEL_ACCOUNT);
	return port->vqs && port->rxqs && port->txqs ? 0 : -ENOMEM;
}

static void init_queues(struct qz_port *port)
{
	u16 pairs = port->ctrl.pairs, i;

	for (i = 0; i < pairs; i++) {
		qz_rxq_init(&port->rxqs[i], port, i);
		qz_txq_init(&port->txqs[i], port, i);
		port->vqs[2 * i] = &port->rxqs[i].vq;
		port->vqs[2 * i + 1] = &port->txqs[i].vq;
	}
	port->nvqs = 2 * pairs;
	qz_vq_init(&port->ctrlq.vq, port, port->nvqs, QZ_CTRL);
	if (port->offered & BIT_ULL(VIRTIO_NET_F_CTRL_VQ))
		port->vqs[port->nvqs++] = &port->ctrlq.vq;
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
	int err;

	err = alloc_queues(port);
	if (err)
		return err;
	init_queues(port);
	qz_port_set_features(port, 0);
	/* virtio_vdpa maps its buffers with the port's own device. */
	dev->dma_mask = &dev->coherent_dma_mask;
	qz_vdpa_set_dma_dev(&port->vdpa, dev);
	qz_set_dma_coherent(dev);
	return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
}

/* Called by the vDPA bus at the last put_device(): process context. */
void qz_port_free(struct qz_port *port)
{
	int i;

	kfree(port->vqs);
	kvfree(port->rxqs);
	kvfree(port->txqs);
	for (i = 0; i < QZ_SPACES; i++)
		qz_map_free(port->maps[i]);
	qz_switch_free(rcu_dereference_protected(port->view, true));
	kfree(rcu_dereference_protected(port->antispoof, true));
	kfree(rcu_dereference_protected(port->vlan, true));
	kfree(rcu_dereference_protected(port->macs, true));
	put_pid(port->opener);
	put_device(&port->fabric->dev);
	if (atomic_dec_and_test(&qz_ports_alive))
		wake_up_var(&qz_ports_alive);
}

/*
 * A run that is queued on a thread keeps a reference on its port until the
 * thread gets to it: wait for all of them.
 */
void qz_port_wait_all_freed(void)
{
	wait_var_event(&qz_ports_alive, !atomic_read(&qz_ports_alive));
}
