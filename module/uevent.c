// SPDX-License-Identifier: GPL-2.0
/*
 * Receives KVM's announcements of VMs that are created and destroyed.
 *
 * KVM sends a uevent when a VM is created and when it is destroyed, the latter
 * before its memory is freed. A kernel socket receives them as udev does. Other
 * uevents are dropped at the first comparison. The socket's data_ready runs
 * inside the sender's call, so a VM leaves the registry before it is freed.
 */

#include <linux/delay.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "kvmevent.h"
#include "vm.h"

#define UEVENT_GROUP	1	/* the kernel's own; udev's is 2 */

static struct socket *uevent_sock;

static void handle_event(const struct qz_kvmevent *event)
{
	if (event->create)
		qz_vmscan_created(event->pid, event->key);
	else if (*event->key)
		qz_vm_gone_key(event->key);
	else
		qz_vmscan_resync();	/* no debugfs: which VM is gone? */
}

/*
 * Runs inside netlink_broadcast(), in the process context of the task that
 * creates or destroys a VM (or sends another uevent): must not sleep.
 */
static void uevent_ready(struct sock *sk)
{
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&sk->sk_receive_queue))) {
		struct qz_kvmevent event;

		/* From user space it would be a forgery. */
		if (!NETLINK_CB(skb).portid && !skb_is_nonlinear(skb) &&
		    qz_kvmevent_parse(&event, skb->data, skb->len))
			handle_event(&event);
		consume_skb(skb);
	}
}

/*
 * After a loss netlink sends nothing more to a socket until a reader finds it
 * empty. So read, but leave what has just arrived to uevent_ready(). Do it
 * twice, because a message that was in flight during the loss may arrive
 * between the two checks of netlink. Then search for what was lost so far.
 *
 * Context: process, may sleep.
 */
static void listen_again(struct work_struct *work)
{
	struct msghdr msg = {};
	int ret, empty = 0;

	while (empty < 2) {
		ret = kernel_recvmsg(uevent_sock, &msg, NULL, 0, 0,
				     MSG_DONTWAIT | MSG_PEEK);
		if (ret < 0 && ret != -ENOBUFS && ret != -ENOMEM)
			empty++;
		usleep_range(1000, 2000);
	}
	qz_vmscan_resync();
}

static DECLARE_WORK(listen_work, listen_again);

/*
 * An announcement was lost because of missing memory or space; must not sleep.
 */
static void uevent_lost(struct sock *sk)
{
	schedule_work(&listen_work);
}

int qz_uevent_init(void)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups = UEVENT_GROUP,
	};
	struct sock *sk;
	int err;

	err = sock_create_kern(&init_net, PF_NETLINK, SOCK_RAW,
			       NETLINK_KOBJECT_UEVENT, &uevent_sock);
	if (err)
		return err;

	sk = uevent_sock->sk;
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_data_ready = uevent_ready;
	sk->sk_error_report = uevent_lost;
	write_unlock_bh(&sk->sk_callback_lock);

	err = kernel_bind(uevent_sock, (void *)&addr, sizeof(addr));
	if (err)
		sock_release(uevent_sock);
	return err;
}

/*
 * Senders run the callbacks under the reader count of the netlink table, and
 * closing the socket takes it for writing. So no callback runs after this
 * returns.
 */
void qz_uevent_exit(void)
{
	disable_work_sync(&listen_work);
	sock_release(uevent_sock);
}
