// SPDX-License-Identifier: GPL-2.0
/*
 * Network devices come by the attribute "netdev" of the PCI device:
 *
 *	echo listen NAME [INTERFACE] >/sys/bus/pci/drivers/qhp_guest/.../netdev
 *	echo connect NAME [INTERFACE] >...
 *
 * and go by `ip link del`. The attribute names the window, of which there may be
 * several, it needs no program, and a udev rule can write it as soon as the device
 * is there. `ip link add` could not say the name of the channel without a change to
 * iproute2.
 */

#include <linux/capability.h>
#include <linux/rtnetlink.h>
#include <linux/string.h>
#include <net/rtnetlink.h>

#include "netdev.h"

static void dellink(struct net_device *dev, struct list_head *head)
{
	unregister_netdevice_queue(dev, head);
}

/* No setup: `ip link add` says that it is not supported. */
static struct rtnl_link_ops link_ops = {
	.kind = "qhp",
	.dellink = dellink,
};

static struct net_device *new_device(struct qg_window *window, const char *name,
				     u32 op, const char *interface)
{
	struct net_device *dev = alloc_netdev(sizeof(struct qg_net), interface,
					      NET_NAME_USER, qg_net_setup);
	struct qg_net *net;

	if (!dev)
		return NULL;
	SET_NETDEV_DEV(dev, &window->pdev->dev);
	dev->rtnl_link_ops = &link_ops;
	net = netdev_priv(dev);
	net->dev = dev;
	net->window = window;
	net->op = op;
	strscpy(net->name, name, sizeof(net->name));
	u64_stats_init(&net->sent.sync);
	u64_stats_init(&net->received.sync);
	netif_napi_add(dev, &net->napi, qg_net_poll);
	qg_link_prepare(net);
	netif_carrier_off(dev);
	return dev;
}

static int create(struct qg_window *window, const char *name, u32 op,
		  const char *interface)
{
	struct net_device *dev = new_device(window, name, op, interface);
	int err;

	if (!dev)
		return -ENOMEM;
	err = register_netdev(dev);
	if (err)
		free_netdev(dev);
	return err;
}

/* Two or three words. */
static int parse_and_create(struct qg_window *window, char *text)
{
	char *verb = strsep(&text, " "), *name = strsep(&text, " ");
	char *interface = strsep(&text, " ");
	u32 op;

	if (!name || text)
		return -EINVAL;
	if (!strcmp(verb, "listen"))
		op = QHP_OP_LISTEN;
	else if (!strcmp(verb, "connect"))
		op = QHP_OP_CONNECT;
	else
		return -EINVAL;
	if (!*name || strlen(name) >= QHP_NAME_MAX)
		return -EINVAL;
	if (interface && (!*interface || strlen(interface) >= IFNAMSIZ))
		return -EINVAL;
	return create(window, name, op, interface ?: "qhp%d");
}

static ssize_t netdev_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	char *text;
	int err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	text = kstrndup(buf, count, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	err = parse_and_create(dev_get_drvdata(dev), strim(text));
	kfree(text);
	return err ?: count;
}
static DEVICE_ATTR_WO(netdev);

static struct attribute *attributes[] = {
	&dev_attr_netdev.attr,
	NULL
};

static const struct attribute_group group = {
	.attrs = attributes,
};

/* They are there from the end of probe() to the start of remove(). */
const struct attribute_group *qg_net_groups[] = {
	&group,
	NULL
};

/* The window is gone: so are its devices, wherever they are. */
void qg_nets_remove(struct qg_window *window)
{
	struct qg_net *net;
	LIST_HEAD(gone);

	rtnl_lock();
	list_for_each_entry(net, &window->nets, node)
		unregister_netdevice_queue(net->dev, &gone);
	unregister_netdevice_many(&gone);
	rtnl_unlock();
}

int qg_net_init(void)
{
	int err = qg_link_init();

	if (err)
		return err;
	err = rtnl_link_register(&link_ops);
	if (err)
		qg_link_exit();
	return err;
}

void qg_net_exit(void)
{
	rtnl_link_unregister(&link_ops);
	qg_link_exit();
}
