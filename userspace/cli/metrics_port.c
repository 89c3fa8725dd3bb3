// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "counters.h"
#include "exposition.h"
#include "format.h"
#include "metrics.h"
#include "portdev.h"
#include "process.h"

#define COUNT(metric, member, help_) { metric, help_, \
	{ #member, offsetof(struct queztl_port_stats, member) } }

static const struct port_metric {
	const char *name;
	const char *help;
	struct counter counter;
} port_metrics[] = {
	COUNT("queztl_port_transmit_packets_total", tx_packets,
	      "Frames that the port sent."),
	COUNT("queztl_port_transmit_bytes_total", tx_bytes,
	      "Bytes of the frames that the port sent."),
	COUNT("queztl_port_receive_packets_total", rx_packets,
	      "Frames delivered to the port."),
	COUNT("queztl_port_receive_bytes_total", rx_bytes,
	      "Bytes of the frames delivered to the port."),
	COUNT("queztl_port_kicks_total", kicks,
	      "Notifications by the driver of the port."),
	COUNT("queztl_port_receive_interrupts_total", rx_interrupts,
	      "Interrupts for received frames."),
	COUNT("queztl_port_transmit_interrupts_total", tx_interrupts,
	      "Interrupts for sent frames."),
	COUNT("queztl_port_transmit_interrupts_held_total", tx_held,
	      "Times the interrupt for sent frames was deferred."),
	COUNT("queztl_port_direct_runs_total", direct_runs,
	      "Times the send ring was served in the sender's own thread."),
	COUNT("queztl_port_worker_runs_total", worker_runs,
	      "Times a worker served the send ring."),
	COUNT("queztl_port_transmit_paced_total", tx_paced,
	      "Times sending waited because of the rate limits of the port."),
	COUNT("queztl_port_transmit_waited_total", tx_waited,
	      "Times sending waited for free buffers at a receiver."),
};

/*
 * A series must not be told twice, but a deleted port that is still open may have
 * the name of its successor. Names of ports differ otherwise, in all fabrics.
 */
static bool is_shadowed(const struct snapshot *shot, size_t at)
{
	const struct queztl_port *port = &shot->ports[at].port;

	for (size_t i = 0; i < shot->port_count; i++) {
		const struct queztl_port *other = &shot->ports[i].port;

		if (i == at || strcmp(other->name, port->name))
			continue;
		if (!(other->state & QUEZTL_PORT_DELETED) || i > at)
			return true;
	}
	return false;
}

/* The next port to tell of, from at on; NULL after the last. */
static const struct port *next_port(const struct snapshot *shot, size_t *at)
{
	while (*at < shot->port_count) {
		size_t now = (*at)++;

		if (!(shot->ports[now].port.state & QUEZTL_PORT_DELETED) ||
		    !is_shadowed(shot, now))
			return &shot->ports[now];
	}
	return NULL;
}

#define PORT_LABELS(port) { "port", (port)->port.name }, \
	{ "fabric", (port)->fabric }

static void print_counts(FILE *to, const struct snapshot *shot)
{
	const struct port *port;

	for (size_t i = 0; i < sizeof(port_metrics) / sizeof(*port_metrics);
	     i++) {
		const struct port_metric *m = &port_metrics[i];

		begin_metric(to, m->name, COUNTER, m->help);
		for (size_t at = 0; (port = next_port(shot, &at));) {
			const struct label labels[] = {
				PORT_LABELS(port), { NULL, NULL }
			};

			print_count(to, m->name, labels,
				    read_counter(&port->stats, &m->counter));
		}
	}
}

/* A reason that this program does not know is told only if it occurred. */
static void print_port_drops(FILE *to, const char *name,
			     const struct port *port)
{
	for (unsigned int i = 0; i < QUEZTL_DROP_ROOM; i++) {
		char reason[DROP_ROOM];
		const struct label labels[] = {
			PORT_LABELS(port),
			{ "reason", name_drop(reason, i) },
			{ NULL, NULL }
		};

		if (queztl_drop_name(i) || port->stats.drops[i])
			print_count(to, name, labels, port->stats.drops[i]);
	}
}

static void print_drops(FILE *to, const struct snapshot *shot)
{
	static const char name[] = "queztl_port_drops_total";
	const struct port *port;

	begin_metric(to, name, COUNTER,
		     "Frames not delivered, by reason; see queztl port show.");
	for (size_t at = 0; (port = next_port(shot, &at));)
		print_port_drops(to, name, port);
}

static void print_port_states(FILE *to, const char *name,
			      const struct port *port)
{
	for (int bit = 0; bit < 32; bit++) {
		const struct label labels[] = {
			PORT_LABELS(port),
			{ "state", queztl_port_state_name(1u << bit) },
			{ NULL, NULL }
		};

		if (labels[2].value)
			print_count(to, name, labels,
				    port->port.state >> bit & 1);
	}
}

static void print_states(FILE *to, const struct snapshot *shot)
{
	static const char name[] = "queztl_port_state";
	const struct port *port;

	begin_metric(to, name, GAUGE,
		     "1 for each state that the port is in; see queztl port list.");
	for (size_t at = 0; (port = next_port(shot, &at));)
		print_port_states(to, name, port);
}

static void print_mode(FILE *to, const struct snapshot *shot, const char *name,
		       const char *help, uint32_t bit, bool wanted)
{
	const struct port *port;

	begin_metric(to, name, GAUGE, help);
	for (size_t at = 0; (port = next_port(shot, &at));) {
		const struct label labels[] = {
			PORT_LABELS(port), { NULL, NULL }
		};

		print_count(to, name, labels,
			    !!(port->port.mode & bit) == wanted);
	}
}

static void print_port_info(FILE *to, const char *name, const struct port *port)
{
	char mac[MAC_ROOM], device[NAME_ROOM], vm[NAME_ROOM], pid[16] = "";
	const struct label labels[] = {
		PORT_LABELS(port),
		{ "mac", format_mac(mac, port->port.mac) },
		{ "device", device },
		{ "vm", vm },
		{ "pid", pid },
		{ NULL, NULL }
	};

	read_port_device(port->port.name, device);
	read_vm_name(port->port.pid, vm);
	if (!*vm)
		read_comm(port->port.pid, vm);
	if (port->port.pid)
		snprintf(pid, sizeof(pid), "%d", port->port.pid);
	print_count(to, name, labels, 1);
}

static void print_infos(FILE *to, const struct snapshot *shot)
{
	static const char name[] = "queztl_port_info";
	const struct port *port;

	begin_metric(to, name, GAUGE,
		     "Address, device and user of the port; always 1.");
	for (size_t at = 0; (port = next_port(shot, &at));)
		print_port_info(to, name, port);
}

void print_port_metrics(FILE *to, const struct snapshot *shot)
{
	print_infos(to, shot);
	print_states(to, shot);
	print_mode(to, shot, "queztl_port_link_up",
		   "1 if the link of the port is set up, 0 if down.",
		   QUEZTL_PORT_LINK_DOWN, false);
	print_mode(to, shot, "queztl_port_uplink",
		   "1 if the port is the uplink of its fabric.",
		   QUEZTL_PORT_UPLINK, true);
	print_counts(to, shot);
	print_drops(to, shot);
}
