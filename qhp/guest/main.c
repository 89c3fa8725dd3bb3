// SPDX-License-Identifier: GPL-2.0
/* qhp_guest.ko: the guest's side of QHP channels, Documentation/channel.rst. */

#include <linux/module.h>

#include "module/version.h"
#include "netdev.h"
#include "pci.h"

static int __init qg_init(void)
{
	int err = qg_net_init();

	if (err)
		return err;
	err = qg_pci_register();
	if (err)
		qg_net_exit();
	return err;
}

static void __exit qg_exit(void)
{
	qg_pci_unregister();
	qg_net_exit();
}

module_init(qg_init);
module_exit(qg_exit);

MODULE_DESCRIPTION("QHP channels for guests: zero-copy memory between VMs");
MODULE_AUTHOR("The Queztl maintainers");
MODULE_LICENSE("GPL");
MODULE_VERSION(QZ_VERSION);
