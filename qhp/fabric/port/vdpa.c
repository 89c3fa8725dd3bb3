// SPDX-License-Identifier: GPL-2.0
/*
 * A port as a vDPA device: what vhost-vdpa and virtio_vdpa call.
 *
 * Context: process, may sleep, unless a function says otherwise. What the
 * driver sets up is guarded by port->lock. QEMU sets up rings before it sends
 * the memory that they are in, and DRIVER_OK last: qz_port_start() uses a ring
 * when all three are there.
 */

#include <linux/ethtool.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/virtio_byteorder.h>
#include <uapi/linux/virtio_ids.h>

#include "port/port.h"

#define QZ_VENDOR_ID	0x515a	/* "QZ" */

static struct qz_port *to_port(struct vdpa_device *vdpa)
{
	return container_of(vdpa, struct qz_port, vdpa);
}

/* The use of a queue, and so which one this is, depends on the features. */
static struct qz_vq *to_vq(struct vdpa_device *vdpa, u16 idx)
{
	return READ_ONCE(to_port(vdpa)->vqs[idx]);
}

/* Rings */

static int set_vq_address(struct vdpa_device *vdpa, u16 idx, u64 desc,
			  u64 driver, u64 device)
{
	struct qz_port *port = to_port(vdpa);
	struct qz_setup *setup;

	mutex_lock(&port->lock);
	setup = &to_vq(vdpa, idx)->setup;
	setup->desc = desc;
	setup->driver = driver;
	setup->device = device;
	mutex_unlock(&port->lock);
	return 0;
}

static void set_vq_num(struct vdpa_device *vdpa, u16 idx, u32 num)
{
	struct qz_port *port = to_port(vdpa);
	struct qz_vq *vq;

	if (num > QZ_RING_MAX || !is_power_of_2(num))
		return;
	mutex_lock(&port->lock);
	vq = to_vq(vdpa, idx);
	if (!qz_vq_is_mapped(vq))
		vq->setup.num = num;
	mutex_unlock(&port->lock);
}

/*
 * Atomic, IRQs off, inside eventfd_signal(), which may be called in an interrupt;
 * or process context, when vhost-vdpa is given an eventfd that was signalled
 * before; or BH off, from virtio_vdpa.
 */
static void kick_vq(struct vdpa_device *vdpa, u16 idx)
{
	struct qz_vq *vq = to_vq(vdpa, idx);

	switch (vq->kind) {
	case QZ_TX:
		qz_kick(qz_to_txq(vq));
		break;
	case QZ_CTRL:
		qz_ctrlq_kick(qz_to_ctrlq(vq));
		break;
	case QZ_RX:	/* nothing waits for receive buffers */
		break;
	}
}

static void set_vq_cb(struct vdpa_device *vdpa, u16 idx,
		      struct vdpa_callback *cb)
{
	struct qz_port *port = to_port(vdpa);

	mutex_lock(&port->lock);
	qz_signal_set(&to_vq(vdpa, idx)->signal, cb);
	mutex_unlock(&port->lock);
}

static void set_vq_ready(struct vdpa_device *vdpa, u16 idx, bool ready)
{
	struct qz_port *port = to_port(vdpa);
	struct qz_vq *vq;

	mutex_lock(&port->lock);
	vq = to_vq(vdpa, idx);
	if (vq->setup.ready != ready)
		qz_port_enable(vq, ready);
	mutex_unlock(&port->lock);
}

static bool get_vq_ready(struct vdpa_device *vdpa, u16 idx)
{
	return READ_ONCE(to_vq(vdpa, idx)->setup.ready);
}

static int set_vq_state(struct vdpa_device *vdpa, u16 idx,
			const struct vdpa_vq_state *state)
{
	struct qz_port *port = to_port(vdpa);
	struct qz_vq *vq;
	int err = -EBUSY;

	mutex_lock(&port->lock);
	vq = to_vq(vdpa, idx);
	if (!qz_vq_is_mapped(vq)) {
		vq->setup.base = state->split.avail_index;
		vq->setup.seen = state->split.avail_index;
		err = 0;
	}
	mutex_unlock(&port->lock);
	return err;
}

/*
 * A caller that asks for the index of a ring wants to continue from there. So a
 * ring in use stops first, and waits to be enabled again. QEMU 7.2 does not
 * suspend: it asks while frames still arrive, resets, and sets the index that
 * it was told.
 */
static int get_vq_state(struct vdpa_device *vdpa, u16 idx,
			struct vdpa_vq_state *state)
{
	struct qz_port *port = to_port(vdpa);
	struct qz_vq *vq;

	mutex_lock(&port->lock);
	vq = to_vq(vdpa, idx);
	if (qz_vq_is_mapped(vq))
		qz_port_enable(vq, false);
	state->split.avail_index = vq->setup.seen;
	mutex_unlock(&port->lock);
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
	qz_signal_set(&to_port(vdpa)->config, cb);
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

/*
 * QEMU offers VIRTIO_NET_F_SPEED_DUPLEX by itself if it is given a speed, and
 * still shows the guest our fields.
 */
static void get_config(struct vdpa_device *vdpa, unsigned int offset,
		       void *buf, unsigned int len)
{
	const struct qz_port *port = to_port(vdpa);
	u16 announce = READ_ONCE(port->ctrl.announce) ?
		VIRTIO_NET_S_ANNOUNCE : 0;
	u16 link = READ_ONCE(port->special) & QZ_PORT_LINK_DOWN ?
		0 : VIRTIO_NET_S_LINK_UP;
	struct virtio_net_config config = {
		.status = __cpu_to_virtio16(true, link | announce),
		.max_virtqueue_pairs =
			__cpu_to_virtio16(true, port->ctrl.pairs),
		.mtu = __cpu_to_virtio16(true, port->mtu),
		.speed = cpu_to_le32(SPEED_UNKNOWN),
		.duplex = DUPLEX_UNKNOWN,
	};

	if (port->offered & BIT_ULL(VIRTIO_NET_F_RSS)) {
		config.rss_max_key_size = QZ_RSS_KEY;
		config.rss_max_indirection_table_length =
			cpu_to_le16(QZ_RSS_TABLE);
		config.supported_hash_types = cpu_to_le32(QZ_RSS_TYPES);
	}
	memcpy(config.mac, port->mac, sizeof(config.mac));
	if (offset <= sizeof(config) && len <= sizeof(config) - offset)
		memcpy(buf, (u8 *)&config + offset, len);
}

/* The administrator sets the address, whatever QEMU or the guest writes. */
static void set_config(struct vdpa_device *vdpa, unsigned int offset,
		       const void *buf, unsigned int len)
{
}

/* Status */

/*
 * virtio_vdpa sets no map: its addresses are the kernel's own. All others have
 * to map what a port may touch.
 */
static bool is_kernel_driver(struct vdpa_device *vdpa)
{
	const struct device_driver *driver = vdpa->dev.driver;

	return driver && !strcmp(driver->name, "virtio_vdpa");
}

/*
 * vDPA holds its cf_lock around set_status() and reset(), so what they do without
 * port->lock they do one after the other. get_iova_range() and reset_map() are
 * called without cf_lock, in vhost-vdpa's open() and release(), when no other
 * call can be made. All of them may sleep.
 */

/* port->lock held. Return: the last one, with its reference. */
static struct pid *replace_opener(struct qz_port *port, struct pid *opener)
{
	lockdep_assert_held(&port->lock);
	spin_lock(&port->opener_lock);
	swap(port->opener, opener);
	spin_unlock(&port->opener_lock);
	return opener;
}

/*
 * A port with a driver keeps the module loaded. (The virtio bus sets
 * ACKNOWLEDGE once more after a driver has left, and QEMU 10 never sets DRIVER
 * after a reset.) The opener is the process that last set the port up: it may
 * have been given a descriptor that another process opened.
 */
static bool pin_module(struct qz_port *port)
{
	struct pid *opener = NULL;

	if (!port->pinned && !try_module_get(THIS_MODULE))
		return false;
	if (!is_kernel_driver(&port->vdpa))
		opener = get_task_pid(current, PIDTYPE_TGID);
	mutex_lock(&port->lock);
	opener = replace_opener(port, opener);
	smp_store_release(&port->pinned, true);	/* see is_the_kernels() */
	mutex_unlock(&port->lock);
	put_pid(opener);
	return true;
}

/*
 * The user of the port has let go of it. The sign of that is the reset() in
 * vhost-vdpa's release(), but any other reset looks the same: a VMM resets its
 * port for a guest that reboots or is paused, and keeps it open. From a process
 * that has mapped memory, the map is taken away at the end and never before:
 * then reset_map() is the sign.
 */
static void unpin_module(struct qz_port *port)
{
	struct pid *opener = NULL;

	if (!port->pinned)
		return;
	mutex_lock(&port->lock);
	port->pinned = false;
	port->ctrlq.kept.at = 0;
	if (!READ_ONCE(port->deleted))
		opener = replace_opener(port, NULL);
	qz_leave_check(port);
	mutex_unlock(&port->lock);
	put_pid(opener);
	/*
	 * From here on the module may be unloaded. That waits for whoever
	 * resets us to let go of the device, so we have returned from here
	 * before our code goes.
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
	bool down = false, was_ready;

	if (status & ~VIRTIO_CONFIG_S_ACKNOWLEDGE && !pin_module(port))
		return;
	if (status & VIRTIO_CONFIG_S_DRIVER_OK)
		down = qz_exec_start(port, is_kernel_driver(vdpa));
	mutex_lock(&port->lock);
	if (down)
		qz_port_break(port, QZ_BREAK_NO_WORKER);
	was_ready = qz_port_is_ready(port);
	WRITE_ONCE(port->status, status & ~VIRTIO_CONFIG_S_NEEDS_RESET);
	if (!was_ready && qz_port_is_ready(port))
		qz_port_recall(port);
	if (is_kernel_driver(vdpa) && !port->maps[0])
		port->maps[0] = &qz_map_identity;
	qz_port_start(port);
	mutex_unlock(&port->lock);
	if (down) {
		qz_signal_here(&port->config);
		qz_complain_here(port);
	}
}

/*
 * vhost-vdpa asks for it in open(), after a reset() that succeeded, and never
 * elsewhere: this is how we know that a process has the port open. If we get no
 * module reference, because the module is being unloaded, the port counts as
 * not open.
 */
static struct vdpa_iova_range get_iova_range(struct vdpa_device *vdpa)
{
	pin_module(to_port(vdpa));
	return (struct vdpa_iova_range){ .last = U64_MAX };
}

/*
 * The driver's map stays: vhost-vdpa takes it away.
 *
 * This must not fail, not even for a deleted port: if it did, vhost_vdpa_open()
 * would clear "opened" without telling a remove() that waits for that, which
 * would then wait for ever.
 */
static int reset(struct vdpa_device *vdpa)
{
	static const struct vdpa_callback none;
	struct qz_port *port = to_port(vdpa);
	int i;

	mutex_lock(&port->lock);
	qz_port_stop(port);
	qz_port_keep(port);
	WRITE_ONCE(port->status, 0);
	port->suspended = false;
	qz_port_set_features(port, 0);
	for (i = 0; i < port->nvqs; i++)
		qz_vq_reset(port->vqs[i]);
	qz_signal_set(&port->config, &none);
	if (port->maps[0] == &qz_map_identity)
		port->maps[0] = NULL;
	memset(port->spaces, 0, sizeof(port->spaces));
	mutex_unlock(&port->lock);
	qz_exec_stop(port);
	WRITE_ONCE(port->broken, false);	/* a worker may have been killed */
	qz_complain_here(port);	/* the driver was faster than its worker */
	if (!port->mapped)
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

/*
 * Others may have forgotten or moved the address meanwhile: the driver should
 * announce it.
 */
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
		qz_signal_config(port);
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
	port->mapped |= BIT(asid);
	if (IS_ERR(map))
		qz_port_trim_map(port, asid, iotlb);
	else
		qz_port_set_map(port, asid, map);
	mutex_unlock(&port->lock);
	return PTR_ERR_OR_ZERO(map);
}

/*
 * vhost-vdpa is closed; it does not call set_map() for its last unmapping. It calls
 * this for each address space in which memory was mapped.
 */
static int reset_map(struct vdpa_device *vdpa, unsigned int asid)
{
	struct qz_port *port = to_port(vdpa);
	bool last;

	mutex_lock(&port->lock);
	qz_port_set_map(port, asid, NULL);
	port->mapped &= ~BIT(asid);
	last = !port->mapped;
	mutex_unlock(&port->lock);
	if (last)
		unpin_module(port);
	return 0;
}

static u32 get_vq_group(struct vdpa_device *vdpa, u16 idx)
{
	return qz_group_of(to_vq(vdpa, idx)->kind);
}

/* Until the next reset. Older kernels check neither number. */
static int set_group_asid(struct vdpa_device *vdpa, unsigned int group,
			  unsigned int asid)
{
	struct qz_port *port = to_port(vdpa);
	int err = -EBUSY;

	if (group >= QZ_GROUPS || asid >= QZ_SPACES)
		return -EINVAL;
	mutex_lock(&port->lock);
	if (!qz_port_is_ready(port)) {
		port->spaces[group] = asid;
		err = 0;
	}
	mutex_unlock(&port->lock);
	return err;
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
	.get_iova_range		= get_iova_range,
	.reset			= reset,
	.suspend		= suspend,
	.resume			= resume,
	.get_config_size	= get_config_size,
	.get_config		= get_config,
	.set_config		= set_config,
	.get_vq_group		= get_vq_group,
	.set_group_asid		= set_group_asid,
	.set_map		= set_map,
	.reset_map		= reset_map,
	.free			= free_vdpa,
};
