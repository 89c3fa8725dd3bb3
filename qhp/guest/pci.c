// SPDX-License-Identifier: GPL-2.0
/*
 * The PCI device: stock QEMU's ivshmem-doorbell. Others use it, too, so the driver
 * takes only those whose memory is a window.
 */

#include <linux/idr.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "chardev.h"
#include "directory.h"
#include "end.h"
#include "irq.h"
#include "netdev.h"
#include "pci.h"
#include "request.h"

#define QG_VENDOR		0x1af4
#define QG_DEVICE		0x1110
#define QG_BAR_REGISTERS	0
#define QG_BAR_MEMORY		2

static DEFINE_IDA(qg_ids);

static void free_window(struct kref *ref)
{
	kfree(container_of(ref, struct qg_window, ref));
}

void qg_window_put(struct qg_window *window)
{
	kref_put(&window->ref, free_window);
}

static struct qg_window *new_window(struct pci_dev *pdev)
{
	struct qg_window *window = kzalloc(sizeof(*window), GFP_KERNEL);

	if (!window)
		return NULL;
	kref_init(&window->ref);
	window->pdev = pdev;
	init_rwsem(&window->live);
	spin_lock_init(&window->ends_lock);
	INIT_DELAYED_WORK(&window->poll, qg_ends_poll);
	mutex_init(&window->files_lock);
	INIT_LIST_HEAD(&window->files);
	INIT_LIST_HEAD(&window->nets);
	qg_requests_init(window);
	return window;
}

/* A foreign device's memory can be huge: its first bytes say whether it is ours. */
static int look_at_directory(struct qg_window *window)
{
	struct pci_dev *pdev = window->pdev;
	resource_size_t bytes = pci_resource_len(pdev, QG_BAR_MEMORY);
	void *start;
	int err;

	if (bytes < QHP_UNIT) {
		pci_info(pdev, "not a QHP window: left alone\n");
		return -ENODEV;
	}
	start = memremap(window->phys, QHP_UNIT, MEMREMAP_WB);
	if (!start)
		return -ENOMEM;
	err = qg_directory_read(pdev, start, bytes, &window->layout);
	memunmap(start);
	return err;
}

static int map_memory(struct qg_window *window)
{
	struct pci_dev *pdev = window->pdev;
	resource_size_t bytes = pci_resource_len(pdev, QG_BAR_MEMORY);

	/* All of it: on x86 that also says how programs' mappings are cached. */
	window->memory = memremap(window->phys, bytes, MEMREMAP_WB);
	if (!window->memory)
		return -ENOMEM;
	window->registers = pci_iomap(pdev, QG_BAR_REGISTERS, 0);
	if (!window->registers) {
		memunmap(window->memory);
		return -ENOMEM;
	}
	return 0;
}

static void unmap_memory(struct qg_window *window)
{
	pci_iounmap(window->pdev, window->registers);
	memunmap(window->memory);
}

static int enable(struct qg_window *window)
{
	struct pci_dev *pdev = window->pdev;
	int err = pci_enable_device_mem(pdev);

	if (err)
		return err;
	window->phys = pci_resource_start(pdev, QG_BAR_MEMORY);
	err = look_at_directory(window);
	if (err)
		goto disable;
	err = pci_request_regions(pdev, "qhp_guest");
	if (err)
		goto disable;
	err = map_memory(window);
	if (err)
		goto release;
	/* Message-signalled interrupts are writes of the device. */
	pci_set_master(pdev);
	return 0;

release:
	pci_release_regions(pdev);
disable:
	pci_disable_device(pdev);
	return err;
}

static void disable(struct qg_window *window)
{
	pci_clear_master(window->pdev);
	unmap_memory(window);
	pci_release_regions(window->pdev);
	pci_disable_device(window->pdev);
}

/* Whoever waits gives up, nobody comes in any more. */
static void close_window(struct qg_window *window)
{
	WRITE_ONCE(window->going, true);
	wake_up_all(&window->answered);
	down_write(&window->live);
	window->gone = true;
	up_write(&window->live);
}

static void stop(struct qg_window *window)
{
	close_window(window);
	qg_files_forsake(window);
	qg_nets_remove(window);
	/* The device may have been pulled out. Nobody waits but this. */
	WRITE_ONCE(window->going, false);
	if (pci_device_is_present(window->pdev))
		qg_reset(window);
	qg_irqs_free(window);
	cancel_work_sync(&window->changed);
	cancel_delayed_work_sync(&window->poll);
}

static int start(struct qg_window *window)
{
	int err = qg_irqs_request(window);

	if (err)
		return err;
	err = qg_reset(window);
	if (err)
		goto stop;
	err = qg_chardev_register(window);
	if (err)
		goto stop;
	return 0;

stop:
	qg_irqs_free(window);
	cancel_work_sync(&window->changed);
	return err;
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct qg_window *window = new_window(pdev);
	int err;

	if (!window)
		return -ENOMEM;
	err = enable(window);
	if (err)
		goto put;
	window->id = ida_alloc(&qg_ids, GFP_KERNEL);
	err = window->id;
	if (err < 0)
		goto disable;
	err = start(window);
	if (err)
		goto free_id;
	pci_set_drvdata(pdev, window);
	pci_info(pdev, "QHP window: %u slots of %u KiB, /dev/%s\n",
		 window->layout.slots, window->layout.region / 1024,
		 window->misc_name);
	return 0;

free_id:
	ida_free(&qg_ids, window->id);
disable:
	disable(window);
put:
	qg_window_put(window);
	return err;
}

static void remove(struct pci_dev *pdev)
{
	struct qg_window *window = pci_get_drvdata(pdev);

	qg_chardev_deregister(window);
	stop(window);
	disable(window);
	ida_free(&qg_ids, window->id);
	qg_window_put(window);
}

/* Another kernel may follow, to whom the slots mean nothing. */
static void shutdown(struct pci_dev *pdev)
{
	qg_leave(pci_get_drvdata(pdev));
	pci_clear_master(pdev);
}

/* The PCI core saves and restores the device. */
static int suspend(struct device *dev)
{
	struct qg_window *window = dev_get_drvdata(dev);

	cancel_delayed_work_sync(&window->poll);
	return 0;
}

/* An interrupt may have been lost: everybody looks. */
static int resume(struct device *dev)
{
	struct qg_window *window = dev_get_drvdata(dev);

	qg_ends_check(window);
	schedule_delayed_work(&window->poll, 0);
	return 0;
}

/* From hibernation. This VM is another one for the host. */
static int restore(struct device *dev)
{
	struct qg_window *window = dev_get_drvdata(dev);
	int err = qg_reset(window);

	/* Before somebody gets a new slot: tasks and link workers are frozen. */
	qg_ends_lose(window);
	schedule_delayed_work(&window->poll, 0);
	return err;
}

static const struct dev_pm_ops pm = {
	.suspend = suspend,
	.resume = resume,
	.freeze = suspend,
	.thaw = resume,
	.poweroff = suspend,
	.restore = restore,
};

static const struct pci_device_id ids[] = {
	{ PCI_DEVICE(QG_VENDOR, QG_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver driver = {
	.name = "qhp_guest",
	.id_table = ids,
	.probe = probe,
	.remove = remove,
	.shutdown = shutdown,
	.driver.pm = pm_sleep_ptr(&pm),
	.dev_groups = qg_net_groups,
};

int qg_pci_register(void)
{
	return pci_register_driver(&driver);
}

void qg_pci_unregister(void)
{
	pci_unregister_driver(&driver);
	ida_destroy(&qg_ids);
}
