// SPDX-License-Identifier: GPL-2.0
/* Fabrics: the bus they are on, and their list. */

#include <linux/device/bus.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/xarray.h>
#include <uapi/linux/vdpa.h>
#include <uapi/linux/virtio_ids.h>

#include "admin/admin.h"
#include "admin/fabricapi.h"
#include "path/scratch.h"
#include "path/steer.h"
#include "path/worker.h"
#include "pure/name.h"

static const struct bus_type qz_bus = { .name = "queztl" };

/*
 * A name is taken from before its device is registered until the device is
 * gone; in between a fabric can be found by its id. Registering waits for
 * vDPA's lock, which any other parent driver may hold for long, and deleting a
 * port waits for the gate, so neither is done under the lock of the list.
 */
static LIST_HEAD(qz_names);		/* all fabrics */
static DEFINE_XARRAY(qz_fabrics);	/* those that calls find, by id */
static u64 qz_fabric_last_id;
static unsigned int qz_nfabrics;	/* in qz_names */
static DEFINE_MUTEX(qz_fabrics_lock);	/* guards these four */

/* Fabrics that are not released yet: their code must stay. */
static atomic_t qz_fabrics_alive = ATOMIC_INIT(0);

static struct virtio_device_id qz_mgmt_ids[] = {
	{ VIRTIO_ID_NET, VIRTIO_DEV_ANY_ID },
	{ 0 },
};

static void release_fabric(struct device *dev)
{
	struct qz_fabric *fabric = container_of(dev, struct qz_fabric, dev);

	qz_switch_free(rcu_dereference_protected(fabric->sw, true));
	kvfree(fabric->mac_users);
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
	fabric->mgmt.ops = &qz_mgmt_ops;
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
static bool is_taken(const char *name)
{
	struct qz_fabric *fabric;

	list_for_each_entry(fabric, &qz_names, list)
		if (!strcmp(dev_name(&fabric->dev), name))
			return true;
	return false;
}

/* Take the name, and an id that nobody finds yet. */
static int reserve_fabric(struct qz_fabric *fabric)
{
	int err = 0;

	mutex_lock(&qz_fabrics_lock);
	if (is_taken(dev_name(&fabric->dev)))
		err = -EEXIST;
	else if (qz_nfabrics == QZ_MAX_FABRICS)
		err = -ENOSPC;
	else
		err = xa_reserve(&qz_fabrics, qz_fabric_last_id + 1,
				 GFP_KERNEL);
	if (!err) {
		fabric->id = ++qz_fabric_last_id;
		list_add_tail(&fabric->list, &qz_names);
		qz_nfabrics++;
	}
	mutex_unlock(&qz_fabrics_lock);
	return err;
}

/* Free the name; no call finds the fabric, and its device is gone. */
static void forget_fabric(struct qz_fabric *fabric)
{
	mutex_lock(&qz_fabrics_lock);
	xa_release(&qz_fabrics, fabric->id);
	list_del(&fabric->list);
	qz_nfabrics--;
	mutex_unlock(&qz_fabrics_lock);
	put_device(&fabric->dev);
}

static void publish_fabric(struct qz_fabric *fabric)
{
	mutex_lock(&qz_fabrics_lock);
	/* Its place is reserved: this cannot fail. */
	xa_store(&qz_fabrics, fabric->id, fabric, 0);
	mutex_unlock(&qz_fabrics_lock);
}

/* The fabric with an id, with a reference; or NULL. */
static struct qz_fabric *get_fabric(u64 id)
{
	struct qz_fabric *fabric = NULL;

	mutex_lock(&qz_fabrics_lock);
	if (id <= ULONG_MAX)
		fabric = xa_load(&qz_fabrics, id);
	if (fabric)
		get_device(&fabric->dev);
	mutex_unlock(&qz_fabrics_lock);
	return fabric;
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
 * Return: 0 or a negative error, see &struct queztl_fabric_add_args.
 */
int qz_fabric_create(const char *name, u64 *id)
{
	struct qz_fabric *fabric;
	int err;

	if (!qz_name_is_good(name))
		return -EINVAL;

	fabric = alloc_fabric(name);
	if (IS_ERR(fabric))
		return PTR_ERR(fabric);
	err = reserve_fabric(fabric);
	if (err)
		goto err_put;
	err = register_fabric(fabric);
	if (err)
		goto err_forget;
	*id = fabric->id;	/* once published it may be deleted */
	publish_fabric(fabric);
	return 0;

err_forget:
	forget_fabric(fabric);
	return err;
err_put:
	put_device(&fabric->dev);
	return err;
}

/* If the fabric has no ports, nobody can add one from now on. */
static int kill_fabric(struct qz_fabric *fabric)
{
	int err = 0;

	mutex_lock(&fabric->lock);
	if (fabric->dying)
		err = -ENOENT;		/* somebody else is deleting it */
	else if (fabric->nports)
		err = -EBUSY;
	else
		fabric->dying = true;
	mutex_unlock(&fabric->lock);
	return err;
}

static void hide_fabric(struct qz_fabric *fabric)
{
	mutex_lock(&qz_fabrics_lock);
	xa_erase(&qz_fabrics, fabric->id);
	mutex_unlock(&qz_fabrics_lock);
}

int qz_fabric_destroy(u64 id)
{
	struct qz_fabric *fabric = get_fabric(id);
	int err;

	if (!fabric)
		return -ENOENT;
	err = kill_fabric(fabric);
	if (!err) {
		hide_fabric(fabric);
		vdpa_mgmtdev_unregister(&fabric->mgmt);
		device_del(&fabric->dev);
		forget_fabric(fabric);
	}
	put_device(&fabric->dev);
	return err;
}

/* When this returns no frame is delivered under the old mode any more. */
int qz_fabric_set_mode(u64 id, u32 mode)
{
	struct qz_fabric *fabric = get_fabric(id);

	if (!fabric)
		return -ENOENT;
	WRITE_ONCE(fabric->mode, mode);
	qz_gate_wait();
	put_device(&fabric->dev);
	return 0;
}

int qz_fabric_next(struct queztl_fabric *next)
{
	unsigned long index = next->id;
	struct qz_fabric *fabric = NULL;

	mutex_lock(&qz_fabrics_lock);
	if (next->id < ULONG_MAX)
		fabric = xa_find_after(&qz_fabrics, &index, ULONG_MAX,
				       XA_PRESENT);
	if (fabric) {
		next->id = fabric->id;
		next->ports = READ_ONCE(fabric->nports);
		next->mode = READ_ONCE(fabric->mode);
		strscpy_pad(next->name, dev_name(&fabric->dev));
	}
	mutex_unlock(&qz_fabrics_lock);
	return fabric ? 0 : -ENOENT;
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

	qz_steer_init();
	err = qz_gate_init();
	if (err)
		return err;
	err = qz_scratch_init();
	if (err)
		goto err_gate;
	err = qz_workers_init();
	if (err)
		goto err_scratch;
	/* Its work may wait for a process: as much as possible at once. */
	err = -ENOMEM;
	qz_leave_wq = alloc_workqueue("queztl-leave", WQ_UNBOUND,
				      WQ_MAX_ACTIVE);
	if (!qz_leave_wq)
		goto err_workers;
	err = bus_register(&qz_bus);
	if (err)
		goto err_leave;
	return 0;

err_leave:
	destroy_workqueue(qz_leave_wq);
err_workers:
	qz_workers_exit();
err_scratch:
	qz_scratch_exit();
err_gate:
	qz_gate_exit();
	return err;
}

/*
 * Also for a port whose process is not known because it could not pin the
 * module.
 */
static void wait_until_empty(struct qz_fabric *fabric)
{
	wait_var_event(&fabric->nports, !READ_ONCE(fabric->nports));
}

/*
 * Nobody makes a call any more, and no port is known to be open, as that would
 * keep the module loaded. What remains are ports that are leaving.
 */
void qz_fabric_exit(void)
{
	struct qz_fabric *fabric, *next;

	list_for_each_entry(fabric, &qz_names, list)
		vdpa_mgmtdev_unregister(&fabric->mgmt);	/* deletes its ports */
	list_for_each_entry_safe(fabric, next, &qz_names, list) {
		wait_until_empty(fabric);
		device_del(&fabric->dev);
		hide_fabric(fabric);
		forget_fabric(fabric);
	}
	qz_port_wait_all_freed();
	wait_var_event(&qz_fabrics_alive, !atomic_read(&qz_fabrics_alive));
	/* The task that dropped the last reference may still be in our code. */
	synchronize_rcu_tasks();
	bus_unregister(&qz_bus);
	destroy_workqueue(qz_leave_wq);
	qz_workers_exit();
	qz_scratch_exit();
	qz_gate_exit();
}
