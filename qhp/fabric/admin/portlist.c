// SPDX-License-Identifier: GPL-2.0
/*
 * All ports by id: a call that asks for one gets it with a reference.
 *
 * A deleted port stays in the list until it has left the bus, so that one can
 * see which process has it open. It is listed, and its counters can be read; no
 * other call finds it.
 */

#include <linux/etherdevice.h>
#include <linux/pid.h>
#include <linux/xarray.h>

#include "admin/admin.h"

static DEFINE_XARRAY(qz_ports);
static atomic64_t qz_port_last_id;

/**
 * qz_portlist_add - give a port its id, and list it
 * @port: the port
 *
 * Context: process, may sleep.
 * Return: 0, -ENOMEM.
 */
int qz_portlist_add(struct qz_port *port)
{
	port->id = atomic64_inc_return(&qz_port_last_id);
	return xa_insert(&qz_ports, port->id, port, GFP_KERNEL);
}

void qz_portlist_del(struct qz_port *port)
{
	xa_erase(&qz_ports, port->id);
}

/* The port with an id, deleted or not, with a reference; or NULL. */
static struct qz_port *get_listed(u64 id)
{
	struct qz_port *port;

	if (id > ULONG_MAX)
		return NULL;
	xa_lock(&qz_ports);
	port = xa_load(&qz_ports, id);
	if (port)
		get_device(&port->vdpa.dev);
	xa_unlock(&qz_ports);
	return port;
}

/* The first port with a larger id, with a reference; or NULL. */
static struct qz_port *get_after(u64 id)
{
	unsigned long index;
	struct qz_port *port;

	if (id >= ULONG_MAX)
		return NULL;
	index = id + 1;
	xa_lock(&qz_ports);
	port = xa_find(&qz_ports, &index, ULONG_MAX, XA_PRESENT);
	if (port)
		get_device(&port->vdpa.dev);
	xa_unlock(&qz_ports);
	return port;
}

/**
 * qz_port_get - find a port and keep it
 * @id: its id
 *
 * The reference keeps the port's memory and its fabric's, not the port in its
 * fabric: it may be deleted meanwhile.
 *
 * Context: process, may sleep.
 * Return: the port, with a reference for qz_port_put(); NULL if there is none,
 * or it was deleted.
 */
struct qz_port *qz_port_get(u64 id)
{
	struct qz_port *port = get_listed(id);

	if (!port || !READ_ONCE(port->deleted))
		return port;
	qz_port_put(port);
	return NULL;
}

void qz_port_put(struct qz_port *port)
{
	if (port)
		put_device(&port->vdpa.dev);
}

static u32 port_state(const struct qz_port *port)
{
	u8 status = READ_ONCE(port->status);
	u32 state = 0;

	if (status & ~VIRTIO_CONFIG_S_ACKNOWLEDGE)
		state |= QUEZTL_PORT_OPEN;
	if (READ_ONCE(port->exec.lost))
		state |= QUEZTL_PORT_NO_WORKER;
	else if (READ_ONCE(port->broken))
		state |= QUEZTL_PORT_BROKEN;
	if (READ_ONCE(port->deleted))
		return state | QUEZTL_PORT_DELETED;
	if (!READ_ONCE(port->broken) && qz_port_is_ready(port))
		state |= QUEZTL_PORT_UP;
	return state;
}

static u16 port_mode(const struct qz_port *port)
{
	u16 mode = 0;

	if (qz_reach_is_uplink(port))
		mode |= QUEZTL_PORT_UPLINK;
	if (READ_ONCE(port->special) & QZ_PORT_LINK_DOWN)
		mode |= QUEZTL_PORT_LINK_DOWN;
	return mode;
}

/* These are calls; process context. They wait for nothing. */

int qz_port_next(struct queztl_port *next)
{
	struct qz_port *port = get_after(next->id);

	if (!port)
		return -ENOENT;
	memset_after(next, 0, flags);
	next->id = port->id;
	next->fabric_id = port->fabric->id;
	strscpy(next->name, dev_name(&port->vdpa.dev));
	ether_addr_copy(next->mac, port->mac);
	next->mtu = port->mtu;
	next->state = port_state(port);
	next->max_vqp = port->ctrl.pairs;
	next->mode = port_mode(port);
	spin_lock(&port->opener_lock);
	next->pid = pid_vnr(port->opener);
	spin_unlock(&port->opener_lock);
	qz_port_put(port);
	return 0;
}

static void add_rx(struct queztl_port_stats *stats, const struct qz_rxq *rxq)
{
	stats->rx_packets += READ_ONCE(rxq->packets);
	stats->rx_bytes += READ_ONCE(rxq->bytes);
	stats->rx_interrupts += READ_ONCE(rxq->interrupts);
}

static void add_tx(struct queztl_port_stats *stats, const struct qz_txq *txq)
{
	const struct qz_tx_counts *counts = &txq->counts;

	stats->tx_packets += READ_ONCE(counts->packets);
	stats->tx_bytes += READ_ONCE(counts->bytes);
	stats->tx_interrupts += READ_ONCE(counts->interrupts);
	stats->tx_held += READ_ONCE(counts->held);
	stats->direct_runs += READ_ONCE(counts->direct_runs);
	stats->worker_runs += READ_ONCE(counts->worker_runs);
	stats->tx_paced += READ_ONCE(counts->paced);
	stats->tx_waited += READ_ONCE(counts->waited);
	stats->kicks += atomic64_read(&counts->kicks);
}

static void add_drops(struct queztl_port_stats *stats, const struct qz_vq *vq)
{
	int i;

	for (i = 0; i < QUEZTL_DROP_REASONS; i++)
		stats->drops[i] += atomic64_read(&vq->drops[i]);
}

int qz_port_stats(struct queztl_port_stats *stats)
{
	struct qz_port *port = get_listed(stats->id);
	int i;

	if (!port)
		return -ENOENT;
	memset_after(stats, 0, id);
	for (i = 0; i < port->ctrl.pairs; i++) {
		add_rx(stats, &port->rxqs[i]);
		add_tx(stats, &port->txqs[i]);
	}
	stats->kicks += atomic64_read(&port->ctrlq.kicks);
	for (i = 0; i < port->nvqs; i++)
		add_drops(stats, port->vqs[i]);
	qz_port_put(port);
	return 0;
}
