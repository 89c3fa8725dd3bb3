// SPDX-License-Identifier: GPL-2.0
/*
 * Queztl: a registry of the KVM VMs of this host, and networks (fabrics) that
 * connect them.
 *
 * This file only initialises the parts of the module and cleans them up.
 */

#include <linux/miscdevice.h>
#include <linux/module.h>

#include "ioctl.h"
#include "loaded.h"
#include "version.h"
#include "vm.h"
#include "qhp/channel/channelapi.h"
#include "qhp/fabric/admin/fabricapi.h"
#include "sched/native/schedapi.h"

static struct miscdevice qz_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "queztl",
	.fops	= &qz_device_fops,
	.mode	= 0660,
};

static int __init queztl_init(void)
{
	int err;

	err = qz_uevent_init();
	if (err)
		return err;
	/*
	 * Announcements arrive by now, so any VM that the scan misses is new.
	 */
	qz_vmscan_init();
	err = qz_fabric_init();
	if (err)
		goto err_uevent;
	err = qz_channel_init();
	if (err)
		goto err_fabric;
	err = misc_register(&qz_device);
	if (err)
		goto err_channel;
	qz_log_loaded(qz_features());
	return 0;

err_channel:
	qz_channel_exit();
err_fabric:
	qz_fabric_exit();
err_uevent:
	qz_uevent_exit();
	qz_vmscan_exit();
	qz_vm_exit();
	return err;
}

static void __exit queztl_exit(void)
{
	misc_deregister(&qz_device);
	qz_sched_exit();
	qz_channel_exit();
	qz_fabric_exit();
	qz_uevent_exit();
	qz_vmscan_exit();
	qz_vm_exit();
}

module_init(queztl_init);
module_exit(queztl_exit);

/*
 * QEMU reaches ports through vhost_vdpa, which no alias loads. "pre", so that it
 * is there when /dev/queztl is, and so that a `modprobe -r queztl` that fails
 * does not take it away from the ports.
 */
MODULE_SOFTDEP("pre: vhost_vdpa");
MODULE_DESCRIPTION("Networking between virtual machines, and their registry");
MODULE_AUTHOR("The Queztl maintainers");
MODULE_VERSION(QZ_VERSION);
MODULE_LICENSE("GPL");
