// SPDX-License-Identifier: GPL-2.0
/* Rates: how much a port may send. */

#include "admin/admin.h"

/* The rates of a port that can be set. */
#define QZ_PORT_RATES							\
	(QUEZTL_PORT_TX_BYTES | QUEZTL_PORT_TX_PACKETS | QUEZTL_PORT_FLOOD)

/* fabric->lock held: what is set belongs together. */
static void set_rates(struct qz_port *port,
		      const struct queztl_port_rates *rates)
{
	int i;

	lockdep_assert_held(&port->fabric->lock);
	if (rates->set & QUEZTL_PORT_FLOOD)
		qz_pace_flood(port, rates->flood);
	if (rates->set & QUEZTL_PORT_TX_BYTES)
		qz_bucket_set(&port->tx_bytes, rates->tx_bytes,
			      qz_pace_burst(rates->tx_bytes, QZ_PACE_BURST_MS));
	if (rates->set & QUEZTL_PORT_TX_PACKETS)
		qz_bucket_set(&port->tx_packets, rates->tx_packets,
			      qz_pace_burst(rates->tx_packets, QZ_PACE_BURST_MS));
	/* A queue that waits for an old rate need not wait any longer. */
	for (i = 0; i < port->ctrl.pairs; i++)
		qz_exec_run(&port->txqs[i].vq);
}

/* fabric->lock held. */
static void get_rates(struct qz_port *port, struct queztl_port_rates *rates)
{
	lockdep_assert_held(&port->fabric->lock);
	rates->set = QZ_PORT_RATES;
	rates->flood = port->flood.rate;
	rates->tx_bytes = port->tx_bytes.rate;
	rates->tx_packets = port->tx_packets.rate;
}

/* A rate that is not to be changed is not checked. */
static bool is_valid(const struct queztl_port_rates *rates)
{
	if (rates->set & ~QZ_PORT_RATES)
		return false;
	if (rates->set & QUEZTL_PORT_FLOOD &&
	    (!rates->flood || rates->flood > QZ_FLOOD_RATE_MAX))
		return false;
	if (rates->set & QUEZTL_PORT_TX_BYTES && rates->tx_bytes &&
	    (rates->tx_bytes < QZ_BYTES_RATE_MIN ||
	     rates->tx_bytes > QZ_BYTES_RATE_MAX))
		return false;
	return !(rates->set & QUEZTL_PORT_TX_PACKETS) ||
	       rates->tx_packets <= QZ_PACKETS_RATE_MAX;
}

/* These are calls, see &struct queztl_port_rates; process context, may sleep. */

int qz_rates_set(const struct queztl_port_rates *rates)
{
	struct qz_port *port;

	if (!is_valid(rates))
		return -EINVAL;
	port = qz_port_get(rates->id);
	if (!port)
		return -ENOENT;
	mutex_lock(&port->fabric->lock);
	set_rates(port, rates);
	mutex_unlock(&port->fabric->lock);
	qz_port_put(port);
	return 0;
}

int qz_rates_get(struct queztl_port_rates *rates)
{
	struct qz_port *port = qz_port_get(rates->id);

	if (!port)
		return -ENOENT;
	mutex_lock(&port->fabric->lock);
	get_rates(port, rates);
	mutex_unlock(&port->fabric->lock);
	qz_port_put(port);
	return 0;
}
