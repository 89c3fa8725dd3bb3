// SPDX-License-Identifier: GPL-2.0
/* Fabrics: the bus they are on, and their list. */

#include <linux/device/bus.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <uapi/linux/vdpa.h>
#include <uapi/linux/virtio_ids.h>

#include "fabric.h"
#include "fabricapi.h"
#include "pure/name.h"

DEFINE_SRCU(qz_fabric_srcu);
struct workqueue_struct *qz_fabric_wq;

static const struct bus_type qz_bus = { .name = "queztl" };

static LIST_HEAD(qz_fabrics);		/* by rising id */
static u64 qz_fabric_last_id;
static unsigned int qz_nfabrics;
static DEFINE_MUTEX(qz_fabrics_lock);	/* all three */

/* Fabrics not yet released: their code must stay. */
static atomic_t qz_fabrics_alive = ATOMIC_INIT(0);

static struct virtio_device_id qz_mgmt_ids[] = {
	{ VIRTIO_ID_NET, VIRTIO_DEV_ANY_ID },
	{ 0 },
};

static void release_fabric(struct device *dev)
{
	struct qz_fabric *fabric = container_of(dev, struct qz_fabric, dev);

	qz_switch_free(rcu_dereference_protected(fabric->sw, true));
	kfree(fabric);
	if (atomic_dec_and_test(&qz_fabrics_alive))
		wake_up_var(&qz_fabrics_alive);
}

static struct qz_fabric *alloc_fabric(const char *name)
{
	struct qz_fabric *fabric;
	struct qz_switch *sw;

	fabric = kzalloc(sizeof(*fabric), GFP_KERNEL_ACCOUNT);
	if (!fabric)
		return ERR_PTR(-ENOMEM);
	sw = qz_switch_alloc(0);
	if (!sw) {
		kfree(fabric);
		return ERR_PTR(-ENOMEM);
	}
	RCU_INIT_POINTER(fabric->sw, sw);
	mutex_init(&fabric->lock);
	INIT_LIST_HEAD(&fabric->ports);

	atomic_inc(&qz_fabrics_alive);	/* release_fabric() counts down */
	device_initialize(&fabric->dev);
	fabric->dev.bus = &qz_bus;
	fabric->dev.release = release_fabric;
	if (dev_set_name(&fabric->dev, "%s", name)) {
		put_device(&fabric->dev);
		return ERR_PTR(-ENOMEM);
	}

	fabric->mgmt.device = &fabric->dev;
	fabric->mgmt.ops = &qz_port_mgmt_ops;
	fabric->mgmt.id_table = qz_mgmt_ids;
	fabric->mgmt.supported_features = QZ_FABRIC_FEATURES;
	fabric->mgmt.max_supported_vqs = 2 * QZ_MAX_VQP + 1;
	fabric->mgmt.config_attr_mask =
		BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MACADDR) |
		BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MTU) |
		BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MAX_VQP) |
		BIT_ULL(VDPA_ATTR_DEV_FEATURES);
	return fabric;
}

/* Called with qz_fabrics_lock held. */
static struct qz_fabric *find_name(const char *name)
{
	struct qz_fabric *fabric;

	list_for_each_entry(fabric, &qz_fabrics, list)
		if (!strcmp(dev_name(&fabric->dev), name))
			return fabric;
	return NULL;
}

static struct qz_fabric *find_id(u64 id)
{
	struct qz_fabric *fabric;

	list_for_each_entry(fabric, &qz_fabrics, list)
		if (fabric->id == id)
			return fabric;
	return NULL;
}

static int register_fabric(struct qz_fabric *fabric)
{
	int err;

	err = device_add(&fabric->dev);
	if (err)
		return err;
	err = vdpa_mgmtdev_register(&fabric->mgmt);
	if (err)
		device_del(&fabric->dev);
	return err;
}

/**
 * qz_fabric_create - a new fabric, visible at once to the vdpa tool
 * @name: its name, possibly not terminated
 * @id: out: its id
 *
 * Context: process, may sleep.
 * Return: 0 or a negative error, see &struct queztl_fabric_add.
 */
int qz_fabric_create(const char *name, u64 *id)
{
	struct qz_fabric *fabric;
	int err;

	if (!qz_name_is_good(name))
		return -EINVAL;

	mutex_lock(&qz_fabrics_lock);
	err = -EEXIST;
	if (find_name(name))
		goto out;
	err = -ENOSPC;
	if (qz_nfabrics == QZ_MAX_FABRICS)
		goto out;
	fabric = alloc_fabric(name);
	err = PTR_ERR_OR_ZERO(fabric);
	if (err)
		goto out;
	err = register_fabric(fabric);
	if (err) {
		put_device(&fabric->dev);
		goto out;
	}
	fabric->id = ++qz_fabric_last_id;
	*id = fabric->id;
	list_add_tail(&fabric->list, &qz_fabrics);
	qz_nfabrics++;
out:
	mutex_unlock(&qz_fabrics_lock);
	return err;
}

/* Called with qz_fabrics_lock held; deletes the fabric's ports too. */
static void remove_fabric(struct qz_fabric *fabric)
{
	list_del(&fabric->list);
	qz_nfabrics--;
	vdpa_mgmtdev_unregister(&fabric->mgmt);
	device_unregister(&fabric->dev);
}

/* Nobody adds a port any more, unless the fabric is in use. */
static int kill_fabric(struct qz_fabric *fabric)
{
	int err = 0;

	mutex_lock(&fabric->lock);
	if (fabric->nports)
		err = -EBUSY;
	else
		fabric->dying = true;
	mutex_unlock(&fabric->lock);
	return err;
}

int qz_fabric_destroy(u64 id)
{
	struct qz_fabric *fabric;
	int err = -ENOENT;

	mutex_lock(&qz_fabrics_lock);
	fabric = find_id(id);
	if (fabric) {
		err = kill_fabric(fabric);
		if (!err)
			remove_fabric(fabric);
	}
	mutex_unlock(&qz_fabrics_lock);
	return err;
}

/* When this returns no frame is delivered by the old mode any more. */
int qz_fabric_set_mode(u64 id, u32 mode)
{
	struct qz_fabric *fabric;

	mutex_lock(&qz_fabrics_lock);
	fabric = find_id(id);
	if (fabric) {
		WRITE_ONCE(fabric->mode, mode);
		synchronize_srcu_expedited(&qz_fabric_srcu);
	}
	mutex_unlock(&qz_fabrics_lock);
	return fabric ? 0 : -ENOENT;
}

int qz_fabric_next(struct queztl_fabric_next *next)
{
	struct qz_fabric *fabric;
	int err = -ENOENT;

	mutex_lock(&qz_fabrics_lock);
	list_for_each_entry(fabric, &qz_fabrics, list) {
		if (fabric->id <= next->id)
			continue;
		next->id = fabric->id;
		next->ports = READ_ONCE(fabric->nports);
		next->mode = fabric->mode;
		strscpy_pad(next->name, dev_name(&fabric->dev));
		err = 0;
		break;
	}
	mutex_unlock(&qz_fabrics_lock);
	return err;
}

unsigned int qz_fabric_count(void)
{
	return READ_ONCE(qz_nfabrics);
}

u64 qz_fabric_features(void)
{
	u64 features = QUEZTL_F_FABRIC | QUEZTL_F_POLICY;

#ifdef QZ_HAVE_TASK_WORK_ADD
	features |= QUEZTL_F_DIRECT;
#endif
	return features;
}

int qz_fabric_init(void)
{
	int err;

	qz_fabric_wq = alloc_workqueue("queztl", WQ_UNBOUND, 0);
	if (!qz_fabric_wq)
		return -ENOMEM;
	err = bus_register(&qz_bus);
	if (err)
		destroy_workqueue(qz_fabric_wq);
	return err;
}

/* No port is open: an open one keeps the module. */
void qz_fabric_exit(void)
{
	struct qz_fabric *fabric, *next;

	mutex_lock(&qz_fabrics_lock);
	list_for_each_entry_safe(fabric, next, &qz_fabrics, list)
		remove_fabric(fabric);
	mutex_unlock(&qz_fabrics_lock);
	qz_port_wait_all_freed();
	wait_var_event(&qz_fabrics_alive, !atomic_read(&qz_fabrics_alive));
	/* Whoever let go last may still be in our code, in a task. */
	synchronize_rcu_tasks();
	bus_unregister(&qz_bus);
	destroy_workqueue(qz_fabric_wq);
}
