// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "busiest.h"
#include "memory.h"

static uint64_t count_frames(const struct port *port)
{
	return port->stats.tx_packets + port->stats.rx_packets;
}

static uint64_t count_since(const struct snapshot *before,
			    const struct port *port)
{
	const struct port *old = find_port(before, port->port.id);

	return count_frames(port) - (old ? count_frames(old) : 0);
}

static int compare_ports(const void *a, const void *b, void *before)
{
	uint64_t x = count_since(before, a), y = count_since(before, b);

	return x < y ? 1 : x > y ? -1 : strcmp(((const struct port *)a)->port.name,
					       ((const struct port *)b)->port.name);
}

struct snapshot choose_busiest(const struct snapshot *before,
			       const struct snapshot *now, size_t n)
{
	struct snapshot chosen = {
		.time_ns = now->time_ns, .port_count = now->port_count };

	if (!now->port_count)
		return chosen;
	chosen.ports = grow(NULL, now->port_count * sizeof(*now->ports));
	memcpy(chosen.ports, now->ports, now->port_count * sizeof(*now->ports));
	qsort_r(chosen.ports, chosen.port_count, sizeof(*chosen.ports),
		compare_ports, (void *)before);
	if (chosen.port_count > n)
		chosen.port_count = n;
	return chosen;
}
