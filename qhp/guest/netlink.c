// SPDX-License-Identifier: GPL-2.0
/*
 * The channel of a network device. While the device is up, a worker makes the
 * channel, watches it, and makes it anew when the peer has gone: the listener
 * listens again, the other one tries again.
 */

#include "netdev.h"
#include "packet.h"

/* The shortest wait before another attempt, and the longest. */
#define QG_RETRY_MIN		DIV_ROUND_UP(HZ, 50)
#define QG_RETRY_MAX		(2 * HZ)

/* A peer that is not ready rings when it is; look so often all the same. */
#define QG_READY		DIV_ROUND_UP(HZ, 10)

static struct workqueue_struct *qg_link_wq;

static void look_after(struct qg_net *net, unsigned long wait)
{
	mod_delayed_work(qg_link_wq, &net->link, wait);
}

/* Twice as long each time. */
static void retry(struct qg_net *net)
{
	look_after(net, net->wait);
	net->wait = min(2 * net->wait, (unsigned long)QG_RETRY_MAX);
}

/* Context: any, interrupts off. */
static void notify(struct qg_end *end, bool rung)
{
	struct qg_net *net = container_of(end, struct qg_net, end);

	if (rung && READ_ONCE(net->is_up)) {
		qg_count(&net->counters.rx_interrupts);
		napi_schedule(&net->napi);
		return;
	}
	look_after(net, 0);
}

/* Context: any, with interrupts on. */
void qg_link_broken(struct qg_net *net)
{
	if (!READ_ONCE(net->is_broken)) {
		/* After the reads that found it, see look_at_end(). */
		smp_store_release(&net->is_broken, true);
		look_after(net, 0);
	}
}

static struct qhp_ends ends_of(const struct qg_net *net)
{
	struct qhp_ends ends = {
		.own = qg_end_own(&net->end),
		.peer = qg_end_peer(&net->end),
		.bytes = net->end.bytes,
	};

	return ends;
}

/* To what has room; longer ones are segmented before. */
static void limit_packets(struct qg_net *net)
{
	u32 most = qhp_tx_max(&net->tx) - sizeof(struct qhp_packet);

	netif_set_tso_max_size(net->dev, min_t(u32, most, QG_PACKET_MAX));
}

static int make_end(struct qg_net *net)
{
	struct qhp_ends ends;
	int err;

	net->end.notify = notify;
	err = qg_end_open(&net->end, net->window, net->op, net->name, 0);
	if (err)
		return err;
	net->has_end = true;
	ends = ends_of(net);
	err = qhp_region_init(&net->tx, &ends, QHP_FEATURE_PACKETS);
	if (WARN_ON_ONCE(err))
		return err;
	limit_packets(net);
	/* The peer may be waiting for this region. */
	qg_end_ring(&net->end);
	return 0;
}

static void say_once(struct qg_net *net, int err, const char *what)
{
	if (net->said == err || !net_ratelimit())
		return;
	netdev_info(net->dev, "channel %s: %s: %d\n", net->name, what, err);
	net->said = err;
}

static int attach(struct qg_net *net)
{
	struct qhp_ends ends = ends_of(net);
	u64 features;
	int err = qhp_rx_attach(&net->rx, &ends, &features);

	if (err)
		return err;
	return features & QHP_FEATURE_PACKETS ? 0 : -EPROTONOSUPPORT;
}

static void go_up(struct qg_net *net)
{
	qg_count(&net->counters.connects);
	net->said = 0;
	net->up_since = jiffies;
	/* Before the first interrupt that is to find it. */
	WRITE_ONCE(net->is_up, true);
	qg_net_start(net);
	if (net_ratelimit())
		netdev_info(net->dev, "channel %s: connected, %u KiB\n",
			    net->name, net->end.bytes / 1024);
}

static void drop_end(struct qg_net *net)
{
	if (net->is_up) {
		qg_net_stop(net);
		WRITE_ONCE(net->is_up, false);
		/* A peer that comes and goes all the time is waited for longer. */
		if (time_after(jiffies, net->up_since + QG_RETRY_MAX))
			net->wait = QG_RETRY_MIN;
		if (net_ratelimit())
			netdev_info(net->dev, "channel %s: the peer is gone\n",
				    net->name);
	}
	if (net->has_end)
		qg_end_close(&net->end);
	net->has_end = false;
	WRITE_ONCE(net->is_broken, false);
}

static void give_up(struct qg_net *net, int err, const char *what)
{
	say_once(net, err, what);
	drop_end(net);
	retry(net);
}

static void meet_peer(struct qg_net *net)
{
	int err;

	if (net->is_up)
		return;
	err = attach(net);
	if (!err)
		go_up(net);
	else if (err == -EAGAIN)
		look_after(net, QG_READY);
	else
		give_up(net, err, "the peer is no network device");
}

static void look_at_end(struct qg_net *net)
{
	/*
	 * A peer that has gone reads as zeros, which breaks the protocol, but the
	 * state tells of it before. Pairs with the release in qg_link_broken().
	 */
	bool is_broken = smp_load_acquire(&net->is_broken);
	u32 state = qg_end_state(&net->end);

	if (state != QHP_SLOT_CONNECTED && state != QHP_SLOT_LISTENING) {
		drop_end(net);
		retry(net);
	} else if (is_broken) {
		qg_count(&net->counters.broken);
		give_up(net, -EPROTO, "the peer breaks the protocol");
	} else if (state == QHP_SLOT_CONNECTED) {
		meet_peer(net);
	}
}

static void link_with_window(struct qg_net *net)
{
	int err;

	if (!net->has_end) {
		err = make_end(net);
		if (err) {
			say_once(net, err, net->op == QHP_OP_LISTEN ?
					   "cannot listen" : "cannot connect");
			retry(net);
			return;
		}
	}
	look_at_end(net);
}

static void link(struct work_struct *work)
{
	struct qg_net *net =
		container_of(to_delayed_work(work), struct qg_net, link);

	if (!READ_ONCE(net->is_wanted) || !qg_window_enter(net->window))
		return;
	link_with_window(net);
	qg_window_leave(net->window);
}

void qg_link_prepare(struct qg_net *net)
{
	INIT_DELAYED_WORK(&net->link, link);
}

void qg_link_open(struct qg_net *net)
{
	net->wait = QG_RETRY_MIN;
	net->said = 0;
	WRITE_ONCE(net->is_wanted, true);
	look_after(net, 0);
}

void qg_link_close(struct qg_net *net)
{
	/* The worker may be started until the end is gone, but does nothing. */
	WRITE_ONCE(net->is_wanted, false);
	cancel_delayed_work_sync(&net->link);
	drop_end(net);
	cancel_delayed_work_sync(&net->link);
}

/* Frozen in sleep: a channel that is made then might be forgotten by the host. */
int qg_link_init(void)
{
	qg_link_wq = alloc_workqueue("qhp_guest", WQ_FREEZABLE | WQ_UNBOUND, 0);
	return qg_link_wq ? 0 : -ENOMEM;
}

void qg_link_exit(void)
{
	destroy_workqueue(qg_link_wq);
}
