// SPDX-License-Identifier: GPL-2.0
/*
 * A port as a vDPA device: what vhost-vdpa and virtio_vdpa call.
 *
 * Context: process, may sleep, unless a function says otherwise. What the
 * driver sets up is guarded by port->lock. QEMU sets up rings before it sends
 * the memory they are in, and DRIVER_OK last: qz_port_start() uses a ring when
 * it has all three.
 */

#include <linux/log2.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/vhost_iotlb.h>
#include <linux/virtio_byteorder.h>
#include <uapi/linux/virtio_ids.h>

#include "fabric.h"

#define QZ_VENDOR_ID	0x515a	/* "QZ" */

static struct qz_port *to_port(struct vdpa_device *vdpa)
{
	return container_of(vdpa, struct qz_port, vdpa);
}

static struct qz_queue *to_queue(struct vdpa_device *vdpa, u16 idx)
{
	return &to_port(vdpa)->queues[idx];
}

/* Rings */

static int set_vq_address(struct vdpa_device *vdpa, u16 idx, u64 desc,
			  u64 driver, u64 device)
{
	struct qz_queue *queue = to_queue(vdpa, idx);

	mutex_lock(&queue->port->lock);
	queue->desc = desc;
	queue->driver = driver;
	queue->device = device;
	mutex_unlock(&queue->port->lock);
	return 0;
}

static void set_vq_num(struct vdpa_device *vdpa, u16 idx, u32 num)
{
	struct qz_queue *queue = to_queue(vdpa, idx);

	if (num > QZ_RING_MAX || !is_power_of_2(num))
		return;
	mutex_lock(&queue->port->lock);
	if (!queue->areas[0].kva)
		queue->num = num;
	mutex_unlock(&queue->port->lock);
}

/* Atomic, IRQs off, inside eventfd_signal(); or BH off, from virtio_vdpa. */
static void kick_vq(struct vdpa_device *vdpa, u16 idx)
{
	struct qz_queue *queue = to_queue(vdpa, idx);

	/* Nothing waits for receive buffers. */
	if (queue->kind == QZ_TX)
		qz_run_kick(queue);
	else if (queue->kind == QZ_CTRL)
		qz_ctrlq_kick(queue);
}

static void set_vq_cb(struct vdpa_device *vdpa, u16 idx,
		      struct vdpa_callback *cb)
{
	struct qz_queue *queue = to_queue(vdpa, idx);

	spin_lock_bh(&queue->cb_lock);
	queue->cb = *cb;
	spin_unlock_bh(&queue->cb_lock);
}

static void set_vq_ready(struct vdpa_device *vdpa, u16 idx, bool ready)
{
	struct qz_port *port = to_port(vdpa);
	struct qz_queue *queue = to_queue(vdpa, idx);

	mutex_lock(&port->lock);
	if (queue->ready != ready) {
		qz_port_stop(port);
		queue->ready = ready;
		qz_port_start(port);
	}
	mutex_unlock(&port->lock);
}

static bool get_vq_ready(struct vdpa_device *vdpa, u16 idx)
{
	return to_queue(vdpa, idx)->ready;
}

static int set_vq_state(struct vdpa_device *vdpa, u16 idx,
			const struct vdpa_vq_state *state)
{
	struct qz_queue *queue = to_queue(vdpa, idx);
	int err = -EBUSY;

	mutex_lock(&queue->port->lock);
	if (!queue->areas[0].kva) {
		queue->base = state->split.avail_index;
		err = 0;
	}
	mutex_unlock(&queue->port->lock);
	return err;
}

static int get_vq_state(struct vdpa_device *vdpa, u16 idx,
			struct vdpa_vq_state *state)
{
	struct qz_queue *queue = to_queue(vdpa, idx);

	mutex_lock(&queue->port->lock);
	state->split.avail_index = queue->areas[0].kva ?
		READ_ONCE(queue->ring.last_avail) : queue->base;
	mutex_unlock(&queue->port->lock);
	return 0;
}

static u32 get_vq_align(struct vdpa_device *vdpa)
{
	return SMP_CACHE_BYTES;
}

static u16 get_vq_num_max(struct vdpa_device *vdpa)
{
	return QZ_RING_MAX;
}

/* Features and configuration space */

static u64 get_device_features(struct vdpa_device *vdpa)
{
	return to_port(vdpa)->offered;
}

static int set_driver_features(struct vdpa_device *vdpa, u64 features)
{
	struct qz_port *port = to_port(vdpa);
	int err = -EBUSY;

	/* Addresses are the device's, and little endian: no legacy driver. */
	if (!(features & BIT_ULL(VIRTIO_F_VERSION_1)) ||
	    !(features & BIT_ULL(VIRTIO_F_ACCESS_PLATFORM)))
		return -EINVAL;
	mutex_lock(&port->lock);
	if (!(port->status & VIRTIO_CONFIG_S_FEATURES_OK)) {
		qz_port_set_features(port, features & port->offered);
		err = 0;
	}
	mutex_unlock(&port->lock);
	return err;
}

static u64 get_driver_features(struct vdpa_device *vdpa)
{
	return to_port(vdpa)->features;
}

static void set_config_cb(struct vdpa_device *vdpa, struct vdpa_callback *cb)
{
	struct qz_port *port = to_port(vdpa);

	/* Shares a lock with the first queue's: see qz_notify_config(). */
	spin_lock_bh(&port->queues[0].cb_lock);
	port->config_cb = *cb;
	spin_unlock_bh(&port->queues[0].cb_lock);
}

static u32 get_device_id(struct vdpa_device *vdpa)
{
	return VIRTIO_ID_NET;
}

static u32 get_vendor_id(struct vdpa_device *vdpa)
{
	return QZ_VENDOR_ID;
}

static size_t get_config_size(struct vdpa_device *vdpa)
{
	return sizeof(struct virtio_net_config);
}

static void get_config(struct vdpa_device *vdpa, unsigned int offset,
		       void *buf, unsigned int len)
{
	const struct qz_port *port = to_port(vdpa);
	u16 announce = READ_ONCE(port->ctrl.announce) ?
		VIRTIO_NET_S_ANNOUNCE : 0;
	struct virtio_net_config config = {
		.status = __cpu_to_virtio16(true,
					    VIRTIO_NET_S_LINK_UP | announce),
		.max_virtqueue_pairs =
			__cpu_to_virtio16(true, port->ctrl.pairs),
		.mtu = __cpu_to_virtio16(true, port->mtu),
	};

	memcpy(config.mac, port->mac, sizeof(config.mac));
	if (offset <= sizeof(config) && len <= sizeof(config) - offset)
		memcpy(buf, (u8 *)&config + offset, len);
}

/* The address is the administrator's, whatever QEMU or the guest writes. */
static void set_config(struct vdpa_device *vdpa, unsigned int offset,
		       const void *buf, unsigned int len)
{
}

/* Status */

/*
 * virtio_vdpa sets no map: its addresses are the kernel's own. Everybody else
 * has to map what a port may touch.
 */
static bool is_kernel_driver(struct vdpa_device *vdpa)
{
	const struct device_driver *driver = vdpa->dev.driver;

	return driver && !strcmp(driver->name, "virtio_vdpa");
}

/*
 * vDPA's cf_lock is held, by set_status() and reset(): what they do without
 * port->lock they do one after the other. Both sleep.
 */

/*
 * A port with a driver keeps the module. (The virtio bus acknowledges a device
 * once more after its driver has left, and QEMU 10 never says DRIVER after a
 * reset.)
 */
static bool pin_module(struct qz_port *port, u8 status)
{
	struct pid *opener = NULL;

	if (port->pinned || !(status & ~VIRTIO_CONFIG_S_ACKNOWLEDGE))
		return true;
	if (!try_module_get(THIS_MODULE))
		return false;
	if (!is_kernel_driver(&port->vdpa))
		opener = get_task_pid(current, PIDTYPE_TGID);
	mutex_lock(&port->lock);
	port->pinned = true;
	rcu_assign_pointer(port->opener, opener);
	mutex_unlock(&port->lock);
	return true;
}

static void unpin_module(struct qz_port *port)
{
	struct pid *opener;

	if (!port->pinned)
		return;
	mutex_lock(&port->lock);
	port->pinned = false;
	opener = rcu_replace_pointer(port->opener, NULL,
				     lockdep_is_held(&port->lock));
	mutex_unlock(&port->lock);
	put_pid(opener);
	/*
	 * Unloading now would wait for whoever resets us to let go of the
	 * device, so we return from here before our code goes.
	 */
	module_put(THIS_MODULE);
}

static u8 get_status(struct vdpa_device *vdpa)
{
	const struct qz_port *port = to_port(vdpa);
	u8 status = READ_ONCE(port->status);

	if (READ_ONCE(port->broken))
		status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	return status;
}

static void set_status(struct vdpa_device *vdpa, u8 status)
{
	struct qz_port *port = to_port(vdpa);

	if (!pin_module(port, status))
		return;
	if (status & VIRTIO_CONFIG_S_DRIVER_OK && !is_kernel_driver(vdpa))
		qz_worker_start(port);
	mutex_lock(&port->lock);
	WRITE_ONCE(port->status, status & ~VIRTIO_CONFIG_S_NEEDS_RESET);
	if (is_kernel_driver(vdpa) && !rcu_access_pointer(port->map))
		rcu_assign_pointer(port->map, &qz_map_identity);
	qz_port_start(port);
	mutex_unlock(&port->lock);
}

static void reset_queue(struct qz_queue *queue)
{
	queue->ready = false;
	queue->num = QZ_RING_MAX;
	queue->base = 0;
	queue->desc = 0;
	queue->driver = 0;
	queue->device = 0;
	spin_lock_bh(&queue->cb_lock);
	queue->cb = (struct vdpa_callback){};
	spin_unlock_bh(&queue->cb_lock);
}

/* The driver's map stays: it is vhost-vdpa's to take away. */
static int reset(struct vdpa_device *vdpa)
{
	struct qz_port *port = to_port(vdpa);
	int i;

	mutex_lock(&port->lock);
	qz_port_stop(port);
	WRITE_ONCE(port->status, 0);
	WRITE_ONCE(port->broken, false);
	port->suspended = false;
	qz_port_set_features(port, 0);
	for (i = 0; i < port->nqueues; i++)
		reset_queue(&port->queues[i]);
	if (rcu_access_pointer(port->map) == &qz_map_identity)
		rcu_assign_pointer(port->map, NULL);
	mutex_unlock(&port->lock);
	qz_worker_stop(port);
	unpin_module(port);
	return 0;
}

static int suspend(struct vdpa_device *vdpa)
{
	struct qz_port *port = to_port(vdpa);

	mutex_lock(&port->lock);
	port->suspended = true;
	qz_port_stop(port);
	mutex_unlock(&port->lock);
	return 0;
}

/* Others may have forgotten, or moved, the driver meanwhile: it is to say. */
static int resume(struct vdpa_device *vdpa)
{
	struct qz_port *port = to_port(vdpa);
	bool announce;

	mutex_lock(&port->lock);
	port->suspended = false;
	qz_port_start(port);
	announce = qz_port_has(port, VIRTIO_NET_F_GUEST_ANNOUNCE);
	WRITE_ONCE(port->ctrl.announce, announce);
	mutex_unlock(&port->lock);
	if (announce)
		qz_notify_config(port);
	return 0;
}

/* Memory */

/* vhost-vdpa gives memory back to the VMM whatever this returns. */
static int set_map(struct vdpa_device *vdpa, unsigned int asid,
		   struct vhost_iotlb *iotlb)
{
	struct qz_port *port = to_port(vdpa);
	struct qz_map *map;

	map = qz_map_create(iotlb);
	mutex_lock(&port->lock);
	if (IS_ERR(map))
		qz_port_trim_map(port, iotlb);
	else
		qz_port_set_map(port, map);
	mutex_unlock(&port->lock);
	return PTR_ERR_OR_ZERO(map);
}

/* vhost-vdpa is closed; its last unmapping does not come by set_map(). */
static int reset_map(struct vdpa_device *vdpa, unsigned int asid)
{
	struct qz_port *port = to_port(vdpa);

	mutex_lock(&port->lock);
	qz_port_set_map(port, NULL);
	mutex_unlock(&port->lock);
	return 0;
}

/* At the last put_device(). */
static void free_vdpa(struct vdpa_device *vdpa)
{
	qz_port_free(to_port(vdpa));
}

const struct vdpa_config_ops qz_vdpa_ops = {
	.set_vq_address		= set_vq_address,
	.set_vq_num		= set_vq_num,
	.kick_vq		= kick_vq,
	.set_vq_cb		= set_vq_cb,
	.set_vq_ready		= set_vq_ready,
	.get_vq_ready		= get_vq_ready,
	.set_vq_state		= set_vq_state,
	.get_vq_state		= get_vq_state,
	.get_vendor_vq_stats	= qz_vstats_get,
	.get_vq_align		= get_vq_align,
	.get_vq_num_max		= get_vq_num_max,
	.get_device_features	= get_device_features,
	.set_driver_features	= set_driver_features,
	.get_driver_features	= get_driver_features,
	.set_config_cb		= set_config_cb,
	.get_device_id		= get_device_id,
	.get_vendor_id		= get_vendor_id,
	.get_status		= get_status,
	.set_status		= set_status,
	.reset			= reset,
	.suspend		= suspend,
	.resume			= resume,
	.get_config_size	= get_config_size,
	.get_config		= get_config,
	.set_config		= set_config,
	.set_map		= set_map,
	.reset_map		= reset_map,
	.free			= free_vdpa,
};
